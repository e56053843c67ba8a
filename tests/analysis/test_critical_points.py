"""Critical points of functions whose shape is known, and the way out of a saddle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.analysis import classify_critical_point, escape, escape_direction, minimum_ratio
from minigrad.errors import ArgumentError, DtypeError, GraphError

ORIGIN = np.zeros(2)


def product_of_two_weights(w: Any) -> Any:
    """The loss of the model y = w1 w2 x on the point (1, 1)."""
    return (1 - w[0] * w[1]) ** 2


def monkey_saddle(x: Any) -> Any:
    return x[0] ** 3 - 3 * x[0] * x[1] ** 2


def bowl(x: Any) -> Any:
    return x[0] ** 2 + 3 * x[1] ** 2


class TestTheProductOfTwoWeights:
    def test_the_origin_is_a_saddle(self) -> None:
        point = classify_critical_point(product_of_two_weights, ORIGIN)
        assert point.kind == "saddle"
        np.testing.assert_allclose(point.eigenvalues, [-2, 2], rtol=1e-12)
        np.testing.assert_allclose(point.eigenvectors, np.array([[1, 1], [1, -1]]) / np.sqrt(2), rtol=1e-12)
        assert point.gradient_norm == 0
        assert point.minimum_ratio == 0.5

    def test_it_is_left_along_the_diagonal(self) -> None:
        direction = escape_direction(product_of_two_weights, mg.zeros(2))
        np.testing.assert_allclose(direction.numpy(), np.full(2, 0.5**0.5), rtol=1e-6)
        lower = escape(product_of_two_weights, ORIGIN)
        np.testing.assert_allclose(lower.numpy(), np.full(2, 0.5**0.5), rtol=1e-12)
        assert product_of_two_weights(lower).item() == pytest.approx(0.25)

    def test_its_minima_are_flat_along_a_curve(self) -> None:
        point = classify_critical_point(product_of_two_weights, np.array([2.0, 0.5]))
        assert point.kind == "degenerate"
        np.testing.assert_allclose(point.eigenvalues, [0, 8.5], atol=1e-12)


class TestClassify:
    @pytest.mark.parametrize(
        ("f", "x", "kind", "ratio"),
        [
            (bowl, ORIGIN, "minimum", 1.0),
            (lambda x: -bowl(x), ORIGIN, "maximum", 0.0),
            (lambda x: x[0] ** 2 - x[1] ** 2 + 0 * x[2], np.zeros(3), "saddle", 1 / 3),
            (monkey_saddle, ORIGIN, "degenerate", 0.0),
            (lambda x: x**4, np.array(0.0), "degenerate", 0.0),
            (lambda x: x[0] ** 2 + x[1] ** 4, ORIGIN, "degenerate", 0.5),
            (lambda x: mg.ones(1).sum(), ORIGIN, "degenerate", 0.0),
            (lambda x: x.sum(), ORIGIN, "not critical", 0.0),
            (bowl, np.array([1.0, 0.0]), "not critical", 1.0),
            (lambda x: mg.cos(x).sum(), np.array([[0.0], [np.pi]]), "saddle", 0.5),
        ],
    )
    def test_kind(self, f: Callable[[Any], Any], x: Any, kind: str, ratio: float) -> None:
        point = classify_critical_point(f, x)
        assert point.kind == kind
        assert point.minimum_ratio == pytest.approx(ratio)
        assert minimum_ratio(f, x) == point.minimum_ratio

    @pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
    def test_the_scale_of_f_plays_no_part(self, scale: float) -> None:
        assert classify_critical_point(lambda x: scale * bowl(x), ORIGIN).kind == "minimum"
        assert classify_critical_point(lambda x: scale * bowl(x), np.array([1e-3, 0.0])).kind == "not critical"
        assert classify_critical_point(lambda x: -scale * bowl(x), ORIGIN).kind == "maximum"

    def test_far_from_the_origin_rounding_moves_the_point_further(self) -> None:
        center = np.array([1e4, 0.0])
        assert classify_critical_point(lambda x: bowl(x - center), center + 1e-3).kind == "minimum"
        assert classify_critical_point(lambda x: bowl(x - center), center + 1e-1).kind == "not critical"

    @pytest.mark.parametrize("n", range(2, 12))
    def test_the_first_of_the_largest_elements_is_positive(self, n: int) -> None:
        signs = (-1.0) ** np.arange(n)
        direction = escape_direction(lambda x: -((signs @ x) ** 2), np.zeros(n))
        np.testing.assert_allclose(direction.numpy(), signs / np.sqrt(n), rtol=1e-9)

    def test_tolerance_is_a_distance_and_a_share(self) -> None:
        near = np.array([0.0, 1e-3])
        assert classify_critical_point(bowl, near, tolerance=1e-2).kind == "minimum"
        assert classify_critical_point(bowl, near, tolerance=1e-4).kind == "not critical"
        flat = lambda x: x[0] ** 2 + 1e-4 * x[1] ** 2  # noqa: E731
        assert classify_critical_point(flat, ORIGIN).kind == "minimum"
        assert classify_critical_point(flat, ORIGIN, tolerance=1e-3).kind == "degenerate"

    def test_what_is_not_critical_is_reported_all_the_same(self) -> None:
        point = classify_critical_point(bowl, np.array([1.0, 1.0]))
        assert point.gradient_norm == pytest.approx(np.hypot(2, 6))
        np.testing.assert_allclose(point.eigenvalues, [2, 6])

    def test_single_precision_is_computed_in_double(self) -> None:
        seen = []

        def f(x: Any) -> Any:
            seen.append(x.dtype)
            return bowl(x)

        assert classify_critical_point(f, mg.zeros(2)).eigenvalues.dtype == np.float64
        assert set(seen) == {np.dtype(np.float64)}

    def test_it_reads_well(self) -> None:
        text = str(classify_critical_point(bowl, np.array([1.0, 1.0])))
        assert text.splitlines() == [
            "not critical: the gradient does not vanish here",
            "  gradient norm  6.32",
            "  eigenvalues    [2. 6.]",
            "  minimum ratio  1 (2 of 2 positive)",
        ]
        many = classify_critical_point(lambda x: (x * x).sum(), np.zeros(50))
        assert "[2. 2. 2. ... 2. 2. 2.]" in repr(many)

    def test_a_tensor_that_requires_a_gradient_keeps_its_own(self) -> None:
        x = mg.zeros(2, requires_grad=True)
        with mg.no_grad():
            assert classify_critical_point(bowl, x).kind == "minimum"
        assert x.grad is None


class TestEscape:
    def test_shape_and_dtype_are_kept(self) -> None:
        x = mg.zeros((2, 2))

        def f(w: Any) -> Any:
            return w[0, 0] ** 2 + w[0, 1] ** 2 + w[1, 1] ** 2 - 4 * w[1, 0] ** 2

        for found in (escape_direction(f, x), escape(f, x)):
            assert (found.shape, found.dtype) == ((2, 2), np.float32)
            assert not found.requires_grad
            assert found.tolist() == [[0, 0], [1, 0]]

    @pytest.mark.parametrize("tilt", [0.1, -0.1])
    def test_the_lower_way_is_taken(self, tilt: float) -> None:
        lower = escape(lambda x: x[0] ** 2 - x[1] ** 2 + tilt * x[1] ** 3, ORIGIN)
        assert lower.tolist() == [0, -np.sign(tilt)]

    def test_a_step_that_leads_up_is_halved(self) -> None:
        lower = escape(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, ORIGIN, step=4)  # lower within 1 of the origin
        assert lower.tolist() == [0, 0.5]

    def test_a_step_into_what_is_not_finite_is_halved(self) -> None:
        lower = escape(lambda x: x[0] ** 2 - mg.log(1 - x[1] ** 2) - 2 * x[1] ** 2, ORIGIN)
        assert lower.tolist() == [0, 0.5]
        other_way = escape(lambda x: x[0] ** 2 - x[1] ** 2 + 0 * mg.sqrt(0.5 - x[1]), ORIGIN)
        assert other_way.tolist() == [0, -1]
        assert escape(lambda x: x[0] ** 2 - x[1] ** 2, mg.zeros(2, dtype=np.float16), step=1e5).dtype == np.float16

    def test_nothing_leads_down_from_a_minimum(self) -> None:
        for leave in (escape_direction, escape):
            message = rf"{leave.__name__}: no direction of negative curvature.*smallest eigenvalue of the Hessian is 2"
            with pytest.raises(ArgumentError, match=message):
                leave(bowl, ORIGIN)
            with pytest.raises(ArgumentError, match="no direction of negative curvature"):
                leave(monkey_saddle, ORIGIN)

    def test_a_function_that_is_nowhere_lower(self) -> None:
        def f(x: Any) -> Any:
            return x[0] ** 2 - x[1] ** 2 + (0 if (x.numpy() == 1).all() else 100)  # jumps wherever one goes

        with pytest.raises(ArgumentError, match="f is nowhere below 0 along the direction of negative curvature"):
            escape(f, np.ones(2))

    @pytest.mark.parametrize("step", [np.int64(1), np.float32(1), np.uint8(1)])
    def test_a_step_of_any_kind_of_number(self, step: Any) -> None:
        moved = escape(product_of_two_weights, ORIGIN, step=step)
        np.testing.assert_allclose(moved.numpy(), np.full(2, 0.5**0.5), rtol=1e-15)

    @pytest.mark.parametrize("step", [0, -1.0, np.inf, "1", True])
    def test_a_wrong_step(self, step: Any) -> None:
        with pytest.raises(ArgumentError, match="escape: step must be a positive finite number"):
            escape(product_of_two_weights, ORIGIN, step=step)


@pytest.mark.parametrize("function", [classify_critical_point, minimum_ratio, escape_direction, escape])
class TestErrors:
    @pytest.mark.parametrize(
        ("f", "x", "error", "message"),
        [
            (lambda x: x * x, ORIGIN, GraphError, r"f must return a scalar, it returned shape \(2,\); reduce it"),
            (lambda x: 1.0, ORIGIN, DtypeError, "must return a tensor, it returned float"),
            ("f", ORIGIN, DtypeError, "f must be a function of one tensor, got str"),
            (bowl, np.array([0.0, np.nan]), ArgumentError, "x must be finite, it contains inf or nan"),
            (bowl, mg.tensor([0, 0]), DtypeError, "x needs a floating-point tensor, got int64"),
            (bowl, np.zeros(0), ArgumentError, r"x must have at least one element, got shape \(0,\)"),
            (lambda x: (x * x).sum(), np.zeros(5000), ArgumentError, r"5,000 parameters would take 191 MiB.*eigenval"),
            (lambda x: np.inf * bowl(x + 1), ORIGIN, ArgumentError, "f is not finite at x"),
        ],
    )
    def test_arguments(self, function: Any, f: Any, x: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            function(f, x)

    def test_derivatives_that_are_not_finite(self, function: Any) -> None:
        with np.errstate(all="ignore"), pytest.raises(ArgumentError, match="the Hessian of f is not finite at x"):
            function(lambda x: (x**1.5).sum(), ORIGIN)


def test_the_shares_of_eigenvalues_are_by_the_tolerance() -> None:
    def f(x: Any) -> Any:
        return x[0] ** 2 + 1e-4 * x[1] ** 2 - x[2] ** 2 + 0 * x[3]

    point = classify_critical_point(f, np.zeros(4))
    assert (point.negative, point.zero, point.positive) == (0.25, 0.25, 0.5)
    point = classify_critical_point(f, np.zeros(4), tolerance=1e-3)
    assert (point.negative, point.zero, point.positive) == (0.25, 0.5, 0.25)
    assert point.minimum_ratio == point.positive


def test_a_wrong_tolerance() -> None:
    with pytest.raises(ArgumentError, match="tolerance must be a number from 0 to below 1, such as 1e-6; got 2"):
        classify_critical_point(bowl, ORIGIN, tolerance=2)
