"""MLP: the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from minigrad.errors import ArgumentError
from minigrad.nn.activation import ReLU
from minigrad.nn.checks import number_between
from minigrad.nn.container import Sequential
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module


class MLP(Sequential):
    """Linear layers with an activation between each two; the last gives the logits as they are.

    Args:
        sizes: the width of the input, of each hidden layer and of the output.
        activation: makes the module after each hidden layer, such as ``nn.ReLU``.
        dropout: the probability of the dropout after each activation; 0 adds none.
        dtype: of the parameters.
        rng: draws the initial values; the default generator if None.

    Raises:
        ArgumentError: when there are fewer than two sizes, or one is not a positive integer.

    >>> from minigrad import nn
    >>> nn.MLP([784, 512, 10])
    MLP(
      (0): Linear(in_features=784, out_features=512)
      (1): ReLU()
      (2): Linear(in_features=512, out_features=10)
    )  # 407,050 parameters
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[], Module] = ReLU,
        dropout: float = 0.0,
        *,
        dtype: npt.DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        if not isinstance(sizes, (list, tuple)) or len(sizes) < 2:
            raise ArgumentError(f"MLP: sizes are a list of at least two widths, such as [784, 512, 10]; got {sizes!r}")
        number_between("MLP", "dropout", dropout, 0, 1)
        if not callable(activation) or isinstance(activation, Module):
            raise ArgumentError(
                f"MLP: activation makes a module for each layer: pass the class, such as nn.ReLU, got {activation!r}"
            )
        super().__init__()
        for width, following in pairwise(sizes[:-1]):
            self.append(Linear(width, following, dtype=dtype, rng=rng))
            self.append(activation())
            if dropout:
                self.append(Dropout(dropout, rng=rng))
        self.append(Linear(sizes[-2], sizes[-1], dtype=dtype, rng=rng))
