"""Test surfaces: functions of a few numbers whose minima and saddles are known, to watch optimizers on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.analysis.surface import Surface as Surface
from minigrad.checks import check_integer, check_non_negative
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError


def quadratic_bowl(condition: float = 10.0, angle: float = 0.0, dimension: int = 2) -> Surface:
    """Return ``x @ A @ x / 2``, a bowl of a chosen condition number: gradient descent's own hard case.

    The eigenvalues of ``A`` go from 1 to ``condition``, evenly on a logarithmic scale. Gradient descent with the best
    learning rate, ``2 / (1 + condition)``, shrinks the error by ``(condition - 1) / (condition + 1)`` a step
    (Boyd and Vandenberghe, "Convex optimization", 2004, section 9.3).

    Args:
        condition: the largest eigenvalue over the smallest; at least 1.
        angle: how far the flattest and the steepest axis are turned in their plane, in degrees.
        dimension: the number of coordinates; at least 2.

    Raises:
        ArgumentError: when an argument is out of range.

    >>> from minigrad.analysis import surfaces
    >>> surfaces.quadratic_bowl(100.0).values([[1.0, 0.0], [0.0, 1.0]])
    array([ 0.5, 50. ])
    """
    check_integer("quadratic_bowl: dimension", dimension, least=2)
    if check_non_negative("quadratic_bowl: condition", condition) < 1:
        raise ArgumentError(
            f"quadratic_bowl: condition is the largest eigenvalue over the smallest, so at least 1, got {condition!r}"
        )
    if isinstance(angle, bool) or not isinstance(angle, (int, float, np.number)) or not math.isfinite(angle):
        raise ArgumentError(f"quadratic_bowl: angle must be a finite number of degrees, got {angle!r}")
    turn = math.radians(angle)
    rotation = np.eye(dimension)
    rotation[np.ix_([0, -1], [0, -1])] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    matrix = rotation * np.geomspace(1.0, condition, dimension) @ rotation.T

    def function(point: Tensor) -> Tensor:
        x: Any = point
        value: Tensor = (x @ matrix.astype(x.dtype) * x).sum(axis=-1) / 2
        return value

    return Surface(
        name=f"quadratic bowl, condition {condition:g}",
        function=function,
        minima=((0.0,) * dimension,),
        minimum=0.0,
        bounds=((-3.0, 3.0),) * dimension,
        start=(2.5, *(1.0,) * (dimension - 1)),
    )


def rosenbrock() -> Surface:
    """Return ``(1 - x)**2 + 100 * (y - x**2)**2``: a curved valley with a nearly flat floor.

    From H. Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960; the start
    is his.

    >>> from minigrad.analysis import surfaces
    >>> surfaces.rosenbrock()
    Surface('Rosenbrock', 2 dimensions, minimum 0 at (1, 1))
    """
    return Surface("Rosenbrock", _rosenbrock, ((1.0, 1.0),), 0.0, ((-2.0, 2.0), (-1.0, 3.0)), (-1.2, 1.0))


def beale() -> Surface:
    """Return the sum over i = 1, 2, 3 of ``(c_i - x * (1 - y**i))**2``, c = 1.5, 2.25, 2.625: plateaus and steep walls.

    From E. Beale, "On an iterative method for finding a local minimum of a function of more than one variable", 1958;
    the start is that of Moré, Garbow and Hillstrom, "Testing unconstrained optimization software", 1981.

    >>> from minigrad.analysis import surfaces
    >>> surfaces.beale()
    Surface('Beale', 2 dimensions, minimum 0 at (3, 0.5))
    """
    saddles = ((0.0, 1.0), (0.10053793732415832, -2.6445135850231254))
    return Surface("Beale", _beale, ((3.0, 0.5),), 0.0, ((-4.5, 4.5),) * 2, (1.0, 1.0), saddles)


def himmelblau() -> Surface:
    """Return ``(x**2 + y - 11)**2 + (x + y**2 - 7)**2``: four minima, all of them zero, with four saddles between.

    From D. Himmelblau, "Applied nonlinear programming", 1972. The points are those where the gradient is zero, found
    by Newton's method to the last digits of double precision.

    >>> from minigrad.analysis import surfaces
    >>> len(surfaces.himmelblau().minima)
    4
    """
    return Surface(
        name="Himmelblau",
        function=_himmelblau,
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        minimum=0.0,
        bounds=((-5.0, 5.0),) * 2,
        start=(0.0, 0.0),
        saddles=(
            (0.08667750455539634, 2.884254701174776),
            (-3.0730257507643897, -0.08135304428796751),
            (3.385154183607021, 0.07385187983774928),
            (-0.12796134673068005, -1.9537149802445766),
        ),
    )


def saddle() -> Surface:
    """Return ``x**2 - y**2 + y**4 / 2``: a saddle at the origin, and a minimum of -1/2 on either side of it.

    Near the origin it is ``x**2 - y**2``, with the Hessian ``diag(2, -2)``; the last term gives it minima at
    ``(0, 1)`` and ``(0, -1)``. The start is beside the line ``y = 0``, from which gradient descent goes to the saddle.

    >>> from minigrad.analysis import surfaces
    >>> surfaces.saddle().values([[0.0, 0.0], [0.0, 1.0]])
    array([ 0. , -0.5])
    """
    return Surface(
        name="saddle",
        function=_saddle,
        minima=((0.0, 1.0), (0.0, -1.0)),
        minimum=-0.5,
        bounds=((-1.6, 1.6),) * 2,
        start=(1.4, 0.001),
        saddles=((0.0, 0.0),),
    )


def monkey_saddle() -> Surface:
    """Return ``x**3 - 3 * x * y**2``: three valleys and three ridges meet where the Hessian is zero.

    The second derivatives do not tell what kind of point the origin is. The function falls without end. From
    D. Hilbert and S. Cohn-Vossen, "Geometry and the imagination", 1952, section 29.

    >>> from minigrad.analysis import surfaces
    >>> surfaces.monkey_saddle()
    Surface('monkey saddle', 2 dimensions, no minimum)
    """
    bounds = ((-1.5, 1.5),) * 2
    return Surface("monkey saddle", _monkey_saddle, (), -math.inf, bounds, (1.0, 0.05), saddles=((0.0, 0.0),))


def two_minima() -> Surface:
    """Return ``x**4 / 4 - x**3 / 3 - x**2``, of one number: a local minimum at -1, the global one at 2.

    Its derivative is ``x * (x + 1) * (x - 2)``, so the values are -5/12 at the local and -8/3 at the global minimum.
    The start is on the local one's side of the barrier, which is at 0.

    >>> from minigrad.analysis import surfaces
    >>> surfaces.two_minima()
    Surface('two minima', 1 dimension, minimum -2.66667 at (2))
    """
    bounds = ((-2.2, 3.2),)
    return Surface("two minima", _two_minima, ((2.0,),), -8 / 3, bounds, (-2.0,), local_minima=((-1.0,),))


def noisy(surface: Surface, scale: float = 1.0, *, rng: np.random.Generator | None = None) -> Surface:
    """Return a surface whose gradient has new noise at each call, as the gradients of minibatches have.

    A call draws ``e``, one number for each coordinate, and returns ``f(x) + e @ x``: on average it is the surface, and
    its gradient is the surface's plus ``e``. ``values`` is without noise, so a picture draws nothing.

    Args:
        surface: the surface without noise.
        scale: the standard deviation of ``e``.
        rng: where the noise comes from; the default generator if None.

    Raises:
        DtypeError: when the surface is none.
        ArgumentError: when the scale is negative or not finite, or the surface is noisy already.

    >>> import numpy as np
    >>> from minigrad.analysis import surfaces
    >>> surface = surfaces.noisy(surfaces.rosenbrock(), 0.5, rng=np.random.default_rng(0))
    >>> surface([1.0, 1.0]).item() == surface([1.0, 1.0]).item()
    False
    >>> surface.values([1.0, 1.0])
    array(0.)
    """
    if not isinstance(surface, Surface):
        raise DtypeError(f"noisy() needs a Surface, such as surfaces.rosenbrock(), got {type(surface).__name__}")
    if surface.stochastic:
        raise ArgumentError(f"noisy(): {surface.name} is noisy already; pass the surface that it was made from")
    check_non_negative("noisy: scale", scale)
    random = generator(rng)

    def function(point: Tensor) -> Tensor:
        x: Any = point
        noise = (scale * random.standard_normal(surface.dimension)).astype(x.dtype)
        value: Tensor = surface.function(x) + (x * noise).sum(axis=-1)
        return value

    return Surface(
        name=f"{surface.name}, noise {scale:g}",
        function=function,
        minima=surface.minima,
        minimum=surface.minimum,
        bounds=surface.bounds,
        start=surface.start,
        saddles=surface.saddles,
        local_minima=surface.local_minima,
        expectation=surface.function,
    )


def _coordinates(point: Any) -> tuple[Any, Any]:
    return point[..., 0], point[..., 1]


def _rosenbrock(point: Tensor) -> Any:
    x, y = _coordinates(point)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _beale(point: Tensor) -> Any:
    x, y = _coordinates(point)
    return (1.5 - x * (1 - y)) ** 2 + (2.25 - x * (1 - y**2)) ** 2 + (2.625 - x * (1 - y**3)) ** 2


def _himmelblau(point: Tensor) -> Any:
    x, y = _coordinates(point)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def _saddle(point: Tensor) -> Any:
    x, y = _coordinates(point)
    return x**2 - y**2 + y**4 / 2


def _monkey_saddle(point: Tensor) -> Any:
    x, y = _coordinates(point)
    return x**3 - 3 * x * y**2


def _two_minima(point: Any) -> Any:
    x = point[..., 0]
    return x**4 / 4 - x**3 / 3 - x**2
