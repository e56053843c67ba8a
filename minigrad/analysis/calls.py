"""What users hand over: functions that are called, and names that are looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from minigrad.engine.calls import call as call
from minigrad.engine.calls import fits as fits
from minigrad.engine.calls import kind_of as kind_of
from minigrad.engine.tensor import Tensor
from minigrad.errors import (
    DtypeError,
    GraphError,
    UnknownAttributeError,
    checked_arguments,
    suggest,
)

Class = TypeVar("Class", bound=type)


def scalar_loss(owner: str, value: Any) -> Tensor:
    """Return what a user's loss returned, if it is a scalar tensor."""
    if not isinstance(value, Tensor):
        raise DtypeError(f"{owner}: the loss must return a scalar tensor, it returned {type(value).__name__}")
    if value.size != 1:
        raise GraphError(
            f"{owner}: the loss must be a scalar, it has shape {value.shape} (reduction='none'?); use its mean"
        )
    return value


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
