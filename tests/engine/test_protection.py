"""Users' functions and rules get read-only arrays, and what they return is copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import RuleError


def made(function: Callable[..., Any], *rules: Any, **declared: Any) -> Any:
    primitive = mg.primitive(**declared)(function)
    primitive.derivatives(*rules or [lambda g: g])
    return primitive


def leaf(*values: float) -> mg.Tensor:
    return mg.tensor(np.array(values), requires_grad=True)


# --- functions that write into their arguments


def scaled_in_place(x: Any) -> Any:
    x *= 2
    return x


def doubled_into(x: Any) -> Any:
    return np.multiply(x, 2, out=x)


def sorted_in_place(x: Any) -> Any:
    x.sort()
    return x


def clipped_in_place(x: Any) -> Any:
    x[x < 0] = 0
    return x


def of_the_second(y: Any, x: Any) -> Any:
    np.copyto(x, 0)
    return x + y


def of_a_view(x: Any) -> Any:
    part = x.T[1:]
    part += 1
    return x


FUNCTIONS = [scaled_in_place, doubled_into, sorted_in_place, clipped_in_place, of_the_second, of_a_view]


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_writes_into_an_argument_is_named(function: Any, requires_grad: bool) -> None:
    primitive = made(function, *[lambda g: g] * function.__code__.co_argcount)
    x = mg.tensor(np.array([3.0, -1.0, 2.0]), requires_grad=requires_grad)
    others = [np.ones(3)] if function is of_the_second else []
    with pytest.raises(RuleError, match=f"^{function.__name__} writes into its argument 'x', .*a new array"):
        primitive(*others, x)
    assert x.tolist() == [3, -1, 2]
    with pytest.raises(RuleError, match=f"^{function.__name__} writes into its argument 'x'"):
        mg.testing.gradcheck(primitive, *others, x)


@pytest.mark.parametrize("by_keyword", [True, False])
def test_so_is_one_that_writes_into_an_option(by_keyword: bool) -> None:
    def shifted(x: Any, table: Any) -> Any:
        table += 1
        return x + table

    primitive, table = made(shifted), np.zeros(3)
    with pytest.raises(RuleError, match=r"^shifted writes into its argument 'table'"):
        primitive(leaf(1.0, 2.0, 3.0), table=table) if by_keyword else primitive(leaf(1.0, 2.0, 3.0), table)
    assert table.tolist() == [0, 0, 0]


def test_so_is_one_of_any_number_of_arrays() -> None:
    def total(*arrays: Any) -> Any:
        arrays[0][...] += arrays[1]
        return arrays[0]

    x = leaf(1.0)
    with pytest.raises(RuleError, match=r"^total writes into its argument 'arrays'"):
        made(total)(x, leaf(2.0))
    assert x.tolist() == [1]


def test_other_errors_rise_as_they_are() -> None:
    def broken(x: Any) -> Any:
        raise ValueError("no such luck")

    with pytest.raises(mg.errors.ShapeError, match="broken: no such luck"):
        made(broken)(leaf(1.0))


# --- rules that write into what they get


def masked(g: Any, x: Any) -> Any:
    g[x <= 0] = 0
    return g


def of_the_input(g: Any, x: Any) -> Any:
    x *= 2
    return g * x


def of_the_output(g: Any, out: Any) -> Any:
    out[out > 0] = 1
    return g * out


def into_the_gradient(g: Any, x: Any) -> Any:
    return np.multiply(g, x > 0, out=g)


@pytest.mark.parametrize(
    ("rule", "argument"), [(masked, "g"), (of_the_input, "x"), (of_the_output, "out"), (into_the_gradient, "g")]
)
def test_a_rule_that_writes_into_an_argument_is_named(rule: Any, argument: str) -> None:
    rectified = made(lambda x: np.maximum(x, 0.0), rule)
    rectified.name = "rectified"
    a, b = leaf(-1.0, 2.0), leaf(5.0, 6.0)
    output = (rectified(a) + b) @ np.array([5.0, 6.0])
    with pytest.raises(RuleError, match=f"writes into its argument '{argument}', .*np.where"):
        output.backward()
    with pytest.raises(RuleError, match=f"writes into its argument '{argument}'"):
        mg.testing.gradcheck(rectified, np.array([-1.0, 2.0]))
    assert a.tolist() == [-1, 2]


def test_the_error_says_whose_rule_it_is() -> None:
    @mg.primitive
    def rectified(x: Any) -> Any:
        return np.maximum(x, 0.0)

    rectified.derivatives(masked)
    with pytest.raises(RuleError, match=r"^a rule of rectified writes into its argument 'g'"):
        rectified(leaf(-1.0, 2.0)).sum().backward()


@pytest.mark.parametrize("write", ["[]", ".data", "*="])
def test_a_rule_of_a_recorded_pass_changes_its_own_tensors_alone(write: str) -> None:
    """Rules get tensors there, and an assignment into one that requires no gradient is allowed."""

    def zeroed(g: Any, x: Any) -> Any:
        for tensor in (g, x):
            if isinstance(tensor, mg.Tensor):
                with mg.no_grad():
                    if write == "[]":
                        tensor[...] = 0
                    elif write == ".data":
                        tensor.data[...] = 0
                    else:
                        tensor *= 0
        return g

    same = made(lambda x: x + 0.0, zeroed)
    a, b = leaf(1.0, 2.0), leaf(5.0, 6.0)
    output = (same(a) + b) * 2
    for _ in range(2):
        found = mg.grad(output, (a, b), gradient=np.array([5.0, 6.0]), create_graph=True)
        assert [gradient.tolist() for gradient in found] == [[0, 0], [10, 12]]
    assert (a.tolist(), b.tolist()) == ([1, 2], [5, 6])


def test_so_does_a_rule_of_any_number_of_inputs() -> None:
    def rule(g: Any, position: int, arrays: Any) -> Any:
        result = g * arrays[1 - position]
        for tensor in arrays:
            if isinstance(tensor, mg.Tensor):
                tensor.data[...] = 0
        return result

    product = made(lambda *arrays: arrays[0] * arrays[1], rule)
    a, b = leaf(1.0, 2.0), leaf(5.0, 6.0)
    found = mg.grad(product(a, b).sum(), (a, b), create_graph=True)
    assert [gradient.tolist() for gradient in found] == [[5, 6], [1, 2]]


# --- results that are not their own


def test_a_function_that_returns_its_argument_or_a_view_of_it() -> None:
    for function in (lambda x: x, lambda x: x[::-1], lambda x: x.reshape(-1)[:], lambda x: np.broadcast_to(x, (3,))):
        x = mg.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
        result = made(function)(x)
        result.data[:] = 7
        assert x.tolist() == [1, 2, 3]
        x.data[:] = 9
        assert result.tolist() == [7, 7, 7]


def test_a_function_that_returns_a_buffer_of_its_own_each_time() -> None:
    buffer = np.empty(2)

    def doubled(x: Any) -> Any:
        return np.multiply(x, 2, out=buffer)

    double = made(doubled, lambda g: 2 * g)
    first, second = double(leaf(1.0, 2.0)), double(leaf(5.0, 6.0))
    assert first.tolist() == [2, 4]
    assert second.tolist() == [10, 12]
    assert (first * second).tolist() == [20, 48]


def test_a_rule_that_returns_a_buffer_of_its_own_each_time() -> None:
    buffer = np.empty(2)
    double = made(lambda x: 2 * x, lambda g: np.multiply(g, 2, out=buffer))
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (double(x) * 10 + double(y)).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([20, 20], [2, 2])


def test_a_rule_that_returns_the_gradient_or_a_saved_array() -> None:
    same, cubed = made(lambda x: x + 0.0, lambda g: g), made(lambda x: x * x / 2, lambda g, x: x)
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (same(x) + cubed(y)).sum().backward()
    x.grad.data[:] = 9
    y.grad.data[:] = 8
    assert (x.tolist(), y.tolist(), x.grad.tolist(), y.grad.tolist()) == ([1, 2], [3, 4], [9, 9], [8, 8])


def test_what_a_function_keeps_for_its_rules_is_copied_too() -> None:
    buffer = np.empty(2)

    def squared(x: Any) -> Any:
        np.multiply(x, 2, out=buffer)
        return x * x, buffer

    square = made(squared, lambda g, kept: g * kept, keeps=True)
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (square(x) + square(y)).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([2, 4], [6, 8])


# --- results that are not arrays of numbers

RESULTS = [None, "text", 1j, np.complex128(1), object(), [1.0, 2.0], (1.0, 2.0), np.array(["a"]), {"a": 1}]


@pytest.mark.parametrize(
    "result", RESULTS, ids=lambda value: f"{type(value).__name__} {value!s:.10}".replace(hex(id(value)), "")
)
def test_a_function_that_returns_no_array_of_numbers_is_named(result: Any) -> None:
    def strange(x: Any) -> Any:
        return result

    for x in (leaf(1.0), 1.0):
        with pytest.raises(
            RuleError, match=r"^strange must return one array of real numbers or booleans, it returned "
        ):
            made(strange)(x)


def test_a_number_is_an_array_of_no_axes() -> None:
    first = made(lambda x: float(x[0]), lambda g, x: np.eye(len(x))[0] * g)
    x = leaf(2.0, 3.0)
    first(x).backward()
    assert (first(x).item(), x.grad.tolist()) == (2, [1, 0])


# --- optimizers


def test_an_update_cannot_write_into_the_gradient() -> None:
    class Careless(mg.optim.Optimizer):
        def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
            g *= lr
            return p - g

    w = leaf(1.0, 2.0)
    w.grad = np.ones(2)
    with pytest.raises(ValueError, match="read-only"):
        Careless([w], {"lr": 0.1}).step()
    assert (w.tolist(), w.grad.tolist()) == ([1, 2], [1, 1])


def test_a_number_among_the_arguments_is_not_what_was_written_into() -> None:
    def scaled(x: Any, y: Any) -> Any:
        y *= x
        return y

    primitive = mg.primitive(broadcasts=True)(scaled)
    primitive.derivatives(None, lambda g: g)
    with pytest.raises(RuleError, match="scaled writes into its argument 'y'"):
        primitive(2.0, np.ones(2))


def test_another_array_that_cannot_be_written_into_is_the_functions_own_affair() -> None:
    table = np.zeros(2)
    table.flags.writeable = False

    def counted(x: Any) -> Any:
        table[0] += 1
        return x

    primitive = made(counted, lambda g: g)
    with pytest.raises(ValueError, match="counted: assignment destination is read-only"):
        primitive(np.ones(2))


def test_a_call_that_fails_otherwise_while_the_argument_is_looked_for() -> None:
    calls = []

    def moody(x: Any, y: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("another error")
        y[0] = 1
        return y

    primitive = made(moody, lambda g: g, lambda g: g)
    with pytest.raises(RuleError, match="moody writes into its argument 'y'"):
        primitive(np.ones(2), np.ones(2))


def test_the_parameter_of_any_number_of_arguments_is_named() -> None:
    @mg.primitive
    def total(*parts: Any) -> Any:
        parts[2][...] = 0
        return sum(parts)

    total.derivatives(lambda g: g)
    with pytest.raises(RuleError, match="total writes into its argument 'parts'"):
        total(*[mg.tensor([1.0, 2.0], requires_grad=True)] * 3)
