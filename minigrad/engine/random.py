"""The default generator: what draws random numbers uses it, unless it is given ``rng=``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DtypeError


class _Default:
    generator: np.random.Generator | None = None  # made at the first use: none is needed to import


def seed(n: int) -> None:
    """Start the default generator anew, so that a run can be repeated.

    Args:
        n: any non-negative integer.

    Raises:
        ArgumentError: when ``n`` is not a non-negative integer.

    >>> import minigrad as mg
    >>> mg.seed(0)
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        raise ArgumentError(f"seed() needs a non-negative integer, got {n!r}")
    _Default.generator = np.random.default_rng(int(n))


def uniform(shape: tuple[int, ...], rng: np.random.Generator | None = None) -> Any:
    """Draw single-precision numbers, evenly from 0 to 1."""
    return generator(rng).random(shape, np.float32)


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """Return ``rng``, or the default generator if it is None.

    Raises:
        DtypeError: when ``rng`` is something else.
    """
    if rng is None:
        if _Default.generator is None:
            _Default.generator = np.random.default_rng()
        return _Default.generator
    if not isinstance(rng, np.random.Generator):
        raise DtypeError(f"rng= needs a numpy.random.Generator, such as np.random.default_rng(0), got {rng!r}")
    return rng
