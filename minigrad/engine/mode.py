"""What holds for the code that runs now: what does it record, and inside which module?

Two context variables, so each thread and each task has its own, and leaving a
``with`` block by an exception restores them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager, suppress
from contextvars import ContextVar, Token
from typing import Any, TypeVar, overload

from minigrad.errors import ArgumentError, GraphError, checked_arguments

F = TypeVar("F", bound=Callable[..., Any])


# what an operation does besides computing, as bits: record a node, note the user's line, tell the listener
GRAPH, LINES, OPERATIONS = 1, 2, 4

_records: ContextVar[int] = ContextVar("minigrad_records", default=GRAPH)
_scope: ContextVar[str] = ContextVar("minigrad_scope", default="")

# plain names for what each operation asks: what to record, and the path of the module that is being called
records_now = _records.get
current_scope = _scope.get

# a module's call enters its path, and leaves it with the token that it got
enter_scope = _scope.set
leave_scope = _scope.reset


class Recording(ContextDecorator):
    """Switches recording on or off for a ``with`` block, or for a function that it decorates.

    Threads and tasks may be in a block of one object at once: each leaves it with a token of its own.
    """

    def __init__(self, records: bool) -> None:
        self.records = records
        self.tokens: list[Token[int]] = []

    def __enter__(self) -> None:
        now = _records.get()
        self.tokens.append(_records.set(now | GRAPH if self.records else now & ~GRAPH))

    def __exit__(self, *problem: object) -> None:
        token = self.tokens[-1]
        try:
            _records.reset(token)
        except (ValueError, RuntimeError):  # it is another's, who came later and is still in or about to go
            token = self._leave()
        self.tokens.remove(token)

    def _leave(self) -> Token[int]:
        """Reset the newest token that this thread, or task, has got."""
        for token in self.tokens[::-1]:
            with suppress(ValueError, RuntimeError):
                _records.reset(token)
                return token
        raise GraphError(
            "a no_grad or enable_grad block was entered in one thread or task and left in another, so the mode of the "
            "first stays as it is; enter and leave the block in the same one"
        )

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

    def _recreate_cm(self) -> Recording:
        # each call of a decorated function has tokens of its own: two threads may call it at once
        return Recording(self.records)


@contextmanager
@checked_arguments
def source_lines() -> Iterator[None]:
    """Note for each operation of a block which line of the script made it; drawings and players then show it.

    It costs a few microseconds an operation, so it is off by default; ``minigrad step`` switches it on.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> with mg.source_lines():
    ...     y = x * x
    >>> y.node.line.number
    2
    """
    token = _records.set(_records.get() | LINES)
    try:
        yield
    finally:
        _records.reset(token)


@contextmanager
def reporting_operations() -> Iterator[None]:
    """Tell the listener of a block of each operation."""
    token = _records.set(_records.get() | OPERATIONS)
    try:
        yield
    finally:
        _records.reset(token)


@overload
def no_grad(function: None = None) -> Recording: ...
@overload
def no_grad(function: F) -> F: ...
@checked_arguments
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
    return Recording(False) if function is None else Recording(False)(function)


@overload
def enable_grad(function: None = None) -> Recording: ...
@overload
def enable_grad(function: F) -> F: ...
@checked_arguments
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
    return Recording(True) if function is None else Recording(True)(function)
