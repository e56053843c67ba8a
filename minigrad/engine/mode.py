"""The state of the current context: whether operations are recorded, who observes them, which module is being called.

Each is a context variable, so each thread and each task has its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, overload

from minigrad.errors import ArgumentError, GraphError

F = TypeVar("F", bound=Callable[..., Any])

_recording: ContextVar[bool] = ContextVar("minigrad_recording", default=True)
_outer: ContextVar[tuple[bool, ...]] = ContextVar("minigrad_outer_modes", default=())
_transforming: ContextVar[bool] = ContextVar("minigrad_transforming", default=False)
_scope: ContextVar[str] = ContextVar("minigrad_scope", default="")
_observers: ContextVar[tuple[Observer, ...]] = ContextVar("minigrad_observers", default=())

is_recording = _recording.get  # whether operations are recorded
current_scope = _scope.get  # the path of the module that is being called
enter_scope, leave_scope = _scope.set, _scope.reset
observers = _observers.get

# --- recording


class GradMode(ContextDecorator):
    """Switches recording on or off for a ``with`` block, or for a function that it decorates."""

    def __init__(self, recording: bool) -> None:
        self.recording = recording

    # a stack in each context: one object, as of a decorator, may be entered by several threads at once
    def __enter__(self) -> None:
        _outer.set((*_outer.get(), _recording.get()))
        _recording.set(self.recording)

    def __exit__(self, *problem: object) -> None:
        outer = _outer.get()
        if not outer:
            raise GraphError(
                "a no_grad or enable_grad block was entered in one thread or task and left in another; enter and leave "
                "the block in the same one"
            )
        _outer.set(outer[:-1])
        _recording.set(outer[-1])

    def __call__(self, function: F) -> F:
        """Decorate a function, so that each of its calls runs in such a block."""
        if not callable(function):
            raise ArgumentError(
                f"no_grad and enable_grad decorate functions, got {function!r}; write `with no_grad():`"
            )
        kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        if any(kind(function) for kind in kinds):
            raise ArgumentError(
                f"cannot decorate {function.__qualname__}: it runs in pieces, between which the caller's own "
                "mode would change; use a `with` block inside it"
            )
        return super().__call__(function)


@overload
def no_grad(function: None = None) -> GradMode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Record nothing: for evaluation, and for updating parameters by hand.

    A context manager, and a decorator with or without parentheses.

    Raises:
        ArgumentError: when it decorates a generator or a coroutine, where it would not hold.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> with mg.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """
    return GradMode(False) if function is None else GradMode(False)(function)


@overload
def enable_grad(function: None = None) -> GradMode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: Any = None) -> Any:
    """Record again inside a ``no_grad`` block; used as ``no_grad`` is.

    Raises:
        ArgumentError: when it decorates a generator or a coroutine, where it would not hold.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> with mg.no_grad(), mg.enable_grad():
    ...     y = w * 2
    >>> y.requires_grad
    True
    """
    return GradMode(True) if function is None else GradMode(True)(function)


@contextmanager
def transforming() -> Iterator[None]:
    """Run the function of a transform: operations in it, and derivatives taken in it, are recorded."""
    token = _transforming.set(True)
    try:
        with GradMode(True):
            yield
    finally:
        _transforming.reset(token)


def records_derivatives() -> bool:
    """Whether derivatives are recorded without being asked to: inside the function of a transform."""
    return _transforming.get() and _recording.get()


# --- observers


class Observer:
    """Sees what happens in a block; a subclass defines the methods for what it wants to see."""

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], result: Any) -> None:
        """Called after each operation with its arguments and its result, a tensor."""

    def leaf(self, tensor: Any) -> None:
        """Called when a tensor becomes a leaf that requires a gradient."""

    def backward(self, output: Any, steps: Iterator[Any]) -> Iterator[Any]:
        """Called when a backward pass starts; returns an iterator that passes its steps on."""
        return steps

    def grad(self, output: Any, steps: Iterator[Any]) -> Iterator[Any]:
        """Called when a pass of ``mg.grad`` starts, which adds to no ``.grad``; unless defined, as ``backward``."""
        return self.backward(output, steps)

    def before_update(self, optimizer: object, parameters: Iterable[Any]) -> None:
        """Called when an optimizer is about to update its parameters."""

    def after_update(self, optimizer: object, parameters: Iterable[Any]) -> None:
        """Called when an optimizer has updated its parameters."""


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Let an observer see what runs in a block, in this thread, beside those that are there already."""
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)


@contextmanager
def unobserved() -> Iterator[None]:
    """Hide a block from all observers, such as a step on a copy that is run only to be shown."""
    token = _observers.set(())
    try:
        yield
    finally:
        _observers.reset(token)
