"""Second derivatives where a first one is a convention: what mathematics has, or nan, and never an invented number.

The expected values were derived by hand. ``NAN`` in them means that mathematics has no second derivative there: then it
must not be finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.ops.loss import binary_cross_entropy, sigmoid_cross_entropy

INF, NAN = np.inf, np.nan
Function = Callable[..., Any]


def hessian(f: Function, *points: Any, dtype: Any = np.float64) -> list[list[Any]]:
    """Return the blocks of the Hessian: for each input (of the first derivative) a row, for each input a column."""
    inputs = [mg.tensor(np.asarray(point, dtype), requires_grad=True) for point in points]
    with np.errstate(all="ignore"):
        first = mg.grad(f(*inputs), inputs, create_graph=True, allow_unused=True)
        return [[jacobian(gradient, x) for x in inputs] for gradient in first]


def jacobian(gradient: Any, x: Any) -> Any:
    """Return the derivative of each element of a recorded gradient; each pass starts from 1 at one element."""
    rows = []
    for index in np.ndindex(gradient.shape if gradient is not None else x.shape):
        row = np.zeros(x.shape)
        if gradient is not None and gradient.requires_grad:
            start = np.zeros(gradient.shape, gradient.dtype)
            start[index] = 1
            (found,) = mg.grad(gradient, x, gradient=start, retain_graph=True, allow_unused=True)
            row = row if found is None else found.numpy()
        rows.append(row)
    return np.array(rows).reshape((*(gradient if gradient is not None else x).shape, *x.shape))


def second(f: Function, point: Any, dtype: Any = np.float64) -> Any:
    """Return the Hessian of a function of one input."""
    return hessian(f, point, dtype=dtype)[0][0]


def is_true_or_nan(found: Any, truth: Any) -> bool:
    """Whether each element is what mathematics has, or not a finite number; nan in ``truth``: there is none."""
    found, truth = np.broadcast_arrays(np.asarray(found, float), np.asarray(truth, float))
    return bool(np.all(~np.isfinite(found) | np.isclose(found, truth, rtol=1e-6, atol=1e-9)))


def same(found: Any, expected: Any) -> bool:
    return np.allclose(found, expected, rtol=1e-6, atol=1e-9, equal_nan=True)


# --- at 0, where the length, the deviation and the absolute value have a first derivative by convention alone

# name: the function of a vector of two, and its Hessian at 0 as mathematics has it; NAN where it has none
AT_ZERO: dict[str, tuple[Function, Any]] = {
    "norm": (mg.norm, NAN),
    "norm**2": (lambda w: mg.norm(w) ** 2, 2 * np.eye(2)),
    "square(norm)": (lambda w: mg.square(mg.norm(w)), 2 * np.eye(2)),
    "norm*norm": (lambda w: mg.norm(w) * mg.norm(w), 2 * np.eye(2)),
    "norm(w)*norm(2w)": (lambda w: mg.norm(w) * mg.norm(2 * w), 4 * np.eye(2)),
    "norm**4": (lambda w: mg.norm(w) ** 4, 0),
    "norm**3": (lambda w: mg.norm(w) ** 3, 0),
    "norm**2.0 as an array": (lambda w: mg.norm(w) ** np.array(2.0), 2 * np.eye(2)),
    "norm**2 as a tensor": (lambda w: mg.norm(w) ** mg.tensor(2.0), 2 * np.eye(2)),
    "norm(keepdims)**2": (lambda w: (mg.norm(w, axis=0, keepdims=True) ** 2).sum(), 2 * np.eye(2)),
    "exp(norm**2)": (lambda w: mg.exp(mg.norm(w) ** 2), 2 * np.eye(2)),
    "exp(norm)": (lambda w: mg.exp(mg.norm(w)), NAN),
    "log1p(norm**2)": (lambda w: mg.log1p(mg.norm(w) ** 2), 2 * np.eye(2)),
    "cos(norm)": (lambda w: mg.cos(mg.norm(w)), -np.eye(2)),
    "cosh(norm)": (lambda w: mg.cosh(mg.norm(w)), np.eye(2)),
    "1/(1+norm**2)": (lambda w: 1 / (1 + mg.norm(w) ** 2), -2 * np.eye(2)),
    "norm*sum": (lambda w: mg.norm(w) * w.sum(), NAN),
    "norm**2*(1+sum)": (lambda w: mg.norm(w) ** 2 * (1 + w.sum()), 2 * np.eye(2)),
    "norm(w*w)": (lambda w: mg.norm(w * w), NAN),  # sqrt(x**4 + y**4) has no Hessian at 0
    "norm(w*w)**2": (lambda w: mg.norm(w * w) ** 2, 0),
    "norm(one element of w*w)": (lambda w: mg.norm(w[:1] * w[:1]), [[2, 0], [0, 0]]),
    "norm(A@w)**2": (lambda w: mg.norm(np.array([[1.0, 2.0], [0.0, 1.0]]) @ w) ** 2, [[2, 4], [4, 10]]),
    "std": (mg.std, NAN),
    "std**2": (lambda w: mg.std(w) ** 2, [[0.5, -0.5], [-0.5, 0.5]]),
    "exp(std**2)": (lambda w: mg.exp(mg.std(w) ** 2), [[0.5, -0.5], [-0.5, 0.5]]),
    "std(ddof=1)**2": (lambda w: mg.std(w, ddof=1) ** 2, [[1, -1], [-1, 1]]),
    "std(keepdims)**2": (lambda w: (mg.std(w, axis=-1, keepdims=True) ** 2).sum(), [[0.5, -0.5], [-0.5, 0.5]]),
    "var": (mg.var, [[0.5, -0.5], [-0.5, 0.5]]),
    "std of one": (lambda w: mg.std(w[:1]), 0),
    "abs**2": (lambda w: (abs(w) ** 2).sum(), 2 * np.eye(2)),
    "abs*abs": (lambda w: (abs(w) * abs(w)).sum(), 2 * np.eye(2)),
    "square(abs)": (lambda w: mg.square(mg.abs(w)).sum(), 2 * np.eye(2)),
    "abs**3": (lambda w: (abs(w) ** 3).sum(), 0),
    "exp(abs**2)": (lambda w: mg.exp(abs(w) ** 2).sum(), 2 * np.eye(2)),
    "cos(abs)": (lambda w: mg.cos(abs(w)).sum(), -np.eye(2)),
    "sum(abs)**2": (lambda w: abs(w).sum() ** 2, NAN),
    "sqrt(1+abs**2)": (lambda w: mg.sqrt(1 + abs(w) ** 2).sum(), np.eye(2)),
    "abs(abs)**2": (lambda w: (abs(abs(w)) ** 2).sum(), 2 * np.eye(2)),
    "w*abs(w)": (lambda w: (w * abs(w)).sum(), [[NAN, 0], [0, NAN]]),
    "norm of abs": (lambda w: mg.norm(abs(w)) ** 2, 2 * np.eye(2)),
    "norm**2 + abs**2": (lambda w: mg.norm(w) ** 2 + (abs(w) ** 2).sum(), 4 * np.eye(2)),
    "w**2": (lambda w: (w**2).sum(), 2 * np.eye(2)),
    "(w**2)**1.5": (lambda w: ((w**2) ** 1.5).sum(), 0),
    "(w**2)**2": (lambda w: ((w**2) ** 2).sum(), 0),
    "exp(w**2)": (lambda w: mg.exp(w**2).sum(), 2 * np.eye(2)),
    "sqrt(w**2)": (lambda w: mg.sqrt(w**2).sum(), NAN),
    "sqrt(w**4)": (lambda w: mg.sqrt(w**4).sum(), 2 * np.eye(2)),
    "prod": (mg.prod, [[0, 1], [1, 0]]),
    "prod(w, w)": (lambda w: mg.prod(mg.concatenate([w, w])), 0),
    "prod(w, 3)**2": (lambda w: mg.prod(mg.concatenate([w, [3.0]])) ** 2, 0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", AT_ZERO)
def test_hessian_at_zero(name: str, dtype: Any) -> None:
    f, truth = AT_ZERO[name]
    assert is_true_or_nan(second(f, [0.0, 0.0], dtype), truth)
    assert is_true_or_nan(second(f, [-0.0, 0.0], dtype), truth)


@pytest.mark.parametrize("name", AT_ZERO)
def test_jacobian_of_grad_hessian_and_hvp_agree(name: str) -> None:
    f, truth = AT_ZERO[name]
    point, direction = mg.tensor(np.zeros(2)), np.array([0.5, -2.0])
    with np.errstate(all="ignore"):
        assert is_true_or_nan(mg.hessian(f, point).numpy(), truth)
        assert is_true_or_nan(mg.jacobian(lambda w: mg.value_and_grad(f)(w)[1], point).numpy(), truth)
        product = np.broadcast_to(np.asarray(truth, float), (2, 2)) @ direction
        assert is_true_or_nan(mg.hvp(f, point, direction).numpy(), product)
        assert is_true_or_nan(mg.jvp(lambda w: mg.value_and_grad(f)(w)[1], point, direction)[1].numpy(), product)


@pytest.mark.parametrize("name", AT_ZERO)
def test_a_directional_derivative_of_a_directional_derivative(name: str) -> None:
    f, truth = AT_ZERO[name]
    direction = np.array([0.5, -2.0])
    along = direction @ np.broadcast_to(np.asarray(truth, float), (2, 2)) @ direction
    with np.errstate(all="ignore"):
        twice = mg.jvp(lambda w: mg.jvp(f, w, direction)[1], mg.tensor(np.zeros(2)), direction)[1]
    assert is_true_or_nan(twice.item(), along)


@pytest.mark.parametrize("name", AT_ZERO)
def test_first_derivatives_keep_their_conventions(name: str) -> None:
    """The gradient, the Jacobian-vector product and the recorded gradient are the same numbers, and finite."""
    f, _ = AT_ZERO[name]
    if name.startswith("sqrt(w"):  # infinite by convention
        return
    point, direction = mg.tensor(np.zeros(2)), np.array([0.5, -2.0])
    gradient = mg.value_and_grad(f)(point)[1].numpy()
    assert np.isfinite(gradient).all()
    assert same(mg.jvp(f, point, direction)[1].numpy(), gradient @ direction)
    assert same(mg.jacobian(f, point, create_graph=True).numpy(), gradient)


def test_away_from_zero_nothing_is_lost() -> None:
    w = np.array([3.0, -4.0])
    unit = w / 5
    projection = (np.eye(2) - np.outer(unit, unit)) / 5
    assert same(second(mg.norm, w), projection)
    assert same(second(lambda w: mg.norm(w) ** 2, w), 2 * np.eye(2))
    assert same(second(lambda w: (abs(w) ** 2).sum(), w), 2 * np.eye(2))
    assert same(second(lambda w: mg.exp(abs(w)).sum(), w), np.diag(np.exp(np.abs(w))))
    assert same(second(lambda w: mg.std(w) ** 2, w), [[0.5, -0.5], [-0.5, 0.5]])


# --- rows along an axis: what is not 0 keeps its second derivative

ROWS = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, -4.0]])


@pytest.mark.parametrize("keepdims", [False, True])
def test_rows_of_norm(keepdims: bool) -> None:
    blocks = second(lambda w: (mg.norm(w, axis=1, keepdims=keepdims) ** 2).sum(), ROWS)
    assert is_true_or_nan(blocks, 2 * np.eye(6).reshape(2, 3, 2, 3))
    assert same(blocks[:, :, 1], 2 * np.eye(6).reshape(2, 3, 2, 3)[:, :, 1])
    blocks = second(lambda w: mg.norm(w, axis=1, keepdims=keepdims).sum(), ROWS)
    unit = ROWS[1] / 5
    assert same(blocks[1, :, 1], (np.eye(3) - np.outer(unit, unit)) / 5)
    assert same(blocks[0, :, 1], 0)
    assert np.isnan(blocks[0, :, 0]).all()


@pytest.mark.parametrize("axis", [0, -1, (0, 1)])
def test_rows_of_std(axis: Any) -> None:
    level = np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 5.0]])
    level = level.T if axis == 0 else level

    def f(w: Any) -> Any:
        return (mg.std(w, axis=axis, keepdims=True) ** 2).sum()

    truth = second(lambda w: mg.var(w, axis=axis).sum(), level)
    found = second(f, level)
    assert is_true_or_nan(found, truth)
    rows = (slice(None), 1) if axis == 0 else 1
    assert same(np.asarray(found)[(slice(None), slice(None), *np.index_exp[rows])].squeeze(),
                np.asarray(truth)[(slice(None), slice(None), *np.index_exp[rows])].squeeze())  # fmt: skip


def test_one_element_has_no_deviation() -> None:
    assert same(second(lambda w: (mg.std(w, axis=1) ** 2).sum() + mg.std(w, axis=1).sum(), [[2.0], [0.0]]), 0)
    assert same(second(lambda w: mg.var(w, axis=1).sum(), [[2.0], [0.0]]), 0)


def test_hvp_of_rows() -> None:
    v = np.ones(ROWS.shape)
    product = mg.hvp(lambda w: (mg.norm(w, axis=1) ** 2).sum(), mg.tensor(ROWS), v).numpy()
    assert is_true_or_nan(product, 2)
    assert same(product[1], 2)


# --- products with another parameter


@pytest.mark.parametrize("name", ["norm", "norm**2", "abs", "abs**2", "std", "std**2", "power 2", "power 1", "power 3"])
@pytest.mark.parametrize("p", [0.0, 1.5])
def test_products_with_a_parameter(name: str, p: float) -> None:
    functions: dict[str, tuple[Function, Any]] = {
        "norm": (mg.norm, NAN),
        "norm**2": (lambda w: mg.norm(w) ** 2, 2 * np.eye(2)),
        "abs": (lambda w: abs(w).sum(), [[NAN, 0], [0, NAN]]),
        "abs**2": (lambda w: (abs(w) ** 2).sum(), 2 * np.eye(2)),
        "std": (mg.std, NAN),
        "std**2": (lambda w: mg.std(w) ** 2, [[0.5, -0.5], [-0.5, 0.5]]),
        "power 1": (lambda w: (w**1).sum(), 0),
        "power 2": (lambda w: (w**2).sum(), 2 * np.eye(2)),
        "power 3": (lambda w: (w**3).sum(), 0),
    }
    f, truth = functions[name]
    (ww, wp), (pw, pp) = hessian(lambda w, p: f(w) * p, [0.0, 0.0], p)
    if name == "abs" and p:  # by itself its second derivative is 0, whatever it is multiplied by
        assert same(ww, 0)
    else:
        assert is_true_or_nan(ww, p * np.asarray(truth))
    slope = 1 if name == "power 1" else 0  # the first derivative, by convention where there is none
    assert same([wp, pw], slope)
    assert same(pp, 0)
    (ww, _), _ = hessian(lambda w, p: mg.exp(f(w)) * p, [0.0, 0.0], 2.0)
    if name.endswith("2"):
        assert is_true_or_nan(ww, 2 * np.asarray(truth))


# --- powers

# exponent: the second derivative at 0, from the right where the sides differ
POWERS = {0.0: 0, 1.0: 0, 2.0: 2, 3.0: 0, 4.0: 0, 1.5: INF, 0.5: -INF, 2.5: 0, -1.0: INF, -2.0: INF}


@pytest.mark.parametrize("exponent", POWERS)
@pytest.mark.parametrize("kind", ["number", "integer", "array", "NumPy number", "tensor", "differentiated"])
def test_power_of_zero(kind: str, exponent: float) -> None:
    if kind == "integer" and exponent % 1:
        return
    kinds: dict[str, Any] = {
        "number": exponent,
        "integer": int(exponent),
        "array": np.array([exponent, exponent]),
        "NumPy number": np.float64(exponent),
        "tensor": mg.tensor(exponent, dtype=np.float64),
        "differentiated": mg.tensor(exponent, dtype=np.float64, requires_grad=True),
    }
    found = second(lambda x: mg.power(x, kinds[kind]).sum(), [0.0, 4.0])
    truth = POWERS[exponent]
    expected = np.diag([truth, exponent * (exponent - 1) * 4.0 ** (exponent - 2)])
    if np.isfinite(truth):
        assert same(found, expected)
    else:  # 0 times infinity beside it is nan
        assert is_true_or_nan(found, expected)
        assert same(found[1, 1], expected[1, 1])


@pytest.mark.parametrize("exponent", [2.0, 1.5, 3.0, 1.0, 0.5, 0.0, -1.0, 2.5])
def test_power_with_an_exponent_to_differentiate(exponent: float) -> None:
    """With y > 1 all second derivatives with the exponent are 0 at x = 0; with y <= 1 those with x are infinite."""
    (_, xy), (yx, yy) = hessian(mg.power, 0.0, exponent)
    if exponent > 1:
        assert same([xy, yx, yy], 0)
    else:
        assert not np.isfinite(xy)
        assert not np.isfinite(yx)
        assert yy == 0 if exponent > 0 else not np.isfinite(yy)


def test_power_with_an_exponent_away_from_zero() -> None:
    x, y = 1.7, 2.3
    (xx, xy), (yx, yy) = hessian(mg.power, x, y)
    mixed = x ** (y - 1) * (1 + y * np.log(x))
    assert same([xx, xy, yx, yy], [y * (y - 1) * x ** (y - 2), mixed, mixed, x**y * np.log(x) ** 2])
    (xx, xy), (yx, yy) = hessian(mg.power, -1.5, 3.0)
    assert same(xx, -9)
    assert np.isnan([xy, yx, yy]).all()


def test_one_exponent_for_several_powers() -> None:
    (_, xy), (yx, yy) = hessian(lambda x, y: (x**y).sum(), [0.0, 2.0], 3.0)
    mixed = [0, 4 * (1 + 3 * np.log(2.0))]
    assert same([xy, yx], mixed)
    assert same(yy, 8 * np.log(2.0) ** 2)


@pytest.mark.parametrize("exponents", [[2.0, 1.0, 0.0, 3.0], [2, 1, 0, 3]])
def test_powers_side_by_side(exponents: Any) -> None:
    """Each element has its own exponent, and an infinite one does not spread."""
    found = second(lambda x: (x ** np.array(exponents)).sum(), [0.0, 0.0, 0.0, 0.0])
    assert same(found, np.diag([2, 0, 0, 0]))
    (xx, xy), (yx, _) = hessian(lambda x, y: (x**y).sum(), [0.0, 0.0, 3.0], [2.0, 0.0, 2.0])
    assert same(xx, np.diag([2, 0, 2]))
    assert same(xy[2, 2], 3 * (1 + 2 * np.log(3.0)))
    assert same(xy[0, 0], 0)
    assert not np.isfinite([xy[1, 1], yx[1, 1]]).any()


# --- third order

# name: the function of one number, and its third derivative at 0
THIRD: dict[str, tuple[Function, float]] = {
    "norm**2": (lambda x: mg.norm(x) ** 2, 0),
    "norm": (mg.norm, NAN),
    "norm**4": (lambda x: mg.norm(x) ** 4, 0),
    "abs**2": (lambda x: abs(x) ** 2, 0),
    "abs": (abs, 0),
    "exp(abs**2)*exp(x)": (lambda x: mg.exp(abs(x) ** 2) * mg.exp(x), 7),
    "norm**2*(1+x)": (lambda x: mg.norm(x) ** 2 * (1 + x), 6),
    "abs**2*(1+x)": (lambda x: abs(x) ** 2 * (1 + x), 6),
    "x**3": (lambda x: x**3, 6),
    "x**3 as an array": (lambda x: (x ** np.array([3.0])).sum(), 6),
    "x**3 as a tensor": (lambda x: (x ** mg.tensor([3.0], requires_grad=True)).sum(), 6),
    "x**2 as a tensor": (lambda x: (x ** mg.tensor([2.0], requires_grad=True)).sum(), 0),
    "x**1 as a tensor": (lambda x: (x ** mg.tensor([1.0], requires_grad=True)).sum(), 0),
    "x**2.5": (lambda x: x**2.5, INF),
    "prod": (lambda x: mg.prod(mg.stack([x, x, x, 2.0 + x])), 12),
}


@pytest.mark.parametrize("name", THIRD)
def test_third_derivative_at_zero(name: str) -> None:
    f, truth = THIRD[name]
    with np.errstate(all="ignore"):
        found = mg.jacobian(lambda x: mg.hessian(f, x), mg.tensor(0.0, dtype=np.float64)).item()
    assert is_true_or_nan(found, truth)


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0, 3.0])
def test_third_derivatives_with_the_exponent(exponent: float) -> None:
    """d/dy of y * (y - 1) * x ** (y - 2) is 2 * y - 1 where x is 0 and y = 2, but for a logarithm that is infinite."""

    def second_by_x(x: Any, y: Any) -> Any:
        (first,) = mg.grad(x**y, x, create_graph=True)
        return mg.grad(first, x, create_graph=True)[0]

    def second_mixed(x: Any, y: Any) -> Any:
        (first,) = mg.grad(x**y, y, create_graph=True)
        return mg.grad(first, x, create_graph=True)[0]

    with np.errstate(all="ignore"):
        for mixed, other in [(second_by_x, 1), (second_mixed, 0)]:
            x, y = (mg.tensor(v, dtype=np.float64, requires_grad=True) for v in (0.0, exponent))
            (found,) = mg.grad(mixed(x, y), (x, y)[other], allow_unused=True)
            assert is_true_or_nan(found.item(), 0 if exponent > 2 else NAN)


@pytest.mark.parametrize("f", [lambda x: mg.norm(x) ** 2, lambda x: abs(x) ** 2])
def test_third_derivatives_with_a_parameter(f: Function) -> None:
    """d/dp of the second derivative of p * x**2 is 2."""
    x, p = (mg.tensor(v, dtype=np.float64, requires_grad=True) for v in (0.0, 1.5))
    (first,) = mg.grad(f(x) * p, x, create_graph=True)
    (twice,) = mg.grad(first, x, create_graph=True)
    assert is_true_or_nan(mg.grad(twice, p)[0].item(), 2)


# --- piecewise linear functions: 0 at their kinks, by convention

KINKS: dict[str, tuple[Function, Any]] = {
    "abs": (lambda x: abs(x).sum(), [0.0, -0.0, 2.0]),
    "abs, weighted": (lambda x: (abs(x) * np.array([0.5, 2.0, -1.0])).sum(), [0.0, -0.0, 2.0]),
    "abs, masked": (lambda x: (abs(x) * np.array([1.0, 1.0, 0.0])).sum(), [0.0, -0.0, 2.0]),
    "abs, mean": (lambda x: abs(x - 1).mean(), [1.0, 0.0, 2.0]),
    "sign": (lambda x: mg.sign(x).sum(), [0.0, -0.0, 2.0]),
    "relu": (lambda x: mg.relu(x).sum(), [0.0, -0.0, 2.0]),
    "leaky_relu": (lambda x: mg.leaky_relu(x, 0.25).sum(), [0.0, -0.0, 2.0]),
    "clip": (lambda x: mg.clip(x, 0, 2).sum(), [0.0, 1.0, 2.0]),
    "maximum": (lambda x: mg.maximum(x, 0.0).sum(), [0.0, -0.0, 2.0]),
    "minimum": (lambda x: mg.minimum(x, -x).sum(), [0.0, -0.0, 2.0]),
    "max": (mg.max, [2.0, 1.0, 2.0]),
    "min": (mg.min, [1.0, 1.0, 2.0]),
    "remainder": (lambda x: (x % 2.0).sum(), [0.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_piecewise_linear_functions_have_second_derivative_0(name: str) -> None:
    f, point = KINKS[name]
    assert (second(f, point) == 0).all()
    smooth = second(lambda x: f(x) + (x * x).sum(), point)
    assert same(smooth, 2 * np.eye(3))


def test_at_its_kink_a_piecewise_linear_function_counts_as_a_linear_one() -> None:
    """As the one that its first derivative describes, in compositions too."""
    assert second(lambda x: mg.relu(x) ** 2, 0.0) == 0
    assert second(lambda x: mg.exp(mg.relu(x)), 0.0) == 0
    assert second(lambda x: mg.leaky_relu(x, 0.5) ** 2, 0.0) == 0.5
    assert second(lambda x: mg.clip(x, 0, 1) ** 2, 0.0) == 2
    assert second(lambda x: mg.relu(x * x), 0.0) == 0
    assert second(lambda x: abs(x * x), 0.0) == 0
    assert same(second(lambda x: mg.max(x) ** 2, [1.0, 1.0]), 0.5)


def test_an_absolute_error_of_0_does_not_spoil_a_hessian() -> None:
    """The least absolute deviations of a line through one of its points."""
    X, y = np.array([[1.0, 2.0], [1.0, -1.0]]), np.array([2.0, 3.0])
    assert (second(lambda w: abs(X @ w - y).mean(), [0.0, 1.0]) == 0).all()
    assert same(second(lambda w: abs(X @ w - y).mean() + (w * w).sum(), [0.0, 1.0]), 2 * np.eye(2))


def test_elu_at_0_has_all_derivatives_from_the_left() -> None:
    assert second(lambda x: mg.elu(x, 0.5), 0.0) == 0.5
    assert second(lambda x: mg.elu(x, 0.5), 1.0) == 0


def test_losses_that_bend() -> None:
    """The Huber loss is a square around 0; the absolute error has no curvature anywhere."""
    errors = [0.0, 0.5, -0.5, 3.0]
    assert same(second(lambda x: F.huber_loss(x, np.zeros(4), reduction="sum"), errors), np.diag([1, 1, 1, 0]))
    assert same(second(lambda x: F.l1_loss(x, np.zeros(4), reduction="sum"), errors), 0)


# --- clamps and infinities


def test_binary_cross_entropy_beyond_its_clamp() -> None:
    """Second derivatives of -log(1 - p) at 0 and of -log(p) at 1 are 1; the clamped quotient has none of them."""
    for p, target, truth in [(0.0, 0.0, 1), (1.0, 1.0, 1), (0.0, 1.0, INF), (1.0, 0.0, INF), (1e-50, 1.0, 1e100)]:
        (pp, pt), (tp, tt) = hessian(binary_cross_entropy, p, target)
        assert is_true_or_nan(pp, truth)
        assert is_true_or_nan([pt, tp], -1e50 if p == 1e-50 else NAN)
        assert tt == 0
    (pp, pt), (tp, _) = hessian(binary_cross_entropy, 0.25, 0.5)
    assert same([pp, pt, tp], [0.5 / 0.0625 + 0.5 / 0.5625, -1 / 0.1875, -1 / 0.1875])


def test_binary_cross_entropy_beside_its_clamp() -> None:
    elements = np.array([0.0, 0.25, 1.0])
    found = second(lambda p: binary_cross_entropy(p, np.array([0.0, 0.5, 1.0])).sum(), elements)
    assert same(found[1], [0, 0.5 / 0.0625 + 0.5 / 0.5625, 0]) or np.isnan(found[1, [0, 2]]).all()
    assert same(found[1, 1], 0.5 / 0.0625 + 0.5 / 0.5625)


@pytest.mark.parametrize(
    "f",
    [mg.sigmoid, mg.softplus, mg.silu, mg.gelu, lambda x: mg.gelu(x, approximate="tanh"), mg.elu, mg.tanh],
    ids=["sigmoid", "softplus", "silu", "gelu", "gelu tanh", "elu", "tanh"],
)
def test_activations_far_out(f: Function) -> None:
    """Their limits are straight lines."""
    points = [-INF, -1e20, -1e3, 1e3, 1e20, INF]
    assert is_true_or_nan(second(lambda x: f(x).sum(), points), 0)
    assert same(second(lambda x: f(x).sum(), points[2:4]), 0)


def test_activations_near_by() -> None:
    logistic = 1 / (1 + math.exp(-1.0))
    slope = logistic * (1 - logistic)
    curvature = slope * (1 - 2 * logistic)
    assert same(second(mg.sigmoid, 1.0), curvature)
    assert same(second(mg.softplus, 1.0), slope)
    assert same(second(mg.silu, 1.0), 2 * slope + curvature)
    density = math.exp(-0.5) / math.sqrt(2 * math.pi)
    assert same(second(mg.gelu, 1.0), density * (2 - 1.0))
    assert same(second(mg.gelu, 0.0), 2 / math.sqrt(2 * math.pi))
    assert same(second(lambda x: mg.gelu(x, approximate="tanh"), 0.0), 2 / math.sqrt(2 * math.pi))


def test_softmax_family_at_infinities() -> None:
    """Where a logit is -inf its probability stays 0; a single +inf takes all."""
    pair = np.array([[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]])
    for f in (mg.logsumexp, lambda x: -mg.log_softmax(x)[0]):
        assert is_true_or_nan(second(f, [0.0, 0.0, -INF]), pair)
        assert same(second(f, [0.0, 0.0, -1e4]), pair)
        assert is_true_or_nan(second(f, [INF, 0.0, 1.0]), 0)
    assert is_true_or_nan(second(lambda x: mg.softmax(x)[0], [0.0, 0.0, -INF]), 0)
    for point in ([INF, INF], [-INF, -INF]):
        assert is_true_or_nan(second(mg.logsumexp, point), NAN)
    assert is_true_or_nan(second(lambda x: sigmoid_cross_entropy(x, np.array([1.0, 0.0])).sum(), [INF, -INF]), 0)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_prod_with_zeros(zeros: int) -> None:
    """Each second derivative is the product of the other factors."""
    x = np.array([0.0] * zeros + [2.0, 3.0, 5.0, -1.0][zeros:])
    truth = [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
    assert same(second(mg.prod, x), truth)
    assert same(second(lambda x: mg.prod(x.reshape(1, 4), axis=1, keepdims=True).sum(), x), truth)


def test_roots_at_zero_are_infinite() -> None:
    assert not np.isfinite(second(mg.sqrt, 0.0))
    assert not np.isfinite(second(mg.log, 0.0))
    assert not np.isfinite(second(mg.log1p, -1.0))
    assert not np.isfinite(second(lambda x: 1 / x, 0.0))


def test_where_is_a_branch_at_each_element() -> None:
    found = second(lambda x: mg.where(x > 1, mg.norm(x.reshape(2, 1), axis=1) ** 2, x * x).sum(), [3.0, 1.0])
    assert same(found, 2 * np.eye(2))
