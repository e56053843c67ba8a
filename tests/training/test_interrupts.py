"""Ctrl-C at any moment leaves weights and the optimizer's state as they are before an update, or after it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.training.interrupts import interrupts_deferred

UPDATES = 2


def content(model: Any, optimizer: Any) -> bytes:
    """Return the weights and the state as bytes."""
    states = optimizer.state_dict()["state"].values()
    arrays = [parameter._array for parameter in model.parameters()]
    return b"".join(np.asarray(value).tobytes() for value in [*arrays, *(v for own in states for v in own.values())])


def train(wrap: Callable[[Callable[[], Any]], Any], after: Callable[[bytes], Any] = lambda found: None) -> bytes:
    """Train for a few updates, each of which is run by ``wrap``, and return what was there at the end."""
    model = nn.Sequential(
        nn.Linear(2, 3, rng=np.random.default_rng(0)), nn.Tanh(), nn.Linear(3, 2, rng=np.random.default_rng(1))
    )
    optimizer = optim.Adam(model.parameters(), 0.1)
    step = optimizer.step
    after(content(model, optimizer))

    def wrapped() -> None:
        wrap(step)
        after(content(model, optimizer))

    optimizer.step = wrapped  # type: ignore[method-assign, assignment]
    batches = [(mg.tensor(np.eye(2, dtype=np.float32)), np.array([0, 1]))] * UPDATES
    mg.fit(model, batches, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=1, progress=False)
    return content(model, optimizer)


class Lines:
    """Counts the lines of Python that an update runs, and sends Ctrl-C at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def __call__(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self.at:
                signal.raise_signal(signal.SIGINT)
        return self

    def run(self, step: Callable[[], Any]) -> None:
        before = sys.gettrace()
        sys.settrace(self)
        try:
            step()
        finally:
            sys.settrace(before)


@pytest.fixture(autouse=True)
def _python_handles_ctrl_c() -> Any:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_an_update_is_made_or_not() -> None:
    whole: list[bytes] = []
    counter = Lines(at=-1)
    train(counter.run, whole.append)
    assert len(set(whole)) == UPDATES + 1
    assert counter.count > 100
    for at in range(1, counter.count + 1):
        lines = Lines(at)
        found = train(lines.run)
        assert found in whole[1:], f"torn at line {at}"
        assert found == whole[1] or lines.count > counter.count // UPDATES  # the first update under way is the last


def test_ctrl_c_elsewhere_ends_the_run_at_once() -> None:
    found: list[bytes] = []

    def interrupted(step: Callable[[], Any]) -> None:
        step()
        signal.raise_signal(signal.SIGINT)

    train(interrupted, found.append)
    assert len(found) == 2  # the first update is finished, the second not begun
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_takes_effect_after_the_block() -> None:
    done = []

    def block() -> None:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == [1]


def test_a_handler_of_the_users_own_is_called_once_after_the_block() -> None:
    seen: list[Any] = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append(arguments))
    try:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert not seen
        assert [number for number, _ in seen] == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_deferred():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_other_threads_train_too() -> None:
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(train(lambda step: step())))
    thread.start()
    thread.join()
    assert found == [train(lambda step: step())]
