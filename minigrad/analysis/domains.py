"""A domain to draw points from: a range for each coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import ArgumentError, DtypeError, ShapeError

Floats = npt.NDArray[np.float64]

EDGE = 1e-6  # of the width: a function may have no value on the boundary itself


@dataclass(frozen=True)
class Box:
    """A range for each coordinate, float64 of shape ``(d,)``, and the shape of a point: ``(d,)``, or ``()`` for one."""

    low: Floats
    high: Floats
    shape: tuple[int, ...]

    @property
    def width(self) -> Floats:
        """The length of each range."""
        return self.high - self.low

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw ``n`` points, evenly, as rows."""
        return rng.uniform(self.low, self.high, (n, len(self.low)))

    def inside(self, points: Floats) -> Floats:
        """Move points to just inside the boundary where they are beyond it."""
        edge = EDGE * self.width
        return np.clip(points, self.low + edge, self.high - edge)


def box_of(function: str, domain: Any) -> Box:
    """Return the domain that a user gave to a function.

    Args:
        function: its name, for errors.
        domain: ``(low, high)``, or a list of one for each coordinate.

    Raises:
        ArgumentError: when a bound is not finite, or a range is empty.
        DtypeError: when it holds no real numbers.
        ShapeError: when it has another shape.
    """
    expected = f"{function}: domain must be (low, high), or a list of one (low, high) for each coordinate"
    try:
        bounds = np.asarray(domain)
    except ValueError:  # ragged
        raise ShapeError(f"{expected}, got {domain!r}") from None
    if bounds.dtype.kind not in "biuf":
        raise DtypeError(f"{function}: domain must hold real numbers, got {domain!r}")
    if bounds.shape != (2,) and (bounds.ndim != 2 or bounds.shape[1] != 2 or not len(bounds)):
        raise ShapeError(f"{expected}, got {domain!r}")
    low, high = bounds.astype(np.float64).reshape(-1, 2).T
    if not np.all(np.isfinite(low) & np.isfinite(high) & (low < high)):
        raise ArgumentError(f"{function}: domain needs finite bounds with low < high, got {domain!r}")
    return Box(low, high, bounds.shape[:-1])


def shown(point: Floats) -> str:
    """Return a point in a few digits."""
    return np.array2string(point, precision=4, separator=", ", threshold=8)
