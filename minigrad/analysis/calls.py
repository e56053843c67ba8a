"""What users hand over: functions that are called, and names that are looked up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from minigrad.engine.tensor import Tensor
from minigrad.errors import (
    DtypeError,
    GraphError,
    UnknownArgumentError,
    UnknownAttributeError,
    checked_arguments,
    suggest,
)
from minigrad.nn.module import Module

Class = TypeVar("Class", bound=type)


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
    called = function.forward if isinstance(function, Module) else function
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


def scalar_loss(owner: str, value: Any) -> Tensor:
    """Return what a user's loss returned, if it is a scalar tensor."""
    if not isinstance(value, Tensor):
        raise DtypeError(f"{owner}: the loss must return a scalar tensor, it returned {type(value).__name__}")
    if value.size != 1:
        raise GraphError(
            f"{owner}: the loss must be a scalar, it has shape {value.shape} (reduction='none'?); use its mean"
        )
    return value


def kind_of(value: Any) -> str:
    """Return what a value is, in a few words and without its contents."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def checked_constructor(made: Class) -> Class:
    """Let a dataclass explain a call with wrong arguments, as ``checked_arguments`` does for a function."""
    setattr(made, "__init__", checked_arguments(vars(made)["__init__"]))  # noqa: B010
    return made


def unknown_name(module: str, names: Mapping[str, Any], *others: str) -> Callable[[str], Any]:
    """Return a module's ``__getattr__``: an error that names which function, class or other thing was meant."""

    def missing(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        own = [
            known
            for known, value in names.items()
            if not known.startswith("_") and callable(value) and value.__module__.startswith("minigrad.analysis")
        ]
        raise UnknownAttributeError(f"{module} has no attribute {name!r}{suggest(name, [*own, *others])}")

    return missing
