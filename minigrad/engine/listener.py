"""Listening to what runs: operations, the steps of a backward pass, and an optimizer's updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minigrad.engine.tensor import Tensor
    from minigrad.engine.walk import Step


class Listener:
    """Is told what happens while it listens; a new one defines what it wants to hear."""

    def backward(self, output: Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        """Hear a backward pass: return an iterator that passes its steps on."""
        return steps

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        """Hear of an operation, within ``reporting_operations``."""

    def before_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Hear that an optimizer is about to update its parameters."""

    def after_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Hear that an optimizer has updated its parameters."""


_listener: ContextVar[Listener | None] = ContextVar("minigrad_listener", default=None)

current_listener = _listener.get


def hear_operation(primitive: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    """Tell the listener of an operation."""
    listener = current_listener()
    if listener is not None:
        listener.operation(primitive, inputs, options, out)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a listener hear what runs in a block, in this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
