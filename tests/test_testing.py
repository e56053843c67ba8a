"""``mg.testing.gradcheck``: it passes what is right, and finds what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError, DtypeError, GradientCheckError
from minigrad.testing import gradcheck


def broken(slope: Any) -> Any:
    """Return a cube whose rule is what is given."""

    @mg.primitive
    def cube(x: Any) -> Any:
        return x * x * x

    cube.derivatives(slope)
    return cube


RIGHT = broken(lambda g, x: g * 3 * x * x)


def test_right_rules_pass_to_any_order() -> None:
    for order in (1, 2, 3):
        assert gradcheck(RIGHT, np.array([0.5, -1.5]), order=order, tolerance=1e-8) is True


def test_a_rule_that_is_off_by_little_is_found() -> None:
    with pytest.raises(GradientCheckError):
        gradcheck(broken(lambda g, x: g * 3.00001 * x * x), np.array([0.5, -1.5]))


def test_a_rule_that_is_wrong_at_one_element_is_found_there() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return g * 3 * x * x + np.array([[0, 0, 0], [0, 1e-3, 0]])

    with pytest.raises(GradientCheckError, match=r"order 1: the gradient of input 0 'w' is wrong at index \(1, 1\)"):
        gradcheck(broken(rule), mg.tensor(np.ones((2, 3)), name="w"))


def test_a_rule_that_cannot_be_differentiated_is_found_at_order_2() -> None:
    hidden = broken(lambda g, x: g * np.asarray(getattr(x, "data", x)) ** 2 * 3)
    values = np.array([0.5, -1.5])
    assert gradcheck(hidden, values)
    with pytest.raises(GradientCheckError, match="order 2: the gradient of input 0"):
        gradcheck(hidden, values, order=2)


def test_a_missing_mixed_derivative_is_found() -> None:
    @mg.primitive
    def product(x: Any, y: Any) -> Any:
        return x * y

    product.derivatives(lambda g, y: g * np.array(getattr(y, "data", y)), lambda g, x: g * x)
    with pytest.raises(GradientCheckError, match="order 2"):
        gradcheck(product, np.array([1.0]), np.array([2.0]), order=2)


def test_the_message_has_both_numbers_and_the_error() -> None:
    with pytest.raises(GradientCheckError) as caught:
        gradcheck(broken(lambda g: g * 0 + 1), 2.0, tolerance=1e-3)
    message = str(caught.value)
    assert "at index ()" in message
    assert "backward gives 1, finite differences give " in message
    assert "a relative error of 9." in message
    assert "where 1e-03 is allowed" in message


def test_nan_is_wrong() -> None:
    with pytest.raises(GradientCheckError, match="backward gives nan"):
        gradcheck(broken(lambda g: g * np.nan), 2.0)


def test_float32_inputs_are_checked_in_float64() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(x.dtype)
        return x * x

    assert gradcheck(f, mg.tensor([0.1, 0.2]), tolerance=1e-9)
    assert set(seen) == {np.dtype(np.float64)}


def test_integers_and_masks_are_passed_on() -> None:
    assert gradcheck(
        lambda x, index, mask: mg.where(mask, x[index], 0.0), np.ones(3), np.array([0, 2]), np.array([True, False])
    )


def test_functions_without_gradient_and_empty_inputs() -> None:
    assert gradcheck(lambda x: mg.sign(x), np.array([1.0, -2.0]), order=2)
    assert gradcheck(lambda x: mg.floor(x), np.array([1.5]), order=2)
    assert gradcheck(lambda x: x * 2, np.zeros((0, 3)), order=2)


def test_inputs_are_left_alone() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert gradcheck(lambda x: x * x, x, order=2)
    assert x.grad is None
    assert x.tolist() == [1, 2]


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match=r"order must be 1, 2, \.\.\., got 0"):
        gradcheck(RIGHT, 1.0, order=0)
    with pytest.raises(DtypeError, match="needs at least one floating-point input"):
        gradcheck(RIGHT, 3)
    with pytest.raises(DtypeError, match="must return a tensor, it returned int"):
        gradcheck(lambda x: 3, 1.0)
