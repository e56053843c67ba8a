"""Ways in which arrays could be shared and are not, by name: results, copies, options, kinds of arrays."""

from __future__ import annotations

import copy
import operator
import pickle
from array import array as python_array
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine.recompute import values_of


def leaf(*values: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(np.array(values, dtype), requires_grad=True)


class Pair(NamedTuple):
    first: Any
    second: Any


class HandsOutItsArray:
    def __init__(self, *values: float) -> None:
        self.array = np.array(values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array


RESULTS: Any = [
    lambda x: +x, mg.identity, mg.squeeze, mg.ravel, lambda x: x.astype(np.float64), lambda x: x[...],
    lambda x: x[()], lambda x: x.reshape(3), lambda x: mg.transpose(x), lambda x: mg.broadcast_to(x, (3,)),
    lambda x: mg.einsum("i->i", x), lambda x: mg.flip(mg.flip(x)), lambda x: mg.split(x, 1)[0],
    lambda x: mg.expand_dims(x, 0)[0], lambda x: np.swapaxes(mg.expand_dims(x, 0), 0, 1)[:, 0],
    lambda x: nn.Flatten(0)(x),
]  # fmt: skip


class TestResultsThatAreTheirOperand:
    @pytest.mark.parametrize("function", RESULTS)
    @pytest.mark.parametrize("first", [True, False], ids=["read before", "read after"])
    @pytest.mark.parametrize("requires_grad", [True, False])
    def test_neither_shows_a_write_into_the_other(self, function: Any, first: bool, requires_grad: bool) -> None:
        x = mg.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=requires_grad)
        held = x.data if first else None
        y = function(x)
        (x.data if held is None else held)[...] = 7
        assert y.tolist() == [1, 2, 3]
        y.data[...] = 8
        assert x.tolist() == [7, 7, 7]

    @pytest.mark.parametrize("function", RESULTS)
    def test_of_an_array_of_the_users(self, function: Any) -> None:
        mine = np.array([1.0, 2.0, 3.0])
        y = function(mg.Tensor(mine))
        mine[...] = 7
        y.data[...] = 8
        assert mine.tolist() == [7, 7, 7]

    def test_operands_that_are_arrays(self) -> None:
        mine = np.array([1.0, 2.0, 3.0])
        results = [mg.identity(mine), mg.reshape(mine, 3), mg.squeeze(mine), mg.ravel(mine), mg.broadcast_to(mine, 3)]
        mine[...] = 7
        for result in results:
            assert result.tolist() == [1, 2, 3]
            result.data[...] = 8
        assert mine.tolist() == [7, 7, 7]

    def test_a_broadcast_result_is_written_into_as_any_other(self) -> None:
        wide = mg.broadcast_to(leaf(1.0, 2.0), (2, 2))
        wide.data[0] = 5
        assert wide.tolist() == [[5, 5], [1, 2]]


class TestWhatATensorIsMadeOf:
    def test_two_tensors_of_one_array(self) -> None:
        mine = np.ones(2)
        made = [mg.tensor(mine), mg.Tensor(mine), nn.Parameter(mine), mg.tensor(mine, dtype=np.float64)]
        for place, tensor in enumerate(made):
            tensor.data[...] = place
        assert mine.tolist() == [1, 1]
        assert [tensor.tolist()[0] for tensor in made] == [0, 1, 2, 3]

    @pytest.mark.parametrize("make", [mg.tensor, nn.Parameter, lambda given: mg.tensor(given, dtype=np.float64)])
    def test_of_an_object_that_hands_out_its_array(self, make: Any) -> None:
        given = HandsOutItsArray(1.0, 2.0)
        tensor = make(given)
        given.array[...] = 7
        assert tensor.tolist() == [1, 2]

    def test_of_a_buffer(self) -> None:
        buffer = python_array("d", [1.0, 2.0])
        tensor, w = mg.tensor(buffer), leaf(1.0, 1.0)
        output = (w * buffer).sum()
        buffer[0] = 7
        output.backward()
        assert tensor.tolist() == w.grad.tolist() == [1, 2]

    def test_of_a_tensor(self) -> None:
        x = leaf(1.0, 2.0)
        for made in (mg.tensor(x), nn.Parameter(x), mg.zeros_like(x) + x):
            made.data[...] = 7
        assert x.tolist() == [1, 2]

    @pytest.mark.parametrize(
        "operand", [HandsOutItsArray(4.0, 5.0), [np.array(4.0), np.array(5.0)]], ids=["object", "list"]
    )
    def test_an_operand_that_holds_arrays(self, operand: Any) -> None:
        w = leaf(1.0, 1.0)
        output = (w * operand).sum()
        for array in [operand.array] if isinstance(operand, HandsOutItsArray) else operand:
            array[...] = 9
        output.backward()
        assert w.grad.tolist() == [4, 5]

    def test_data_of_another_tensor(self) -> None:
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        x.data = y.data
        x.data[0] = 9
        x.data = x.data  # its own: still its array
        assert (x.tolist(), y.tolist()) == ([9, 4], [3, 4])

    def test_np_array_without_a_copy(self) -> None:
        x, w = mg.tensor(np.ones(2)), leaf(1.0, 2.0)
        array = np.array(x, copy=False)
        output = (w * x).sum()
        array[...] = 7
        output.backward()
        assert x.tolist() == [7, 7]
        assert w.grad.tolist() == [1, 1]
        np.array(x, copy=True)[...] = 5
        np.asarray(x, np.float32)[...] = 5
        assert x.tolist() == [7, 7]

    def test_data_is_one_array_until_it_is_assigned(self) -> None:
        x = leaf(1.0, 2.0)
        for use in (lambda t: t * t, lambda t: t.detach(), copy.copy, mg.identity):
            use(x)
            held = x.data
            use(x)
            assert held is x.data is x.numpy()
            x.data -= 1
            with mg.no_grad():
                x += 2
                x[0] += 1
            assert held.tolist() == x.tolist()
        x.data = np.ones(2)
        assert (held.tolist(), x.tolist()) == ([9, 6], [1, 1])

    def test_the_base_of_data(self) -> None:
        """After steps, where parameters might lie side by side; of a row of another tensor; of a broadcast one."""
        a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
        optimizer = optim.SGD([a, b], lr=1.0)
        for _ in range(3):
            optimizer.zero_grad()
            (a + b).sum().backward()
            optimizer.step()
        for tensor in (a, b[:1], mg.broadcast_to(b, (2, 2))):
            base = tensor.data.base
            (tensor.data if base is None else base)[...] = 9
        assert (a.tolist(), b.tolist()) == ([9, 9], [0, 1])

    def test_tensors_side_by_side_in_one_array(self) -> None:
        """As an optimizer may lay its parameters: who gets the array of one cannot reach its neighbours."""
        flat = np.arange(4.0)
        a, b = leaf(0.0, 0.0), leaf(0.0, 0.0)
        a.assign(flat[:2])
        b.assign(flat[2:])
        assert a.data.base is None
        a.data[...] = 7
        with mg.no_grad():
            b += 1
        assert (a.tolist(), b.tolist(), flat.tolist()) == ([7, 7], [3, 4], [0, 1, 2, 3])


class TestCopies:
    @pytest.mark.parametrize("read", ["before", "after"])
    @pytest.mark.parametrize(
        "function", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), lambda x: x.detach()]
    )
    def test_a_copy_of_a_tensor(self, function: Any, read: str) -> None:
        x = leaf(1.0, 2.0)
        held = x.data if read == "before" else None
        other = function(x)
        output = (x * other).sum()
        (x.data if held is None else held)[...] = 7
        other.data[...] = 8
        with mg.no_grad():
            other[0] = 9
        output.backward()
        assert (x.tolist(), other.tolist(), x.grad.tolist()) == ([7, 7], [9, 8], [1, 2])

    @pytest.mark.parametrize(
        "function", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), lambda x: x.detach()]
    )
    def test_a_copy_that_nothing_is_computed_from(self, function: Any) -> None:
        x = leaf(1.0, 2.0)
        other = function(x)
        x.data[...] = 7
        with mg.no_grad():
            x[0] = 6
        assert (x.tolist(), other.tolist()) == ([6, 7], [1, 2])

    def test_a_copy_of_a_module_and_its_optimizer(self) -> None:
        model = nn.Linear(2, 2)
        before = model.weight.tolist()
        output = model(mg.ones((1, 2))).sum()
        twin, shallow = copy.deepcopy(model), copy.copy(model.weight)
        for tensor in (twin.weight, shallow):
            tensor.data[...] = 5
        optimizer = optim.SGD(twin.parameters(), lr=0.1)
        (twin(mg.ones((1, 2))) ** 2).sum().backward()
        optimizer.step()
        output.backward()
        assert model.weight.tolist() == before
        assert model.weight.grad.tolist() == [[1, 1], [1, 1]]

    def test_iterating_over_a_tensor(self) -> None:
        x = mg.tensor(np.eye(2))
        for row in x:
            row.data[...] = 7
            row += 1
        assert x.tolist() == np.eye(2).tolist()


