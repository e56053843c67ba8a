"""A model's buffers, such as running statistics, kept while it is only measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.nn.module import Module


@contextmanager
def keeping_buffers(model: Module | None) -> Iterator[None]:
    """Restore every buffer of the model, if there is one, at the end of the block."""
    kept = [] if model is None else [(buffer, buffer._array.copy()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, values in kept:
            buffer.data = values
