"""Arrays that a graph holds, and that somebody then changes: never a wrong gradient."""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


def values(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


# --- what somebody outside does to the array of a tensor; each gets it before the graph is made, or after


def through_data(x: mg.Tensor) -> Any:
    return x.data


def through_numpy(x: mg.Tensor) -> Any:
    return x.numpy()


def through_a_view(x: mg.Tensor) -> Any:
    return x.data[1:]


def through_a_view_of_a_view(x: mg.Tensor) -> Any:
    return x.data.T[::-1]


def through_asarray(x: mg.Tensor) -> Any:
    return np.asarray(x.detach())


def through_detach(x: mg.Tensor) -> Any:
    return x.detach().data


def through_memoryview(x: mg.Tensor) -> Any:
    return np.frombuffer(memoryview(x.data).cast("B"), x.dtype)


def through_a_shallow_copy(x: mg.Tensor) -> Any:
    return copy.copy(x).data


def through_an_index(x: mg.Tensor) -> Any:
    return x[:2].data


def through_a_transposed_tensor(x: mg.Tensor) -> Any:
    return x.T.data


def through_a_flat_tensor(x: mg.Tensor) -> Any:
    return x.reshape(-1).data


WAYS = [
    through_data,
    through_numpy,
    through_a_view,
    through_a_view_of_a_view,
    through_asarray,
    through_detach,
    through_memoryview,
    through_a_shallow_copy,
    through_an_index,
    through_a_transposed_tensor,
    through_a_flat_tensor,
]

CHANGES: dict[str, Callable[[Any], Any]] = {
    "an assignment": lambda array: array.fill(7),
    "out=": lambda array: np.add(array, 100, out=array),
    "+=": lambda array: array.__iadd__(3),
    "np.copyto": lambda array: np.copyto(array, -1),
    "a sort": lambda array: array.sort(axis=0),
}

GRAPHS: dict[str, Callable[[mg.Tensor], mg.Tensor]] = {
    "square": lambda x: (x * x).sum(),
    "exp, which saves its result": lambda x: mg.exp(x).sum(),
    "of a reshaped one": lambda x: (x.reshape(-1) * x.T.reshape(-1)).sum(),
    "of a slice": lambda x: (x[1:] * x[:-1]).sum(),
    "a product": lambda x: (x @ x.T).sum(),
    "a product with a constant": lambda x: (x @ mg.tensor(values(3, 2))).sum(),
    "softmax": lambda x: mg.softmax(x)[:, 0].sum(),
    "several steps": lambda x: mg.tanh(mg.sin(x) @ mg.exp(x).T).mean(),
}


def right(f: Callable[[mg.Tensor], mg.Tensor]) -> Any:
    x = mg.tensor(values(3, 3), requires_grad=True)
    f(x).backward()
    return x.grad.data.copy()


@pytest.mark.parametrize("f", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [True, False], ids=["taken before", "taken after"])
def test_a_leaf_that_is_changed(first: bool, way: Any, f: Any) -> None:
    for change in CHANGES.values():
        x = mg.tensor(values(3, 3), requires_grad=True)
        array = way(x) if first else None
        output = f(x)
        change(array if first else way(x))
        output.backward()
        np.testing.assert_array_equal(x.grad.data, right(f))


@pytest.mark.parametrize("first", [True, False], ids=["taken before", "taken after"])
def test_a_leaf_that_is_changed_while_anomalies_are_looked_for(first: bool) -> None:
    x = mg.tensor(values(3, 3), requires_grad=True)
    array = x.data if first else None
    with mg.detect_anomaly():
        output = (x * x).sum()
        (x.data if array is None else array)[...] = 100
        output.backward()
    np.testing.assert_array_equal(x.grad.data, 2 * values(3, 3))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [True, False], ids=["taken before", "taken after"])
