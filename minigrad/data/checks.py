"""Checks of arguments that several parts of the package share."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DtypeError


def check_flag(name: str, value: Any) -> bool:
    """Return a boolean argument.

    Raises:
        DtypeError: when it is anything else; a forgotten comma must not switch something on.
    """
    if not isinstance(value, (bool, np.bool_)):
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
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not 0 <= value <= sys.float_info.max:  # nan is between no two numbers
        raise ArgumentError(f"{name} must be a finite number, zero or more, got {value!r}")
    return float(value)
