"""``Observer``: is told what runs, and changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.engine.backward import Step
from minigrad.engine.mode import Observer, observers, observing, unobserved
from minigrad.errors import GraphError


class Record(Observer):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def backward(self, output: mg.Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        self.told.append(("backward", output))
        for step in steps:
            self.told.append(step)
            yield step
        self.told.append("end")

    def before_update(self, optimizer: object, parameters: Iterable[mg.Tensor]) -> None:
        self.told.append(("before", repr(optimizer), [parameter.tolist() for parameter in parameters]))

    def after_update(self, optimizer: object, parameters: Iterable[mg.Tensor]) -> None:
        self.told.append(("after", repr(optimizer), [parameter.tolist() for parameter in parameters]))

    def steps(self) -> list[Step]:
        return [entry for entry in self.told if isinstance(entry, Step)]

    def kinds(self) -> list[str]:
        return [entry if isinstance(entry, str) else entry[0] for entry in self.told if not isinstance(entry, Step)]


def leaf(value: float = 3.0) -> Any:
    return mg.tensor(value, requires_grad=True)


def test_each_step_of_a_backward_pass_is_reported() -> None:
    record, x = Record(), leaf()
    with observing(record):
        y = x * x + x
        y.backward()
        z = mg.exp(x)
        z.backward()
    assert record.kinds() == ["backward", "end"] * 2
    steps = record.steps()
    assert [step.node.operation for step in steps] == ["add", "multiply", "", "exp", ""]
    assert record.told[0] == ("backward", y)
    assert [entry[1] for entry in record.told if isinstance(entry, tuple) and entry[0] == "backward"] == [y, z]
    assert float(steps[2].gradient) == 7


def test_gradients_have_been_delivered_when_a_leaf_is_reported() -> None:
    x, seen = leaf(), []

    class Look(Observer):
        def backward(self, output: mg.Tensor, steps: Iterator[Step]) -> Iterator[Step]:
            for step in steps:
                seen.append((step.node.operation, None if x.grad is None else x.grad.item(), step.node.saved is None))
                yield step

    with observing(Look()):
        (x * x).backward()
    assert seen == [("multiply", None, False), ("", 6.0, True)]


@pytest.mark.parametrize("options", [{}, {"retain_graph": True}, {"create_graph": True}])
def test_gradients_and_what_is_released_are_as_without_an_observer(options: dict[str, bool]) -> None:
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
    for observer in (Observer(), Record()):
        with observing(observer):
            assert run() == plain


def test_the_steps_of_backprop_are_reported_as_far_as_they_are_taken() -> None:
    record, x = Record(), leaf()
    with observing(record):
        steps = mg.backprop(mg.exp(x * 2))
        assert record.told == []
        next(steps)
    next(steps)  # the observers of a pass are those at its start
    assert [step.node.operation for step in record.told[1:]] == ["exp", "multiply"]
    steps.close()  # type: ignore[attr-defined]
    assert x.grad is None
    assert record.kinds() == ["backward"]


def test_each_update_is_reported() -> None:
    record, w = Record(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    (w * w).backward()
    with observing(record):
        optimizer.step()
    assert record.told == [("before", repr(optimizer), [1.0]), ("after", repr(optimizer), [0.0])]


def test_a_closure_runs_before_the_update() -> None:
    record, w = Record(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)

    def closure() -> Any:
        loss = w * w
        loss.backward()
        return loss

    with observing(record):
        assert optimizer.step(closure).item() == 1.0
    assert record.kinds() == ["backward", "end", "before", "after"]


def test_fit_is_reported() -> None:
    record = Record()
    points = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    model = nn.Linear(2, 1)
    with observing(record):
        mg.fit(
            model,
            data.DataLoader(points, batch_size=2),
            loss=nn.MSELoss(),
            optimizer=optim.Adam(model.parameters()),
            epochs=2,
            progress=False,
        )
    assert record.kinds() == ["backward", "end", "before", "after"] * 4


def test_nothing_is_reported_outside_of_the_block() -> None:
    record, w = Record(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    with observing(record):
        loss = w * w
    loss.backward()
    optimizer.step()
    assert record.told == []
    assert observers() == ()


def test_nested_observers_are_each_told() -> None:
    inner, outer, x = Record(), Record(), leaf()
    with observing(outer):
        with observing(inner):
            (x * x).backward()
        (x * x).backward()
    assert inner.kinds() == ["backward", "end"]
    assert outer.kinds() == ["backward", "end"] * 2


def test_observers_of_one_pass_see_the_same_steps() -> None:
    first, second, x = Record(), Record(), leaf()
    with observing(first), observing(second):
        (x * x).backward()
    assert [id(entry) for entry in first.steps()] == [id(entry) for entry in second.steps()]
    assert len(first.steps()) == 2
    assert x.grad.item() == 6


def test_the_passes_of_grad_are_reported_too() -> None:
    record, x = Record(), leaf()
    with observing(record):
        y = mg.exp(x * 2)
        (slope,) = mg.grad(y, x)
    assert record.kinds() == ["backward", "end"]
    assert record.told[0][1] is y
    assert [step.node.operation for step in record.steps()] == ["exp", "multiply", ""]
    assert float(record.steps()[-1].gradient) == slope.item()
    assert x.grad is None


def test_the_passes_of_transforms_are_reported_too() -> None:
    record = Record()
    with observing(record):
        mg.jacobian(lambda x: x * x, np.ones(3))
    assert record.kinds() == ["backward", "end"] * 3


def test_the_arrays_of_steps_cannot_be_written_into() -> None:
    x = leaf()
    x = mg.tensor([3.0, 1.0], requires_grad=True)
    for step in mg.backprop((mg.exp(x) * x)[:1].sum()):
        for array in [step.gradient, *[value for sent in step.contributions for value in sent[2:]]]:
            if isinstance(array, np.ndarray):  # and not a NumPy number
                with pytest.raises(ValueError, match="read-only"):
                    array[...] = 0
    np.testing.assert_allclose(x.grad.numpy(), [4 * np.exp(3), 0], rtol=1e-6)


class Operations(Observer):
    """Notes the operations and the leaves."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], result: Any) -> None:
        self.seen.append((primitive.name, list(inputs), options, result))

    def leaf(self, tensor: Any) -> None:
        self.seen.append(("leaf", tensor))


