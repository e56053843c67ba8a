"""Arrays that a graph has saved, and that somebody then changes: never a wrong gradient."""

from __future__ import annotations

import copy
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine import memory_changes
from minigrad.errors import InPlaceError


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


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("f", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [True, False], ids=["had before", "had after"])
def test_a_leaf_that_is_changed(first: bool, way: Any, f: Any, change: Any) -> None:
    x = mg.tensor(values(3, 3), requires_grad=True)
    array = way(x) if first else None
    output = f(x)
    change(array if first else way(x))
    output.backward()
    np.testing.assert_array_equal(x.grad.data, right(f))


@pytest.mark.parametrize("first", [True, False], ids=["had before", "had after"])
def test_a_leaf_that_is_changed_while_anomalies_are_looked_for(first: bool) -> None:
    x = mg.tensor(values(3, 3), requires_grad=True)
    array = x.data if first else None
    with mg.detect_anomaly():
        output = (x * x).sum()
        (x.data if array is None else array)[...] = 100
        output.backward()
    np.testing.assert_array_equal(x.grad.data, 2 * values(3, 3))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [True, False], ids=["had before", "had after"])
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


def test_a_result_that_was_had_before_it_was_used() -> None:
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

    @pytest.mark.parametrize(
        ("mode", "requires_grad", "copied"),
        [(mg.enable_grad, True, True), (mg.enable_grad, False, False), (mg.no_grad, True, False)],
        ids=["with a graph", "nothing requires a gradient", "no_grad"],
    )
    def test_an_operand_is_copied_for_a_graph_alone(self, mode: Any, requires_grad: bool, copied: bool) -> None:
        X, seen = values(3, 3), []

        @mg.primitive
        def product(x: Any, y: Any) -> Any:
            seen.extend([x, y])
            return x * y

        product.derivatives(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
        w = mg.tensor(values(3, 3), requires_grad=requires_grad)
        with mode():
            product(w, X)
            product(X, w)
        assert [array is X for array in seen] == [False, not copied, not copied, False]
        assert [array is w._data for array in seen] == [True, False, False, True]

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
            (lambda p: optim.Adam(p, lr=0.1), 3),
            (lambda p: optim.Newton(p, damping=1e-3), 3),
        ],
        ids=["SGD", "SGD, large", "Adam", "Newton"],
    )
    @pytest.mark.parametrize("steps", [0, 1, 4])  # after two alike, small parameters lie in a row
    def test_a_step_between_forward_and_backward_is_named(self, make: Any, steps: int, size: int) -> None:
        parameters = self.pair(size)
        optimizer = make(parameters)
        x = mg.tensor(values(2, size, seed=3))

        def loss() -> mg.Tensor:
            return mg.tanh(x @ parameters[0] @ parameters[1]).mean()

        def step() -> None:
            optimizer.zero_grad()
            if isinstance(optimizer, optim.Newton):
                optimizer.step(loss)
            else:
                loss().backward()
                optimizer.step()

        for _ in range(steps):
            step()
        old = loss()
        step()
        with pytest.raises(InPlaceError, match=r"cannot differentiate 'matmul': 'W2', .* before step\(\)"):
            old.backward()
        loss().backward()

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

    def test_a_rule_that_nobody_can_look_into_counts_as_reading(self) -> None:
        w, x = (mg.tensor(values(3), requires_grad=True, name=name) for name in "wx")
        output = mg.concatenate([w, x]).sum()
        (w * w).sum().backward()
        optim.SGD([w], lr=0.1).step()
        with pytest.raises(InPlaceError, match="'concatenate': 'w', an array that it needs, was changed in place"):
            output.backward()

    @pytest.mark.parametrize("updated", [0, 1])
    def test_a_parameter_of_the_same_group_that_was_not_updated(self, updated: int) -> None:
        parameters = [mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2)]
        one, other = parameters[updated], parameters[1 - updated]
        optimizer = optim.SGD(parameters, lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            (one * one + other * other).sum().backward()
            optimizer.step()
        assert one._data.base is other._data.base is not None  # side by side; who asks for .data gets a graph to copy
        old = (other * other).sum()
        optimizer.zero_grad()
        (one * one).sum().backward()
        optimizer.step()
        old.backward()
        np.testing.assert_array_equal(other.grad.data, 2 * other.data)

    def test_parameters_side_by_side_are_shared_one_by_one(self) -> None:
        parameters = [mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2)]
        optimizer = optim.SGD(parameters, lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            sum(w * w for w in parameters).sum().backward()
            optimizer.step()
        one, other = parameters
        memory = one._data.base
        assert other._data.base is memory is not None
        view = one.data[1:]  # a view of a part is enough to be somebody outside
        outputs = [(w * w).sum() for w in parameters]
        saved = [output.node.inputs[0].saved for output in outputs]
        expected = 2 * one.tolist()[1]
        optimizer.zero_grad()
        view[:] = 0
        outputs[0].backward()
        assert one.grad.tolist()[1] == expected
        assert other._data is saved[1][1] is not None  # nobody has asked for it: not copied
        assert one._data is not saved[0][1]
        del view, outputs, saved
        again = (one * one).sum()
        assert again.node.inputs[0].saved[1] is one._data  # nor is the first, now that the view has gone
        assert one._data.base is memory

    def test_the_first_of_a_group_that_was_updated_one_by_one(self) -> None:
        parameters = [mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2, 3)]
        optimizer = optim.SGD(parameters, lr=0.1)

        def step(count: int) -> None:
            optimizer.zero_grad()
            mg.concatenate(parameters[:count]).sum().backward()
            optimizer.step()

        for _ in range(4):
            step(3)
        assert parameters[0]._data.base is parameters[1]._data.base is not None
        old = (parameters[0] * parameters[0]).sum()
        step(2)  # one of the row has no gradient
        with pytest.raises(InPlaceError, match="'multiply': argument 0, "):
            old.backward()

    def test_a_rule_of_a_number_does_not_run(self) -> None:
        w, x = (mg.tensor(values(3, seed=s), requires_grad=True) for s in (1, 2))
        output = (w * 2.0).sum()  # the rule of 2.0 would need w
        (w * x).sum().backward()
        optim.SGD([w], lr=0.1).step()
        w.grad = None
        output.backward()
        assert w.grad.tolist() == [2, 2, 2]

    def test_an_input_without_a_derivative_reads_nothing(self) -> None:
        condition = mg.tensor(values(3), requires_grad=True)
        output = mg.where(condition, 2.0, 3.0).sum()
        (condition * 1).sum().backward()
        optim.SGD([condition], lr=0.1).step()
        condition.grad = None
        output.backward()
        assert condition.grad is None

    def test_grad_asks_as_well(self) -> None:
        w = mg.tensor(values(3), requires_grad=True, name="w")
        x = mg.tensor(values(3, seed=1), requires_grad=True)
        output = (w * x).sum()
        (w * w).sum().backward()
        optim.SGD([w], lr=0.1).step()
        for create_graph in (False, True):
            with pytest.raises(InPlaceError, match="'multiply': 'w', "):
                mg.grad(output, x, create_graph=create_graph, retain_graph=True)

    def test_a_recorded_backward_pass_saves_parameters_as_well(self) -> None:
        w, x, v = (mg.tensor(values(3, seed=s), requires_grad=True, name=n) for s, n in enumerate("wxv"))
        pulled = mg.grad(x * w, x, gradient=v, create_graph=True)
        (w * w).sum().backward()
        optim.SGD([w], lr=0.1).step()
        with pytest.raises(InPlaceError, match="'multiply': 'w', "):
            mg.grad(pulled.sum(), v)

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
        np.testing.assert_allclose(mg.grad(output, x).data, values(3, 3).T + values(3, 3), rtol=1e-15)

    def test_a_detached_parameter_follows_and_is_saved_as_it_was(self) -> None:
        w = mg.tensor(values(3, 3), requires_grad=True)
        x = mg.tensor(values(3, 3, seed=1), requires_grad=True)
        detached = w.detach()
        output = (x * detached).sum()
        (w * w).sum().backward()
        optim.SGD([w], lr=0.1).step()
        assert detached.tolist() == w.tolist() != values(3, 3).tolist()
        assert mg.grad(output, x).tolist() == values(3, 3).tolist()

    def test_unnamed_parameters_and_arguments(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        output = (2.0 * w * w).sum()
        output.backward(retain_graph=True)
        optim.SGD([w], lr=0.1).step()
        with pytest.raises(InPlaceError, match=r"'multiply': argument 1, an array that it needs, .*step after the"):
            output.backward()


class TestWhatIsHadIsTheTensors:
    """Changing what ``.data`` gives changes the tensor, before and after graphs, and optimizers' steps show in it."""

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

    @pytest.mark.parametrize("size", [3, 80])
    def test_what_was_had_follows_an_optimizer(self, size: int) -> None:
        parameters = [mg.tensor(values(size, size, seed=s), requires_grad=True) for s in (1, 2)]
        optimizer = optim.SGD(parameters, lr=0.1)
        views: list[Any] = []
        for step in range(8):
            if step in (0, 5):
                views += [parameter.data[0] for parameter in parameters]
            optimizer.zero_grad()
            (parameters[0] * parameters[1]).sum().backward()
            optimizer.step()
            for view, parameter in zip(views, parameters * 2, strict=False):
                assert view.tolist() == parameter[0].tolist()

    @pytest.mark.parametrize("held", [False, True])
    def test_results_do_not_follow(self, held: bool) -> None:
        x = mg.tensor(values(3, 3))
        array = x.data if held else None
        results = [x.reshape(9), x.T, x[1:], x[0], +x, mg.squeeze(x), mg.flip(x, 0), mg.broadcast_to(x, (2, 3, 3))]
        results += [mg.reshape(values(3, 3), (9,)), *mg.split(x, 3)]
        before = [result.tolist() for result in results]
        (x.data if array is None else array)[...] = 0
        assert [result.tolist() for result in results] == before

    def test_what_nobody_holds_any_longer_is_not_copied(self) -> None:
        w = mg.tensor(values(3), requires_grad=True)
        w.data[:] = 5
        array = id(w._data)
        output = w * w
        assert id(output.node.saved[1]) == array
        w = mg.tensor(values(3), requires_grad=True)
        held = w.data
        output = w * w
        assert output.node.saved[1] is not held

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

    def test_a_tensor_that_nobody_else_holds_becomes_a_parameter_as_it_is(self) -> None:
        x = mg.tensor(values(4))
        array = id(x._data)
        x.requires_grad = True
        assert id(x._data) == array

    def test_whoever_holds_the_array_of_a_tensor_that_becomes_a_parameter_still_does(self) -> None:
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


def test_an_output_that_is_a_parameters_own_array_is_named() -> None:
    @mg.primitive
    def itself(x: Any) -> Any:
        return x

    itself.derivatives(lambda g, out, x: g * out)
    w = mg.tensor(values(3), requires_grad=True)
    output = itself(w)
    w.grad = np.ones(3)
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(InPlaceError, match="cannot differentiate 'itself': its output, an array that it needs"):
        output.backward(np.ones(3))


def test_an_input_without_a_rule_needs_nothing_of_its_own() -> None:
    condition, x = (mg.tensor(values(3, seed=seed), requires_grad=True) for seed in (0, 1))
    output = mg.where(condition, x, 0.0).sum()
    condition.grad = np.ones(3)
    optim.SGD([condition], lr=0.1).step()
    with pytest.raises(InPlaceError, match="cannot differentiate 'where': argument 0"):
        output.backward()  # for the sake of x


def test_memory_that_has_the_identity_of_other_memory_is_not_forgotten_with_it() -> None:
    """A weak reference's callback may come after the identity has a new owner."""
    w = mg.tensor(values(3), requires_grad=True)
    output = (w * w).sum()
    w.grad = np.ones(3)
    optim.SGD([w], lr=0.1).step()
    memory_changes._forget(id(memory_changes.owner_of(w._data)), weakref.ref(InPlaceError))
    with pytest.raises(InPlaceError, match="changed in place"):
        output.backward()