INDICES: Any = {
    "an array": lambda a: a,
    "a tuple of arrays": lambda a: (a,),
    "a named tuple": lambda a: Pair(a, ...),
    "a slice from a number without axes": lambda a: slice(a[:1].reshape(()), None),
    "a tensor": lambda a: mg.tensor(a),
    "a slice from a tensor": lambda a: slice(mg.tensor(a[0]), None),
}


class TestArraysAsOptions:
    @pytest.mark.parametrize("make", INDICES.values(), ids=INDICES)
    @pytest.mark.parametrize("order", [1, 2])
    def test_an_index(self, make: Any, order: int) -> None:
        x, places = leaf(1.0, 2.0, 3.0), np.array([1, 1])
        index = make(places)
        output = (x[index] ** 3).sum()
        expected = 3 * np.array([0, 8, 0]) if np.ndim(x[index]) and x[index].tolist() == [2, 2] else [0, 12, 27]
        places[...] = 0
        for part in (index, getattr(index, "start", None)):
            if isinstance(part, mg.Tensor):
                part.data[...] = 0
        (gradient,) = mg.grad(output, x, create_graph=True)
        assert gradient.tolist() == list(expected)
        if order == 2:
            (second,) = mg.grad(gradient.sum(), x)
            assert second.tolist() == [2 * e / v for e, v in zip(expected, [1, 2, 3], strict=True)]

    def test_options_of_a_users_function(self) -> None:
        @mg.primitive
        def weighted(x: Any, weights: Any) -> Any:
            return x * _first(weights)

        def _first(weights: Any) -> Any:
            return weights["w"] if isinstance(weights, dict) else weights[0] if isinstance(weights, tuple) else weights

        weighted.derivatives(lambda g, weights: g * _first(weights))
        mine, x = np.array([1.0, 2.0]), leaf(1.0, 1.0)
        outputs = [weighted(x, weights).sum() for weights in (mine, (mine,), Pair(mine, 0), {"w": mine})]
        mine[...] = 9
        for output in outputs:
            x.grad = None
            output.backward()
            assert x.grad.tolist() == [1, 2]

    def test_a_shape_that_is_an_array(self) -> None:
        shape, x = np.array([2, 1]), leaf(1.0, 2.0)
        output = (x.reshape(shape) * mg.broadcast_to(x, shape + np.array([0, 1]))).sum()
        shape[...] = 1
        output.backward()
        assert x.grad.shape == (2,)


