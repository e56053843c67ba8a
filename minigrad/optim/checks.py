"""Checks that optimizers, schedulers and clipping share. Each returns the value as a plain Python number."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.checks import check_flag
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError

# by the name of an option, a function of the owner, the name and the value, which returns the value or raises
Checks = Mapping[str, Callable[[str, str, Any], Any]]


def number(owner: str, name: str, value: Any) -> float:
    """Return a Python number: NumPy's own would turn float32 updates into float64."""
    plain: Any = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool) or not isinstance(plain, (int, float)):
        hint = f"; pass {name}.item()" if isinstance(value, (Tensor, np.ndarray)) else ""
        raise DtypeError(f"{owner}: {name} must be a number, got {value!r} ({type(value).__name__}){hint}")
    if isinstance(plain, int) and abs(plain) > sys.float_info.max:
        raise ArgumentError(f"{owner}: {name} is too large, an integer of {plain.bit_length()} bits")
    return plain if isinstance(plain, int) else float(plain)


def at_least_zero(owner: str, name: str, value: Any) -> float:
    """Return the value if it is finite and not negative."""
    plain = number(owner, name, value)
    if not 0 <= plain < math.inf:  # nan compares false
        hint = "; try one between 1e-4 and 1e-1" if name == "lr" else ""
        raise ArgumentError(f"{owner}: {name} must be a finite number of at least 0, got {plain}{hint}")
    return plain


def up_to_one(owner: str, name: str, value: Any) -> float:
    """Return the value if it lies from 0 to 1."""
    plain = number(owner, name, value)
    if not 0 <= plain <= 1:
        raise ArgumentError(f"{owner}: {name} must be at least 0 and at most 1, got {plain}")
    return plain


def below_one(owner: str, name: str, value: Any) -> float:
    """Return the value if it lies from 0 to below 1."""
    plain = number(owner, name, value)
    if not 0 <= plain < 1:
        raise ArgumentError(f"{owner}: {name} must be at least 0 and below 1, got {plain}")
    return plain


def two_below_one(owner: str, name: str, values: Any) -> tuple[float, ...]:
    """Return two values that each lie from 0 to below 1."""
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise DtypeError(f"{owner}: {name} must be two numbers such as (0.9, 0.999), got {values!r}")
    return tuple(below_one(owner, f"{name}[{index}]", value) for index, value in enumerate(values))


def whole(owner: str, name: str, value: Any, least: int) -> int:
    """Return the value if it is an integer of at least ``least``."""
    plain = number(owner, name, value)
    if not (math.isfinite(plain) and plain == int(plain) and plain >= least):
        raise ArgumentError(f"{owner}: {name} must be an integer of at least {least}, got {plain}")
    return int(plain)


def flag(owner: str, name: str, value: Any) -> bool:
    """Return the value if it is True or False."""
    return check_flag(f"{owner}: {name}", value)


def listed(owner: str, params: Any) -> list[Any]:
    """Return what an iterable of parameters gives, in its order.

    Raises:
        DtypeError: when it is no ordered iterable.
        ArgumentError: when there is nothing in it.
    """
    if isinstance(params, (Tensor, np.ndarray)):
        raise DtypeError(f"{owner}: expected an iterable of tensors, got one {type(params).__name__}; pass [tensor]")
    if isinstance(params, (set, frozenset)):
        raise DtypeError(f"{owner}: a set has no order, so state could not be saved and loaded; pass a list")
    if isinstance(params, Mapping):
        raise DtypeError(f"{owner}: expected an iterable of tensors, got a dict; pass [dict] or dict.values()")
    if not isinstance(params, Iterable):
        hint = "; pass its .parameters()" if hasattr(params, "parameters") else ""
        raise DtypeError(f"{owner}: expected an iterable of tensors, got {type(params).__name__}{hint}")
    values = list(params)
    if not values and inspect.isgenerator(params):
        raise ArgumentError(
            f"{owner}: the generator of parameters gave nothing: it was used up before, or the model has no "
            "parameters; call model.parameters() anew, or keep list(model.parameters())"
        )
    if not values:
        raise ArgumentError(
            f"{owner}: got an empty list of parameters; pass model.parameters() of a model that has some"
        )
    return values
