"""NumPy's functions on tensors, both ways: a tensor that records, or an error; never a silent ndarray."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.numpy_protocol import implementations
from minigrad.errors import GraphError, MinigradError, UnsupportedError

ARRAY = np.array([1.0, 2.0, 3.0])


def leaf() -> mg.Tensor:
    return mg.tensor(ARRAY + 1, requires_grad=True)


@pytest.mark.parametrize(
    "symbol",
    [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.mod],
)
@pytest.mark.parametrize("other", [ARRAY, np.float64(2.0), 2.0, 2], ids=["array", "scalar", "float", "int"])
def test_operators_both_ways(symbol: Any, other: Any) -> None:
    other = ARRAY if symbol is operator.matmul else other  # numbers have no matrix product
    x = leaf()
    for result, expected in (
        (symbol(x, other), symbol(x.data, other)),
        (symbol(other, x), symbol(other, x.data)),
    ):
        assert isinstance(result, mg.Tensor)
        assert result.requires_grad
        np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize("symbol", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_both_ways(symbol: Any) -> None:
    x = leaf()
    for result, expected in ((symbol(x, ARRAY), symbol(x.data, ARRAY)), (symbol(ARRAY, x), symbol(ARRAY, x.data))):
        assert isinstance(result, mg.Tensor)
        assert not result.requires_grad
        assert result.tolist() == expected.tolist()


def test_bits_and_floor_division_both_ways() -> None:
    flags = mg.tensor([True, False, True])
    other = np.array([True, True, False])
    assert (flags & other).tolist() == (other & flags).tolist() == [True, False, False]
    assert (flags | other).tolist() == (other | flags).tolist() == [True, True, True]
    assert (flags ^ other).tolist() == (other ^ flags).tolist() == [False, True, True]
    assert (~flags).tolist() == [False, True, False]
    assert (mg.tensor([5.0]) // 2).tolist() == [2]
    assert (5 // mg.tensor([2.0])).tolist() == [2]


UNARY = [f for f in implementations if isinstance(f, np.ufunc) and f.nin == 1 and f is not np.invert]
BINARY = [f for f in implementations if isinstance(f, np.ufunc) and f.nin == 2 and "bitwise" not in f.__name__]


@pytest.mark.parametrize("function", UNARY + BINARY)
def test_ufuncs(function: Any) -> None:
    x = leaf()
    arguments = [x, ARRAY][: function.nin]
    result = function(*arguments)
    assert isinstance(result, mg.Tensor)
    np.testing.assert_array_equal(result.numpy(), function(*[np.asarray(getattr(a, "_array", a)) for a in arguments]))


@pytest.mark.parametrize(
    "call",
    [
        lambda n, x: n.sum(x),
        lambda n, x: n.mean(x, axis=0),
        lambda n, x: n.max(x, axis=1, keepdims=True),
        lambda n, x: n.prod(x),
        lambda n, x: n.var(x, ddof=1),
        lambda n, x: n.std(x, axis=0, ddof=1),
        lambda n, x: n.cumsum(x, axis=1),
        lambda n, x: n.argmax(x, axis=0),
        lambda n, x: n.linalg.norm(x, axis=0),
        lambda n, x: n.where(x > 2, x, 0),
        lambda n, x: n.clip(x, 1.5, 3),
        lambda n, x: n.reshape(x, (3, 2)),
        lambda n, x: n.transpose(x),
        lambda n, x: n.swapaxes(x, 0, 1),
        lambda n, x: n.moveaxis(x, 0, 1),
        lambda n, x: n.expand_dims(x, 0),
        lambda n, x: n.squeeze(x),
        lambda n, x: n.broadcast_to(x, (2, 2, 3)),
        lambda n, x: n.concatenate([x, x], axis=1),
        lambda n, x: n.stack([x, x]),
        lambda n, x: n.split(x, 3, axis=1)[1],
        lambda n, x: n.flip(x, 0),
        lambda n, x: n.pad(x, 1),
        lambda n, x: n.ravel(x),
        lambda n, x: n.dot(x, x.T),
        lambda n, x: n.outer(x, x),
        lambda n, x: n.einsum("ij,kj->ik", x, x),
        lambda n, x: n.take_along_axis(x, np.array([[0], [1]]), axis=1),
        lambda n, x: n.round(x),
        lambda n, x: n.any(x > 0),
        lambda n, x: n.zeros_like(x),
        lambda n, x: n.ones_like(x),
        lambda n, x: n.astype(x, np.float32),
        lambda n, x: n.add.reduce(x),
        lambda n, x: n.add.reduce(x, axis=1),
        lambda n, x: n.multiply.reduce(x, axis=None),
        lambda n, x: n.maximum.reduce(x, keepdims=True),
        lambda n, x: n.minimum.reduce(x, axis=(0, 1)),
    ],
)
def test_array_functions(call: Any) -> None:
    values = np.array([[1.0, 2.0, 3.5], [4.0, -5.0, 6.0]])
    result = call(np, mg.tensor(values))
    assert isinstance(result, mg.Tensor)
    expected = np.asarray(call(np, values))
    np.testing.assert_array_equal(result.numpy(), expected)
    assert result.dtype == expected.dtype


def test_questions_about_tensors_have_plain_answers() -> None:
    x = leaf()
    assert np.shape(x) == (3,)
    assert np.ndim(x) == 1
    assert np.size(x) == 3
    assert np.size(x, 0) == 3
    assert np.allclose(x, ARRAY + 1)
    assert np.array_equal(x, ARRAY + 1)


def test_gradients_flow_through_numpys_functions() -> None:
    x = leaf()
    np.sum(np.where(x > 2.5, np.square(x), np.exp(x)) * ARRAY).backward()
    np.testing.assert_allclose(x.grad.numpy(), [np.exp(2.0), 12, 24])


class TestUnsupported:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda x: np.median(x), r"^np\.median is not supported on tensors\. Compose"),
            (lambda x: np.sort(x), "np.sort is not supported"),
            (lambda x: np.hypot(x, x), "np.hypot is not supported.*@mg.primitive"),
            (lambda x: np.vstack([x, x]), "np.vstack is not supported on tensors: use concatenate, or stack"),
            (lambda x: np.log10(x), r"np\.log10 is not supported on tensors: use log\(x\) / math\.log\(10\)\. Compose"),
            (lambda x: np.add.accumulate(x), r"np.add.accumulate is not supported on tensors"),
            (lambda x: np.multiply.outer(x, x), r"np.multiply.outer is not supported"),
            (lambda x: np.add.at(x, 0, 1.0), r"np.add.at is not supported"),
            (lambda x: np.divide.reduce(x), r"np.divide.reduce is not supported"),
            (lambda x: np.linalg.inv(x), r"^np\.linalg\.inv is not supported on tensors\. Compose"),
            (lambda x: np.linalg.svd(x), r"^np\.linalg\.svd is not supported on tensors\. Compose"),
            (lambda x: np.fft.fft(x), r"^np\.fft\.fft is not supported on tensors\. Compose"),
        ],
    )
    def test_the_error_says_what_to_do(self, call: Any, message: str) -> None:
        with pytest.raises(UnsupportedError, match=message):
            call(leaf())

    def test_out_is_refused(self) -> None:
        x, target = leaf(), np.zeros(3)
        with pytest.raises(UnsupportedError, match="cannot write into an array with out="):
            np.exp(x, out=target)
        with pytest.raises(UnsupportedError, match=r"array = array \+ tensor"):
            target += x
        with pytest.raises(UnsupportedError, match="out="):
            np.add(target, 1.0, out=x)
        assert target.tolist() == [0, 0, 0]

    def test_an_update_by_hand_is_told_how_to_be_written(self) -> None:
        w = leaf()
        (w * w).sum().backward()
        with pytest.raises(
            UnsupportedError, match=r"`w\.data -= lr \* w\.grad\.data`, or `with mg\.no_grad\(\): w -= lr"
        ):
            w.data -= 0.25 * w.grad
        before = w.tolist()
        w.data -= 0.25 * w.grad.data
        with mg.no_grad():
            w -= 0.25 * w.grad
        assert w.tolist() == [0 * value for value in before]

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: np.sum(x, out=np.zeros(())),
            lambda x: np.sum(x, 0, np.float32),
            lambda x: np.sum(x, dtype=np.float32),
            lambda x: np.mean(x, where=x > 1),
            lambda x: np.max(x, initial=0),
            lambda x: np.exp(x, where=np.array([True, False, True])),
            lambda x: np.add(x, 1.0, dtype=np.float32),
            lambda x: np.linalg.norm(x, 1),
            lambda x: np.linalg.norm(x, ord=1),
            lambda x: np.reshape(x, (3, 1), "F"),
            lambda x: np.var(x, 0, np.float32),
            lambda x: np.einsum("i->", x, optimize=True),
        ],
    )
    def test_options_that_are_not_supported_are_refused_not_ignored(self, call: Any) -> None:
        with pytest.raises(TypeError, match=r"\w\(\) (got|takes)"):
            call(leaf())

    def test_an_array_of_a_tensor_that_requires_a_gradient(self) -> None:
        for convert in (np.asarray, np.array, np.float64, np.ascontiguousarray):
            with pytest.raises(MinigradError):
                convert(leaf())
        with pytest.raises(GraphError, match=r"'w' of shape \(2,\) requires a gradient.*\.detach\(\)\.numpy\(\)"):
            np.asarray(mg.tensor([1.0, 2.0], requires_grad=True, name="w"))

    def test_an_array_of_a_tensor_that_needs_none(self) -> None:
        x = mg.tensor([1.0, 2.0])
        assert np.asarray(x) is x.data
        copied = np.array(x)
        assert copied is not x.data
        assert copied.tolist() == [1, 2]
        assert np.asarray(x, dtype=np.float64).dtype == np.float64

    def test_python_objects_defer(self) -> None:
        class Other:
            __array_ufunc__ = None

            def __radd__(self, left: object) -> str:
                return "mine"

        assert np.ones(2) + Other() == "mine"
