"""Traces: what they show is what ``backward()`` does, bit for bit, whatever it is called on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.engine.mode import observing
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError
from minigrad.viz.build import node_ids
from minigrad.viz.recording.steps import ContributionStep, ForwardStep, SumStep
from tests.viz.recording.programs import Capture, leaf, program, replayed, same_bits

SEEDS = range(200)


@pytest.mark.parametrize("start", range(0, len(SEEDS), 20))
def test_contributions_add_up_to_the_gradients_of_backward(start: int) -> None:
    kinds: Counter[str] = Counter()
    for seed in SEEDS[start : start + 20]:
        output, tensors = program(seed)
        ids = node_ids(output.node)
        trace = viz.trace(output)
        kinds.update(step.kind for step in trace.steps)
        arrived = replayed(trace)
        for tensor in tensors:
            tensor.retain_grad()
        output.backward()
        for tensor in tensors:
            name = ids.get(tensor.node)
            if tensor.grad is None:
                assert name not in arrived
            else:
                assert same_bits(arrived[str(name)], tensor.grad.data), seed
    assert min(kinds[kind] for kind in ("forward", "seed", "contribution", "sum")) > 0


@pytest.mark.parametrize("start", range(0, len(SEEDS), 40))
@pytest.mark.parametrize("options", [{}, {"retain_graph": True}, {"create_graph": True}])
def test_observering_to_the_real_pass_gives_the_same_trace(start: int, options: dict[str, bool]) -> None:
    for seed in SEEDS[start : start + 40]:
        plain, tensors = program(seed)
        plain.backward(**options)
        output, heard = program(seed)
        expected = viz.trace(output)
        capture = Capture()
        with observing(capture):
            output.backward(**options)
        trace = capture.trace()
        assert expected.diff(trace) is None
        assert trace.diff(expected) is None
        replayed(trace)
        assert [node.value for node in trace.graph.nodes if node.value is None] == []
        for tensor, same in zip(tensors, heard, strict=True):
            if tensor.is_leaf:
                assert (tensor.grad is None) == (same.grad is None)
                assert tensor.grad is None or same_bits(tensor.grad.data, same.grad.data)
        assert output.node.released == (not options)


@pytest.mark.parametrize("start", range(0, len(SEEDS), 50))
def test_every_edge_sends_once_and_only_when_everything_has_arrived(start: int) -> None:
    for seed in SEEDS[start : start + 50]:
        output, _ = program(seed)
        trace = viz.trace(output)
        graph = trace.graph
        done = {node.id for node in graph.nodes if not node.operation}
        sent: Counter[tuple[str, str, int]] = Counter()
        consumers: dict[str, set[tuple[str, str, int]]] = {node.id: set() for node in graph.nodes}
        for edge in graph.edges:
            if edge.carries_gradient:
                consumers[edge.source].add((edge.target, edge.source, edge.position))
        for step in trace.steps:
            if isinstance(step, ForwardStep):
                assert all(edge.source in done for edge in graph.arguments[step.node])
                done.add(step.node)
            if isinstance(step, ContributionStep):
                assert consumers[step.node] <= sent.keys()
                sent[step.node, step.parent, step.position] += 1
        assert set(sent.values()) <= {1}
        assert sent.keys() == set().union(*consumers.values())
        phases = [step.phase for step in trace.steps]
        assert phases == sorted(phases, key=["forward", "seed", "backward"].index)
        assert phases.count("seed") == 1
        assert phases.count("forward") == sum(node.operation != "" for node in graph.nodes)


def test_a_tensor_used_twice_gets_two_contributions() -> None:
    x = leaf(3.0, "x")
    trace = viz.trace(x * x)
    sent = [step for step in trace.steps if isinstance(step, ContributionStep)]
    assert [(step.parent, step.position) for step in sent] == [("n0", 0), ("n0", 1)]
    assert sent[0].before is None
    assert sent[1].before is not None
    assert sent[1].before.array == 3
    assert sent[1].total is not None
    assert sent[1].total.array == 6


def test_broadcast_axes_are_summed_in_a_step_of_their_own() -> None:
    x, row, column = leaf(np.ones((2, 3)), "x"), leaf(np.ones(3), "row"), leaf(np.ones((2, 1)), "column")
    scalar, wide = leaf(1.0, "scalar"), leaf(np.ones((1, 3)), "wide")
    names = {node.id: node.name for node in viz.trace((x + row + column + scalar + wide).sum()).graph.nodes}
    sums = [step for step in viz.trace((x + row + column + scalar + wide).sum()).steps if isinstance(step, SumStep)]
    assert {names[step.parent]: step.axes for step in sums} == {
        "row": (0,),
        "column": (1,),
        "scalar": (0, 1),
        "wide": (0,),
    }


def test_another_dtype_is_a_step_of_its_own() -> None:
    x, y = leaf([1.0, 2.0], "x"), leaf([[3.0], [4.0]], "y", np.float64)
    trace = viz.trace((x * y).sum())
    sums = {step.parent: step for step in trace.steps if isinstance(step, SumStep)}
    assert {(step.axes, step.raw.dtype, step.gradient.dtype) for step in sums.values()} == {
        ((0,), "float64", "float32"),
        ((1,), "float64", "float64"),
    }
    (cast,) = [step for step in viz.trace(x.astype(np.float64)).steps if isinstance(step, SumStep)]
    assert (cast.axes, cast.raw.dtype, cast.gradient.dtype, cast.total.dtype) == ((), "float64", "float32", "float32")


def test_an_argument_without_a_rule_gets_nothing() -> None:
    @mg.primitive
    def first(x: Any, y: Any) -> Any:
        return x + 0 * y

    first.derivatives(lambda g: g, None)
    x, y = leaf(1.0, "x"), leaf(2.0, "y")
    trace = viz.trace(first(x, y * 2))
    sent = [step.parent for step in trace.steps if isinstance(step, ContributionStep)]
    assert [trace.labels[parent] for parent in sent] == ["x"]
    assert {trace.graph.index[id].name or trace.graph.index[id].operation for id in trace.gradients} == {"x", "first"}


def test_the_rules_are_those_of_the_edges_that_send() -> None:
    x = leaf(3.0, "x")
    trace = viz.trace(x * x + 1)
    assert list(trace.rules) == [("n3", 0), ("n1", 0), ("n1", 1)]
    assert trace.rules["n1", 0].source == "lambda g, y: g * y"


def test_a_long_chain() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(3_000):
        y = -y
    trace = viz.trace(y)
    assert len(trace) == 6_001
    assert len(set(trace.labels.values())) == 3_001
    assert trace.sentence(-1) == "negative 1 sends 1 to parameter."


# --- what can be traced, and what cannot


def test_an_output_that_is_no_scalar() -> None:
    x = leaf([1.0, 2.0], "x")
    trace = viz.trace(x * x)
    assert trace.graph.summed
    assert trace.gradients["n0"].array.tolist() == [2.0, 4.0]  # type: ignore[union-attr]
    weighted = viz.trace(x * x, gradient=[1.0, 10.0])
    assert not weighted.graph.summed
    assert weighted.gradients["n0"].array.tolist() == [2.0, 40.0]  # type: ignore[union-attr]
    assert weighted.gradients["n1"].dtype == "float32"
    capture = Capture()
    with observing(capture):
        (x * x).backward([1.0, 10.0])
    assert capture.trace().diff(weighted) is None
    assert not viz.trace((x * x).sum()).graph.summed


def test_a_gradient_may_be_a_tensor_or_integers() -> None:
    x = leaf([1.0, 2.0], "x")
    for gradient in (mg.ones(2), np.ones(2, np.int64), (1, 1), leaf([1.0, 1.0])):
        assert viz.trace(x * x, gradient=gradient).diff(viz.trace(x * x)) is None


def test_an_empty_output() -> None:
    trace = viz.trace(leaf(np.ones((0, 3)), "x") * 2)
    assert trace.gradients["n0"].shape == (0, 3)
    assert trace.sentence(0) == "multiply of x and 2 gives an array (0, 3)."


def test_a_leaf_as_output() -> None:
    x = leaf(2.0, "x")
    trace = viz.trace(x)
    assert [step.kind for step in trace.steps] == ["seed"]
    assert str(trace) == "1  seed      The backward pass starts at x with 1."
    capture = Capture()
    with observing(capture):
        x.backward()
    assert capture.trace().diff(trace) is None
    assert viz.trace(x, optimizer=optim.SGD([x], lr=1.0)).sentence(-1) == "x changes by -1: 2 becomes 1."


def test_a_released_graph_says_so() -> None:
    x = leaf([1.0, 2.0])
    trunk = x * x
    trunk.sum().backward()
    with pytest.raises(GraphError, match="'multiply' were released by an earlier backward pass"):
        viz.trace(trunk.sum())
    with pytest.raises(GraphError, match="released"), observing(Capture()):
        trunk.sum().backward()


def test_values_that_the_script_has_dropped_are_there() -> None:
    x = leaf(3.0, "x")
    output = mg.exp(x * 2) + 1
    del x
    trace = viz.trace(output)
    assert trace.graph.nodes[0].name == "x"
    assert all(trace.values[node.id].array is not None for node in trace.graph.nodes)


@pytest.mark.parametrize("wrong", [3.0, None, np.ones(2), "loss", nn.Linear(2, 2)])
def test_what_is_no_tensor(wrong: Any) -> None:
    with pytest.raises(DtypeError, match=r"tensor.*got (float|NoneType|ndarray|str|Linear)"):
        viz.trace(wrong)


def test_a_tensor_without_a_graph() -> None:
    with pytest.raises(GraphError, match=r"'x' of shape \(\) depends on no tensor .*requires_grad=True"):
        viz.trace(mg.tensor(2.0, name="x"))
    with mg.no_grad(), pytest.raises(GraphError, match="no_grad"):
        viz.trace(leaf(2.0) * 2)


def test_wrong_arguments() -> None:
    x = leaf([1.0, 2.0], "x")
    y = x * x
    with pytest.raises(ShapeError, match=r"gradient= must have the output's shape \(2,\), got \(3,\)"):
        viz.trace(y, gradient=[1.0, 2.0, 3.0])
    for wrong in ("abc", [object()], 1j):
        with pytest.raises(DtypeError):
            viz.trace(y, gradient=wrong)
    for no_optimizer in (3, optim.SGD, [x], "SGD"):
        with pytest.raises(DtypeError, match=r"optimizer= must be an optimizer, such as optim.SGD\(...\); got "):
            viz.trace(y, optimizer=no_optimizer)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"SGD\(1 parameter: lr=0.1.*no parameter that the output depends on"):
        viz.trace(y, optimizer=optim.SGD([leaf(1.0)], lr=0.1))
    assert x.grad is None
