"""Tensors as objects: how they are made, shown, indexed, copied and changed."""

from __future__ import annotations

import copy
import operator
import pickle
import re
import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.tensor import wrapped
from minigrad.errors import DtypeError, GraphError, InPlaceError, OutOfRangeError, ShapeError


class TestMaking:
    @pytest.mark.parametrize(
        ("data", "dtype"),
        [
            (1.0, np.float32),
            ([1.0, 2], np.float32),
            ([[1, 2.5]], np.float32),
            (1, np.int64),
            ([1, 2], np.int64),
            (True, np.bool_),
            ([], np.float32),
            (np.array([1.0]), np.float64),
            (np.float64(1), np.float64),
            (np.float16(1), np.float16),
            ([np.float64(1)], np.float64),
            (np.array([1], np.uint8), np.uint8),
            (mg.tensor(np.array(1.0)), np.float64),
        ],
    )
    def test_dtypes(self, data: Any, dtype: Any) -> None:
        assert mg.tensor(data).dtype == dtype

    def test_an_explicit_dtype(self) -> None:
        assert mg.tensor([1, 2], dtype=np.float16).dtype == np.float16
        assert mg.tensor(mg.tensor([1.5]), dtype=int).tolist() == [1]

    def test_data_are_copied(self) -> None:
        array = np.ones(2)
        x = mg.tensor(array)
        array[0] = 5
        assert x.tolist() == [1, 1]
        y = mg.tensor(x)
        assert not np.shares_memory(x._array, y._array)

    @pytest.mark.parametrize("value", [1.0, [1.0], None, mg.tensor(1.0)], ids=lambda value: type(value).__name__)
    def test_what_is_no_array_needs_converting(self, value: Any) -> None:
        kind = type(value).__name__
        with pytest.raises(DtypeError, match=rf"wraps an ndarray, got {kind}; use mg.tensor\(\.\.\.\) to convert"):
            mg.Tensor(value)

    def test_a_copy_has_no_history(self) -> None:
        x = mg.tensor(1.0, requires_grad=True)
        assert not mg.tensor(x * 2).requires_grad

    def test_filled(self) -> None:
        assert mg.zeros((2, 1)).tolist() == [[0], [0]]
        assert mg.zeros(()).shape == ()
        assert mg.ones(2, dtype=np.float64, requires_grad=True).requires_grad
        assert mg.full((2,), 3).dtype == np.int64
        assert mg.full((2,), 3.0).dtype == np.float32
        assert mg.full((2,), True).dtype == np.bool_
        assert mg.full(2, 3, dtype=np.float16).dtype == np.float16
        assert mg.arange(3).dtype == np.int64
        assert mg.arange(1, 2, 0.5).tolist() == [1, 1.5]
        assert mg.arange(0.0, 1.0, 0.5).dtype == np.float32
        assert mg.arange(3, dtype=np.float64).dtype == np.float64
        assert mg.eye(2, 3).shape == (2, 3)
        assert mg.zeros_like(mg.tensor([1, 2])).dtype == np.int64
        assert mg.ones_like([1.0], dtype=np.float16).dtype == np.float16

    def test_properties(self) -> None:
        x = mg.zeros((2, 3))
        assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 3), 2, 6, np.float32, 2)
        assert x.T.shape == (3, 2)
        assert x.is_leaf
        assert not x.requires_grad
        assert x.grad is None
        assert x.numpy() is x.data

    def test_weak_python_numbers_keep_the_dtype(self) -> None:
        for dtype in (np.float16, np.float32, np.float64):
            x = mg.tensor([1.0, 2.0], dtype=dtype)
            for y in (x + 1, 2.5 * x, x / 3, 1 - x, x**2, 2**x, mg.maximum(x, 0.5), mg.where(x > 1, x, 0.0), x % 2):
                assert y.dtype == dtype

    def test_numpy_scalars_and_arrays_promote(self) -> None:
        x = mg.tensor([1.0])
        assert (x * np.float64(2)).dtype == np.float64
        assert (x * np.ones(1)).dtype == np.float64
        assert (mg.tensor([1]) * 2.0).dtype == np.float64
        assert (x + mg.tensor([1])).dtype == np.float64
        assert mg.add(x, [1.0]).dtype == np.float32  # a list counts as Python numbers


