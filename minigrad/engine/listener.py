"""Listening to what runs: a backward pass step by step, and an optimizer's update of each parameter."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

if TYPE_CHECKING:
    from minigrad.engine.tensor import Tensor
    from minigrad.engine.walk import Step


P = ParamSpec("P")
R = TypeVar("R")


class Listener:
    """Is told what happens while it listens; a new one defines what it wants to hear."""

    def backward(self, output: Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        """Hear a backward pass: return an iterator that passes its steps on."""
        return steps

    def hear(self, reason: str) -> None:
        """Hear of something that cannot be replayed, and why."""

    def operands(self, arrays: list[Any]) -> list[Any]:
        """Return what an operation is to compute on, within ``recording_calls``."""
        return arrays

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        """Hear of an operation, within ``recording_calls``."""

    def array_read(self, what: str) -> None:
        """Hear, within ``recording_calls``, that somebody takes the array of a tensor or changes it."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator | None) -> Any:
        """Draw uniform numbers from 0 to 1 for who asks within ``recording_calls``; None leaves it to the asker."""
        return None

    def whole(self, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Hear of a function that is one thing to a listener, whatever it does inside; call it."""
        return function(*args, **options)

    def before_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Hear that an optimizer is about to update its parameters."""

    def after_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Hear that an optimizer has updated its parameters."""


_listener: ContextVar[Listener | None] = ContextVar("minigrad_listener", default=None)

current_listener = _listener.get


def heard_operands(arrays: list[Any]) -> list[Any]:
    """Return what the listener lets an operation compute on."""
    listener = current_listener()
    return arrays if listener is None else listener.operands(arrays)


def hear_operation(primitive: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    """Tell the listener of an operation."""
    listener = current_listener()
    if listener is not None:
        listener.operation(primitive, inputs, options, out)


def hear_array_read(what: str) -> None:
    """Tell the listener that somebody takes the array of a tensor or changes it."""
    listener = current_listener()
    if listener is not None:
        listener.array_read(what)


def as_a_whole(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that changes tensors, and reads values on the way: a listener hears of it as one thing."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **options: P.kwargs) -> R:
        listener = current_listener()
        if listener is None:
            return function(*args, **options)
        return listener.whole(function, args, options)  # type: ignore[no-any-return]

    return wrapper


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a listener hear what runs in a block, in this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
