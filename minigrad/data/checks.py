"""Checks of arguments that several parts of the package share."""

from __future__ import annotations

import math
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


def check_integer(name: str, value: Any, *, least: int) -> int:
    """Return an integer argument as a Python int.

    Raises:
        ArgumentError: when it is no integer, or smaller than ``least``.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        kind = {0: "a non-negative integer", 1: "a positive integer"}.get(least, f"an integer of at least {least}")
        raise ArgumentError(f"{name} must be {kind}, got {value!r}")
    return int(value)


def check_non_negative(name: str, value: Any) -> float:
    """Return a real argument as a float.

    Raises:
        ArgumentError: when it is no number, negative or not finite.
    """
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ArgumentError(f"{name} must be a finite number, zero or more, got {value!r}")
    return float(value)
