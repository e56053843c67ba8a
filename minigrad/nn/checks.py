"""Checks that constructors and losses share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.checks import MOST
from minigrad.errors import ArgumentError


def positive_integer(owner: str, name: str, value: Any) -> int:
    """Return the value if it is an integer above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"{owner}: {name} must be a positive integer, got {value!r}")
    if value > MOST:
        bits = int(value).bit_length()
        raise ArgumentError(f"{owner}: {name} must be an integer of at most 2**31, got one of {bits} bits")
    return int(value)


def axis_lengths(owner: str, name: str, value: Any) -> tuple[int, ...]:
    """Return one length, or several in a tuple or list, as a tuple."""
    lengths = value if isinstance(value, (tuple, list)) else (value,)
    if not lengths:
        raise ArgumentError(f"{owner}: {name} must have at least one length, got {value!r}")
    return tuple(positive_integer(owner, name, length) for length in lengths)


def finite_number(owner: str, name: str, value: Any) -> float:
    """Return the value if it is a number, neither infinite nor nan."""
    plain = number_between(owner, name, value, -math.inf)
    if not math.isfinite(plain):
        raise ArgumentError(f"{owner}: {name} must be a finite number, got {value!r}")
    return plain


def number_between(owner: str, name: str, value: Any, low: float, high: float = math.inf) -> float:
    """Return the value if it is a number from ``low`` to ``high``, both included."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # nan is between no two numbers
        expected = (
            f" from {low:g} to {high:g}" if high < math.inf else f" of at least {low:g}" if low > -math.inf else ""
        )
        raise ArgumentError(f"{owner}: {name} must be a number{expected}, got {value!r}")
    try:
        return float(value)
    except OverflowError as problem:
        raise ArgumentError(f"{owner}: {name} is too large: {problem}") from None
