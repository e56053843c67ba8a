"""Modules that only rearrange, or do nothing."""

from __future__ import annotations

from typing import Any

from minigrad.checks import axis_number
from minigrad.engine.tensor import Tensor
from minigrad.nn import functional
from minigrad.nn.module import Module


class Flatten(Module):
    """Make the axes from ``start_axis`` to ``end_axis`` one; by default all but the batch's.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Flatten()(mg.zeros((5, 8, 8))).shape
    (5, 64)
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis = axis_number("Flatten", "start_axis", start_axis)
        self.end_axis = axis_number("Flatten", "end_axis", end_axis)

    def forward(self, x: Any) -> Tensor:
        """Return the elements in fewer axes."""
        return functional.flatten(x, self.start_axis, self.end_axis)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_axis={self.start_axis}, end_axis={self.end_axis}"


class Identity(Module):
    """Return the input as it is: a place that another module may take.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Identity()(mg.tensor([1.0]))
    tensor([1.])
    """

    def forward(self, x: Any) -> Any:
        """Return ``x``."""
        return x
