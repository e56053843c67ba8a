"""Checks that constructors and losses share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError


def positive_integer(owner: str, name: str, value: Any) -> int:
    """Return the value if it is an integer above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"{owner}: {name} must be a positive integer, got {value!r}")
    return int(value)


def number_between(owner: str, name: str, value: Any, low: float, high: float = math.inf) -> float:
    """Return the value if it is a number from ``low`` to ``high``, both included."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # nan is between no two numbers
        expected = f"from {low:g} to {high:g}" if high < math.inf else f"of at least {low:g}"
        raise ArgumentError(f"{owner}: {name} must be a number {expected}, got {value!r}")
    return float(value)


def one_of(owner: str, name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return the value if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{owner}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return str(value)