class TestKindsOfArrays:
    def test_half_precision_is_widened_and_not_shared(self) -> None:
        x = leaf(1.0, 2.0, dtype=np.float16)
        held = x.data
        y = mg.sum(x) * mg.logsumexp(x)
        z = (mg.cumsum(x) * x).sum()
        expected = mg.grad(y, x, retain_graph=True)[0].tolist(), mg.grad(z, x, retain_graph=True)[0].tolist()
        held[...] = 7
        assert (mg.grad(y, x)[0].tolist(), mg.grad(z, x)[0].tolist()) == expected
        assert x.tolist() == [7, 7]

    @pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (1, 1)], ids=str)
    def test_arrays_of_few_elements(self, shape: Any) -> None:
        x = mg.tensor(np.full(shape, 2.0), requires_grad=True)
        held = x.data
        results = [x.reshape(-1), x.T, +x, mg.squeeze(x), mg.broadcast_to(x, (2, *shape))]
        before = [result.tolist() for result in results]
        output = (x * x).sum() + mg.exp(x * 0).sum()
        held[...] = 5
        x.data -= 1.0
        output.backward()
        assert [result.tolist() for result in results] == before
        np.testing.assert_array_equal(x.grad.data, np.full(shape, 4.0))
        np.testing.assert_array_equal(held, np.full(shape, 4.0))

    def test_numbers_of_numpy(self) -> None:
        w, number = leaf(1.0, 2.0), np.array(3.0)
        output = (w * number).sum() + (w * number[()]).sum()
        number[...] = 7
        output.backward()
        assert w.grad.tolist() == [6, 6]

    @pytest.mark.parametrize(
        "turn",
        [lambda a: a.T, lambda a: a[::-1], lambda a: a[:, ::2], np.asfortranarray],
        ids=["transposed", "reversed", "every second", "Fortran order"],
    )
    def test_arrays_that_are_not_contiguous(self, turn: Any) -> None:
        mine = turn(np.arange(16.0).reshape(4, 4))
        values = mine.copy()
        w = mg.tensor(np.ones(mine.shape), requires_grad=True)
        constant, given = mg.tensor(mine), mg.Tensor(mine)
        held = constant.data
        output = (w * mine * constant).sum() + (w.T * given.T).sum()
        mine[...] = 0
        held[...] = 0
        given.data[...] = 0
        output.backward()
        np.testing.assert_array_equal(w.grad.data, values * values + values)

    @pytest.mark.parametrize("first", [True, False], ids=["read before", "not read"])
    def test_values_are_shown_bit_for_bit(self, first: bool) -> None:
        """A product adds in another order where the numbers do not lie side by side."""
        rng = np.random.default_rng(0)
        mine = rng.normal(size=(37, 64)).astype(np.float32)[:, ::2]
        v = mg.tensor(rng.normal(size=32).astype(np.float32), requires_grad=True)
        w = mg.tensor(mine.base, requires_grad=True)
        if first:
            w.data[...] += 1
        for output in (mine @ v, w[:, ::2] @ v, mg.sum(w.T, axis=0), mg.broadcast_to(w, (2, 37, 64)).sum()):
            assert values_of(output.node)[output.node].tobytes() == output.data.tobytes()

    def test_overlapping_views_of_one_array(self) -> None:
        mine, w = np.arange(4.0), leaf(1.0, 1.0, 1.0)
        output = (w * mine[1:] * mine[:-1]).sum()
        mine[...] = 9
        output.backward()
        assert w.grad.tolist() == [0, 2, 6]

    def test_an_array_of_a_subclass(self) -> None:
        class Named(np.ndarray):
            pass

        mine, w = np.array([1.0, 2.0]).view(Named), leaf(1.0, 1.0)
        output, made = (w * mine).sum(), mg.tensor(mine)
        mine[...] = 9
        output.backward()
        assert w.grad.tolist() == made.tolist() == [1, 2]


