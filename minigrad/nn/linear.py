"""Linear: the fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.checks import check_flag
from minigrad.engine.arrays import check_dtype
from minigrad.engine.tensor import Tensor
from minigrad.nn import init
from minigrad.nn.checks import positive_integer
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.linalg import linear


class Linear(Module):
    """``y = x @ weight.T + bias``, with the weight of shape ``(out_features, in_features)`` as PyTorch's.

    Both start uniform in ``±1 / sqrt(in_features)``, PyTorch's default.

    Args:
        in_features: the length of the last axis of the input.
        out_features: the length of the last axis of the output.
        bias: whether to add a learned bias.
        dtype: of the parameters.
        rng: draws the initial values; the default generator if None.

    Raises:
        ArgumentError: when a size is not a positive integer.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Linear(3, 2)(mg.zeros((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.in_features = positive_integer("Linear", "in_features", in_features)
        self.out_features = positive_integer("Linear", "out_features", out_features)
        bound = in_features**-0.5
        self.weight = Parameter(np.empty((out_features, in_features), check_dtype(dtype)))
        init.uniform_(self.weight, -bound, bound, rng=rng)
        self.bias = Parameter(np.empty(out_features, self.weight.dtype)) if check_flag("Linear: bias", bias) else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, rng=rng)

    def forward(self, x: Any) -> Tensor:
        """Map ``(..., in_features)`` to ``(..., out_features)``."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        bias = "" if self.bias is not None else ", bias=False"
        return f"in_features={self.in_features}, out_features={self.out_features}{bias}"