def test_a_constant_that_is_changed(first: bool, way: Any) -> None:
    w = mg.tensor(values(3, 3), requires_grad=True)
    x = mg.tensor(values(3, 3, seed=1))
    array = way(x) if first else None
    output = (mg.sin(x.T[1:]) * w[1:] * x[1:]).sum()
    (array if first else way(x))[...] = 7
    output.backward()
    expected = np.sin(values(3, 3, seed=1).T[1:]) * values(3, 3, seed=1)[1:]
    np.testing.assert_allclose(w.grad.data[1:], expected, rtol=1e-15)


@pytest.mark.parametrize("way", [way for way in WAYS if way is not through_a_shallow_copy])
def test_a_result_that_is_changed(way: Any) -> None:
    x = mg.tensor(values(3, 3), requires_grad=True)
    y = mg.exp(x)
    z = y * y
    way(y)[...] = 7
    z.sum().backward()
    np.testing.assert_allclose(x.grad.data, 2 * np.exp(2 * values(3, 3)), rtol=1e-14)


def test_a_result_whose_array_was_taken_before_it_was_used() -> None:
    x = mg.tensor(values(3, 3), requires_grad=True)
    y = mg.exp(x)
    array = y.data
    z = (y * y).sum()
    array[...] = 7
    z.backward()
    np.testing.assert_allclose(x.grad.data, 2 * np.exp(2 * values(3, 3)), rtol=1e-14)


def test_a_leaf_that_is_changed_while_anomalies_are_detected() -> None:
    x = mg.tensor(values(3), requires_grad=True)
    with mg.detect_anomaly():
        output = (x * x).sum()
        x.data[:] = 7
        output.backward()
    assert x.tolist() == [7, 7, 7]
    np.testing.assert_array_equal(x.grad.data, 2 * values(3))
    x.grad, held = None, x.data
    output = (x * x).sum()
    held[:] = 9  # the block is over: a graph is safe from who had the array before, too
    output.backward()
    assert x.grad.tolist() == [14, 14, 14]


class TestArraysOfTheUsers:
    def test_a_constant_as_an_array(self) -> None:
        constant = mg.tensor(values(3))
        array = np.asarray(constant)
        x = mg.tensor(values(3), requires_grad=True)
        output = (x * constant).sum()
        array[:] = 7
        output.backward()
        assert constant.tolist() == [7, 7, 7]  # the tensor's own array
        assert x.grad.tolist() == values(3).tolist()

    @pytest.mark.parametrize(
        "build",
        [lambda a: a, lambda a: a[:], lambda a: a.T.T, mg.Tensor],
        ids=["array", "slice", "transposed twice", "tensor"],
    )
    def test_an_operand(self, build: Any) -> None:
        w = mg.tensor(values(3, 3), requires_grad=True)
        X = values(3, 3, seed=1)
        output = (w * build(X)).sum()
        X *= 2
        output.backward()
        np.testing.assert_array_equal(w.grad.data, values(3, 3, seed=1))

    def test_an_operand_that_went_through_operations_without_a_gradient(self) -> None:
        w = mg.tensor(values(3, 3), requires_grad=True)
        X = values(3, 3, seed=1)
        flat = mg.reshape(X, (-1,))
        turned = mg.Tensor(X).T
        with mg.no_grad():
            part = mg.Tensor(X)[1:]
        output = (w.reshape(-1) * flat).sum() + (w * turned).sum() + (w[1:] * part).sum()
        X *= 2
        output.backward()
        expected = values(3, 3, seed=1) + values(3, 3, seed=1).T
        expected[1:] += values(3, 3, seed=1)[1:]
        np.testing.assert_allclose(w.grad.data, expected, rtol=1e-15)

    @pytest.mark.parametrize("build", [lambda a: a, mg.Tensor, mg.tensor], ids=["array", "Tensor", "tensor"])
    def test_an_operand_of_an_operation_without_a_gradient(self, build: Any) -> None:
        X = values(3, 3)
        x = build(X)
        results = [mg.multiply(x, 2.0), mg.reshape(x, (9,)), mg.identity(x), mg.transpose(x)]
        before = [result.tolist() for result in results]
        X[...] = 7
        assert [result.tolist() for result in results] == before

    def test_an_index(self) -> None:
        x = mg.tensor(values(4), requires_grad=True)
        rows, where, several = np.array([0, 1]), x.detach().numpy() > 0, [0, 2]
        output = x[rows].sum() + x[where].sum() + x[several].sum()
        expected = np.array([2, 1, 1, 0]) + (values(4) > 0)
        rows += 2
        where[:] = ~where
        several[0] = 3
        output.backward()
        np.testing.assert_array_equal(x.grad.data, expected)

    def test_targets(self) -> None:
        scores = mg.tensor(values(3, 4), requires_grad=True)
        labels = np.array([0, 1, 2])
        for targets in (labels, mg.Tensor(labels), mg.tensor(labels)):
            scores.grad = None
            labels[:] = [0, 1, 2]
            loss = nn.functional.cross_entropy(scores, targets)
            (targets.data if isinstance(targets, mg.Tensor) else targets)[:] = 3
            loss.backward()
            assert (scores.grad.data < 0).nonzero()[1].tolist() == [0, 1, 2]

    def test_a_mask(self) -> None:
        x = mg.tensor(values(4), requires_grad=True)
        mask = np.array([True, False, True, False])
        output = mg.where(mask, x, 0.0).sum()
        mask[:] = True
        output.backward()
        assert x.grad.tolist() == [1, 0, 1, 0]

    def test_the_gradient_to_start_with(self) -> None:
        x = mg.tensor(values(3), requires_grad=True)
        start = np.ones(3)
        mg.identity(x).backward(start)
        start[:] = 9
        assert x.grad.tolist() == [1, 1, 1]

    def test_a_batch_of_a_loader(self) -> None:
        X = values(4, 2)
        w = mg.tensor(np.ones(2), requires_grad=True)
        for (batch,) in mg.data.DataLoader(mg.data.TensorDataset(X), batch_size=2):
            before = batch.data.copy()
            w.grad = None
            output = (batch @ w).sum()
            X *= 2
            output.backward()
            np.testing.assert_allclose(w.grad.data, before.sum(axis=0), rtol=1e-15)


