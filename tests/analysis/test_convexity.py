"""No violation of convex functions, and witnesses against others that can be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.analysis import check_convex
from minigrad.errors import ArgumentError, DtypeError, ShapeError

SQUARE = [(-2.0, 2.0), (-2.0, 2.0)]
SLOPES = np.array([[1.0, -2.0], [-3.0, 0.5], [0.0, 1.0]])
OFFSETS = np.array([0.1, -0.4, 1.0])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def himmelblau(p: Any) -> Any:
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def verify(f: Callable[[Any], Any], found: Any) -> None:
    """Evaluate the two sides of Jensen's inequality again."""
    witness = found.witness
    x, y, t = witness.x, witness.y, witness.t
    left = float(f(mg.tensor(t * x + (1 - t) * y)))
    right = t * float(f(mg.tensor(x))) + (1 - t) * float(f(mg.tensor(y)))
    assert 0 < t < 1
    assert left > right
    np.testing.assert_allclose([witness.left, witness.right, witness.gap], [left, right, left - right], rtol=1e-9)


CONVEX = {
    "square": (lambda x: x**2, (-3, 3)),
    "absolute value": (mg.abs, (-3, 3)),
    "exp": (mg.exp, (-5, 5)),
    "exp over many decades": (mg.exp, (-200, 200)),
    "negative logarithm": (lambda x: -mg.log(x), (0, 1)),
    "constant": (lambda x: 3.7, (-1, 1)),
    "zero": (lambda x: 0 * x, (-1, 1)),
    "norm": (lambda p: mg.sqrt((p * p).sum()), SQUARE),
    "maximum of linear functions": (lambda p: mg.max(SLOPES @ p + OFFSETS), SQUARE),
    "log-sum-exp": (mg.logsumexp, [(-30, 30)] * 4),
    "flat valley": (lambda p: (p[0] + p[1]) ** 2, SQUARE),
}


@pytest.mark.parametrize("name", CONVEX)
def test_a_convex_function_has_no_violation(name: str) -> None:
    f, domain = CONVEX[name]
    found = check_convex(f, domain, triples=2500, rng=rng())
    assert found.convex, found
    assert bool(found) is True
    assert found.witness is None
    assert found.triples == 2500


NOT_CONVEX = {
    "sine": (mg.sin, (-3, 3)),
    "double well": (lambda x: x**4 - x**2, (-2, 2)),
    "negative square": (lambda x: -(x**2), (-1, 1)),
    "root of the absolute value": (lambda x: mg.sqrt(mg.abs(x)), (-1, 1)),
    "infinite on the boundary": (mg.log, (0, 1)),
    "himmelblau": (himmelblau, [(-5, 5), (-5, 5)]),
    "saddle": (lambda p: p[0] ** 2 - 0.01 * p[1] ** 2, SQUARE),
    "steps": (mg.floor, (0, 100)),
    "a number": (lambda x: -(float(x) ** 2), (-1, 1)),
    "one bad axis of 20": (lambda p: (p * p).sum() - 1.1 * p[7] ** 2, [(-1, 1)] * 20),
}


@pytest.mark.parametrize("name", NOT_CONVEX)
def test_a_function_that_is_not_convex_is_given_a_witness(name: str) -> None:
    f, domain = NOT_CONVEX[name]
    for seed in range(3):
        found = check_convex(f, domain, rng=rng(seed))
        assert not found.convex
        assert bool(found) is False
        verify(f, found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-1e6, 1e6), (1000, 1001), (-1e-6, 3e-6)])
def test_rounding_is_no_violation_of_a_linear_function(dtype: Any, hidden: bool, low: float, high: float) -> None:
    weights = np.random.default_rng(5).normal(size=6).astype(dtype) * 100
    offset = dtype(-weights.sum() * (low + high) / 2)  # small values, as differences of large ones

    def linear(p: Any) -> Any:
        value = (p.astype(dtype) * weights).sum() + offset
        return value.item() if hidden else value

    found = check_convex(linear, [(low, high)] * 6, triples=1500, rng=rng())
    assert found.convex, found


@pytest.mark.parametrize("width", [1e-2, 1e-3])
def test_a_narrow_dent_is_found(width: float) -> None:
    def dented(x: Any) -> Any:
        return x**2 - width * mg.exp(-(((x - 0.3) / width) ** 2))

    for seed in range(5):
        found = check_convex(dented, (-1, 1), rng=rng(seed))
        assert not found.convex
        verify(dented, found)


def test_refinement_finds_what_the_random_triples_miss() -> None:
    """A bump whose second derivative, 2 - 2.1 at its centre, is negative in a small disc and falls towards it."""

    def bump(p: Any) -> Any:
        return (p * p).sum() + 0.021 * mg.exp(-((p - 0.4) ** 2).sum() / (2 * 0.1**2))

    for seed in range(6):
        found = check_convex(bump, [(-1, 1)] * 2, triples=500, rng=rng(seed))
        assert not found.convex
        assert found.refined > 0
        verify(bump, found)


def test_a_ripple_on_a_steep_bowl_is_found() -> None:
    def rippled(x: Any) -> Any:
        return 100 * x**2 + 0.001 * mg.sin(1000 * x)  # second derivative 200 - 1000 sin

    found = check_convex(rippled, (-1, 1), rng=rng())
    assert not found.convex
    verify(rippled, found)


