"""What users hand over to be called: a loss, a model, a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from minigrad.errors import UnknownArgumentError


def call(expected: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a user's function; say what was expected if it takes other arguments.

    Raises:
        UnknownArgumentError: when the call does not fit the function's signature, so that nothing in it has run.
    """
    try:
        return function(*args)
    except TypeError as problem:
        if fits(function, *args):
            raise
        raise UnknownArgumentError(f"{expected}: {problem}") from None


def fits(function: Callable[..., Any], *args: Any) -> bool:
    """Return whether a function takes these arguments; true where it does not say."""
    called = getattr(function, "forward", function)  # a module's own call takes anything
    try:
        # a decorator may take other arguments than what it wraps
        signature = inspect.signature(called, follow_wrapped=False)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*args)
    except TypeError:
        return False
    return True


def kind_of(value: Any) -> str:
    """Return what a value is, in a few words and without its contents."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
