"""The test surfaces: their minima and saddles are where they say, for one point and for many."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.analysis import Surface, surfaces
from minigrad.errors import ArgumentError, DtypeError, ShapeError

SURFACES: dict[str, Callable[[], Surface]] = {
    "quadratic_bowl": surfaces.quadratic_bowl,
    "turned bowl": lambda: surfaces.quadratic_bowl(100.0, 30.0),
    "bowl of 5": lambda: surfaces.quadratic_bowl(1000.0, -20.0, dimension=5),
    "rosenbrock": surfaces.rosenbrock,
    "beale": surfaces.beale,
    "himmelblau": surfaces.himmelblau,
    "saddle": surfaces.saddle,
    "monkey_saddle": surfaces.monkey_saddle,
    "two_minima": surfaces.two_minima,
    "noisy": lambda: surfaces.noisy(surfaces.himmelblau(), 0.5, rng=np.random.default_rng(0)),
}
every = pytest.mark.parametrize("make", SURFACES.values(), ids=SURFACES)
exact = pytest.mark.parametrize("make", list(SURFACES.values())[:-1], ids=list(SURFACES)[:-1])


def gradient(surface: Surface, point: Any) -> Any:
    x = mg.tensor(np.array(point, np.float64), requires_grad=True)
    (slope,) = mg.grad(surface(x), x)
    return slope.numpy()


def eigenvalues(surface: Surface, point: Any) -> Any:
    return np.linalg.eigvalsh(mg.hessian(surface, mg.tensor(np.array(point, np.float64))).numpy())


# --- what is known of them


@exact
def test_minima_are_minima_of_the_value_that_it_says(make: Callable[[], Surface]) -> None:
    surface = make()
    for point in surface.minima:
        np.testing.assert_allclose(gradient(surface, point), 0, atol=1e-12)
        np.testing.assert_allclose(surface.values(point), surface.minimum, atol=1e-14)
        assert eigenvalues(surface, point).min() > 0
    for point in surface.local_minima:
        np.testing.assert_allclose(gradient(surface, point), 0, atol=1e-12)
        assert eigenvalues(surface, point).min() > 0
        assert surface.values(point) > surface.minimum


@exact
def test_nothing_inside_the_bounds_is_below_the_minimum(make: Callable[[], Surface]) -> None:
    surface = make()
    low, high = np.array(surface.bounds).T
    points = np.random.default_rng(0).uniform(low, high, (5000, surface.dimension))
    assert (surface.values(points) > surface.minimum).all()
    for point in (surface.start, *surface.minima, *surface.saddles, *surface.local_minima):
        assert (low < point).all()
        assert (point < high).all()


@pytest.mark.parametrize("name", ["beale", "himmelblau", "saddle"])
def test_saddles_have_no_slope_and_curvature_of_both_signs(name: str) -> None:
    surface = SURFACES[name]()
    assert surface.saddles
    for point in surface.saddles:
        np.testing.assert_allclose(gradient(surface, point), 0, atol=1e-12)
        curvature = eigenvalues(surface, point)
        assert curvature[0] < 0 < curvature[-1]


def test_the_monkey_saddle_is_flat_to_second_order_and_falls_without_end() -> None:
    surface = surfaces.monkey_saddle()
    np.testing.assert_array_equal(gradient(surface, (0.0, 0.0)), 0)
    np.testing.assert_array_equal(eigenvalues(surface, (0.0, 0.0)), 0)
    angle = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(surface.values(ring), np.cos(3 * angle), atol=1e-14)  # three valleys
    assert (surface.minima, surface.minimum) == ((), -math.inf)
    assert surface.values([-100.0, 0.0]) == -1e6


@pytest.mark.parametrize("condition", [1.0, 10.0, 1e6])
@pytest.mark.parametrize("angle", [0.0, 30.0, -90.0])
@pytest.mark.parametrize("dimension", [2, 4])
def test_a_bowl_has_the_condition_number_that_was_chosen(condition: float, angle: float, dimension: int) -> None:
    surface = surfaces.quadratic_bowl(condition, angle, dimension)
    assert surface.dimension == dimension
    found = eigenvalues(surface, np.full(dimension, 0.7))
    np.testing.assert_allclose(found, np.geomspace(1, condition, dimension), rtol=1e-9)


def test_a_bowl_is_turned_against_the_clock_in_degrees() -> None:
    surface = surfaces.quadratic_bowl(9.0, 30.0)
    flat = np.array([math.sqrt(3) / 2, 0.5])
    steep = np.array([-0.5, math.sqrt(3) / 2])
    np.testing.assert_allclose(surface.values([2 * flat, 2 * steep]), [2.0, 18.0])


def test_values_by_hand() -> None:
    assert surfaces.rosenbrock().values([-1.2, 1.0]) == pytest.approx(24.2)
    assert surfaces.beale().values([0.0, 0.0]) == 1.5**2 + 2.25**2 + 2.625**2
    assert surfaces.himmelblau().values([0.0, 0.0]) == 170.0
    assert surfaces.saddle().values([2.0, 1.0]) == 3.5
    assert surfaces.two_minima().values([-1.0]) == pytest.approx(-5 / 12)
    assert surfaces.two_minima().values([0.0]) == 0  # the top of the barrier


def test_between_the_two_minima_is_a_barrier() -> None:
    surface = surfaces.two_minima()
    np.testing.assert_array_equal(gradient(surface, [0.0]), 0)
    assert eigenvalues(surface, [0.0]) == -2
    assert surface.start[0] < surface.local_minima[0][0] < 0 < surface.minima[0][0]


# --- evaluation


@exact
def test_many_points_at_once_are_as_one_at_a_time(make: Callable[[], Surface]) -> None:
    surface = make()
    points = np.random.default_rng(0).normal(size=(3, 4, surface.dimension))
    found = surface.values(points)
    assert type(found) is np.ndarray
    assert found.shape == (3, 4)
    for place in np.ndindex(3, 4):
        one = surface(mg.tensor(points[place]))
        assert one.shape == ()
        np.testing.assert_allclose(found[place], one.item(), rtol=1e-13)
    np.testing.assert_array_equal(surface(mg.tensor(points)).numpy(), found)
    assert surface.values(np.zeros((0, surface.dimension))).shape == (0,)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_dtype_stays(make: Callable[[], Surface], dtype: Any) -> None:
    surface = make()
    x = mg.tensor(np.array(surface.start, dtype), requires_grad=True)
    value = surface(x)
    value.backward()
    assert x.grad is not None
    assert value.dtype == x.grad.dtype == surface.values(x).dtype == dtype


def test_lists_and_whole_numbers_are_double_precision() -> None:
    surface = surfaces.rosenbrock()
    for point in ([1.1, 1.0], (1, 2), np.array([1, 2]), mg.tensor([1, 2])):
        assert surface(point).dtype == surface.values(point).dtype == np.float64


def test_values_records_nothing_and_leaves_the_points() -> None:
    weight, seen = mg.tensor([1.0, 2.0], requires_grad=True), []

    def function(point: Any) -> Any:
        seen.append((point * weight).sum(axis=-1))
        return seen[-1]

    x = mg.tensor([0.5, 0.5], requires_grad=True)
    assert bowl(function=function).values(x) == 1.5
    assert not seen[0].requires_grad
    assert x.requires_grad
    assert x.is_leaf
    np.testing.assert_array_equal(x.numpy(), [0.5, 0.5])


def test_the_repr_is_short() -> None:
    assert repr(surfaces.rosenbrock()) == "Surface('Rosenbrock', 2 dimensions, minimum 0 at (1, 1))"
    assert repr(surfaces.himmelblau()) == "Surface('Himmelblau', 2 dimensions, minimum 0 at several points)"
    assert repr(surfaces.two_minima()) == "Surface('two minima', 1 dimension, minimum -2.66667 at (2))"
    assert repr(surfaces.monkey_saddle()) == "Surface('monkey saddle', 2 dimensions, no minimum)"


def test_a_surface_is_frozen_and_equal_to_another_of_its_kind() -> None:
    assert surfaces.beale() == surfaces.beale()
    assert surfaces.beale() != surfaces.rosenbrock()
    with pytest.raises(AttributeError):
        surfaces.beale().name = "mine"  # type: ignore[misc]


# --- noise


def test_noise_is_of_mean_zero_and_of_the_scale_that_was_chosen() -> None:
    plain = surfaces.himmelblau()
    surface = surfaces.noisy(plain, 2.0, rng=np.random.default_rng(0))
    assert surface.stochastic
    assert not plain.stochastic
    point = (1.0, -2.0)
    count = 4000
    noise = np.array([gradient(surface, point) for _ in range(count)]) - gradient(plain, point)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=4 * 2.0 / math.sqrt(count))
    np.testing.assert_allclose(noise.std(axis=0), 2.0, rtol=4 / math.sqrt(2 * count))
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / math.sqrt(count)


def test_noise_begins_anew_with_its_seed_and_a_picture_draws_none() -> None:
    runs = []
    for pictures in (False, True):
        surface = surfaces.noisy(surfaces.beale(), rng=np.random.default_rng(7))
        if pictures:
            assert surface.values((3.0, 0.5)) == 0
        runs.append([gradient(surface, (1.0, 1.0)) for _ in range(3)])
    np.testing.assert_array_equal(*runs)
    assert not np.array_equal(runs[0][0], runs[0][1])


def test_noise_comes_from_the_default_generator() -> None:
    values = []
    for _ in range(2):
        mg.seed(0)
        values.append(surfaces.noisy(surfaces.beale())((1.0, 1.0)).item())
    assert values[0] == values[1]


def test_no_noise_is_the_surface_itself() -> None:
    surface = surfaces.noisy(surfaces.two_minima(), 0.0)
    assert gradient(surface, [1.5]) == gradient(surfaces.two_minima(), [1.5])
    assert surface.minima == ((2.0,),)
    assert surface.local_minima == ((-1.0,),)


# --- bad input


def _first(point: Any) -> Any:
    return point[..., 0]


def bowl(**changes: Any) -> Surface:
    known: dict[str, Any] = {"name": "mine", "function": lambda p: (p * p).sum(axis=-1), "minima": ((0.0, 0.0),)}
    return Surface(**{**known, "minimum": 0.0, "bounds": ((-1, 1), (-1, 1)), "start": (1.0, 1.0), **changes})


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: surfaces.quadratic_bowl(0.5), ArgumentError, "condition is the largest .* at least 1, got 0.5"),
    (lambda: surfaces.quadratic_bowl(math.inf), ArgumentError, "condition must be a finite number"),
    (lambda: surfaces.quadratic_bowl(10.0, math.nan), ArgumentError, "angle must be a finite number"),
    (lambda: surfaces.quadratic_bowl(10.0, "30"), ArgumentError, "angle must be a finite number of degrees, got '30'"),
    (lambda: surfaces.quadratic_bowl(dimension=1), ArgumentError, "dimension must be an integer of at least 2, got 1"),
    (lambda: surfaces.quadratic_bowl(kondition=3), TypeError, "unexpected keyword argument 'kondition'"),
    (lambda: surfaces.noisy(surfaces.beale(), -1.0), ArgumentError, "scale must be a finite number"),
    (lambda: surfaces.noisy(surfaces.beale(), rng=3), DtypeError, "rng= needs a numpy.random.Generator"),
    (lambda: surfaces.noisy(lambda p: p), DtypeError, "noisy.. needs a Surface, .* got function"),
    (lambda: surfaces.noisy(surfaces.noisy(surfaces.beale())), ArgumentError, "is noisy already"),
    (lambda: surfaces.beale()([1.0]), ShapeError, r"Beale: expected a point of shape \(2,\), .* got shape \(1,\)"),
    (lambda: surfaces.beale()(1.0), ShapeError, r"got shape \(\)"),
    (lambda: surfaces.beale().values(np.ones((2, 3))), ShapeError, r"\(..., 2\), got shape \(2, 3\)"),
    (lambda: surfaces.beale()(np.array([True, False])), DtypeError, "a point is of real numbers, got bool"),
    (lambda: surfaces.beale()(["a", "b"]), DtypeError, "expected real numbers or booleans, got <U1"),
    (lambda: surfaces.beale()(np.array([1j, 1j])), DtypeError, "real numbers, got complex128"),
    (lambda: bowl(start=(1.0,)), ShapeError, r"each point of start must have 2, got \(1.0,\)"),
    (lambda: bowl(minima=(0.0, 0.0)), ShapeError, "each point of minima must have 2, got 0.0"),
    (lambda: bowl(saddles=((0.0, 0.0, 0.0),)), ShapeError, "each point of saddles must have 2"),
    (lambda: bowl(bounds=((1, -1), (-1, 1))), ArgumentError, r"the low one first, got \(1, -1\)"),
    (lambda: bowl(bounds=((-1, math.inf), (-1, 1))), ArgumentError, "bounds must be finite"),
    (lambda: bowl(bounds=(1.0, 2.0)), ShapeError, r"bounds must be \(low, high\) for each coordinate, got 1.0"),
    (lambda: Surface("mine", _first), TypeError, r"missing 4 required positional arguments: 'minima'"),  # type: ignore[call-arg]
    (lambda: bowl(minimums=3), TypeError, "unexpected keyword argument 'minimums'"),
    (lambda: bowl(name=_first), DtypeError, "Surface: name must be a string, got function"),
    (
        lambda: bowl(minima=None),
        DtypeError,
        r"mine: minima must be a tuple of points, got None; \(\) says there is none",
    ),
    (lambda: bowl(saddles=0.0), DtypeError, "mine: saddles must be a tuple of points, got 0.0"),
    (lambda: bowl(minima=(None,)), DtypeError, r"mine: a point of minima must hold real numbers, got None"),
    (lambda: bowl(start=None), DtypeError, "mine: a point of start must hold real numbers, got None"),
    (lambda: bowl(start=("a", "b")), DtypeError, "mine: a point of start must hold real numbers"),
    (lambda: bowl(bounds=None), DtypeError, r"mine: bounds must be \(low, high\) for each coordinate, got None"),
    (lambda: bowl(bounds=()), ShapeError, r"mine: bounds must be \(low, high\) for each coordinate, got \(\)"),
    (lambda: bowl(bounds=(("a", "b"),)), DtypeError, "mine: a point of bounds must hold real numbers"),
    (lambda: bowl(minimum=None), DtypeError, "mine: minimum must be a number, the value at the minima, got None"),
    (lambda: bowl(minimum=math.nan), ArgumentError, "mine: minimum must be a number, the value at the minima, got nan"),
    (lambda: bowl(function=3), DtypeError, "mine: function must be a function of a point, got int"),
    (lambda: bowl(expectation=3), DtypeError, "mine: expectation must be a function of a point, got int"),
    (lambda: bowl(function=lambda p: 3.0)([0.0, 0.0]), DtypeError, "mine: the function must return a tensor, .* float"),
    (lambda: bowl(function=lambda p: 3.0).values([0.0, 0.0]), DtypeError, "must return a tensor, it returned float"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_bad_input_is_explained(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("function", [lambda p: (p * p).sum(), lambda p: p[0] ** 2 + p[1] ** 2])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_function_of_one_point_only_is_no_silent_mistake(function: Any, count: int) -> None:
    surface = bowl(function=function)
    assert surface([1.0, 2.0]).item() == 5
    with pytest.raises(ShapeError, match=r"must take points of shape \(..., 2\) .* write point\[..., 0\] for point"):
        surface.values(np.ones((count, 2)))
