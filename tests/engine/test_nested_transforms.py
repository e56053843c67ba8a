"""Transforms inside one another: every pair of them against the mathematics, and structures of tensors."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.mode import transforming
from minigrad.errors import ShapeError

P = np.array([1.0, 2.0])
V = np.array([0.5, -2.0])


def f(b: Any) -> Any:
    return (b**4).sum()


def coupled(b: Any) -> Any:
    """Return a function with all mixed derivatives."""
    return mg.exp(b[0] * b[1]) + b[0] ** 3 * b[1]


def as_vector(result: Any) -> Any:
    return result.reshape(-1)


# each takes a scalar function of a vector to a function of a vector, whose result is made a vector
TRANSFORMS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": lambda h: lambda a: of_grad(h, a),
    "value_and_grad": lambda h: lambda a: joined(mg.value_and_grad(h)(a)),
    "jacobian": lambda h: lambda a: mg.jacobian(h, a),
    "hessian": lambda h: lambda a: mg.hessian(h, a),
    "vjp": lambda h: lambda a: mg.vjp(h, a)[1](2.0),
    "jvp": lambda h: lambda a: mg.jvp(h, a, V)[1],
    "hvp": lambda h: lambda a: mg.hvp(h, a, V),
}
OUTER = [name for name in TRANSFORMS if name != "grad"]  # which takes a result and no function


def of_grad(h: Any, a: Any) -> Any:
    """Return the gradient by ``mg.grad``, which is recorded within the function of a transform."""
    if not a.requires_grad:
        a = mg.tensor(a, requires_grad=True)
    return mg.grad(h(a), a)[0]


def joined(pair: tuple[Any, Any]) -> Any:
    return mg.concatenate([pair[0].reshape(1), pair[1]])


def central(g: Callable[[np.ndarray], np.ndarray], a: np.ndarray) -> np.ndarray:
    """Return the Jacobian by central differences of fourth order."""
    columns = []
    for direction in np.eye(len(a)) * 1e-3:
        near, far = g(a + direction) - g(a - direction), g(a + 2 * direction) - g(a - 2 * direction)
        columns.append((8 * near - far) / (12 * 1e-3))
    return np.stack(columns, axis=-1)


def weighted(outcome: Any) -> Any:
    """Return one number that depends on every element."""
    flat = as_vector(outcome)
    return (flat * np.linspace(1.0, 2.0, flat.size)).sum()


@pytest.mark.parametrize("inner", TRANSFORMS)
def test_every_transform_of_a_function_with_a_transform_inside(inner: str) -> None:
    """The inner one is taken as it is, and the outer one by finite differences of it."""

    def h(a: Any) -> Any:
        return weighted(TRANSFORMS[inner](coupled)(a))

    def plain(a: np.ndarray) -> np.ndarray:
        with transforming():
            return h(mg.tensor(a)).numpy().reshape(1)

    slope = central(plain, P)[0]
    curvature = central(lambda a: central(plain, a)[0], P)
    expected = {
        "value_and_grad": np.concatenate([plain(P), slope]),
        "jacobian": slope,
        "hessian": curvature,
        "vjp": 2 * slope,
        "jvp": slope @ V,
        "hvp": curvature @ V,
    }
    for outer in OUTER:
        found = TRANSFORMS[outer](h)(mg.tensor(P)).numpy()
        np.testing.assert_allclose(found, expected[outer], rtol=1e-5, atol=1e-7, err_msg=f"{outer} of {inner}")


@pytest.mark.parametrize("middle", TRANSFORMS)
@pytest.mark.parametrize("inner", TRANSFORMS)
def test_three_inside_one_another(middle: str, inner: str) -> None:
    def h(a: Any) -> Any:
        return weighted(TRANSFORMS[middle](lambda b: weighted(TRANSFORMS[inner](coupled)(b)))(a))

    def plain(a: np.ndarray) -> np.ndarray:
        with transforming():
            return h(mg.tensor(a)).numpy().reshape(1)

    slope = central(plain, P)[0]
    value, gradient = mg.value_and_grad(h)(mg.tensor(P))
    assert value.item() == plain(P).item()
    np.testing.assert_allclose(gradient.numpy(), slope, rtol=1e-7)
    np.testing.assert_allclose(mg.jvp(h, P, V)[1].item(), slope @ V, rtol=1e-7)


def test_a_jacobian_of_a_jacobian_is_a_hessian() -> None:
    found = mg.jacobian(lambda a: mg.jacobian(f, a), P)
    np.testing.assert_allclose(found.numpy(), np.diag([12, 48]))
    assert not found.requires_grad
    third = mg.jacobian(lambda b: mg.jacobian(lambda a: mg.jacobian(f, a), b), P).numpy()
    np.testing.assert_allclose([third[0, 0, 0], third[1, 1, 1], np.abs(third).sum()], [24, 48, 72])


def test_the_gradient_of_a_function_with_a_jacobian_inside() -> None:
    value, gradient = mg.value_and_grad(lambda a: f(a) + mg.jacobian(f, a).sum())(mg.tensor(P))
    assert value.item() == 17 + 36
    assert gradient.tolist() == [16, 80]
    assert not value.requires_grad
    assert not gradient.requires_grad


def test_an_inner_function_that_uses_the_outer_variable() -> None:
    # d/db sum(a^2 b^2) at b = a is 2 a^3, where a in the inner function is constant for the inner derivative alone
    outer = mg.jacobian(lambda a: mg.jacobian(lambda b: (a**2 * b**2).sum(), a), P)
    np.testing.assert_allclose(outer.numpy(), np.diag(6 * P**2))
    gradient = mg.value_and_grad(lambda a: (mg.value_and_grad(lambda b: (a * b**3).sum())(mg.tensor(P))[1] * a).sum())
    np.testing.assert_allclose(gradient(mg.tensor(P))[1].numpy(), 2 * P * 3 * P**2)


def test_derivatives_do_not_mix_up_their_variables() -> None:
    """The classic of perturbation confusion: d/dx (x d/dy (x + y)) is 1."""
    inner = lambda x: mg.value_and_grad(lambda y: x + y)(1.0)[1]  # noqa: E731
    assert mg.value_and_grad(lambda x: x * inner(x))(1.0)[1].item() == 1
    assert mg.jvp(lambda x: x * mg.jvp(lambda y: x + y, 1.0, 1.0)[1], 1.0, 1.0)[1].item() == 1


def test_backward_of_a_leaf_that_a_transform_used() -> None:
    w = mg.tensor(P, requires_grad=True)
    (mg.jacobian(f, w, create_graph=True) * V).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 12 * P**2 * V)


def test_backward_inside_the_function_of_a_transform() -> None:
    def with_pass(a: Any) -> Any:
        w = mg.tensor(P, requires_grad=True)
        (w * w).sum().backward()
        return (a * w.grad.detach()).sum()

    np.testing.assert_allclose(mg.value_and_grad(with_pass)(mg.tensor(P))[1].numpy(), 2 * P)


def test_no_grad_inside_holds_what_is_inside_constant() -> None:
    def held(a: Any) -> Any:
        with mg.no_grad():
            slope = mg.jacobian(f, a)
        return (a * slope).sum()

    np.testing.assert_allclose(mg.value_and_grad(held)(mg.tensor(P))[1].numpy(), 4 * P**3)


def test_transforms_after_one_another_are_not_nested() -> None:
    assert not mg.jacobian(f, P).requires_grad
    with pytest.raises(ZeroDivisionError):
        mg.jacobian(lambda a: 1 / 0, P)
    assert not mg.value_and_grad(f)(mg.tensor(P))[1].requires_grad


# --- structures

Point = namedtuple("Point", "x y")
X, Y = np.array([1.0, 2.0]), np.array(3.0)
STRUCTURES: dict[str, tuple[Any, Callable[[Any], tuple[Any, Any]]]] = {
    "dict": ({"x": mg.tensor(X), "y": mg.tensor(Y)}, lambda s: (s["x"], s["y"])),
    "list": ([mg.tensor(X), mg.tensor(Y)], lambda s: (s[0], s[1])),
    "list of arrays": ([X, Y], lambda s: (s[0], s[1])),
    "nested": ({"layer": [mg.tensor(X), (mg.tensor(Y),)]}, lambda s: (s["layer"][0], s["layer"][1][0])),
    "named tuple in a list": ([Point(mg.tensor(X), mg.tensor(Y))], lambda s: (s[0].x, s[0].y)),
}
every = pytest.mark.parametrize(("point", "parts"), STRUCTURES.values(), ids=STRUCTURES)


def shape_of(structure: Any) -> Any:
    """Return a structure without its tensors."""
    if isinstance(structure, dict):
        return {key: shape_of(value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure).__name__, [shape_of(value) for value in structure]
    return None


def product(parts: Any) -> Callable[[Any], Any]:
    def of_structure(structure: Any) -> Any:
        x, y = parts(structure)
        return (x**2 * y).sum()

    return of_structure


@every
def test_gradients_have_the_structure_of_the_argument(point: Any, parts: Any) -> None:
    function = product(parts)
    found = {
        "value_and_grad": mg.value_and_grad(function)(point)[1],
        "vjp": mg.vjp(function, point)[1](1.0),
        "jacobian": mg.jacobian(function, point),
    }
    for name, gradient in found.items():
        assert shape_of(gradient) == shape_of(point), name
        dx, dy = parts(gradient)
        assert dx.tolist() == [6, 12], name
        assert dy.item() == 5, name


@every
def test_directions_have_the_structure_of_the_argument(point: Any, parts: Any) -> None:
    value, tangent = mg.jvp(product(parts), point, point)
    assert (value.item(), tangent.item()) == (15, 45)  # of degree 3
    dx, dy = parts(mg.hvp(product(parts), point, point))
    assert (dx.tolist(), dy.item()) == ([12, 24], 10)  # of degree 2


def test_directions_are_found_by_their_keys() -> None:
    point = {"x": mg.tensor(X), "y": mg.tensor(Y)}
    function = product(STRUCTURES["dict"][1])
    assert mg.jvp(function, point, {"y": 1.0, "x": [0.0, 0.0]})[1].item() == 5
    assert mg.hvp(function, point, {"y": 1.0, "x": [0.0, 0.0]})["x"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("v", "message"),
    [
        ({"x": X}, r"\['x', 'y'\] expected, got \['x'\]"),
        ({"x": X, "z": Y}, r"\['x', 'y'\] expected, got \['x', 'z'\]"),
        ([X, Y], r"\['x', 'y'\] expected, got \[0, 1\]"),
        (1.0, r"\['x', 'y'\] expected, got 1.0"),
        ({"x": X, "y": X}, r"v must have the shape of x: for argument 1 \(\) expected, got \(2,\)"),
    ],
)
def test_directions_of_another_structure_are_refused(v: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        mg.jvp(product(STRUCTURES["dict"][1]), {"x": mg.tensor(X), "y": mg.tensor(Y)}, v)


@every
def test_a_hessian_is_a_structure_of_structures(point: Any, parts: Any) -> None:
    rows = parts(mg.hessian(product(parts), point))
    (xx, xy), (yx, yy) = (parts(row) for row in rows)
    assert xx.tolist() == [[6, 0], [0, 6]]
    assert xy.tolist() == yx.tolist() == [2, 4]
    assert yy.item() == 0


def test_several_arguments_of_which_some_are_structures() -> None:
    def loss(parameters: Any, scale: Any, mode: str) -> Any:
        return (parameters["w"] * scale).sum() + (parameters["b"] if mode == "train" else 0.0)

    value, (of_parameters, of_scale) = mg.value_and_grad(loss)({"w": X, "b": Y}, 2.0, "train")
    assert value.item() == 9
    assert {name: g.tolist() for name, g in of_parameters.items()} == {"w": [2, 2], "b": 1}
    assert of_scale.item() == 3


def test_nested_transforms_of_structures() -> None:
    def slopes(s: Any) -> Any:
        gradient = mg.value_and_grad(lambda t: (t["x"] ** 3 * t["y"]).sum())(s)[1]
        return gradient["x"].sum() + gradient["y"]

    found = mg.value_and_grad(slopes)({"x": X, "y": Y})[1]
    np.testing.assert_allclose(found["x"].numpy(), 6 * X * Y + 3 * X**2)
    np.testing.assert_allclose(found["y"].numpy(), 3 * (X**2).sum())


def test_a_structure_of_something_else_is_passed_on() -> None:
    value, gradient = mg.value_and_grad(lambda x, names: x * len(names))(2.0, ["a", "b"])
    assert (value.item(), gradient.item()) == (4, 2)


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