class TestOperatorsThatChange:
    CHANGES: ClassVar = {"//=": operator.ifloordiv, "%=": operator.imod, "+=": operator.iadd, "**=": operator.ipow}
    BITS: ClassVar = {"&=": operator.iand, "|=": operator.ior, "^=": operator.ixor}

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_a_tensor_is_changed_itself_where_nothing_is_recorded(self, change: Any) -> None:
        x = mg.tensor([5.0, 7.0], requires_grad=True)
        lent = x.data
        with mg.no_grad():
            assert change(x, 2) is x
        assert x.tolist() == lent.tolist() == change(np.array([5.0, 7.0]), 2).tolist()

    @pytest.mark.parametrize("change", BITS.values(), ids=BITS)
    def test_so_are_bits(self, change: Any) -> None:
        x = mg.tensor([True, False])
        assert change(x, mg.tensor([True, True])) is x
        assert x.tolist() == change(np.array([True, False]), True).tolist()

    def test_what_would_drop_a_gradient_in_silence_is_an_error(self) -> None:
        x = mg.tensor([5.0], requires_grad=True)
        with pytest.raises(mg.errors.InPlaceError, match="has none to record"):
            x //= 2

    def test_an_array_that_was_made_read_only_is_left_as_it_is(self) -> None:
        x = mg.tensor([1.0, 2.0])
        lent = x.data
        lent.setflags(write=False)
        x += 1
        assert (x.tolist(), lent.tolist()) == ([2, 3], [1, 2])


def test_a_default_that_is_an_array_may_be_written_into_later() -> None:
    table = np.ones(2)

    @mg.primitive
    def scaled(x: Any, table: Any = table) -> Any:
        return x * table

    scaled.derivatives(lambda g, table: g * table)
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    total = scaled(x).sum()
    table[...] = 7
    total.backward()
    assert x.grad.tolist() == [1, 1]


def test_an_array_that_was_put_back_is_still_that_of_a_graph() -> None:
    x = leaf(1.0, 2.0)
    total = (x * x).sum()
    array, exported = x._array, x._exported
    x.assign(np.zeros(2))
    x.put_back(array, exported)
    x.data[...] = 7
    total.backward()
    assert x.grad.tolist() == [2, 4]
