"""Surface: a function of a point, with what is known of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.analysis.calls import call, kind_of
from minigrad.checks import as_float, is_iterable
from minigrad.engine.arrays import Array, as_array
from minigrad.engine.mode import no_grad
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError

Function = Callable[[Tensor], Tensor]
Point = tuple[float, ...]


@dataclass(frozen=True, repr=False)
class Surface:
    """A function of a point, with what is known of it.

    Attributes:
        name: what a picture calls it.
        function: takes points along the last axis, ``(..., d)``, and returns their values ``(...)``: a scalar for one.
        minima: the points where it is smallest; none if it falls without end.
        minimum: its value there; minus infinity if it falls without end.
        bounds: the part worth a picture, ``(low, high)`` for each coordinate.
        start: where an optimizer begins, by custom or to show what is hard about it.
        saddles: its saddle points inside the bounds, as far as they are known.
        local_minima: minima where the value is above ``minimum``.
        expectation: for a function with noise, the one without; ``values`` evaluates it.

    Raises:
        ShapeError: when the points and the bounds are not all of one dimension.
        ArgumentError: when a bound is not finite, or a low one is not below the high one.
        DtypeError: when the function is none, or something else is of the wrong kind.

    >>> import minigrad as mg
    >>> from minigrad.analysis import Surface
    >>> bowl = Surface("bowl", lambda p: (p * p).sum(axis=-1), ((0.0, 0.0),), 0.0, ((-1, 1), (-1, 1)), (0.5, 0.5))
    >>> bowl
    Surface('bowl', 2 dimensions, minimum 0 at (0, 0))
    >>> bowl(mg.tensor([3.0, 4.0]))
    tensor(25.)
    >>> bowl.values([[3.0, 4.0], [0.0, 1.0]])
    array([25.,  1.])
    >>> bowl.dimension, bowl.stochastic
    (2, False)
    """

    name: str
    function: Function
    minima: tuple[Point, ...]
    minimum: float
    bounds: tuple[tuple[float, float], ...]
    start: Point
    saddles: tuple[Point, ...] = ()
    local_minima: tuple[Point, ...] = ()
    expectation: Function | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise DtypeError(f"Surface: name must be a string, got {kind_of(self.name)}")
        expectation = self.function if self.expectation is None else self.expectation
        for part, function in (("function", self.function), ("expectation", expectation)):
            if not callable(function):
                raise DtypeError(f"{self.name}: {part} must be a function of a point, got {type(function).__name__}")
        self._check_bounds()
        for part, points in (
            ("start", (self.start,)),
            ("minima", self.minima),
            ("saddles", self.saddles),
            ("local_minima", self.local_minima),
        ):
            if not isinstance(points, (tuple, list, np.ndarray)) or not is_iterable(points):
                raise DtypeError(
                    f"{self.name}: {part} must be a tuple of points, got {points!r}; () says there is none"
                )
            for point in points:
                if self._shape(part, point) != (self.dimension,):
                    raise ShapeError(
                        f"{self.name}: the bounds are of {self.dimension} coordinates, so each point of {part} must "
                        f"have {self.dimension}, got {point!r}"
                    )
        if isinstance(self.minimum, bool) or not isinstance(self.minimum, (int, float, np.integer, np.floating)):
            raise DtypeError(f"{self.name}: minimum must be a number, the value at the minima, got {self.minimum!r}")
        if not as_float(self.minimum) < math.inf:  # nan is below nothing
            raise ArgumentError(f"{self.name}: minimum must be a number, the value at the minima, got {self.minimum}")

    def _check_bounds(self) -> None:
        expected = f"{self.name}: bounds must be (low, high) for each coordinate"
        if not isinstance(self.bounds, (tuple, list, np.ndarray)) or not is_iterable(self.bounds):
            raise DtypeError(f"{expected}, got {self.bounds!r}")
        if not len(self.bounds):
            raise ShapeError(f"{expected}, got {self.bounds!r}")
        for pair in self.bounds:
            if self._shape("bounds", pair) != (2,):
                raise ShapeError(f"{expected}, got {pair!r}")
            low, high = pair
            if not -math.inf < low < high < math.inf:
                raise ArgumentError(f"{self.name}: bounds must be finite, the low one first, got {(low, high)!r}")

    def _shape(self, part: str, point: Any) -> tuple[int, ...]:
        """Return the shape of a point that the user gave."""
        try:
            return as_array(point.data if isinstance(point, Tensor) else point).shape
        except DtypeError:
            raise DtypeError(f"{self.name}: a point of {part} must hold real numbers, got {point!r}") from None

    @property
    def dimension(self) -> int:
        """The number of coordinates of a point."""
        return len(self.bounds)

    @property
    def stochastic(self) -> bool:
        """Whether each call draws noise."""
        return self.expectation is not None

    def __call__(self, point: Any) -> Tensor:
        """Return the value at a point ``(d,)`` as a scalar tensor, or at points ``(..., d)``; it is recorded.

        Raises:
            ShapeError: when the last axis is not the surface's dimension.
            DtypeError: when the points are no real numbers, or the function returns no tensor.
        """
        return self._evaluate(self.function, self._points(point))

    def values(self, points: Any) -> Array:
        """Return the values at points ``(..., d)`` as an array ``(...)``, without recording and without noise.

        Raises:
            ShapeError: when the last axis is not the surface's dimension, or the function does not work along it.
            DtypeError: when the points are no real numbers, or the function returns no tensor.

        >>> from minigrad.analysis import surfaces
        >>> surfaces.rosenbrock().values([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
        array([  0.,   1., 101.])
        """
        array = self._points(points)._array
        count = math.prod(array.shape[:-1])
        # the axis of length 1 tells a function of the last axis from one of the first
        rows = Tensor(array.reshape(1, count, self.dimension))
        try:
            with no_grad():
                values: Array | None = self._evaluate(self.expectation or self.function, rows)._array
        except OutOfRangeError:
            values = None
        if values is None or values.shape != (1, count):
            raise ShapeError(
                f"{self.name}: the function must take points of shape (..., {self.dimension}) and return values of "
                "shape (...); write point[..., 0] for point[0], and sum(axis=-1) for sum()"
            )
        return values.reshape(array.shape[:-1])

    def _evaluate(self, function: Function, points: Tensor) -> Tensor:
        value: Any = call(f"{self.name}: the function must be one of a point", function, points)
        if not isinstance(value, Tensor):
            raise DtypeError(f"{self.name}: the function must return a tensor, it returned {type(value).__name__}")
        return value

    def _points(self, points: Any) -> Tensor:
        made = points if isinstance(points, (Tensor, np.ndarray)) else as_array(points, np.float64)
        if made.dtype.kind not in "fiu":
            raise DtypeError(f"{self.name}: a point is of real numbers, got {made.dtype}")
        if made.dtype.kind != "f":
            made = made.astype(np.float64)
        if made.ndim == 0 or made.shape[-1] != self.dimension:
            raise ShapeError(
                f"{self.name}: expected a point of shape ({self.dimension},), or several of shape "
                f"(..., {self.dimension}), got shape {made.shape}"
            )
        return made if isinstance(made, Tensor) else Tensor(made)

    def __repr__(self) -> str:
        size = f"{self.dimension} dimension{'s' * (self.dimension > 1)}"
        return f"Surface({self.name!r}, {size}, {self._smallest()})"

    def _smallest(self) -> str:
        if not self.minima:
            return "no minimum"
        place = f"({', '.join(f'{x:g}' for x in self.minima[0])})" if len(self.minima) == 1 else "several points"
        return f"minimum {self.minimum:.6g} at {place}"