def test_the_witness_of_a_parabola_is_improved_to_the_widest() -> None:
    """For -x^2 on (-1, 1) the gap is t (1 - t) (x - y)^2, at most 1."""
    witness = check_convex(lambda x: -(x**2), (-1, 1), rng=rng()).witness
    assert witness is not None
    assert witness.gap == pytest.approx(1, rel=1e-2)
    assert witness.gap == pytest.approx(witness.t * (1 - witness.t) * float(witness.x - witness.y) ** 2)
    np.testing.assert_allclose(witness.point, witness.t * witness.x + (1 - witness.t) * witness.y)


def test_the_point_has_the_shape_that_the_domain_says() -> None:
    shapes: set[tuple[int, ...]] = set()

    def watch(p: Any) -> Any:
        shapes.add(p.shape)
        return (p * -p).sum()

    for domain, shape in (((-1, 1), ()), ([(-1, 1)], (1,)), (np.array([[0, 1], [2, 3], [4, 5]]), (3,))):
        shapes.clear()
        witness = check_convex(watch, domain, triples=10, rng=rng()).witness
        assert shapes == {shape}
        assert witness is not None
        assert witness.x.shape == witness.y.shape == witness.point.shape == shape


def test_points_stay_inside_the_domain() -> None:
    low, high = np.array([0.0, -1e3]), np.array([1e-3, 1e3])

    def watch(p: Any) -> Any:
        assert np.all(p.numpy() >= low)
        assert np.all(p.numpy() <= high)
        return p[0] ** 2 + p[1] ** 2

    assert check_convex(watch, list(zip(low, high, strict=True)), triples=2000, rng=rng())


def test_the_same_generator_finds_the_same_witness() -> None:
    first, second = (check_convex(mg.sin, (-3, 3), rng=rng(4)).witness for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.x, first.y, first.t, first.gap) == (second.x, second.y, second.t, second.gap)


def test_a_tolerance_forgives_violations_relative_to_the_values() -> None:
    def wavy(x: Any) -> Any:
        return 1e6 + 1e-3 * mg.sin(x)  # the largest gap is 2e-9 of the values

    assert not check_convex(wavy, (-3, 3), rng=rng()).convex
    assert check_convex(wavy, (-3, 3), tolerance=1e-8, triples=500, rng=rng()).convex


def test_nothing_is_recorded() -> None:
    w = mg.tensor(1.0, requires_grad=True)
    values = []

    def f(x: Any) -> Any:
        values.append(w * x)
        return values[-1]

    check_convex(f, (-1, 1), triples=5, rng=rng())
    assert not any(value.requires_grad for value in values)


def test_what_it_says() -> None:
    convex = check_convex(mg.abs, (-1, 1), triples=1200, rng=rng())
    assert "no violation found in 1,200 random triples" in repr(convex)
    assert "proves nothing" in repr(convex)
    bent = repr(check_convex(lambda p: -(p * p).sum(), SQUARE, rng=rng()))
    assert bent.startswith("not convex: between x = [")
    assert "above the chord" in bent


class TestErrorsOfFunctions:
    def test_no_function(self) -> None:
        with pytest.raises(DtypeError, match=r"check_convex needs a function f of a point, got int"):
            check_convex(3, (-1, 1))  # type: ignore[arg-type]

    def test_a_value_that_is_no_scalar(self) -> None:
        with pytest.raises(ShapeError, match=r"f must return a scalar, it returned shape \(2,\).*sum"):
            check_convex(lambda p: p * p, SQUARE)

    @pytest.mark.parametrize("value", [None, "high", 1j])
    def test_a_value_that_is_no_number(self, value: Any) -> None:
        with pytest.raises(DtypeError, match="f must return a scalar tensor or a number, it returned"):
            check_convex(lambda p: value, SQUARE)

    def test_a_value_that_is_not_finite(self) -> None:
        with pytest.raises(ArgumentError, match=r"f is nan at .*choose a domain where f is finite"):
            check_convex(lambda x: np.nan * x, (-1, 1))

    def test_a_point_without_a_value_is_told_once(self) -> None:
        """Warnings are errors here: NumPy's own would come first."""
        with pytest.raises(ArgumentError, match=r"f is nan at .*choose a domain where f is finite"):
            check_convex(mg.log, (-1, 1), rng=rng())

    @pytest.mark.parametrize("domain", [(1, 1), (2, 1), (0, np.inf), [(0, 1), (0, np.nan)]])
    def test_a_domain_that_is_no_range(self, domain: Any) -> None:
        with pytest.raises(ArgumentError, match="domain needs finite bounds with low < high"):
            check_convex(mg.exp, domain)

    @pytest.mark.parametrize("domain", [3, [], [(1, 2, 3)], [1, 2, 3], [[(1, 2)]], [(0, 1), (2,)]])
    def test_a_domain_of_another_shape(self, domain: Any) -> None:
        with pytest.raises(ShapeError, match=r"domain must be \(low, high\)"):
            check_convex(mg.exp, domain)

    def test_a_domain_of_words(self) -> None:
        with pytest.raises(DtypeError, match="domain must hold real numbers"):
            check_convex(mg.exp, ("a", "b"))

    def test_numbers_that_are_not_allowed(self) -> None:
        with pytest.raises(ArgumentError, match="check_convex: triples must be a positive integer, got 0"):
            check_convex(mg.exp, (0, 1), triples=0)
        with pytest.raises(ArgumentError, match="check_convex: tolerance must be a finite number"):
            check_convex(mg.exp, (0, 1), tolerance=-1.0)
        with pytest.raises(DtypeError, match=r"rng= needs a numpy.random.Generator"):
            check_convex(mg.exp, (0, 1), rng=3)  # type: ignore[arg-type]
