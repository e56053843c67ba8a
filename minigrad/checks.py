"""Checks of arguments that several parts of the package share."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DtypeError

MOST = 2**31  # of anything that is counted: no array could hold more


def check_flag(name: str, value: Any) -> bool:
    """Return a boolean argument.

    Raises:
        DtypeError: when it is anything else; a forgotten comma must not switch something on.
    """
    if type(value) is bool:  # the usual case
        return value
    if not isinstance(value, np.bool_):
        raise DtypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_integer(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    """Return an integer argument as a Python int.

    Raises:
        ArgumentError: when it is no integer, smaller than ``least`` or larger than ``most``.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        kind = {0: "a non-negative integer", 1: "a positive integer"}.get(least, f"an integer of at least {least}")
        raise ArgumentError(f"{name} must be {kind}, got {value!r}")
    if most is not None and value > most:
        raise ArgumentError(f"{name} must be an integer of at most {most:,}, got one of {int(value).bit_length()} bits")
    return int(value)


def check_non_negative(name: str, value: Any) -> float:
    """Return a real argument as a float.

    Raises:
        ArgumentError: when it is no number, negative or not finite.
    """
    number = as_float(value)
    if not 0 <= number < math.inf:  # nan is between no two numbers
        raise ArgumentError(f"{name} must be a finite number, zero or more, got {value!r}")
    return number


def check_positive(name: str, value: Any) -> float:
    """Return a real argument as a float.

    Raises:
        ArgumentError: when it is not a number, not above 0, or not finite.
    """
    number = as_float(value)
    if not 0 < number < math.inf:
        raise ArgumentError(f"{name} must be a positive finite number, got {value!r}")
    return number


def as_float(value: Any) -> float:
    """Return a real number as a float: nan if it is not a number, infinity if it is too large."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # of an integer
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


def axis_number(owner: str, name: str, value: Any) -> int:
    """Return the number of an axis.

    Raises:
        DtypeError: when it is not an integer.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise DtypeError(f"{owner}: {name} must be an integer, got {value!r}")
    return int(value)


def is_iterable(value: Any) -> bool:
    """Whether a value can be gone through: an array without axes has ``__iter__``, and so has a class, and cannot."""
    return hasattr(value, "__iter__") and not isinstance(value, type) and getattr(value, "ndim", 1) != 0


def one_of(owner: str, name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return the value if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{owner}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return str(value)
