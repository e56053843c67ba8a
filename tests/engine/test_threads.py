"""What threads have to themselves: modes, observers, and models that train side by side."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.engine.mode import Observer, current_scope, is_recording, observers, observing


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    """Let threads take turns every few bytecodes, so that what they share is found."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def elsewhere(function: Callable[[], Any]) -> Any:
    """Return what a function returns in another thread, while this one waits inside whatever block it is in."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(30)


def side_by_side(*functions: Callable[[], Any]) -> list[Any]:
    """Run functions in a thread each, all of them started before one goes on."""
    start = threading.Barrier(len(functions))

    def run(function: Callable[[], Any]) -> Any:
        start.wait(30)
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result(60) for future in [pool.submit(run, function) for function in functions]]


# --- modes and observers


def test_no_grad_holds_in_its_own_thread() -> None:
    with mg.no_grad():
        assert elsewhere(records)
        assert not records()
    assert records()


def records() -> bool:
    return (mg.ones(1, requires_grad=True) * 2).requires_grad


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_one_no_grad_object_entered_by_two_threads_at_once(first_to_leave: int) -> None:
    """Each gets back the mode that it had, whoever leaves first, and nested blocks too."""
    block, turn = mg.no_grad(), threading.Barrier(2)

    def use(number: int) -> list[bool]:
        seen = []
        with mg.enable_grad() if number else mg.no_grad():
            turn.wait(30)
            with block, block:
                turn.wait(30)
                seen.append(records())
                if number != first_to_leave:
                    turn.wait(30)
            seen.append(records())
            if number == first_to_leave:
                turn.wait(30)
        return [*seen, records()]

    assert side_by_side(lambda: use(0), lambda: use(1)) == [[False, False, True], [False, True, True]]


def test_one_no_grad_object_that_many_threads_enter_and_leave() -> None:
    block = mg.no_grad()

    def use(outer: Any) -> set[tuple[bool, bool]]:
        seen = set()
        with outer:
            for _ in range(2000):
                with block:
                    inside = is_recording()
                seen.add((inside, is_recording()))
        return seen

    outers = [mg.no_grad(), mg.enable_grad()] * 2
    assert (
        side_by_side(*[lambda outer=outer: use(outer) for outer in outers])
        == [  # type: ignore[misc]
            {(False, False)},
            {(False, True)},
        ]
        * 2
    )


def test_one_no_grad_object_entered_by_two_tasks() -> None:
    block = mg.no_grad()

    async def use(pauses: int) -> tuple[bool, bool]:
        with block:
            for _ in range(pauses):
                await asyncio.sleep(0)
            inside = records()
        return inside, records()

    async def together() -> list[tuple[bool, bool]]:
        return await asyncio.gather(use(1), use(3), use(2))

    assert asyncio.run(together()) == [(False, True)] * 3


def test_source_lines_hold_in_their_own_thread() -> None:
    def line() -> Any:
        return (mg.ones(1, requires_grad=True) * 2).node.line

    with mg.source_lines():
        assert elsewhere(line) is None
        assert line() is not None


def test_a_module_being_called_is_the_scope_of_its_own_thread() -> None:
    seen = []

    class Inner(nn.Module):
        def forward(self, x: Any) -> Any:
            seen.extend([current_scope(), elsewhere(current_scope)])
            return x

    nn.Sequential(Inner())(mg.ones(1))
    assert seen == ["Sequential.0", ""]


class Count(Observer):
    """Counts what it is told of."""

    def __init__(self) -> None:
        self.passes = self.operations = self.updates = 0

    def backward(self, output: Any, steps: Any) -> Any:
        self.passes += 1
        return steps

    def operation(self, *_: Any) -> None:
        self.operations += 1

    def before_update(self, *_: Any) -> None:
        self.updates += 1


def train_a_little() -> None:
    x = mg.ones(3, requires_grad=True)
    (x * x).sum().backward()
    optim.SGD([x], lr=0.1).step()


def test_an_observer_is_told_of_its_own_thread() -> None:
    count = Count()
    with observing(count):
        elsewhere(train_a_little)
        assert elsewhere(observers) == ()
        assert (count.passes, count.operations, count.updates) == (0, 0, 0)
        train_a_little()
    assert (count.passes, count.updates) == (1, 1)
    assert count.operations >= 2


def test_new_threads_begin_without_the_modes_of_the_one_that_starts_them() -> None:
    with mg.no_grad(), mg.source_lines():
        assert elsewhere(lambda: (is_recording(), observers())) == (True, ())


# --- models that train side by side

EPOCHS = 6


def training(seed: int) -> Callable[[], list[bytes]]:
    """Return a whole training with a model, a dropout and a loader of its own; the seed decides everything."""
    rng = np.random.default_rng(seed)
    loader = data.DataLoader(data.spirals(90, rng=rng), batch_size=16, shuffle=True, seed=seed, drop_last=True)
    layers = (
        nn.Linear(2, 40, rng=rng),
        nn.BatchNorm1d(40),
        nn.ReLU(),
        nn.Dropout(0.3, rng=rng),
        nn.Linear(40, 4, rng=rng),
    )
    model = nn.Sequential(*layers)
    optimizer = optim.Adam(model.parameters(), lr=0.01)

    def step(X: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), y)
        loss.backward()
        optimizer.step()
        return loss

    def train() -> list[bytes]:
        """Train; return the losses, the predictions and the state, to the bit."""
        found = [step(X, y).numpy().tobytes() for _ in range(EPOCHS) for X, y in loader]
        with mg.no_grad():
            found.append(model.eval()(loader.dataset[:][0]).numpy().tobytes())
        return found + [value.tobytes() for value in model.state_dict().values()]

    return train


def test_threads_that_train_models_of_their_own_get_what_one_would() -> None:
    alone = [training(seed)() for seed in range(3)]
    assert len(set(map(tuple, alone))) == 3
    assert side_by_side(*[training(seed) for seed in range(3)]) == alone


def test_matrices_that_several_threads_multiply_at_once() -> None:
    """The BLAS has threads of its own; products are the same whoever else computes."""

    def run(seed: int) -> list[bytes]:
        rng = np.random.default_rng(seed)
        weight = mg.tensor(rng.normal(size=(300, 300)).astype(np.float32), requires_grad=True)
        X = mg.tensor(rng.normal(size=(200, 300)).astype(np.float32))
        for _ in range(5):
            mg.tanh(X @ weight).sum().backward()
        assert weight.grad is not None
        return [weight.grad.numpy().tobytes()]

    alone = [run(seed) for seed in range(3)]
    assert side_by_side(*[lambda seed=seed: run(seed) for seed in range(3)]) == alone  # type: ignore[misc]


def test_threads_that_use_one_model() -> None:
    """Evaluation changes nothing, so that threads can share a model."""
    rng = np.random.default_rng(0)
    model = nn.MLP([4, 32, 3], rng=rng).eval()
    batches = [mg.tensor(rng.normal(size=(20, 4))) for _ in range(4)]

    @mg.no_grad()
    def predictions(batch: Any) -> list[bytes]:
        return [model(batch).numpy().tobytes() for _ in range(50)]

    alone = [predictions(batch) for batch in batches]
    assert side_by_side(*[lambda batch=batch: predictions(batch) for batch in batches]) == alone  # type: ignore[misc]


# --- the default generator


def test_the_default_generator_is_shared_and_draws_no_number_twice() -> None:
    """One stream for all threads: who gets which number depends on who comes first, but all numbers are drawn once."""
    mg.seed(0)
    stream = np.random.default_rng(0).random(4000, np.float32)
    drawn = side_by_side(*[lambda: [F.dropout(mg.ones(1), 0.5).item() for _ in range(1000)] for _ in range(4)])
    assert sum(sum(value > 0 for value in part) for part in drawn) == int((stream >= 0.5).sum())