class TestShowing:
    @pytest.mark.parametrize(
        ("make", "text"),
        [
            (lambda: mg.tensor(1.5), "tensor(1.5)"),
            (lambda: mg.tensor([1, 2]), "tensor([1, 2])"),
            (lambda: mg.tensor([True]), "tensor([ True])"),
            (lambda: mg.tensor(np.array([1.0])), "tensor([1.], dtype=float64)"),
            (lambda: mg.tensor([1.0], requires_grad=True, name="w"), "tensor([1.], name='w', requires_grad=True)"),
            (lambda: mg.tensor(2.0, requires_grad=True) * 3, "tensor(6., from=multiply)"),
            (lambda: mg.zeros((0, 3)), "tensor([], shape=(0, 3))"),
            (lambda: mg.zeros(0), "tensor([])"),
            (lambda: mg.tensor([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
        ],
    )
    def test_repr(self, make: Any, text: str) -> None:
        assert repr(make()) == text

    def test_large_tensors_are_cut_short(self) -> None:
        assert len(repr(mg.zeros((1000, 1000)))) < 1000

    def test_format(self) -> None:
        assert f"{mg.tensor(1.23456):.2f}" == "1.23"


class TestPythonObject:
    def test_item(self) -> None:
        assert mg.tensor(2.5).item() == 2.5
        assert isinstance(mg.tensor([[2]]).item(), int)
        assert isinstance(mg.tensor(True).item(), bool)

    def test_conversions(self) -> None:
        assert float(mg.tensor([2.5])) == 2.5
        assert int(mg.tensor(2.9)) == 2
        assert bool(mg.tensor([0.0])) is False
        assert [10, 20, 30][mg.tensor(1)] == 20
        assert list(range(mg.tensor(3))) == [0, 1, 2]
        assert round(mg.tensor(2.567), 1) == 2.6

    def test_conversions_that_make_no_sense(self) -> None:
        with pytest.raises(ShapeError, match=r"exactly one element, a tensor of shape \(2,\) has 2; use .numpy\(\)"):
            mg.zeros(2).item()
        with pytest.raises(ShapeError, match="exactly one element"):
            float(mg.zeros(2))
        with pytest.raises(ShapeError, match="truth of 2 values is ambiguous"):
            bool(mg.zeros(2))
        with pytest.raises(TypeError):
            operator.index(mg.tensor(1.0))
        with pytest.raises(DtypeError, match="no length"):
            len(mg.tensor(1.0))
        with pytest.raises(DtypeError, match="cannot iterate over a tensor without axes"):
            iter(mg.tensor(1.0))

    def test_iteration_and_containment(self) -> None:
        x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        first, second = x
        assert first.tolist() == [1, 2]
        second.sum().backward()
        assert x.grad.tolist() == [[0, 0], [1, 1]]
        assert 3.0 in x
        assert 5.0 not in x
        assert mg.tensor(3.0) in x

    def test_tensors_are_keys_by_identity(self) -> None:
        x, y = mg.tensor(1.0), mg.tensor(1.0)
        assert len({x, y}) == 2
        assert {x: 1}[x] == 1

    def test_indexing(self) -> None:
        x = mg.tensor(np.arange(12.0).reshape(3, 4))
        rows = [2, 0]
        mask = np.array([True, False, True])
        array = x.data
        for index in (0, -1, (1, 2), slice(None, None, -1), (..., 1), (None, 0), rows, mask, (rows, [1, 1]), (mask, 2)):
            assert x[index].tolist() == array[index].tolist()
        assert x[mg.tensor([2, 0])].tolist() == array[rows].tolist()
        assert x[x > 5].tolist() == array[array > 5].tolist()
        assert x[mg.tensor(1), mg.tensor([0, 1])].tolist() == [4, 5]
        assert x[[True, False, True]].tolist() == array[mask].tolist()
        assert x[[]].shape == (0, 4)

    def test_copying_leaves(self) -> None:
        x = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
        for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.copy(x)):
            assert twin.tolist() == [1, 2]
            assert twin.requires_grad
            assert twin.name == "w"
            assert twin.node is not x.node
        twin = copy.deepcopy(x)
        twin.data[0] = 9
        assert x.tolist() == [1, 2]
        (twin * 2).sum().backward()
        assert twin.grad.tolist() == [2, 2]
        assert x.grad is None

    def test_copying_results_is_refused(self) -> None:
        with pytest.raises(GraphError, match="the result of multiply: only leaves can be copied"):
            copy.deepcopy(mg.tensor(1.0, requires_grad=True) * 2)

    def test_a_detached_tensor_is_a_value_of_its_own(self) -> None:
        x = mg.tensor([1.0], requires_grad=True)
        assert not (x * 2).detach().requires_grad
        y = x.detach()
        y.data[:] = 5
        assert x.tolist() == [1]
        x.data[:] = 7
        assert (x.tolist(), y.tolist()) == ([7], [5])

    def test_a_detached_tensor_does_not_follow_an_array_that_was_taken_before(self) -> None:
        x = mg.tensor([1.0], requires_grad=True)
        array = x.data
        twins = [x.detach(), copy.copy(x), copy.deepcopy(x)]
        array[:] = 7
        assert [twin.tolist() for twin in twins] == [[1]] * 3

    def test_astype(self) -> None:
        x = mg.tensor([1.5], requires_grad=True)
        x.astype(np.float64).sum().backward()
        assert x.grad.dtype == np.float32
        assert not x.astype(np.int64).requires_grad


class TestChanging:
    def test_data_can_be_replaced(self) -> None:
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        x.data = np.array([3.0, 4.0])
        assert x.dtype == np.float32
        (x * x).sum().backward()
        assert x.grad.tolist() == [6, 8]

    def test_what_a_graph_saved_outlives_the_replacement(self) -> None:
        x = mg.tensor([1.0], requires_grad=True)
        y = x * x
        x.data = np.array([10.0])
        y.backward()
        assert x.grad.tolist() == [2]

    def test_data_of_another_shape_is_refused_in_a_graph(self) -> None:
        x = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
        with pytest.raises(ShapeError, match=r"data of 'w' of shape \(2,\) by an array of shape \(3,\)"):
            x.data = np.ones(3)
        free = mg.tensor([1.0])
        free.data = np.ones((2, 2))
        assert free.shape == (2, 2)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            (operator.iadd, 5),
            (operator.isub, 1),
            (operator.imul, 6),
            (operator.itruediv, 1.5),
            (operator.ipow, 9),
        ],
    )
    def test_updates_under_no_grad_keep_the_leaf(self, change: Any, expected: float) -> None:
        w = mg.tensor([3.0], requires_grad=True)
        node = w.node
        with mg.no_grad():
            same = change(w, 2.0)
        assert same is w
        assert w.node is node
        assert w.requires_grad
        assert w.tolist() == [expected]
        (w * w).backward()
        assert w.grad.tolist() == [2 * expected]

    def test_updates_keep_the_dtype_and_the_shape(self) -> None:
        w = mg.tensor([3.0], requires_grad=True)
        with mg.no_grad():
            w -= np.float64(1)
            assert w.dtype == np.float32
            with pytest.raises(ShapeError, match=r"\+= would change the shape of a tensor of shape \(1,\) to \(2, 1\)"):
                w += np.ones((2, 1))

    @pytest.mark.parametrize(
        ("change", "expected"),
        [(operator.iadd, 5), (operator.isub, 1), (operator.imul, 6), (operator.itruediv, 1.5), (operator.ipow, 9)],
    )
    def test_a_recorded_update_gives_the_name_a_new_tensor(self, change: Any, expected: float) -> None:
        w = mg.tensor([3.0], requires_grad=True)
        result = change(w, 2.0)
        assert result is not w
        assert result.tolist() == [expected]
        assert result.requires_grad
        assert w.tolist() == [3]
        result.backward()
        assert w.grad is not None

    def test_an_update_by_what_requires_a_gradient_is_recorded(self) -> None:
        total, w = mg.tensor([1.0]), mg.tensor([3.0], requires_grad=True)
        result = operator.iadd(total, w)
        assert result is not total
        assert total.tolist() == [1]
        result.backward()
        assert w.grad.tolist() == [1]

    @pytest.mark.parametrize("mode", [mg.enable_grad, mg.no_grad])
    def test_an_update_without_a_gradient_changes_the_tensor_and_the_array_that_it_handed_out(self, mode: Any) -> None:
        c = mg.tensor([1.0, 2.0])
        array, doubled = c.data, c * 2
        with mode():
            same = operator.iadd(c, np.array([10.0, 20.0]))
        assert same is c
        assert c.tolist() == array.tolist() == [11, 22]
        assert c.dtype == np.float32
        assert doubled.tolist() == [2, 4]

    def test_parameters_of_a_list_follow_those_of_another(self) -> None:
        targets = [mg.tensor([1.0], requires_grad=True), mg.tensor([2.0], requires_grad=True)]
        with mg.no_grad():
            for p, q in zip(targets, [mg.tensor([11.0]), mg.tensor([12.0])], strict=True):
                p *= 0.5
                p += 0.5 * q
        assert [p.tolist() for p in targets] == [[6], [7]]

    def test_an_update_leaves_what_was_computed_before_alone(self) -> None:
        w = mg.tensor([3.0], requires_grad=True)
        y, twin = w * w, w.detach()
        with mg.no_grad():
            w += 1
        y.backward()
        assert (w.grad.tolist(), twin.tolist()) == ([6], [3])

    def test_an_update_that_would_change_the_dtype_is_refused(self) -> None:
        counts = mg.tensor([1, 2])
        with pytest.raises(DtypeError, match=r"\+= would give float64, and a tensor of shape \(2,\) holds int64"):
            counts += 0.5
        assert counts.tolist() == [1, 2]
        with pytest.raises(DtypeError, match="/= would give float64"):
            counts /= 2

    def test_updates_of_results_and_constants_are_plain(self) -> None:
        x = mg.tensor([3.0], requires_grad=True)
        total: Any = 0.0
        total += x
        total *= 2
        total.backward()
        assert x.grad.tolist() == [2]
        c = mg.tensor([1.0])
        c += 1
        assert c.tolist() == [2]

    def test_assignment_into_a_graph_is_refused(self) -> None:
        w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
        result = w * 2
        for x, name in ((w, "'w'"), (result, "a tensor")):
            with pytest.raises(
                InPlaceError,
                match=rf"cannot assign into {name} of shape .*: {name} .* requires a gradient, and an assignment",
            ):
                x[0] = 5.0
        assert w.tolist() == [1, 2]

    def test_assignment_of_what_requires_a_gradient_is_refused(self) -> None:
        c, w = mg.tensor([1.0, 2.0]), mg.tensor(3.0, requires_grad=True, name="w")
        with pytest.raises(InPlaceError, match=r"cannot assign into a tensor .*'w' of shape .* cannot be recorded"):
            c[0] = w
        with mg.no_grad():
            c[0] = w
        assert c.tolist() == [3, 2]

    def test_assignment_into_a_constant_leaves_the_graphs_that_used_it_alone(self) -> None:
        w, c = mg.tensor([1.0], requires_grad=True), mg.tensor([2.0])
        c[0] = 3.0
        y = w * c
        c[0] = 4.0
        assert c.tolist() == [4]
        y.backward()
        assert w.grad.tolist() == [3]

    def test_assignment_under_no_grad_leaves_saved_values_alone(self) -> None:
        w = mg.tensor([1.0, 2.0], requires_grad=True)
        y = w * w
        with mg.no_grad():
            w[0] = 100.0
            w[mg.tensor([1])] = mg.tensor([50.0])
        assert w.tolist() == [100, 50]
        y.backward(np.ones(2))
        assert w.grad.tolist() == [2, 4]

    def test_assignment_that_does_not_fit(self) -> None:
        x = mg.tensor([1.0, 2.0])
        with pytest.raises(ShapeError, match=r"cannot assign into a tensor of shape \(2,\): .*\(3,\)"):
            x[:] = np.ones(3)
        with pytest.raises(OutOfRangeError, match="index 5"):
            x[5] = 1.0

    def test_requires_grad_can_be_switched_on_leaves(self) -> None:
        x = mg.tensor([1.0], name="x")
        x.requires_grad = True
        y = x * 2
        x.requires_grad = False
        assert x.name == "x"
        assert not (x * 2).requires_grad
        assert y.requires_grad

    def test_a_tensor_that_becomes_a_leaf_notes_the_line_where_lines_are_asked_for(self) -> None:
        x, y = mg.tensor([1.0]), mg.tensor([1.0])
        x.requires_grad = True
        with mg.source_lines():
            y.requires_grad = True
        assert x.node.line is None
        assert (y.node.line.file, y.node.line.function) == (__file__, sys._getframe().f_code.co_name)

    def test_requires_grad_of_a_result_is_fixed(self) -> None:
        y = mg.tensor([1.0], requires_grad=True) * 2
        y.requires_grad = True  # it already is
        with pytest.raises(GraphError, match="it is the result of multiply; use"):
            y.requires_grad = False

    def test_grad_can_be_assigned(self) -> None:
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        x.grad = [3.0, 4.0]
        assert x.grad.dtype == np.float32
        (x * 1.0).sum().backward()
        assert x.grad.tolist() == [4, 5]
        x.grad = None
        assert x.grad is None
        with pytest.raises(ShapeError, match=r"gradient of a tensor of shape \(2,\) must have its shape, got \(3,\)"):
            x.grad = np.ones(3)

    def test_names(self) -> None:
        x = mg.tensor(1.0)
        assert x.name is None
        x.name = "x"
        assert x.name == "x"
        x.name = None
        assert x.name is None
        y = mg.tensor(1.0, requires_grad=True) * 2
        y.name = "twice"
        assert "'twice'" in repr(y)
        with pytest.raises(DtypeError, match="a name is a string, got int"):
            x.name = 3


@pytest.mark.parametrize(("change", "symbol"), [("__ipow__", "**"), ("__itruediv__", "/")])
def test_a_change_in_place_that_would_round_says_what_to_write(change: str, symbol: str) -> None:
    with pytest.raises(DtypeError, match=re.escape(f"(x = x {symbol} ...)")):
        getattr(mg.tensor([1, 2]), change)(0.5)


def test_a_wrapped_array_may_be_written_into_by_its_owner() -> None:
    array = np.array([2.0, 3.0])
    w = mg.tensor(np.array([1.0, 1.0]), requires_grad=True)
    y = (w * wrapped(array)).sum()
    array[...] = 0
    y.backward()
    assert w.grad.tolist() == [2, 3]


def test_a_gradient_that_is_assigned_has_the_dtype_of_its_tensor() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    for gradient in (mg.tensor([1, 2]), np.array([1, 2]), [1, 2]):
        w.grad = gradient
        assert w.grad.dtype == np.float32
    w.grad = same = mg.tensor([3.0, 4.0])
    assert w.grad is same
