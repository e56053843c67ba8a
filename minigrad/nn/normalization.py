"""Layers that normalise: over the batch, or over each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.checks import check_flag
from minigrad.engine.arrays import check_dtype
from minigrad.engine.tensor import Tensor
from minigrad.nn import functional
from minigrad.nn.checks import axis_lengths, number_between, positive_integer
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class BatchNorm1d(Module):
    """Normalise each channel of ``(N, C)`` or ``(N, C, L)`` over the batch (Ioffe and Szegedy, 2015).

    In training the batch's own statistics are used, and running ones are kept for evaluation.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: the share of each batch in the running statistics; None gives all batches the same share.
        affine: whether to learn a scale and a shift.
        track_running_stats: whether to keep running statistics; else evaluation uses the batch too.
        dtype: of the parameters and the statistics.

    Raises:
        ArgumentError: when ``num_features`` is not a positive integer, or momentum is not from 0 to 1.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.BatchNorm1d(1)(mg.tensor([[1.0], [3.0]])).data.tolist()[1][0] > 0.99
    True
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.num_features = positive_integer("BatchNorm1d", "num_features", num_features)
        self.eps = number_between("BatchNorm1d", "eps", eps, 0)
        self.momentum = None if momentum is None else number_between("BatchNorm1d", "momentum", momentum, 0, 1)
        dtype, affine = check_dtype(dtype), check_flag("BatchNorm1d: affine", affine)
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine else None
        if check_flag("BatchNorm1d: track_running_stats", track_running_stats):
            self.register_buffer("running_mean", np.zeros(num_features, dtype))
            self.register_buffer("running_var", np.ones(num_features, dtype))
            self.register_buffer("num_batches_tracked", np.array(0))
        else:
            self.running_mean = self.running_var = None
            self.num_batches_tracked = Tensor(np.array(0))

    def forward(self, x: Any) -> Tensor:
        """Return the normalised batch."""
        share = 1 / (int(self.num_batches_tracked) + 1) if self.momentum is None else self.momentum
        normal = functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, self.training, share, self.eps
        )
        if self.training and self.running_mean is not None:
            self.num_batches_tracked.data = self.num_batches_tracked._array + 1
        return normal

    def extra_repr(self) -> str:
        """Return the number of channels."""
        return f"{self.num_features}"


class LayerNorm(Module):
    """Normalise each sample over its last axes (Ba et al., 2016).

    Args:
        normalized_shape: the lengths of those axes.
        eps: added to the variance.
        elementwise_affine: whether to learn a scale for each element.
        bias: whether to learn a shift too.
        dtype: of the parameters.

    Raises:
        ArgumentError: when a length is not a positive integer.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.LayerNorm(2)(mg.tensor([[1.0, 3.0]])).data.round(3).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape = axis_lengths("LayerNorm", "normalized_shape", normalized_shape)
        self.eps = number_between("LayerNorm", "eps", eps, 0)
        dtype, affine = check_dtype(dtype), check_flag("LayerNorm: elementwise_affine", elementwise_affine)
        shifted = check_flag("LayerNorm: bias", bias) and affine
        self.weight = Parameter(np.ones(self.normalized_shape, dtype)) if affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype)) if shifted else None

    def forward(self, x: Any) -> Tensor:
        """Return the normalised samples."""
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the lengths."""
        return f"{self.normalized_shape}"
