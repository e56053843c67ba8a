"""Convexity of sets: a search for a segment between two points of the set that leaves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.analysis.calls import call
from minigrad.analysis.domains import Box, Floats, box_of, shown
from minigrad.checks import MOST, check_integer
from minigrad.engine.random import generator
from minigrad.errors import ArgumentError, DtypeError

DRAWS = 20_000  # points of the domain, to find some inside the set
INSIDE = 2000  # inside points that are enough
EDGES = 500  # inside points that are moved towards the boundary
HALVINGS = 10  # of the way to the boundary: near enough for a notch, too far for rounding to matter
NEIGHBOURS = 16  # of which the nearest makes a pair


@dataclass(frozen=True)
class SegmentWitness:
    """Two points of a set, and one between them that is outside.

    Attributes:
        x: one end, float64 of shape ``(d,)``, or ``()`` in one dimension.
        y: the other end.
        t: the weight of ``x``, between 0 and 1.
        point: ``t x + (1 - t) y``, outside.

    >>> from minigrad.analysis import SegmentWitness
    >>> hole = SegmentWitness(x=np.array(-1.0), y=np.array(1.0), t=0.5, point=np.array(0.0))
    >>> hole.t * hole.x + (1 - hole.t) * hole.y == hole.point
    np.True_
    """

    x: Floats
    y: Floats
    t: float
    point: Floats


@dataclass(frozen=True, repr=False)
class ConvexSetCheck:
    """What ``check_convex_set`` found; true unless it found a violation.

    Attributes:
        witness: two points of the set and one between them outside of it, or None.
        pairs: how many pairs were tried.

    >>> from minigrad.analysis import check_convex_set
    >>> found = check_convex_set(lambda x: bool(abs(x) > 0.5), (-1, 1), rng=np.random.default_rng(0))
    >>> found.convex, bool(abs(found.witness.point) > 0.5)
    (False, False)
    """

    witness: SegmentWitness | None
    pairs: int

    @property
    def convex(self) -> bool:
        """False with a witness. True says only that no violation was found."""
        return self.witness is None

    def __bool__(self) -> bool:
        return self.convex

    def __repr__(self) -> str:
        found = self.witness
        if found is None:
            return (
                f"no violation found in {self.pairs:,} pairs of points inside; "
                "a search proves nothing, the set may still not be convex"
            )
        return (
            f"not convex: x = {shown(found.x)} and y = {shown(found.y)} are inside the set, "
            f"{shown(found.point)} between them, at t = {found.t:.3g}, is outside"
        )


def check_convex_set(
    contains: Callable[[Any], bool],
    domain: Any,
    *,
    pairs: int = 10_000,
    rng: np.random.Generator | None = None,
) -> ConvexSetCheck:
    """Search for two points of a set with a point between them that is outside: a convex set has none.

    Half of the pairs are of any two inside points, half of neighbours, many of them moved towards the boundary, where
    a small notch is found sooner. One such pair disproves convexity (Boyd and Vandenberghe, "Convex Optimization",
    section 2.1.4), and no number of pairs proves it.

    Args:
        contains: takes a point, a float64 array, and returns whether it is in the set.
        domain: ``(low, high)`` for each coordinate, for points of shape ``(d,)``; or one ``(low, high)``, for
            points of shape ``()``. The set is looked at inside it.
        pairs: how many pairs to try at most.
        rng: where the points come from; the default generator if None.

    Returns:
        A result that is true unless there is a ``.witness``, and that prints as a sentence.

    Raises:
        ArgumentError: when fewer than two points inside are found, a bound is not finite, or ``pairs`` is no positive
            integer.
        DtypeError: when ``contains`` is no function, or returns anything but True or False.
        ShapeError: when the domain has another shape.

    >>> import numpy as np
    >>> from minigrad import analysis
    >>> domain = [(-1, 1), (-1, 1)]
    >>> analysis.check_convex_set(lambda p: p @ p < 1, domain, pairs=500, rng=np.random.default_rng(0))
    no violation found in 500 pairs of points inside; a search proves nothing, the set may still not be convex
    >>> ring = analysis.check_convex_set(lambda p: 0.5 < p @ p < 1, domain, rng=np.random.default_rng(0))
    >>> ring.convex, ring.witness.point @ ring.witness.point < 0.5
    (False, np.True_)
    """
    if not callable(contains):
        raise DtypeError(f"check_convex_set needs a function contains of a point, got {type(contains).__name__}")
    pairs = check_integer("check_convex_set: pairs", pairs, least=1, most=MOST)
    box, rng = box_of("check_convex_set", domain), generator(rng)

    def is_inside(row: Floats) -> bool:
        answer = call(
            "check_convex_set: contains must be a function of one point", contains, row.reshape(box.shape).copy()
        )
        if not isinstance(answer, (bool, np.bool_)):
            raise DtypeError(f"contains must return True or False, it returned {answer!r}")
        return bool(answer)

    points = _inside_points(is_inside, box, rng)
    for number, (x, y, t) in enumerate(zip(*_pairs(points, pairs, box, rng), strict=True), start=1):
        between = t * x + (1 - t) * y
        if not is_inside(between):
            ends = x.reshape(box.shape), y.reshape(box.shape)
            return ConvexSetCheck(SegmentWitness(*ends, float(t), between.reshape(box.shape)), number)
    return ConvexSetCheck(None, pairs)


def _inside_points(is_inside: Callable[[Floats], bool], box: Box, rng: np.random.Generator) -> Floats:
    """Draw points of the set, and move some of them towards its boundary."""
    inside: list[Floats] = []
    outside: list[Floats] = []
    for row in box.draw(rng, DRAWS):
        (inside if is_inside(row) else outside).append(row)
        if len(inside) == INSIDE:
            break
    if len(inside) < 2:
        found = "only one point inside the set was found" if inside else "no point inside the set was found"
        raise ArgumentError(
            f"check_convex_set: {found} in {DRAWS:,} draws from the domain; narrow the domain to where the set is"
        )
    edges = []
    for _ in range(EDGES if outside else 0):
        good, bad = inside[rng.integers(len(inside))], outside[rng.integers(len(outside))]
        for _ in range(HALVINGS):
            middle = (good + bad) / 2
            good, bad = (middle, bad) if is_inside(middle) else (good, middle)
        edges.append(good)
    return np.array(inside + edges)


def _pairs(points: Floats, n: int, box: Box, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return the ends and the weights of pairs, every other one of neighbours."""
    first = rng.integers(len(points), size=n)
    others = (first[:, None] + rng.integers(1, len(points), size=(n, NEIGHBOURS))) % len(points)
    distance = np.sum(((points[others] - points[first][:, None]) / box.width) ** 2, axis=2)
    nearest = others[np.arange(n), np.argmin(distance, axis=1)]
    second = np.where(np.arange(n) % 2, nearest, others[:, 0])
    return points[first], points[second], rng.uniform(0.05, 0.95, n)
