"""A function that is called with what it does not take is explained; what goes wrong inside of it is the user's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.analysis import (
    Curvature,
    Surface,
    batch_size_study,
    check_convex,
    check_convex_set,
    classify_critical_point,
    directional_derivative,
    escape,
    gradient_flow,
)
from minigrad.errors import UnknownArgumentError

MODEL = nn.Linear(2, 2)
X, Y = mg.ones((4, 2)), mg.tensor(np.array([0, 1, 0, 1]))
POINTS = np.ones((4, 2), np.float32), np.array([0, 1, 0, 1])
CRITERION = nn.CrossEntropyLoss()
BOUNDS = ((-1.0, 1.0), (-1.0, 1.0))


def curvature(loss: Any) -> Any:
    return Curvature(MODEL, loss).trace()


def flow(loss: Any) -> Any:
    return gradient_flow(MODEL, [(X, Y)], loss)


def study(**options: Any) -> Any:
    usual: dict[str, Any] = {"make_model": lambda: nn.Linear(2, 2), "train": POINTS, "sizes": [2], "epochs": 1}
    return batch_size_study(**{**usual, "sharpness": False, **options})


def surface(function: Any) -> Surface:
    return Surface("mine", function, ((0.0, 0.0),), 0.0, BOUNDS, (1.0, 1.0))


MISMATCHES: list[tuple[Callable[[Any], Any], Any, str]] = [
    (curvature, CRITERION, r"loss must be a function without arguments, such as lambda: criterion\(model\(X\), y\)"),
    (curvature, lambda out, y: out, "loss must be a function without arguments"),
    (flow, lambda: X.sum(), r"loss must be a function of \(output, targets\)"),
    (flow, lambda out, y, z: out, r"loss must be a function of \(output, targets\)"),
    (flow, nn.Linear(2, 2), r"loss must be a function of \(output, targets\)"),
    (lambda f: check_convex(f, (-1, 1)), lambda: X.sum(), "f must be a function of one point"),
    (lambda f: check_convex_set(f, (-1, 1)), lambda: True, "contains must be a function of one point"),
    (
        lambda f: study(make_optimizer=f),
        lambda: None,
        r"make_optimizer must be a function of \(parameters, batch_size\)",
    ),
    (lambda f: study(loss=f), lambda: X.sum(), r"loss must be a function of \(output, targets\)"),
    (lambda f: study(make_model=f), lambda size: MODEL, "make_model must be a function without arguments"),
    (lambda f: classify_critical_point(f, np.zeros(2)), lambda x, y: x, "f must be a function of one tensor"),
    (lambda f: escape(f, np.zeros(2)), lambda: X.sum(), "f must be a function of one tensor"),
    (lambda f: directional_derivative(f, np.ones(2), [1, 0]), lambda x, y: x, "f must be a function of one tensor"),
    (lambda f: surface(f)([1.0, 1.0]), lambda x, y: x, "mine: the function must be one of a point"),
    (lambda f: surface(f).values([1.0, 1.0]), lambda x, y: x, "mine: the function must be one of a point"),
]


@pytest.mark.parametrize(("use", "function", "message"), MISMATCHES, ids=[str(n) for n in range(len(MISMATCHES))])
def test_another_number_of_arguments_is_explained(use: Callable[[Any], Any], function: Any, message: str) -> None:
    with pytest.raises(UnknownArgumentError, match=message) as caught:
        use(function)
    assert "argument" in str(caught.value).partition(": ")[2]
    assert "array" not in str(caught.value)


@pytest.mark.parametrize(("use", "function", "message"), MISMATCHES, ids=[str(n) for n in range(len(MISMATCHES))])
def test_a_type_error_inside_of_the_function_stays(use: Callable[[Any], Any], function: Any, message: str) -> None:
    def inner(a: Any) -> Any:
        return a

    def mine(*args: Any) -> Any:
        return inner()  # type: ignore[call-arg]

    with pytest.raises(TypeError, match=r"inner\(\) missing 1 required positional argument") as caught:
        use(mine)
    assert type(caught.value) is TypeError


def test_a_decorator_decides_what_its_function_takes() -> None:
    def inner(output: Any) -> Any:
        raise TypeError("mine")

    @wraps(inner)
    def mine(output: Any, targets: Any) -> Any:
        return inner(output)

    with pytest.raises(TypeError, match=r"^mine$") as caught:
        flow(mine)
    assert type(caught.value) is TypeError


def test_a_function_that_does_not_tell_its_arguments_keeps_pythons_own_words() -> None:
    with pytest.raises(TypeError, match="attribute name must be string, not 'Tensor'") as caught:
        flow(getattr)
    assert type(caught.value) is TypeError


def test_a_maker_of_optimizers_that_does_not_tell_its_arguments_gets_both() -> None:
    given = []

    class Maker:
        __signature__ = "as of some functions in C, unknown"

        def __call__(self, parameters: Any, batch_size: int) -> optim.SGD:
            given.append(batch_size)
            return optim.SGD(parameters, lr=0.1)

    study(make_optimizer=Maker())
    assert given == [2]


def test_an_optimizer_may_be_made_of_the_parameters_alone() -> None:
    expected = study(make_optimizer=lambda parameters, size: optim.SGD(parameters, lr=0.2)).rows[0].losses
    for make in (
        lambda p: optim.SGD(p, lr=0.2),
        partial(optim.SGD, lr=0.2),
        lambda p, lr=0.2: optim.SGD(p, lr=lr),
        lambda p, batch_size=2: optim.SGD(p, lr=0.1 * batch_size),
    ):
        assert study(make_optimizer=make).rows[0].losses.tolist() == expected.tolist()


def test_swapped_arguments_are_told_without_their_contents() -> None:
    big = mg.tensor(np.full((50, 2), 0.123))
    with pytest.raises(TypeError, match=r"the order is \(model, batches, loss\); got list") as caught:
        gradient_flow(MODEL, CRITERION, [(big, Y)])  # type: ignore[arg-type]
    assert "0.123" not in str(caught.value)
    with pytest.raises(TypeError) as caught:
        study(loss=[(big, Y)])
    assert "0.123" not in str(caught.value)
