"""Tuples, lists and dicts of tensors, one inside another, as the arguments of a function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.engine.value import of_parts
from minigrad.errors import ShapeError


def is_container(x: Any) -> bool:
    """Whether an argument holds tensors, and is not itself the data of one, such as a list of numbers."""
    return isinstance(x, (tuple, dict)) or (
        isinstance(x, list) and any(isinstance(each, (Tensor, np.ndarray)) or is_container(each) for each in x)
    )


def leaves(x: Any) -> list[Any]:
    """Return the tensors of a structure in order."""
    if not is_container(x):
        return [x]
    return [leaf for each in (x.values() if isinstance(x, dict) else x) for leaf in leaves(each)]


def _parts(x: Any) -> dict[Any, Any]:
    """Return the parts of a structure by key or index."""
    return x if isinstance(x, dict) else dict(enumerate(x)) if isinstance(x, (list, tuple)) else {}


def matched(v: Any, x: Any) -> list[Any]:
    """Return the leaves of ``v`` in the order of those of ``x``, which has the same structure."""
    if not is_container(x):
        return [v]
    parts, directions = _parts(x), _parts(v)
    if directions.keys() != parts.keys():
        got = list(directions) if directions else repr(v)
        raise ShapeError(f"v must have one direction for each argument: {list(parts)} expected, got {got}")
    return [leaf for key, part in parts.items() for leaf in matched(directions[key], part)]


def like(x: Any, values: Any) -> Any:
    """Return values in the structure of ``x``."""
    return _filled(x, iter(values))


def _filled(x: Any, values: Iterator[Any]) -> Any:
    if not is_container(x):
        return next(values)
    return of_parts(lambda part: _filled(part, values), x)
