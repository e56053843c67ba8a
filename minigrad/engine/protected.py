"""What users' functions get and give: read-only views of their arguments, and copies of their results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.value import Value, of_parts, read_only
from minigrad.errors import RuleError


def protected(function: Callable[..., Any], title: str, names: Sequence[str]) -> Callable[..., Any]:
    """Return a user's function of arrays that cannot write into its arguments, nor into its result later.

    Args:
        function: a function that is to be differentiated, or a rule.
        title: what errors call it.
        names: of its positional arguments.
    """

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            result = function(*map(_given, arguments), **{name: read_only(o) for name, o in options.items()})
        except ValueError as problem:
            if "read-only" not in str(problem):
                raise
            written = _written(function, arguments, options, names)
            raise RuleError(
                f"{title} writes into its argument {written!r}, which others use too; compute a new array instead, "
                "such as np.where(mask, new, old)"
            ) from problem
        return _own_arrays(result)

    return call


def _given(argument: Any) -> Any:
    """Return an argument for a user's function: of an array a read-only view, of a tensor one that it may change."""
    if isinstance(argument, (tuple, list, dict)):
        return of_parts(_given, argument)
    if isinstance(argument, Value):  # for a rule, where the backward pass is recorded
        tensor: Any = type(argument)
        return tensor(argument.capture(), argument.node, captured=True)
    return read_only(argument)


def _own_arrays(result: Any) -> Any:
    return result.copy("K") if isinstance(result, np.ndarray) else of_parts(_own_arrays, result)


def _written(
    function: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any], names: Sequence[str]
) -> str:
    """Return the name of the argument that a function writes into: the one without which a call on copies succeeds."""
    named = {str(place): value for place, value in enumerate(arguments)} | options
    for key, value in named.items():
        if not isinstance(value, (np.ndarray, tuple, list, dict)):
            continue
        tried = {k: read_only(v) if k == key else _own_arrays(v) for k, v in named.items()}
        try:
            function(*[tried[str(place)] for place in range(len(arguments))], **{name: tried[name] for name in options})
        except ValueError as problem:
            if "read-only" in str(problem):
                return key if key in options else names[min(int(key), len(names) - 1)]
    return ""
