"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.nn import functional
from minigrad.nn.checks import number_between
from minigrad.nn.module import Module


class Dropout(Module):
    """In training, set each element to 0 with probability ``p`` and scale the others by ``1 / (1 - p)``.

    Args:
        p: the probability, from 0 to 1.
        rng: draws the elements; the default generator if None.

    Raises:
        ArgumentError: when ``p`` is no probability.
        DtypeError: when ``rng`` is no generator.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Dropout(0.5).eval()(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        self.p = number_between("Dropout", "p", p, 0, 1)
        self.rng = None if rng is None else generator(rng)

    def forward(self, x: Any) -> Tensor:
        """Return the elements that stay, scaled."""
        return functional.dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p:g}"
