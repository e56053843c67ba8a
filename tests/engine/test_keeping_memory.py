"""Freed memory stays in the process while somebody trains, and can be handed back."""

import os

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.engine import memory
from minigrad.errors import UnknownArgumentError


@pytest.fixture
def told(monkeypatch):
    """What the allocator is told, which is not told."""
    heard = []
    monkeypatch.setattr(memory, "_tell", lambda settings: heard.append(settings) or True)
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    return heard


def test_an_optimizer_keeps_it(told):
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == [memory._KEPT]
    assert memory.VARIABLE not in os.environ


def test_the_environment_switches_that_off(told, monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, "0")
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == []


def test_a_call_switches_it_off_and_on(told):
    assert mg.keep_freed_memory(False)
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == [memory._USUAL]
    assert mg.keep_freed_memory()
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == [memory._USUAL, memory._KEPT, memory._KEPT]


def test_where_there_is_no_such_allocator_it_says_so(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "win32")
    assert memory._tell(memory._KEPT) is False


def test_results_do_not_depend_on_it(monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, "1")
    found = []
    for keep in (True, False):
        mg.keep_freed_memory(keep)
        x = mg.tensor(np.linspace(-1, 1, 400_000), requires_grad=True)
        (x.sigmoid() * x).sum().backward()
        found.append(x.grad.numpy())
    assert np.array_equal(*found)
    mg.keep_freed_memory()


def test_it_takes_one_argument():
    with pytest.raises(UnknownArgumentError, match="keep_freed_memory"):
        mg.keep_freed_memory(kept=True)
