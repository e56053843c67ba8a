"""Making tensors: whatever made one, it can be a parameter; and integers where real numbers are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import DtypeError


def required(x: mg.Tensor) -> mg.Tensor:
    x.requires_grad = True
    return x


def assigned() -> mg.Tensor:
    w = mg.zeros((2, 2), requires_grad=True)
    w.data = np.ones((2, 2))
    return w


def assigned_in_part() -> mg.Tensor:
    w = mg.zeros((2, 2), requires_grad=True)
    with mg.no_grad():
        w[0] = 1
    return w


WAYS: dict[str, Callable[[], mg.Tensor]] = {
    "tensor": lambda: mg.tensor(np.ones((2, 2), np.float32), requires_grad=True),
    "zeros": lambda: mg.zeros((2, 2), requires_grad=True),
    "full": lambda: mg.full((2, 2), 0.5, requires_grad=True),
    "eye": lambda: required(mg.eye(2)),
    "zeros_like": lambda: required(mg.zeros_like(mg.eye(2))),
    "data": assigned,
    "a part of it": assigned_in_part,
    "ones_like": lambda: required(mg.ones_like(mg.eye(2))),
}


@pytest.mark.parametrize("make", WAYS.values(), ids=WAYS)
def test_whatever_made_a_parameter_a_step_between_forward_and_backward_leaves_the_gradient_right(make: Any) -> None:
    parameters = [make() for _ in range(2)]
    optimizer = optim.SGD(parameters, lr=0.1, momentum=0.9)
    for _ in range(4):
        for parameter in parameters:
            parameter.grad = np.ones((2, 2), np.float32)
        first, second = (parameter.data.copy() for parameter in parameters)
        output = (parameters[0] * parameters[1]).sum()
        optimizer.step()
        optimizer.zero_grad()
        output.backward()
        assert parameters[0].grad.tolist() == second.tolist()
        assert parameters[1].grad.tolist() == first.tolist()


def test_the_first_of_a_list_decides_if_its_numbers_are_pythons() -> None:
    assert mg.tensor([[np.float64(1), 2.0], [3.0, 4.0]]).dtype == np.float64
    assert mg.tensor([[1.0, np.float64(2)], [3.0, np.float64(4)]]).dtype == np.float32


@pytest.mark.parametrize("function", [mg.sigmoid, mg.softplus, mg.silu, mg.gelu, mg.softmax, mg.norm])
@pytest.mark.parametrize(
    ("given", "computed"),
    [(np.bool_, np.float32), (np.int8, np.float32), (np.int64, np.float64), (np.float16, np.float16)],
)
def test_real_functions_of_integers_and_booleans(function: Any, given: Any, computed: Any) -> None:
    values = np.array([0, 1, 1], given)
    result = function(mg.tensor(values))
    assert result.dtype == computed
    expected = function(mg.tensor(values.astype(np.float64))).numpy()
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-3 if computed == np.float16 else 1e-6)


@pytest.mark.parametrize(
    "values", [np.ones((2, 2)), np.ones((2, 2), np.float32).T, np.ones((4, 4))[::2, ::2], mg.ones((2, 2))]
)
@pytest.mark.parametrize("dtype", [None, np.float64])
def test_a_tensor_has_its_own_memory(values: Any, dtype: Any) -> None:
    array = values._array if isinstance(values, mg.Tensor) else values
    made = mg.tensor(values, dtype=dtype)
    made.data[...] = 2
    assert array.tolist() == [[1, 1], [1, 1]]


def test_what_an_object_hands_out_as_its_array_is_copied() -> None:
    class Numbers:
        def __init__(self) -> None:
            self.array = np.ones(3, np.float32)

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
            return self.array

    numbers = Numbers()
    made = mg.tensor(numbers)
    numbers.array[:] = 7
    assert made.tolist() == [1, 1, 1]
    made.data[:] = 2
    assert numbers.array.tolist() == [7, 7, 7]


def test_a_dtype_that_there_is_not_is_explained() -> None:
    with pytest.raises(DtypeError, match=r"'floaty' is not a dtype; use np\.float32"):
        mg.tensor([1.0], dtype="floaty")


@pytest.mark.parametrize(("value", "dtype"), [(300, np.int8), ([1, 300], np.int8), (-1, np.uint8), ([2**40], np.int32)])
def test_a_number_that_its_dtype_cannot_hold_is_refused(value: Any, dtype: Any) -> None:
    with pytest.raises(DtypeError, match="cannot make an array of"):
        mg.tensor(value, dtype=dtype)


def test_an_array_is_converted_as_numpy_does() -> None:
    assert mg.tensor(np.array([1.9, -1.9]), dtype=np.int8).tolist() == [1, -1]
    assert mg.tensor([1.9, -1.9], dtype=np.int8).tolist() == [1, -1]


@pytest.mark.parametrize(
    "limits", [(np.datetime64("2020-01-01"),), (0, np.timedelta64(3, "D")), (0, 3, np.timedelta64(1, "D"))]
)
def test_a_range_of_dates_is_refused(limits: Any) -> None:
    with pytest.raises(DtypeError, match="start, stop and step must be real numbers"):
        mg.arange(*limits)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"start": 6, "step": 2}, [0, 2, 4]),
        ({"start": 5}, [0, 1, 2, 3, 4]),
        ({"start": 1, "stop": 6, "step": 2}, [1, 3, 5]),
    ],
)
def test_arange_counts_by_its_step(arguments: dict[str, int], expected: list[int]) -> None:
    assert mg.arange(**arguments).tolist() == expected


@pytest.mark.parametrize("make", [mg.zeros, mg.ones, mg.eye])
def test_without_a_dtype_the_default_holds(make: Any) -> None:
    assert make(2, dtype=None).dtype == np.float32
