"""``backprop``: the steps that can be watched are the backward pass itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.node import ancestors, backward_order
from minigrad.engine.walk import sum_to_shape, walk
from minigrad.errors import ArgumentError, RuleError


def network() -> tuple[mg.Tensor, list[mg.Tensor]]:
    rng = np.random.default_rng(0)
    w = mg.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="w")
    b = mg.tensor(rng.normal(size=2), requires_grad=True, name="b")
    x = mg.tensor(rng.normal(size=(4, 3)), name="x")
    hidden = mg.tanh(x @ w + b)
    return (hidden * hidden + b).sum(), [w, b]


def test_exhausting_the_steps_is_backward() -> None:
    output, leaves = network()
    output.backward()
    stepped, same = network()
    for _ in mg.backprop(stepped):
        pass
    for left, right in zip(leaves, same, strict=True):
        assert left.grad.tolist() == right.grad.tolist()


def test_consumers_come_first_and_each_node_once() -> None:
    output, _ = network()
    steps = list(mg.backprop(output))
    nodes = [step.node for step in steps]
    assert nodes[0] is output.node
    assert len(set(nodes)) == len(nodes)
    for step in steps:
        for sent in step.contributions:
            assert nodes.index(sent.parent) > nodes.index(step.node)


def test_operations_in_order() -> None:
    x = mg.tensor(2.0, requires_grad=True, name="x")
    steps = list(mg.backprop(mg.exp(x * 3)))
    assert [step.node.operation or step.node.name for step in steps] == ["exp", "multiply", "x"]
    assert steps[-1].contributions == []


def test_totals_add_up() -> None:
    output, _ = network()
    total: dict[Any, Any] = {}
    for step in mg.backprop(output):
        if step.node is not output.node:
            np.testing.assert_array_equal(step.gradient, total[step.node])
        for sent in step.contributions:
            before = total.get(sent.parent)
            expected = sent.gradient if before is None else before + sent.gradient
            np.testing.assert_array_equal(sent.total, expected)
            total[sent.parent] = sent.total


def test_a_contribution_says_what_the_rule_returned_and_what_fits() -> None:
    b = mg.tensor(np.zeros(2), requires_grad=True, name="b")
    (step, _) = mg.backprop(mg.ones((3, 2)) + b, np.ones((3, 2)))
    (sent,) = step.contributions
    assert sent.parent is b.node
    assert sent.position == 1
    assert sent.raw.shape == (3, 2)
    assert sent.gradient.tolist() == [3, 3]


def test_one_contribution_for_each_edge() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    first, last = mg.backprop(x * x)
    assert [(sent.position, float(sent.gradient), float(sent.total)) for sent in first.contributions] == [
        (0, 3, 3),
        (1, 3, 6),
    ]
    assert float(last.gradient) == 6


def test_gradients_arrive_while_the_steps_run() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = mg.tensor(4.0, requires_grad=True)
    steps = mg.backprop(mg.exp(x) * y)
    next(steps)
    assert x.grad is None
    assert y.grad is None
    rest = [step.node for step in steps]
    assert y.node in rest
    assert x.grad is not None


def test_leaving_early_leaves_the_rest_undone() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = mg.exp(x * 2)
    steps = mg.backprop(y)
    next(steps)
    steps.close()
    assert x.grad is None
    assert not y.node.parents[0].released


def test_saved_values_are_there_during_a_step_and_released_after_it() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = mg.exp(x)
    steps = mg.backprop(y)
    step = next(steps)
    assert step.node.saved is not None
    next(steps)
    assert step.node.saved is None


def test_retain_graph_keeps_saved_values() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = mg.exp(x)
    assert len(list(mg.backprop(y, retain_graph=True))) == len(list(mg.backprop(y))) == 2


def test_create_graph_gives_tensors() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    steps = list(mg.backprop(x**3, create_graph=True, retain_graph=True))
    assert all(isinstance(step.gradient, mg.Tensor) for step in steps)
    assert mg.grad(steps[-1].gradient, x)[0].item() == 18


def test_a_step_and_a_node_say_what_they_are() -> None:
    x = mg.tensor([3.0], requires_grad=True, name="x")
    first, last = mg.backprop(mg.exp(x))
    assert repr(first) == "<Step <Node exp, shape (1,), float32> -> x>"
    assert repr(last) == "<Step <Node leaf 'x', shape (1,), float32> -> nothing>"


@pytest.mark.parametrize(
    ("number", "dtype"), [(2.0, np.float64), (2, np.int64), (np.float32(2), np.float32), (np.uint8(2), np.uint8)]
)
def test_a_number_has_a_node_that_says_which_it_is(number: Any, dtype: Any) -> None:
    node = (mg.tensor(3.0, requires_grad=True) * number).node.parents[1]
    assert node.dtype == dtype
    assert node.shape == ()
    assert node.value == number


def test_the_order_of_a_pass_is_that_of_age_and_all_nodes_come_with_constants() -> None:
    late = mg.tensor(2.0, name="c")
    x = mg.tensor(3.0, requires_grad=True, name="x")
    output = mg.exp(x * late) + 1.0
    assert output.node is not None
    order = backward_order([output.node])
    everything = ancestors(output.node)
    assert [node.operation or node.name for node in order] == ["add", "exp", "multiply", "x"]
    assert [node.serial for node in order] == sorted([node.serial for node in order], reverse=True)
    assert {node.name for node in everything} >= {"x", "c"}
    assert len(everything) == 6
    for place, node in enumerate(everything):
        assert all(everything.index(parent) > place for parent in node.parents)


def test_all_nodes_are_in_order_though_a_leaf_is_noticed_late() -> None:
    x = mg.tensor([3.0], requires_grad=True)
    constant = mg.tensor([2.0])
    output = (x * 2 + constant) * constant  # the node of the constant is younger than that of x * 2
    everything = ancestors(output.node)
    for place, node in enumerate(everything):
        assert all(everything.index(parent) > place for parent in node.parents)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("given", [(3,), (2, 3), (4, 2, 3), (5, 4, 2, 3)])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (1, 1), (4, 1, 3), (1, 2, 1)])
def test_broadcast_axes_are_summed_over(dtype: Any, given: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if len(shape) > len(given) or np.broadcast_shapes(given, shape) != given:
        return
    gradient = np.arange(np.prod(given), dtype=dtype).reshape(given)
    expected = np.zeros(shape)
    for index in np.ndindex(given):
        own = index[len(given) - len(shape) :]
        expected[tuple(0 if size == 1 else place for place, size in zip(own, shape, strict=True))] += gradient[index]
    found = sum_to_shape(gradient, shape)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected.astype(dtype))


@pytest.mark.parametrize("shape", [(2, 1), (1, 1), (1, 2, 1)])
def test_a_rule_that_returns_too_few_axes_is_named(shape: tuple[int, ...]) -> None:
    @mg.primitive(broadcasts=True)
    def same(x: Any) -> Any:
        return x * 1.0

    same.derivatives(lambda g: np.ones(2))
    output = same(mg.tensor(np.ones(shape), requires_grad=True))
    with pytest.raises(RuleError, match=r"same: the rule of argument 0 must return a gradient .* returned \(2,\)"):
        output.backward(np.ones(shape))


def test_an_input_without_a_derivative_leaves_those_after_it_theirs() -> None:
    @mg.primitive
    def scale(x: Any, y: Any) -> Any:
        return x * y

    scale.derivatives(None, lambda g, x: g * x)
    x, y = (mg.tensor(value, requires_grad=True) for value in (3.0, 5.0))
    scale(x, y).backward()
    assert x.grad is None
    assert y.grad is not None
    assert y.grad.item() == 3


def test_a_recorded_pass_keeps_the_graph() -> None:
    x = mg.tensor([2.0], requires_grad=True)
    for _ in mg.backprop(mg.exp(x).sum(), create_graph=True):
        pass
    assert x.grad is not None
    (second,) = mg.grad(x.grad.sum(), x)
    assert second.item() == pytest.approx(np.exp(2.0))


def test_index_arrays_are_the_callers_to_change() -> None:
    x, index = mg.tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([0, 1])
    picked = x[index].sum()
    index[:] = 2
    picked.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 0]


def test_a_primitive_returns_one_array() -> None:
    @mg.primitive
    def twins(x: Any) -> Any:
        return x, x

    twins.derivatives(lambda g: g)
    with pytest.raises(
        RuleError, match="twins must return one array of real numbers or booleans, it returned a tuple of 2"
    ):
        twins(mg.ones(2))


def test_numpys_functions_are_not_taken_over() -> None:
    with pytest.raises(ArgumentError, match=r"np.exp already stands for exp"):
        mg.primitive(numpy=np.exp)(lambda x: x)


def test_a_walk_leaves_the_graph_as_it_was() -> None:
    output, leaves = network()
    seeds = {output.node: np.ones(())}
    first, second = ({node: gradient.tolist() for node, gradient, _ in walk(seeds)} for _ in range(2))
    assert first == second
    output.backward()
    assert [leaf.grad.tolist() for leaf in leaves] == [first[leaf.node] for leaf in leaves]


def test_a_walk_towards_targets_visits_what_leads_to_them() -> None:
    x, y = (mg.tensor(value, requires_grad=True) for value in (3.0, 5.0))
    middle = mg.exp(x)
    output = middle * mg.sin(y)
    visited = [node for node, _, sent in walk({output.node: np.ones(())}, targets={middle.node})]
    assert visited == [output.node, middle.node]
