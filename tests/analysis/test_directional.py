"""Directional derivatives against closed forms and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.analysis import directional_derivative, directional_derivatives, steepest_direction
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError

X = np.array([1.0, -2.0])
GRADIENT = np.array([2 * 1.0 * -2.0, 1.0 + 3 * 4.0])  # of x^2 y + y^3 at X


def f(p: Any) -> Any:
    return p[0] ** 2 * p[1] + p[1] ** 3


class TestDirectionalDerivative:
    @pytest.mark.parametrize("direction", [[1.0, 0.0], [0.0, -2.0], [3.0, 4.0], [1e-200, 1e-200], [1e300, -1e300]])
    def test_is_the_gradient_along_a_unit_vector(self, direction: list[float]) -> None:
        unit = np.array(direction) / np.hypot(*direction)
        slope = directional_derivative(f, X, np.array(direction))
        assert isinstance(slope, mg.Tensor)
        assert slope.shape == ()
        assert slope.dtype == np.float64
        assert not slope.requires_grad
        np.testing.assert_allclose(slope.item(), GRADIENT @ unit, rtol=1e-14)

    def test_equals_finite_differences(self) -> None:
        rng = np.random.default_rng(0)
        x, direction = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))

        def g(w: Any) -> Any:
            return mg.logsumexp(w * w) + mg.sin(w[0] * w[1]).sum()

        unit, h = direction / np.linalg.norm(direction), 1e-5
        expected = (g(mg.tensor(x + h * unit)).item() - g(mg.tensor(x - h * unit)).item()) / (2 * h)
        np.testing.assert_allclose(directional_derivative(g, x, direction).item(), expected, rtol=1e-8)

    def test_is_greatest_along_the_gradient_and_zero_across_it(self) -> None:
        length = np.linalg.norm(GRADIENT)
        along = directional_derivative(f, X, steepest_direction(f, X)).item()
        assert along == pytest.approx(length, rel=1e-14)
        assert directional_derivative(f, X, [-GRADIENT[1], GRADIENT[0]]).item() == pytest.approx(0, abs=1e-14)
        others = np.random.default_rng(1).normal(size=(100, 2))
        assert max(directional_derivative(f, X, other).item() for other in others) <= along

    def test_the_opposite_direction_has_the_opposite_slope(self) -> None:
        there, back = (directional_derivative(f, X, [sign * 1.0, sign * 0.3]).item() for sign in (1, -1))
        assert there == -back

    def test_keeps_the_dtype_of_the_point(self) -> None:
        slope = directional_derivative(lambda p: (p * p).sum(), mg.tensor([3.0, 4.0]), np.array([1.0, 0.0]))
        assert slope.dtype == np.float32
        assert slope.item() == 6

    def test_a_number_and_a_constant(self) -> None:
        assert directional_derivative(lambda x: x**2, mg.tensor(3.0), -5.0).item() == -6
        assert directional_derivative(lambda x: mg.ones(()), X, [1.0, 0.0]).item() == 0

    def test_runs_where_nothing_is_recorded_and_leaves_no_gradient(self) -> None:
        x = mg.tensor(X, requires_grad=True)
        with mg.no_grad():
            assert directional_derivative(f, x, [1.0, 0.0]).item() == GRADIENT[0]
        assert x.grad is None

    def test_a_direction_that_cannot_be_used(self) -> None:
        with pytest.raises(ArgumentError, match="direction is zero"):
            directional_derivative(f, X, [0.0, 0.0])
        with pytest.raises(ArgumentError, match="direction must be finite"):
            directional_derivative(f, X, [1.0, np.nan])
        with pytest.raises(ShapeError, match=r"direction must have the shape of x, \(2,\), got \(3,\)"):
            directional_derivative(f, X, [1.0, 0.0, 0.0])
        with pytest.raises(DtypeError):
            directional_derivative(f, X, ["up", "down"])

    def test_a_function_that_cannot_be_used(self) -> None:
        with pytest.raises(GraphError, match=r"directional_derivative needs .* a scalar, it returned shape \(2,\)"):
            directional_derivative(lambda p: p * p, X, [1.0, 0.0])
        with pytest.raises(DtypeError, match="directional_derivative needs a function f of a tensor, got float"):
            directional_derivative(2.0, X, [1.0, 0.0])  # type: ignore[arg-type]
        with pytest.raises(DtypeError, match="must return a tensor"):
            directional_derivative(lambda p: 1.0, X, [1.0, 0.0])  # type: ignore[arg-type,return-value]

    def test_a_point_that_cannot_be_used(self) -> None:
        with pytest.raises(DtypeError, match="float"):
            directional_derivative(f, [1, 2], [1.0, 0.0])
        with np.errstate(divide="ignore"), pytest.raises(ArgumentError, match="gradient of f is not finite at x"):
            directional_derivative(lambda p: mg.sqrt(p).sum(), np.array([0.0, 1.0]), [1.0, 0.0])


class TestSteepestDirection:
    def test_is_the_gradient_of_length_one(self) -> None:
        direction = steepest_direction(f, X)
        np.testing.assert_allclose(direction.numpy(), GRADIENT / np.linalg.norm(GRADIENT), rtol=1e-14)
        assert direction.dtype == np.float64

    def test_of_matrices_and_of_gradients_too_small_to_square(self) -> None:
        w = mg.tensor(np.array([[3.0, 0.0], [0.0, 4.0]]))
        np.testing.assert_allclose(steepest_direction(lambda w: 1e-200 * (w * w).sum(), w).numpy(), w.numpy() / 5)

    def test_keeps_the_dtype_of_the_point(self) -> None:
        assert steepest_direction(lambda p: (p * p).sum(), mg.tensor([3.0, 4.0])).dtype == np.float32

    def test_there_is_none_at_a_critical_point(self) -> None:
        with pytest.raises(ArgumentError, match="gradient is zero at x, a critical point"):
            steepest_direction(lambda p: (p * p).sum(), np.zeros(2))

    def test_a_value_that_is_no_scalar(self) -> None:
        with pytest.raises(GraphError, match="steepest_direction needs a function that returns a scalar"):
            steepest_direction(lambda p: p, X)


class TestDirectionalDerivatives:
    def test_agrees_with_one_direction_at_a_time(self) -> None:
        angles = np.linspace(0, 2 * np.pi, 25).reshape(5, 5)
        slopes = directional_derivatives(f, X, angles)
        assert slopes.shape == (5, 5)
        assert slopes.dtype == np.float64
        for angle, slope in zip(angles.ravel(), slopes.ravel(), strict=True):
            one = directional_derivative(f, X, [float(np.cos(angle)), float(np.sin(angle))])
            np.testing.assert_allclose(slope, one.item(), atol=1e-14)

    def test_is_a_cosine_about_the_gradient(self) -> None:
        angles = np.linspace(-np.pi, np.pi, 101)
        expected = np.hypot(*GRADIENT) * np.cos(angles - np.arctan2(GRADIENT[1], GRADIENT[0]))
        np.testing.assert_allclose(directional_derivatives(f, X, angles), expected, atol=1e-13)

    def test_one_angle(self) -> None:
        assert directional_derivatives(f, X, 0).item() == GRADIENT[0]
        assert directional_derivatives(f, mg.tensor(X), mg.tensor([0.0])).tolist() == [GRADIENT[0]]

    def test_lists_keep_double_precision(self) -> None:
        np.testing.assert_allclose(directional_derivatives(lambda p: p[0], X, [0.1]), np.cos([0.1]), rtol=1e-15)

    def test_what_cannot_be_used(self) -> None:
        with pytest.raises(ShapeError, match=r"point x of the plane, of shape \(2,\), got \(3,\)"):
            directional_derivatives(f, np.ones(3), [0.0])
        with pytest.raises(ArgumentError, match="directional_derivatives: x must be finite, it contains inf or nan"):
            directional_derivatives(lambda p: 2 * p[0], [np.nan, 0.0], [0.0])
        with pytest.raises(ArgumentError, match="angles must be finite"):
            directional_derivatives(f, X, [0.0, np.inf])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [list, np.array, mg.tensor])
def test_a_point_that_is_not_finite(bad: float, kind: Any) -> None:
    """Where the gradient does not depend on the point, only the point tells."""
    with pytest.raises(ArgumentError, match="directional_derivative: x must be finite, it contains inf or nan"):
        directional_derivative(lambda p: 2 * p[0], kind([bad, 0.0]), [1, 0])
    with pytest.raises(ArgumentError, match="steepest_direction: x must be finite, it contains inf or nan"):
        steepest_direction(lambda p: 2 * p[0], kind([bad, 0.0]))