@pytest.mark.parametrize("mode", [mg.enable_grad, mg.no_grad])
def test_each_operation_is_reported_with_its_arguments_and_its_result(mode: Any) -> None:
    observer, x = Operations(), mg.tensor([[1.0, 2.0]], requires_grad=True)
    with mode(), observing(observer):
        total = mg.sum(x, axis=1)
        product = total * 2.0
    first, second = observer.seen
    assert (first[0], first[2], second[0], second[2]) == ("sum", {"axis": 1}, "multiply", {})
    assert first[1][0] is x
    assert first[3] is second[1][0] is total
    assert second[1][1] == 2.0
    assert second[3] is product


def test_each_new_leaf_is_reported() -> None:
    observer = Operations()
    with observing(observer):
        x = mg.tensor(1.0, requires_grad=True)
        y = mg.zeros(2)
        y.requires_grad = True
    assert [(kind, id(tensor)) for kind, tensor in observer.seen] == [("leaf", id(x)), ("leaf", id(y))]


def test_an_exception_in_the_block_ends_the_observation() -> None:
    with pytest.raises(ZeroDivisionError), observing(Record()):
        raise ZeroDivisionError
    assert observers() == ()


def test_threads_are_separate() -> None:
    record = Record()
    with observing(record):
        thread = threading.Thread(target=lambda: (leaf() * 2).backward())
        thread.start()
        thread.join(5)
    assert record.told == []


def test_an_observer_need_not_define_anything() -> None:
    w = leaf(1.0)
    with observing(Observer()):
        (w * w).backward()
        optim.SGD([w], lr=0.5).step()
    assert w.item() == 0.0


class Faulty(Observer):
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
def test_exceptions_in_an_observer_rise_from_backward(where: str, gradient: Any) -> None:
    x = leaf()
    y = x * x
    with observing(Faulty(where)), pytest.raises(ZeroDivisionError, match=where):
        y.backward()
    assert x.grad is gradient
    y.backward()  # nothing was released
    assert x.grad.item() == 6


@pytest.mark.parametrize(("where", "value"), [("before", 1.0), ("after", 0.0)])
def test_exceptions_in_an_observer_rise_from_step(where: str, value: float) -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    (w * w).backward()
    with observing(Faulty(where)), pytest.raises(ZeroDivisionError, match=where):
        optimizer.step()
    assert w.item() == value
    optimizer.zero_grad()
    (w * w).backward()
    optimizer.step()


def test_a_step_that_raises_is_no_update() -> None:
    record, w = Record(), leaf(1.0)
    optimizer = optim.SGD([w], lr=0.5)
    with observing(record), pytest.raises(GraphError, match="no parameter has a gradient"):
        optimizer.step()
    assert record.kinds() == ["before"]
    (w * w).backward()
    with observing(record):
        optimizer.step()
    assert record.kinds() == ["before", "before", "after"]
    assert record.told[-1][2] == [0.0]


def test_a_backward_pass_that_cannot_run_raises_the_same() -> None:
    record, x = Record(), leaf()
    y = x * x
    with observing(record):
        with pytest.raises(GraphError, match="nothing to differentiate"):
            mg.tensor(1.0).backward()
        with pytest.raises(GraphError, match="needs a scalar"):
            (x * [1.0, 2.0]).backward()
        assert record.told == []
        y.backward()
        with pytest.raises(GraphError, match="released"):
            y.backward()
    assert record.kinds() == ["backward", "end", "backward"]


def test_an_observer_that_does_nothing_changes_nothing() -> None:
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
    with observing(Observer()):
        assert step() == usual
        with mg.detect_anomaly(), mg.source_lines():
            assert step() == usual


def test_passes_of_grad_are_told_apart_where_an_observer_asks() -> None:
    class Both(Record):
        def grad(self, output: mg.Tensor, steps: Iterator[Step]) -> Iterator[Step]:
            self.told.append(("grad", output))
            return steps

    both, one, x = Both(), Record(), leaf()
    with observing(both), observing(one):
        (x * x).backward()
        mg.grad(x * x, x)
    assert both.kinds() == ["backward", "end", "grad"]
    assert one.kinds() == ["backward", "end"] * 2


def test_a_block_that_is_unobserved_hides_what_runs_in_it_alone() -> None:
    record, x = Record(), leaf()
    with observing(record):
        with unobserved():
            assert observers() == ()
            (x * x).backward()
        assert observers() == (record,)
        assert record.told == []
        (x * x).backward()
    assert record.kinds() == ["backward", "end"]
