"""From which size on parameters are updated otherwise: figures that were measured, for speed."""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import blocks

Shape = tuple[int, ...]


class Noted(optim.Optimizer):
    """Notes the shapes that it was given, and in which threads."""

    elementwise = True

    def __init__(self, shapes: list[Shape]) -> None:
        super().__init__([mg.zeros(shape, requires_grad=True) for shape in shapes], {"lr": 0.1})
        self.shapes: list[Shape] = []
        self.threads: set[int] = set()

    def update(self, parameter: Any, gradient: Any, state: Any, group: Any) -> None:
        self.shapes.append(parameter.shape)
        self.threads.add(threading.get_ident())


def stepped(*shapes: Shape) -> Noted:
    """Return an optimizer that has made a step."""
    optimizer = Noted(list(shapes))
    for parameter in optimizer.parameters():
        parameter.grad = np.ones(parameter.shape, np.float32)
    optimizer.step()
    return optimizer


def test_a_block_has_131072_elements() -> None:
    assert stepped((512, 256)).shapes == [(512, 256)]  # as it is
    assert stepped((3, 43691)).shapes == [(131072,), (1,)]


@pytest.mark.parametrize(("shape", "threads"), [((1024, 1024), 2), ((1024 * 1024 - 1,), 1)])
def test_threads_share_a_parameter_of_1048576_elements(
    shape: Shape, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "thread_count", lambda: 2)
    optimizer = stepped(shape)
    assert sum(map(prod, optimizer.shapes)) == prod(shape)
    assert len(optimizer.threads) == threads
    assert (optimizer._blocks.threads is None) == (threads == 1)  # none is kept where none is needed
