"""The points at which functions are looked at."""

from __future__ import annotations

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.errors import ArgumentError


def finite_point(owner: str, point: Array) -> Array:
    """Return a point whose elements are all finite.

    Raises:
        ArgumentError: when one is not.
    """
    if not np.isfinite(point).all():
        raise ArgumentError(f"{owner}: x must be finite, it contains inf or nan")
    return point
