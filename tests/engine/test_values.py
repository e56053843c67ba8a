"""``values_of``: the arrays of a forward pass, shown again to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.engine.mode import Observer, observing
from minigrad.engine.node import Number
from minigrad.engine.recompute import values_of


class Results(Observer):
    """Notes the value of each result, and of each tensor among the arguments, when it is computed."""

    def __init__(self) -> None:
        self.values: dict[Any, np.ndarray] = {}

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], result: Any) -> None:
        for tensor in [*inputs, result]:
            if isinstance(tensor, mg.Tensor) and tensor.node is not None:
                self.values.setdefault(tensor.node, np.array(tensor.tolist(), tensor.dtype))


def leaf(*shape: int, dtype: Any = np.float32, seed: int = 0) -> mg.Tensor:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype(dtype)
    return mg.tensor(values, requires_grad=True)


def network(x: mg.Tensor) -> mg.Tensor:
    mg.seed(0)
    layers = nn.Linear(3, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.5), nn.LayerNorm(8), nn.Linear(8, 4)
    return F.cross_entropy(nn.Sequential(*layers)(x), [0, 1, 2, 3, 0])


def noisy(x: mg.Tensor) -> mg.Tensor:
    rng = np.random.default_rng()

    @mg.primitive(random=True)
    def with_noise(x: Any) -> Any:
        return x + rng.normal(size=x.shape).astype(x.dtype)

    with_noise.derivatives(lambda g: g)
    return (with_noise(x * 2) * with_noise(x)).sum()


GRAPHS: dict[str, Callable[[mg.Tensor], mg.Tensor]] = {
    "arithmetic": lambda x: ((x * 2 - 1) / (x + 3) ** 2 - x).sum(),
    "products": lambda x: mg.logsumexp(x @ x.T @ np.ones((5, 2), np.float32), axis=0).sum(),
    "shapes": lambda x: (mg.concatenate([x.T.reshape(5, 3), x[::-1]]) * mg.stack([x, x]).reshape(10, 3)).mean(),
    "options": lambda x: (mg.softmax(x, axis=0).sum(axis=1, keepdims=True) * x.max(axis=0)).sum(),
    "indexing": lambda x: (x[[0, 2, 2]] * x[1] + mg.where(x[:3] > 1, x[:3], -1.0)).sum(),
    "a constant": lambda x: (x * mg.tensor(np.float32([1, 2, 3])) @ mg.tensor(np.float32([1, 2, 3])).detach()).sum(),
    "splits": lambda x: (mg.split(x, 3, axis=1)[0] * mg.split(x, 3, axis=1)[2]).sum(),
    "users' random numbers": noisy,
    "a network": network,
    "recorded gradients": lambda x: (mg.grad(mg.exp(x).sum(), x, create_graph=True)[0] * x).sum(),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("f", GRAPHS.values(), ids=GRAPHS)
def test_values_are_those_of_the_forward_pass_to_the_bit(f: Any, dtype: Any) -> None:
    results, x = Results(), leaf(5, 3, dtype=dtype)
    with observing(results):
        output = f(x)
    values = values_of(output.node)
    compared = [node for node in values if not isinstance(node, Number) and node in results.values]
    assert len(compared) >= 4
    for node in compared:
        expected = results.values[node]
        assert (values[node].dtype, values[node].shape) == (expected.dtype, expected.shape), node
        np.testing.assert_array_equal(values[node], expected, err_msg=repr(node))
    assert all(node.primitive is None or node in results.values for node in values)
    assert x.node in compared
    assert output.node in compared


@pytest.mark.parametrize("f", GRAPHS.values(), ids=GRAPHS)
def test_they_stay_when_leaves_are_changed_and_updated(f: Any) -> None:
    x = leaf(5, 3)
    before = x.data
    output = f(x)
    expected = {node: np.array(value) for node, value in values_of(output.node).items() if not isinstance(node, Number)}
    before[...] = 7
    x.data -= 0.5
    with mg.no_grad():
        x[0] = 3
        x *= 2
    x.grad = np.ones((5, 3))
    optim.SGD([x], lr=0.1).step()
    found = values_of(output.node)
    for node, value in expected.items():
        np.testing.assert_array_equal(found[node], value)


def test_constants_have_their_numbers() -> None:
    x = leaf(2)
    array = np.array([3.0, 4.0])
    output = (x * 2.5 + array) ** 2
    array[:] = 0
    values = values_of(output.node)
    assert sorted(np.asarray(value).tolist() for node, value in values.items() if isinstance(node, Number)) == [
        2,
        2.5,
    ]
    assert [3.0, 4.0] in [value.tolist() for node, value in values.items() if node.primitive is None and np.ndim(value)]


def test_a_released_graph_has_no_values() -> None:
    x = leaf(3)
    output = mg.exp(x * 2).sum()
    output.backward(retain_graph=True)
    assert len(values_of(output.node)) == 5
    output.backward()
    assert [node for node in values_of(output.node) if not isinstance(node, Number)] == []


def test_what_needs_a_released_part_has_no_value_and_the_rest_has() -> None:
    x, y = leaf(3), leaf(3, seed=1)
    shared, other = mg.exp(x), mg.sin(y)
    shared.sum().backward()
    output = shared + other  # which holds neither
    values = values_of(output.node)
    assert output.node not in values
    np.testing.assert_array_equal(values[other.node], np.sin(y.numpy()))


def test_one_node_of_a_graph() -> None:
    x = leaf(3)
    middle = x * x
    mg.exp(middle)
    assert set(values_of(middle.node)) == {x.node, middle.node}
    np.testing.assert_array_equal(values_of(middle.node)[middle.node], middle.numpy())


def test_warnings_are_not_given_again() -> None:
    x = mg.tensor([0.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        output = mg.log(x)
    assert values_of(output.node)[output.node].tolist() == [-np.inf]


def test_computing_them_again_changes_nothing() -> None:
    x = leaf(5, 3)
    output = network(x)
    first, second = (values_of(output.node)[output.node] for _ in range(2))
    assert first == second == output.item()
    output.backward()
    again = leaf(5, 3)
    network(again).backward()
    np.testing.assert_array_equal(x.grad.numpy(), again.grad.numpy())
