"""What users' functions get and give: read-only views of their arguments, and copies of their results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.value import Value, of_parts, read_only
from minigrad.errors import RuleError


def protected(function: Callable[..., Any], title: str, names: Sequence[str]) -> Callable[..., Any]:
    """Wrap a user's function: it receives read-only views of arrays, and what it returns is copied.

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
            written = _written(function, arguments, options, names) if "read-only" in str(problem) else ""
            if not written:
                raise
            raise RuleError(
                f"{title} writes into its argument {written!r}, which others use too; compute a new array instead, "
                "such as np.where(mask, new, old)"
            ) from problem
        return _copied(result)

    return call


def returns_array(function: Callable[..., Any], name: str, keeps: bool) -> Callable[..., Any]:
    """Return a user's function with an error where it does not return an array of numbers, beside what it keeps."""

    @functools.wraps(function)
    def call(*arrays: Any, **options: Any) -> Any:
        result = function(*arrays, **options)
        out, kept = result if keeps else (result, None)
        array = None if out is None or isinstance(out, (tuple, list)) else np.asanyarray(out)
        if array is None or array.dtype.kind not in "biuf":
            what = f"a {type(out).__name__} of {len(out)}" if isinstance(out, (tuple, list)) else repr(out)
            raise RuleError(f"{name} must return one array of real numbers or booleans, it returned {what:.80}")
        return (array, kept) if keeps else array

    return call


def _given(argument: Any) -> Any:
    """Return an argument for a user's function: of an array a read-only view, of a tensor one that it may change."""
    if isinstance(argument, (tuple, list, dict)):
        return of_parts(_given, argument)
    if isinstance(argument, Value):  # for a rule, where the backward pass is recorded
        tensor: Any = type(argument)
        return tensor(argument.capture(), argument.node, captured=True)
    return read_only(argument)


def _copied(result: Any) -> Any:
    return result.copy("K") if isinstance(result, np.ndarray) else of_parts(_copied, result)


def _written(
    function: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any], names: Sequence[str]
) -> str:
    """Return the name of the argument that a function writes into: a call fails if that alone is read-only."""
    named = {str(position): value for position, value in enumerate(arguments)} | options
    copies = {key: _copied(value) for key, value in named.items()}

    def fails(given: dict[str, Any]) -> bool:
        positional = [given[str(position)] for position in range(len(arguments))]
        try:
            function(*positional, **{name: given[name] for name in options})
        except ValueError as problem:
            return "read-only" in str(problem)
        return False

    written = next((key for key in named if fails(copies | {key: read_only(named[key])})), "")
    if not written or fails(copies):  # then it is not an argument
        return ""
    return written if written in options else names[min(int(written), len(names) - 1)]
