"""The scope of a module, without the module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.engine.mode import enter_scope, leave_scope


@contextmanager
def module_scope(path: str) -> Iterator[None]:
    """Mark what is recorded in a block as made by the module of this path."""
    token = enter_scope(path)
    try:
        yield
    finally:
        leave_scope(token)
