"""Making a trace changes nothing, an optimizer's update included; and nothing changes a trace."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.engine.mode import observing
from minigrad.errors import ArgumentError
from minigrad.viz.build import node_ids
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import UpdateStep
from tests.viz.recording.programs import Capture, leaf, program, same_bits

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
}


def network(seed: int = 0) -> tuple[Any, Any, Any]:
    """Return a model, and a function that computes its loss."""
    mg.seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.2), nn.Linear(4, 2, bias=False))
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 3)).astype(np.float32), rng.integers(0, 2, 5)
    return model, lambda: nn.functional.cross_entropy(model(x), y), list(model.parameters())


def everything(nodes: Iterable[Any], parameters: list[Any], optimizer: Any) -> list[Any]:
    """Return all that tracing could have changed, as bytes and identities."""
    held: list[Any] = [
        (id(held), [np.asarray(array).tobytes() for array in arrays])
        for node in nodes
        for held, arrays in ((node.saved, (node.saved or {}).values()), (node.operands, node.operands or ()))
    ]
    for tensor in parameters:
        held.append(
            (id(tensor.data), tensor.data.tobytes(), id(tensor.node), id(tensor.grad), tensor.data.flags.writeable)
        )
        held.append(None if tensor.grad is None else tensor.grad.data.tobytes())
    held.append(repr([optimizer.state_dict(), optimizer.has_stepped, optimizer.param_groups, sorted(vars(optimizer))]))
    held.append([id(parameter) for parameter in optimizer.parameters()])
    held.append(
        (repr(mg.engine.random.generator().bit_generator.state), random.getstate(), repr(np.random.get_state()))
    )
    return held


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("steps", [0, 3])
def test_the_update_shown_is_the_one_that_comes_and_showing_it_changes_nothing(name: str, steps: int) -> None:
    _, loss_of, parameters = network()
    optimizer = OPTIMIZERS[name](parameters)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of().backward()
        optimizer.step()
    loss = loss_of()
    nodes = list(node_ids(loss.node))
    before = everything(nodes, parameters, optimizer)
    trace = viz.trace(loss, optimizer=optimizer)
    assert everything(nodes, parameters, optimizer) == before
    assert not any(node.released for node in nodes)

    updates = [step for step in trace.steps if isinstance(step, UpdateStep)]
    ids = node_ids(loss.node)
    assert [step.node for step in updates] == [ids[parameter.node] for parameter in parameters]
    assert trace.steps[-len(updates) :] == tuple(updates)
    assert {step.optimizer for step in updates} == {repr(optimizer)}
    for step, parameter in zip(updates, parameters, strict=True):
        assert same_bits(step.before.array, parameter.data)
        assert step.gradient.digest == trace.gradients[step.node].digest
    values = [parameter.data.copy() for parameter in parameters]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for step, parameter, value in zip(updates, parameters, values, strict=True):
        assert same_bits(step.gradient.array, parameter.grad.data)
        assert same_bits(step.after.array, parameter.data)
        assert same_bits(step.change.array, parameter.data - value)


def test_an_update_shown_is_the_one_that_is_heard() -> None:
    _, loss_of, parameters = network()
    optimizer = optim.Adam(parameters, lr=0.1)
    loss = loss_of()
    expected = viz.trace(loss, optimizer=optimizer)
    capture = Capture()
    with observing(capture):
        loss.backward()
        optimizer.step()
    assert capture.trace().diff(expected) is None
    assert expected.diff(capture.trace()) is None


def test_an_optimizer_that_draws_random_numbers_draws_the_same_when_it_really_steps() -> None:
    class Noisy(optim.Optimizer):
        def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
            return p - lr * (g + mg.engine.random.generator().normal(size=g.shape))

    _, loss_of, parameters = network()
    optimizer = Noisy(parameters, {"lr": 0.1})
    loss = loss_of()
    shown = [step for step in viz.trace(loss, optimizer=optimizer).steps if isinstance(step, UpdateStep)]
    loss.backward()
    optimizer.step()
    assert all(same_bits(step.after.array, p.data) for step, p in zip(shown, parameters, strict=True))


def test_gradients_that_are_there_stay_and_do_not_count() -> None:
    x = leaf(2.0, "x")
    (x * 5).backward()
    kept = x.grad
    optimizer = optim.SGD([x], lr=0.5)
    trace = viz.trace(x * x, optimizer=optimizer)
    assert x.grad is kept
    assert kept.item() == 5
    assert x.item() == 2.0
    assert trace.sentence(-1) == "x changes by -2: 2 becomes 0."


def test_only_parameters_that_the_output_depends_on_are_updated() -> None:
    x, other = leaf(2.0, "x"), leaf(3.0, "other")
    (other * 1.0).backward()
    trace = viz.trace(x * x, optimizer=optim.SGD([other, x], lr=0.5))
    assert [step.node for step in trace.steps if isinstance(step, UpdateStep)] == ["n0"]


def test_a_parameter_that_was_replaced_since_is_not_the_one_that_the_graph_knows() -> None:
    x = leaf(2.0, "x")
    loss = x * x
    x.requires_grad = False
    x.requires_grad = True  # a new node: the graph keeps the old one
    with pytest.raises(ArgumentError, match="no parameter that the output depends on"):
        viz.trace(loss, optimizer=optim.SGD([x], lr=0.5))


def test_the_pass_can_run_afterwards_and_in_no_grad() -> None:
    x = leaf(3.0)
    y = x * x
    with mg.no_grad():
        trace = viz.trace(y)
    y.backward()
    assert x.grad.item() == 6
    assert len(trace) == 4


def test_observers_are_not_told_of_tracing() -> None:
    x, capture = leaf(3.0), Capture()
    with observing(capture):
        viz.trace(x * x, optimizer=optim.SGD([x], lr=0.1))
    assert capture.recorders == []


def test_threads_trace_at_the_same_time() -> None:
    made: list[Any] = []

    def one(seed: int) -> None:
        output, _ = program(seed)
        made.append((seed, viz.trace(output)))

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 8
    for seed, trace in made:
        assert viz.trace(program(seed)[0]).diff(trace) is None


# --- a snapshot is a copy


def test_nothing_changes_a_trace_afterwards() -> None:
    _, loss_of, parameters = network()
    start = np.ones((), np.float32)
    optimizer = optim.SGD(parameters, lr=0.1, momentum=0.9)
    loss = loss_of()
    trace = viz.trace(loss, gradient=start, optimizer=optimizer)
    capture = Capture()
    with observing(capture):
        loss.backward(start)
        optimizer.step()
    heard = capture.trace()
    kept = trace.to_json(), heard.to_json(), str(trace), str(heard)
    optimizer.step()
    start[...] = 7
    for parameter in parameters:
        parameter.data[...] = 99
        parameter.grad.data[...] = 99
        parameter.name = None
    for node in node_ids(loss.node):
        node.name = "another"
    again = viz.Trace(trace.graph, trace.steps, trace.values, trace.rules)  # nothing remembered
    assert (trace.to_json(), heard.to_json(), str(again), str(heard)) == kept


def test_snapshots_cannot_be_changed() -> None:
    snapshot = Snapshot.of(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        snapshot.array[0] = 2.0  # type: ignore[index]


def test_a_snapshot_keeps_nothing_alive() -> None:
    base = np.ones((1000, 1000))
    array = Snapshot.of(base[:2, :2]).array
    assert array is not None
    assert array.base is None


def test_an_optimizer_that_draws_random_numbers_draws_the_same_afterwards() -> None:
    class Noisy(optim.SGD):
        def update(self, p: Any, g: Any, state: Any, **options: Any) -> Any:
            return p - np.random.rand() - random.random()

    w = mg.tensor(1.0, requires_grad=True)
    before = np.random.get_state()[2], random.getstate()
    viz.trace(w * w, optimizer=Noisy([w], lr=0.1))
    assert (np.random.get_state()[2], random.getstate()) == before


def test_an_optimizer_that_cannot_be_copied_says_so() -> None:
    w = mg.tensor(1.0, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    optimizer.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(ArgumentError, match=r"SGD cannot be copied, .*omit optimizer="):
        viz.trace(w * w, optimizer=optimizer)