class TestOptimizers:
    @staticmethod
    def pair(size: int) -> list[mg.Tensor]:
        return [mg.tensor(values(size, size, seed=s), requires_grad=True, name=f"W{s}") for s in (1, 2)]

    @pytest.mark.parametrize(
        ("make", "size"),
        [
            (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), 3),
            (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), 70),
            (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), 400),
            (lambda p: optim.Adam(p, lr=0.1), 3),
            (lambda p: optim.Newton(p, damping=1e-3), 3),
        ],
        ids=["SGD", "SGD, large", "SGD, in blocks", "Adam", "Newton"],
    )
    @pytest.mark.parametrize("steps", [0, 1, 4])
    def test_a_step_between_forward_and_backward_leaves_the_gradient_right(
        self, make: Any, steps: int, size: int
    ) -> None:
        parameters = self.pair(size)
        optimizer = make(parameters)
        x = mg.tensor(values(2, size, seed=3))

        def loss(first: Any, second: Any) -> mg.Tensor:
            return mg.tanh(x @ first @ second).mean()

        def step() -> None:
            optimizer.zero_grad()
            if isinstance(optimizer, optim.Newton):
                optimizer.step(lambda: loss(*parameters))
            else:
                loss(*parameters).backward()
                optimizer.step()

        for _ in range(steps):
            step()
        twins = [mg.tensor(parameter, requires_grad=True) for parameter in parameters]
        loss(*twins).backward()
        old = loss(*parameters)
        step()
        optimizer.zero_grad()
        assert [p.tolist() for p in parameters] != [twin.tolist() for twin in twins]
        old.backward()
        for parameter, twin in zip(parameters, twins, strict=True):
            np.testing.assert_array_equal(parameter.grad.numpy(), twin.grad.numpy())

    def test_so_is_the_second_derivative(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        (slope,) = mg.grad((w**3).sum(), w, create_graph=True)
        w.grad = np.ones(3)
        optim.SGD([w], lr=0.5).step()
        np.testing.assert_allclose(mg.grad(slope.sum(), w)[0].numpy(), 6 * values(3), rtol=1e-15)

    def test_rules_under_a_decorator_too(self) -> None:
        def traced(rule: Any) -> Any:
            @functools.wraps(rule)
            def call(*args: Any) -> Any:
                return rule(*args)

            return call

        @mg.primitive
        def squared(x: Any) -> Any:
            return x * x

        squared.derivatives(traced(lambda g, x: 2 * g * x))
        w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        output = squared(w).sum()
        w.grad = np.ones(3)
        optimizer = optim.SGD([w], lr=0.5)
        optimizer.step()
        optimizer.zero_grad()
        output.backward()
        assert w.grad.tolist() == [2, 4, 6]

    def test_an_array_that_was_taken_before_a_step_keeps_the_old_values(self) -> None:
        w = mg.tensor([1.0, 2.0], requires_grad=True)
        array = w.data
        w.grad = np.ones(2)
        optim.SGD([w], lr=0.5).step()
        assert array.tolist() == [1, 2]
        array[:] = 7
        assert w.tolist() == [0.5, 1.5]
        assert w.data.tolist() == [0.5, 1.5]

    def test_a_step_of_others_is_none_of_its_business(self) -> None:
        head, trunk = (nn.Linear(3, 3) for _ in range(2))
        heads, trunks = (optim.SGD(part.parameters(), lr=0.1) for part in (head, trunk))
        hidden = trunk(mg.tensor(values(2, 3)).astype(np.float32))
        head(hidden).sum().backward(retain_graph=True)
        heads.step()
        trunk.zero_grad()
        (hidden * hidden).sum().backward()  # saved nothing of the head's
        trunks.step()

    @pytest.mark.parametrize(
        "f",
        [
            lambda w, x: ((x + w) ** 2.0).sum(),
            lambda w, x: ((x - w) ** 2.0).sum(),
            lambda w, x: (x[0] * 2 + w[0]).sum(),
            lambda w, x: (x.reshape(9) * w.reshape(9)).sum(),
            lambda w, x: (mg.linear(mg.Tensor(values(3, 3)), w) * x).sum(),
        ],
        ids=["add", "subtract", "an index", "a reshaped one", "a first layer"],
    )
    def test_what_no_rule_reads_may_change(self, f: Any) -> None:
        """As in PyTorch: an offset, an embedding or a first layer may be updated before another loss goes back."""
        found = []
        for stepped in (False, True):
            w, x = (mg.tensor(values(3, 3, seed=s), requires_grad=True) for s in (1, 2))
            output = f(w, x)
            if stepped:
                (w * w).sum().backward()
                optim.SGD([w], lr=0.1).step()
                w.grad = None
            output.backward()
            found.append((w.grad.tolist(), x.grad.tolist()))
        assert found[0] == found[1]

    @pytest.mark.parametrize(
        "f", [mg.sum, mg.mean, lambda w: mg.concatenate([w, w]).sum(), lambda w: mg.stack([w]).sum()]
    )
    def test_rules_that_read_no_input(self, f: Any) -> None:
        w = mg.tensor(values(4), requires_grad=True)
        output = f(w)
        before = mg.grad(output, w, retain_graph=True)[0].tolist()
        w.grad = np.ones(4)
        optim.SGD([w], lr=0.1).step()
        assert mg.grad(output, w)[0].tolist() == before

    @pytest.mark.parametrize("updated", [0, 1])
    def test_a_parameter_of_the_same_group_that_was_not_updated(self, updated: int) -> None:
        parameters = [mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2)]
        one, other = parameters[updated], parameters[1 - updated]
        optimizer = optim.SGD(parameters, lr=0.1)
        old = (other * other).sum()
        for _ in range(2):
            optimizer.zero_grad()
            (one * one).sum().backward()
            optimizer.step()
        old.backward()
        np.testing.assert_array_equal(other.grad.data, 2 * other.data)

    def test_neighbours_of_a_parameter_are_out_of_reach(self) -> None:
        parameters = [mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2)]
        optimizer = optim.SGD(parameters, lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            (parameters[0] * parameters[1]).sum().backward()
            optimizer.step()
        before = parameters[1].tolist()
        array = parameters[0].data
        for memory in (array, array.base):
            if memory is not None:
                memory[...] = 7
        assert parameters[1].tolist() == before

    def test_a_rule_of_a_number_does_not_run(self) -> None:
        w, x = (mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2))
        output = (w * 2.0).sum()  # the rule of 2.0 would need w
        (w * x).sum().backward()
        optim.SGD([w], lr=0.1).step()
        w.grad = None
        output.backward()
        assert w.grad.tolist() == [2, 2, 2]

    def test_an_input_without_a_derivative_needs_no_graph(self) -> None:
        condition = mg.tensor(values(3), requires_grad=True)
        assert not mg.where(condition, 2.0, 3.0).requires_grad

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_grad_after_a_step(self, create_graph: bool) -> None:
        w, x = (mg.tensor(values(3, seed=s), requires_grad=True) for s in (0, 1))
        output = (w * x).sum()
        w.grad = np.ones(3)
        optim.SGD([w], lr=0.1).step()
        assert mg.grad(output, x, create_graph=create_graph)[0].tolist() == values(3).tolist()

    def test_a_recorded_backward_pass_holds_the_old_values_too(self) -> None:
        w, x, v = (mg.tensor(values(3, seed=s), requires_grad=True) for s in range(3))
        (pulled,) = mg.grad(x * w, x, gradient=v, create_graph=True)
        w.grad = np.ones(3)
        optim.SGD([w], lr=0.1).step()
        assert mg.grad(pulled.sum(), v)[0].tolist() == values(3).tolist()

    @pytest.mark.parametrize("mode", [mg.enable_grad, mg.no_grad])
    def test_results_are_no_views_of_a_parameter(self, mode: Any) -> None:
        w = mg.tensor(values(3, 3), requires_grad=True)
        x = mg.tensor(values(3, 3, seed=1), requires_grad=True)
        with mode():
            turned, flat = w.T, w.reshape(-1)
        output = (x * turned).sum() + (x.reshape(-1) * flat).sum()
        (w * w).sum().backward()
        optim.SGD([w], lr=0.1).step()
        assert turned.tolist() == values(3, 3).T.tolist()
        np.testing.assert_allclose(mg.grad(output, x)[0].data, values(3, 3).T + values(3, 3), rtol=1e-15)

    def test_a_detached_parameter_keeps_its_values(self) -> None:
        w = mg.tensor(values(3, 3), requires_grad=True)
        x = mg.tensor(values(3, 3, seed=1), requires_grad=True)
        detached = w.detach()
        output = (x * detached).sum()
        w.grad = np.ones((3, 3))
        optim.SGD([w], lr=0.1).step()
        assert w.tolist() != detached.tolist() == values(3, 3).tolist()
        assert mg.grad(output, x)[0].tolist() == values(3, 3).tolist()


