"""``Listener``: what runs can be heard, and hearing it changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.engine.listener import Listener, current_listener, listening
from minigrad.engine.mode import reporting_operations
from minigrad.engine.walk import Step
from minigrad.errors import GraphError


class Ear(Listener):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def backward(self, output: mg.Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        self.heard.append(("backward", output))
        for step in steps:
            self.heard.append(step)
            yield step
        self.heard.append("end")

    def before_update(self, optimizer: object, parameters: Iterable[mg.Tensor]) -> None:
        self.heard.append(("before", repr(optimizer), [parameter.tolist() for parameter in parameters]))

    def after_update(self, optimizer: object, parameters: Iterable[mg.Tensor]) -> None:
        self.heard.append(("after", repr(optimizer), [parameter.tolist() for parameter in parameters]))

    def said(self) -> list[str]:
        return [word if isinstance(word, str) else word[0] for word in self.heard if not isinstance(word, Step)]


def leaf(value: float = 3.0) -> Any:
    return mg.tensor(value, requires_grad=True)


def test_each_backward_pass_is_heard_step_by_step() -> None:
    ear, x = Ear(), leaf()
    with listening(ear):
        y = x * x + x
        y.backward()
        z = mg.exp(x)
        z.backward()
    assert ear.said() == ["backward", "end"] * 2
    steps = [step for step in ear.heard if isinstance(step, Step)]
    assert [step.node.operation for step in steps] == ["add", "multiply", "", "exp", ""]
    assert ear.heard[0] == ("backward", y)
    assert [output for word, output in (pair for pair in ear.heard if isinstance(pair, tuple))] == [y, z]
    assert float(steps[2].gradient) == 7


def test_gradients_have_been_delivered_when_a_leaf_is_heard() -> None:
    x, seen = leaf(), []

    class Look(Listener):
        def backward(self, output: mg.Tensor, steps: Iterator[Step]) -> Iterator[Step]:
            for step in steps:
                seen.append((step.node.operation, None if x.grad is None else x.grad.item(), step.node.saved is None))
                yield step

    with listening(Look()):
        (x * x).backward()
    assert seen == [("multiply", None, False), ("", 6.0, True)]


@pytest.mark.parametrize("options", [{}, {"retain_graph": True}, {"create_graph": True}])
def test_gradients_and_what_is_released_are_as_without_a_listener(options: dict[str, bool]) -> None:
    def run() -> Any:
        rng = np.random.default_rng(0)
        w = mg.tensor(rng.normal(size=(3, 2)), requires_grad=True)
        hidden = mg.tanh(mg.tensor(rng.normal(size=(4, 3))) @ w)
        hidden.retain_grad()
        out = (hidden * hidden + w.sum()).sum()
        out.backward(**options)
        assert w.grad is not None
        assert hidden.grad is not None
        assert out.node is not None
        return w.grad.tolist(), hidden.grad.tolist(), out.node.released, w.grad.requires_grad

    plain = run()
    for listener in (Listener(), Ear()):
        with listening(listener):
            assert run() == plain


def test_the_steps_of_backprop_are_heard_as_far_as_they_are_taken() -> None:
    ear, x = Ear(), leaf()
    with listening(ear):
        steps = mg.backprop(mg.exp(x * 2))
        assert ear.heard == []
        next(steps)
    next(steps)  # the listener of the pass is the one that heard it start
    assert [step.node.operation for step in ear.heard[1:]] == ["exp", "multiply"]
    steps.close()  # type: ignore[attr-defined]
    assert x.grad is None
    assert ear.said() == ["backward"]


def test_each_update_is_heard() -> None:
    ear, w = Ear(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    (w * w).backward()
    with listening(ear):
        optimizer.step()
    assert ear.heard == [("before", repr(optimizer), [1.0]), ("after", repr(optimizer), [0.0])]


def test_a_closure_runs_before_the_update() -> None:
    ear, w = Ear(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)

    def closure() -> Any:
        loss = w * w
        loss.backward()
        return loss

    with listening(ear):
        assert optimizer.step(closure).item() == 1.0
    assert ear.said() == ["backward", "end", "before", "after"]


def test_fit_is_heard() -> None:
    ear = Ear()
    points = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    model = nn.Linear(2, 1)
    with listening(ear):
        mg.fit(
            model,
            data.DataLoader(points, batch_size=2),
            loss=nn.MSELoss(),
            optimizer=optim.Adam(model.parameters()),
            epochs=2,
            progress=False,
        )
    assert ear.said() == ["backward", "end", "before", "after"] * 4


def test_nothing_is_heard_outside() -> None:
    ear, w = Ear(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    with listening(ear):
        loss = w * w
    loss.backward()
    optimizer.step()
    assert ear.heard == []
    assert current_listener() is None


def test_the_inner_listener_hears_and_the_outer_one_again_after_it() -> None:
    inner, outer, x = Ear(), Ear(), leaf()
    with listening(outer):
        with listening(inner):
            (x * x).backward()
        assert outer.heard == []
        (x * x).backward()
    assert len(inner.heard) == len(outer.heard) == 4


def test_an_exception_in_the_block_ends_the_listening() -> None:
    with pytest.raises(ZeroDivisionError), listening(Ear()):
        raise ZeroDivisionError
    assert current_listener() is None


def test_threads_are_separate() -> None:
    ear = Ear()
    with listening(ear):
        thread = threading.Thread(target=lambda: (leaf() * 2).backward())
        thread.start()
        thread.join(5)
    assert ear.heard == []


def test_a_listener_need_not_define_anything() -> None:
    w = leaf(1.0)
    with listening(Listener()):
        (w * w).backward()
        optim.SGD([w], lr=0.5).step()
    assert w.item() == 0.0


class Faulty(Listener):
    def __init__(self, where: str) -> None:
        self.where = where

    def backward(self, output: mg.Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        if self.where == "backward":
            raise ZeroDivisionError(self.where)
        for step in steps:
            if self.where == "step":
                raise ZeroDivisionError(self.where)
            yield step

    def before_update(self, optimizer: object, parameters: Iterable[mg.Tensor]) -> None:
        if self.where == "before":
            raise ZeroDivisionError(self.where)

    def after_update(self, optimizer: object, parameters: Iterable[mg.Tensor]) -> None:
        if self.where == "after":
            raise ZeroDivisionError(self.where)


@pytest.mark.parametrize(("where", "gradient"), [("backward", None), ("step", None)])
def test_exceptions_in_a_listener_rise_from_backward(where: str, gradient: Any) -> None:
    x = leaf()
    y = x * x
    with listening(Faulty(where)), pytest.raises(ZeroDivisionError, match=where):
        y.backward()
    assert x.grad is gradient
    y.backward()  # nothing was released
    assert x.grad.item() == 6


@pytest.mark.parametrize(("where", "value"), [("before", 1.0), ("after", 0.0)])
def test_exceptions_in_a_listener_rise_from_step(where: str, value: float) -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    (w * w).backward()
    with listening(Faulty(where)), pytest.raises(ZeroDivisionError, match=where):
        optimizer.step()
    assert w.item() == value
    optimizer.zero_grad()
    (w * w).backward()
    optimizer.step()


def test_a_step_that_raises_is_no_update() -> None:
    ear, w = Ear(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    with listening(ear), pytest.raises(GraphError, match="no parameter has a gradient"):
        optimizer.step()
    assert ear.said() == ["before"]
    (w * w).backward()
    with listening(ear):
        optimizer.step()
    assert ear.said() == ["before", "before", "after"]
    assert ear.heard[-1][2] == [0.0]


def test_a_backward_pass_that_cannot_run_raises_the_same() -> None:
    ear, x = Ear(), leaf()
    y = x * x
    with listening(ear):
        with pytest.raises(GraphError, match="nothing to differentiate"):
            mg.tensor(1.0).backward()
        with pytest.raises(GraphError, match="needs a scalar"):
            (x * [1.0, 2.0]).backward()
        assert ear.heard == []
        y.backward()
        with pytest.raises(GraphError, match="released"):
            y.backward()
    assert ear.said() == ["backward", "end", "backward"]


def test_a_listener_that_does_nothing_changes_nothing_though_operations_are_reported() -> None:
    def step() -> tuple[list[Any], list[Any]]:
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(3, 8, rng=rng), nn.ReLU(), nn.Dropout(0.5, rng=rng), nn.Linear(8, 1, rng=rng))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss = nn.functional.mse_loss(model(mg.ones((4, 3))), mg.zeros((4, 1)))
        loss.backward()
        optim.clip_grad_norm(model.parameters(), 0.5)
        optimizer.step()
        return loss.data.tolist(), [parameter.data.tolist() for parameter in model.parameters()]

    usual = step()
    with reporting_operations():
        assert step() == usual  # nobody listens
        with listening(Listener()):
            assert step() == usual
            with mg.detect_anomaly():
                assert step() == usual
