"""What is not a tensor becomes an operand in one way: text, objects and complex numbers are refused everywhere."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.errors import DtypeError, GraphError, MinigradError

X = mg.tensor([1.0, 2.0], requires_grad=True)
RECORDED = X * 2

# what is no real number, as Python, a NumPy scalar, an array and a list have it
REFUSED: dict[str, Any] = {
    "complex": 2j,
    "np.complex128": np.complex128(2),
    "np.complex64": np.complex64(2),
    "complex array": np.array([1j, 2.0]),
    "complex array of no axes": np.array(1j),
    "list of complex": [1j, 2.0],
    "str": "a",
    "np.str_": np.str_("a"),
    "text that is a number": "2",
    "text array": np.array(["a", "b"]),
    "list of text": ["a", "b"],
    "bytes": b"a",
    "np.bytes_": np.bytes_(b"a"),
    "object": object(),
    "object array": np.array([1.0, None], object),
    "object array of no axes": np.array(Fraction(1, 2), object),
    "fraction": Fraction(1, 2),
    "dict": {"a": 1},
    "set": {1.0},
    "date": np.datetime64("2024-01-01"),
    "time": np.timedelta64(1, "s"),
    "dates": np.array(["2024-01-01", "2024-01-02"], "datetime64[D]"),
    "record": np.zeros(2, [("a", float)]),
    "masked array": np.ma.masked_array([1.0, 2.0], [True, False]),
    "masked number": np.ma.masked,
    "function": len,
}
INTO: dict[str, Callable[[Any], Any]] = {
    "operator": lambda value: X * value,
    "reflected operator": lambda value: mg.Tensor.__radd__(X, value),
    "add": lambda value: mg.add(X, value),
    "power": lambda value: X**value,
    "comparison": lambda value: mg.greater(X, value),
    "where": lambda value: mg.where(np.array([True, False]), X, value),
    "maximum": lambda value: mg.maximum(value, X),
    "concatenate": lambda value: mg.concatenate([X, value]),
    "stack": lambda value: mg.stack([value, X]),
    "matmul": lambda value: X @ value,
    "einsum": lambda value: mg.einsum("i,i->", X, value),
    "exp": mg.exp,
    "sum": mg.sum,
    "loss": lambda value: F.mse_loss(X, value),
    "tensor": mg.tensor,
    "full": lambda value: mg.full(2, value),
    "zeros_like": mg.zeros_like,
    "data": lambda value: setattr(mg.zeros(2), "data", value),
    "grad": lambda value: setattr(mg.zeros(2, requires_grad=True), "grad", value),
    "seed": RECORDED.backward,
    "value_and_grad": lambda value: mg.vjp(lambda x: x * 2, value),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("into", INTO.values(), ids=INTO)
@pytest.mark.parametrize("mode", [mg.enable_grad, mg.no_grad])
def test_what_is_no_real_number_is_refused(mode: Any, into: Any, value: Any) -> None:
    with mode(), pytest.raises((MinigradError, TypeError)) as caught:
        into(value)
    if isinstance(caught.value, MinigradError):
        assert isinstance(caught.value, DtypeError), caught.value


@pytest.mark.parametrize("value", [np.complex128(2), np.str_("a"), np.array([1j, 1.0]), "a"], ids=repr)
@pytest.mark.parametrize("into", [INTO[name] for name in ("operator", "add", "where", "concatenate", "exp", "tensor")])
def test_the_message_says_what_was_expected_and_what_came(into: Any, value: Any) -> None:
    with pytest.raises(DtypeError, match="expected real numbers or booleans, got"):
        into(value)


ACCEPTED: dict[str, tuple[Any, Any]] = {
    "float": (2.5, np.float32),
    "int": (2, np.float32),
    "bool": (True, np.float32),
    "np.float64": (np.float64(2.5), np.float64),
    "np.float32": (np.float32(2.5), np.float32),
    "np.float16": (np.float16(2.5), np.float32),
    "np.int8": (np.int8(2), np.float32),
    "np.bool_": (np.True_, np.float32),
    "array of no axes": (np.array(2.5), np.float64),
    "array": (np.array([2.0, 3.0]), np.float64),
    "list": ([2.0, 3.0], np.float32),
    "tuple": ((2.0, 3.0), np.float32),
    "tensor": (mg.tensor([2.0, 3.0]), np.float32),
}


@pytest.mark.parametrize(("value", "dtype"), ACCEPTED.values(), ids=ACCEPTED)
def test_real_numbers_of_every_kind_are_operands(value: Any, dtype: Any) -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    expected = np.asarray(value.numpy() if isinstance(value, mg.Tensor) else value).astype(float)
    for output in (mg.multiply(x, value), mg.multiply(value, x)):
        assert output.requires_grad
        assert output.dtype == dtype
        np.testing.assert_array_equal(output.numpy(), [1, 2] * expected)
        x.grad = None
        output.sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), np.broadcast_to(expected, 2))


def test_what_an_object_hands_out_as_its_array_is_an_operand_and_is_copied() -> None:
    class Holder:
        def __init__(self) -> None:
            self.array = np.array([3.0, 4.0])

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return self.array

    holder, x = Holder(), mg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    output = mg.multiply(x, holder)
    holder.array[:] = 9
    output.sum().backward()
    assert output.tolist() == [3, 8]
    assert x.grad.tolist() == [3, 4]


# --- options


@mg.primitive
def looked_up(x: Any, table: Any, *, rows: Any = None) -> Any:
    return x * table[0]


looked_up.derivatives(lambda g, table: g * table[0])


@pytest.mark.parametrize("option", [np.array([2.0]), mg.tensor([2.0]), [np.array(2.0)], (mg.tensor(2.0),)])
def test_an_option_is_the_graphs_own(option: Any) -> None:
    x = mg.tensor([1.0, 3.0], requires_grad=True)
    output = looked_up(x, option)
    inner = option[0] if isinstance(option, (list, tuple)) else option
    (inner.data if isinstance(inner, mg.Tensor) else inner)[...] = 7
    output.sum().backward()
    assert output.tolist() == [2, 6]
    assert x.grad.tolist() == [2, 2]


def test_an_option_that_requires_a_gradient_is_refused() -> None:
    x, w = mg.tensor([1.0]), mg.tensor([2.0], requires_grad=True)
    for option in (w, [w], (1, [w])):
        for call in (lambda o=option: looked_up(x, o), lambda o=option: looked_up(x, np.ones(1), rows=o)):
            with pytest.raises(
                DtypeError,
                match=r"looked_up: \w+ has no derivative rule, and tensor\(\[2.* requires a gradient; pass .detach\(\)",
            ):
                call()
    assert looked_up(x, w.detach()).tolist() == [2]
    with mg.no_grad():
        assert looked_up(x, w).tolist() == [2]


def test_a_tensor_as_an_index() -> None:
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = mg.tensor([2, 0])
    output = x[index]
    index.data[:] = 1
    output.sum().backward()
    assert output.tolist() == [3, 1]
    assert x.grad.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "product",
    [lambda m, w: m * w, lambda m, w: w * m, lambda m, w: m @ w, lambda m, w: np.add(m, w), np.ma.multiply],
    ids=["m * w", "w * m", "m @ w", "np.add", "np.ma.multiply"],
)
def test_a_masked_array_never_takes_a_tensor_out_of_its_graph(product: Any) -> None:
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    w = mg.tensor(np.ones(2), requires_grad=True)
    with pytest.raises((GraphError, DtypeError)):
        product(masked, w)


def test_an_object_that_cannot_give_an_array_is_named() -> None:
    class OnAnotherDevice:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise TypeError("it is on another device")

    for function in (mg.tensor, mg.exp):
        with pytest.raises(DtypeError, match=r"cannot make an array of .*OnAnotherDevice.*: it is on another device"):
            function(OnAnotherDevice())


def test_a_flag_may_be_numpys() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=np.bool_(True))
    y.backward(retain_graph=np.bool_(False))
    assert x.grad.tolist() == [4, 8]