class TestTheArrayOfData:
    """Writing into what ``.data`` gives changes the tensor, before and after graphs."""

    def test_data_is_the_same_array_again_and_again(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        output = (w * w).sum()
        assert w.data is w.data is w.numpy()
        output.backward()
        array = w.data
        (w * w).sum().backward()
        assert w.data is array

    def test_a_change_shows(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        output = (w * w).sum()
        w.data[:] = 2
        w.data += 1
        assert w.tolist() == [3, 3, 3]
        assert (w * w).sum().item() == 27
        output.backward()
        np.testing.assert_array_equal(w.grad.data, 2 * values(3))

    def test_an_array_that_is_kept_follows_graphs_and_passes(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        array = w.data
        for k in range(3):
            (w * w).sum().backward()
            array[:] = k
            assert w.tolist() == [k] * 3
        np.testing.assert_array_equal(w.grad.data, 2 * values(3) + 2 * (0 + 1))

    def test_the_array_of_the_gradient_is_the_gradients(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        for _ in range(2):
            (w * w).sum().backward()
            w.grad.data *= 0.5
            w.grad.data[0] = 9
        assert w.grad.tolist() == [9, *(1.5 * values(3))[1:]]

    def test_parameters_updated_by_hand(self) -> None:
        w = mg.tensor([1.0, 2.0], requires_grad=True)
        for _ in range(3):
            w.grad = None
            output = (w * w * w).sum()
            w.data -= 0.1 * w.data
            before = w.data / 0.9
            output.backward()
            np.testing.assert_allclose(w.grad.data, 3 * before**2, rtol=1e-6)

    @pytest.mark.parametrize("held", [False, True])
    def test_results_do_not_follow(self, held: bool) -> None:
        x = mg.tensor(values(3, 3))
        array = x.data if held else None
        results = [x.reshape(9), x.T, x[1:], x[0], +x, mg.squeeze(x), mg.flip(x, 0), mg.broadcast_to(x, (2, 3, 3))]
        results += [mg.reshape(values(3, 3), (9,)), *mg.split(x, 3)]
        before = [result.tolist() for result in results]
        (x.data if array is None else array)[...] = 0
        assert [result.tolist() for result in results] == before

    def test_a_pickle_and_a_copy_are_their_own(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        output = (w * w).sum()
        for other in (pickle.loads(pickle.dumps(w)), copy.deepcopy(w), copy.copy(w)):
            other.data[:] = 9
        output.backward()
        np.testing.assert_array_equal(w.grad.data, 2 * values(3))

    def test_a_view_that_becomes_a_parameter(self) -> None:
        x = mg.tensor(values(4))
        part = x[:2]
        part.requires_grad = True
        (part * part).sum().backward()
        optim.SGD([part], lr=0.1).step()
        assert x.tolist() == values(4).tolist()

    def test_the_array_of_a_tensor_that_becomes_a_parameter_stays_its_array(self) -> None:
        x = mg.tensor(values(4))
        array = x.data
        x.requires_grad = True
        array[:] = 7
        assert x.tolist() == [7, 7, 7, 7]

    def test_a_constant_of_a_graph_that_becomes_a_parameter(self) -> None:
        w, x = mg.tensor(values(4), requires_grad=True), mg.tensor(values(4, seed=1))
        output = (w * x).sum()
        x.requires_grad = True
        x.grad = np.ones(4)
        optim.SGD([x], lr=0.1).step()
        output.backward()
        np.testing.assert_array_equal(w.grad.data, values(4, seed=1))

    def test_gradients_that_are_changed_between_steps_of_a_pass(self) -> None:
        a, b = (mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2))
        for _ in mg.backprop((a + b).sum()):
            for x in (a, b):
                if x.grad is not None:
                    x.grad.data[:] = 0
        assert sorted([a.grad.tolist(), b.grad.tolist()]) == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("name", ["Linear", "BatchNorm1d", "LayerNorm", "Dropout", "MLP"])
def test_layers_whose_parameters_and_input_are_changed(name: str) -> None:
    make = {"MLP": lambda: nn.MLP([4, 4, 4])}.get(name) or {
        "Linear": lambda: nn.Linear(4, 4),
        "Dropout": lambda: nn.Dropout(0.5),
    }.get(name, lambda: getattr(nn, name)(4))
    found = []
    for changed in (False, True):
        mg.seed(0)
        layer, x = make(), mg.tensor(values(5, 4).astype(np.float32), requires_grad=True)
        loss = (layer(x) ** 2.0).mean()
        if changed:
            for tensor in [x, *layer.parameters(), *layer.buffers()]:
                tensor.data[...] = 3
        loss.backward()
        found.append([tensor.grad.data.tobytes() for tensor in (x, *layer.parameters())])
    assert found[0] == found[1]


def test_an_output_that_is_its_inputs_own_array() -> None:
    @mg.primitive
    def itself(x: Any) -> Any:
        return x

    itself.derivatives(lambda g, out: g * out)
    w = mg.tensor(values(3), requires_grad=True)
    output = itself(w)
    output.data[:] = 7
    assert w.tolist() == values(3).tolist()
    w.grad = np.ones(3)
    optimizer = optim.SGD([w], lr=0.1)
    optimizer.step()
    optimizer.zero_grad()
    output.backward(np.ones(3))
    assert w.grad.tolist() == values(3).tolist()
