"""Faults that a reader of the engine found; each is one of a kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import RuleError
from minigrad.ops import primitives


def slope_of_a_backward_pass(x: Any) -> Any:
    """Return x times the derivative of x y^2 with respect to y at 3, which ``backward()`` computes: 6 x^2."""
    y = mg.tensor(3.0, requires_grad=True)
    (x * y * y).backward()
    return x * y.grad


def slope_of_steps(x: Any) -> Any:
    y = mg.tensor(3.0, requires_grad=True)
    for _ in mg.backprop(x * y * y):
        pass
    return x * y.grad


@pytest.mark.parametrize("f", [slope_of_a_backward_pass, slope_of_steps])
def test_a_backward_pass_inside_of_a_transform_is_differentiated(f: Any) -> None:
    x = mg.tensor(2.0)
    assert [each.item() for each in mg.value_and_grad(f)(x)] == [24, 24]
    assert mg.hessian(f, x).item() == 12
    assert mg.jacobian(f, x).item() == 24


def test_a_pass_releases_only_what_it_went_through() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    middle = mg.exp(x)
    mg.grad((middle * middle).sum(), middle)
    (found,) = mg.grad(middle.sum(), x)
    np.testing.assert_array_equal(found.numpy(), np.exp(x.numpy()))

    y = (x * 2).sum()
    assert mg.grad(y, mg.tensor(1.0, requires_grad=True), allow_unused=True) == (None,)
    y.backward()
    assert x.grad.tolist() == [2, 2]


def test_calls_of_many_lengths_leave_little_behind() -> None:
    x = mg.tensor(1.0, requires_grad=True)
    for count in range(1, 300):
        mg.stack([x] * count)
    assert max(len(primitive._plans) for primitive in primitives.values()) == 100


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


class TestNamesOfAUsersFunction:
    def test_an_argument_with_a_name_that_rules_use_otherwise_is_refused(self) -> None:
        def output(x: Any, out: Any) -> Any:
            return x * out

        def shape(x: Any, x_shape: Any) -> Any:
            return x * x_shape

        def option(x: Any, kept: float = 1.0) -> Any:
            return x * kept

        def of_any_number(*xs: Any, position: float = 1.0) -> Any:
            return sum(xs) * position

        for function, rules in ((output, 2), (shape, 2), (option, 1), (of_any_number, 1)):
            name = list(function.__annotations__)[1]
            with pytest.raises(RuleError, match=f"{function.__name__}: .*{name!r}.*another name"):
                mg.primitive(function).derivatives(*[lambda g: g] * rules)

    def test_position_is_a_name_like_any_other_where_the_number_of_arguments_is_fixed(self) -> None:
        @mg.primitive
        def scaled(x: Any, position: float = 1.0) -> Any:
            return x * position

        scaled.derivatives(lambda g, position: g * position)
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        scaled(x, position=3.0).sum().backward()
        assert x.grad.tolist() == [3, 3]

    def test_options_that_no_call_could_give_are_refused(self) -> None:
        def any_options(x: Any, **options: Any) -> Any:
            return x

        def by_position_alone(x: Any, factor: float = 1.0, /) -> Any:
            return x * factor

        for function, what in ((any_options, r"\*\*options"), (by_position_alone, "factor")):
            with pytest.raises(RuleError, match=f"{function.__name__}: .*{what}"):
                mg.primitive(function).derivatives(lambda g: g)


def test_a_function_that_uses_no_argument_has_the_gradient_0() -> None:
    value, gradient = mg.value_and_grad(lambda w: mg.tensor(1.0))(mg.tensor([1.0, 2.0]))
    assert value.item() == 1
    assert gradient.tolist() == [0, 0]


def test_a_directional_derivative_of_integers_is_0() -> None:
    value, slope = mg.jvp(lambda x: mg.argmax(x), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.0]))
    assert (value.item(), slope.item()) == (1, 0)


def test_a_gradient_that_is_assigned_has_the_dtype_of_its_tensor() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    for gradient in (mg.tensor([1, 2]), np.array([1, 2]), [1, 2]):
        w.grad = gradient
        assert w.grad.dtype == np.float32
    w.grad = same = mg.tensor([3.0, 4.0])
    assert w.grad is same


def test_a_tensor_that_requires_no_gradient_any_more_gets_none() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x
    x.requires_grad = False
    y.backward()
    assert x.grad is None


def test_a_number_is_rounded_to_an_integer() -> None:
    assert type(round(mg.tensor(2.7))) is int
    assert type(round(mg.tensor(2.7), 0)) is float


def test_options_may_be_any_kind_of_dict_and_list() -> None:
    class Names(list[Any]):
        def __init__(self) -> None:
            super().__init__()

    @mg.primitive
    def scaled(x: Any, factors: Any = None, names: Any = ()) -> Any:
        return x * factors["by"]

    scaled.derivatives(lambda g, factors: g * factors["by"])
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    scaled(x, factors={"by": np.array([2.0, 3.0], np.float32)}, names=Names()).sum().backward()
    assert x.grad.tolist() == [2, 3]
