"""Convexity of functions: a search for a chord that runs below the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.analysis.calls import call
from minigrad.analysis.domains import Box, Floats, box_of, shown
from minigrad.checks import MOST, check_integer, check_non_negative
from minigrad.engine.mode import GradMode
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError

BATCH = 1000  # triples between two looks at what was found
CANDIDATES = 4  # how many of the triples are refined
STEPS = 250  # of each refinement


@dataclass(frozen=True)
class JensenWitness:
    """A point of a function's graph that lies above a chord, where Jensen's inequality wants it on or below.

    Attributes:
        x: one end, float64 of shape ``(d,)``, or ``()`` in one dimension.
        y: the other end.
        t: the weight of ``x``, between 0 and 1.
        left: ``f(t x + (1 - t) y)``, the function.
        right: ``t f(x) + (1 - t) f(y)``, the chord.

    >>> from minigrad.analysis import JensenWitness
    >>> witness = JensenWitness(x=np.array(-1.0), y=np.array(1.0), t=0.5, left=0.0, right=-1.0)  # of -x**2
    >>> witness.gap, witness.point
    (1.0, array(0.))
    """

    x: Floats
    y: Floats
    t: float
    left: float
    right: float

    @property
    def gap(self) -> float:
        """How far the function lies above the chord, ``left - right``."""
        return self.left - self.right

    @property
    def point(self) -> Floats:
        """The point between, ``t x + (1 - t) y``."""
        return np.asarray(self.t * self.x + (1 - self.t) * self.y)


@dataclass(frozen=True, repr=False)
class ConvexityCheck:
    """What ``check_convex`` found; true unless it found a violation.

    Attributes:
        witness: a violation of Jensen's inequality, or None.
        triples: how many random triples were tried.
        refined: how many more were tried by improving the best of those, before a violation was found.

    >>> import minigrad as mg
    >>> from minigrad.analysis import check_convex
    >>> found = check_convex(mg.sin, (0, 3), rng=np.random.default_rng(0))
    >>> found.convex, found.witness.gap > 0, found.triples
    (False, True, 1000)
    """

    witness: JensenWitness | None
    triples: int
    refined: int

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
                f"no violation found in {self.triples:,} random triples and {self.refined:,} refined ones; "
                "a search proves nothing, f may still not be convex"
            )
        return (
            f"not convex: between x = {shown(found.x)} and y = {shown(found.y)}, at t = {found.t:.3g}, f is "
            f"{found.left:.6g}, {found.gap:.3g} above the chord's {found.right:.6g}"
        )


def check_convex(
    f: Callable[[Tensor], Any],
    domain: Any,
    *,
    triples: int = 10_000,
    tolerance: float | None = None,
    rng: np.random.Generator | None = None,
) -> ConvexityCheck:
    """Search for a violation of Jensen's inequality, ``f(t x + (1 - t) y) <= t f(x) + (1 - t) f(y)``.

    Random triples come first, of ends far from and close to each other; each costs three calls of ``f``. Then the
    triples along which ``f`` bends upwards least are moved, step by step, to where it bends less. The inequality
    for all triples is the definition of a convex function (Boyd and Vandenberghe, "Convex Optimization", section
    3.1.1): one violation disproves it, and no number of triples proves it.

    Args:
        f: takes a point, a float64 tensor, and returns a scalar tensor or a number; the same for the same point.
        domain: ``(low, high)`` for each coordinate, for points of shape ``(d,)``; or one ``(low, high)``, for
            points of shape ``()``.
        triples: how many random triples to try at most; the search ends at the first batch with a violation.
        tolerance: how far above the chord is still rounding, relative to the largest ``|f|`` met. By default 64
            rounding errors, of float32 if all values are such numbers; more where the domain is far from 0 for
            its width. An ``f`` that subtracts numbers much larger than its values needs more.
        rng: where the triples come from; the default generator if None.

    Returns:
        A result that is true unless there is a ``.witness``, and that prints as a sentence.

    Raises:
        ArgumentError: when a bound, or ``f`` at a point of the domain, is not finite, or a number is not allowed.
        DtypeError: when ``f`` is no function, or returns no number.
        ShapeError: when the domain has another shape, or ``f`` returns no scalar.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad import analysis
    >>> analysis.check_convex(mg.exp, (-1, 1), triples=500, rng=np.random.default_rng(0))
    no violation found in 500 random triples and 1,000 refined ones; a search proves nothing, f may still not be convex
    >>> found = analysis.check_convex(mg.sin, (-3, 3), rng=np.random.default_rng(0))
    >>> bool(found), found.witness.left > found.witness.right
    (False, True)
    """
    if not callable(f):
        raise DtypeError(f"check_convex needs a function f of a point, got {type(f).__name__}")
    triples = check_integer("check_convex: triples", triples, least=1, most=MOST)
    if tolerance is not None:
        tolerance = check_non_negative("check_convex: tolerance", tolerance)
    with GradMode(False), np.errstate(all="ignore"):  # a value that is not finite is an error, of the library's own
        return _Search(f, box_of("check_convex", domain), tolerance, generator(rng)).run(triples)


class _Search:
    """A search for a violation of Jensen's inequality of ``f`` in a box."""

    def __init__(self, f: Callable[[Tensor], Any], box: Box, tolerance: float | None, rng: np.random.Generator) -> None:
        self.f, self.box, self.tolerance, self.rng = f, box, tolerance, rng
        self.largest = 0.0
        self.single = True  # whether all values so far are numbers of float32

    def run(self, triples: int) -> ConvexityCheck:
        best: list[JensenWitness] = []
        for start in range(0, triples, BATCH):
            tried = min(triples, start + BATCH)
            batch = self.random_triples(tried - start)
            top = max(batch, key=lambda triple: triple.gap)
            if self.violates(top):
                return self.result(top, tried, 0)
            best = sorted([*best, *batch], key=self.bend, reverse=True)[:CANDIDATES]
        refined = 0
        for candidate in best:
            found, steps = self.climb(candidate, self.bend, stop=self.violates)
            refined += steps
            if self.violates(found):
                return self.result(found, triples, refined)
        return ConvexityCheck(None, triples, refined)

    def result(self, found: JensenWitness, triples: int, refined: int) -> ConvexityCheck:
        """Return a violation, made as clear as a short search can."""
        wide, _ = self.climb(found, lambda triple: triple.gap)
        x, y = wide.x.reshape(self.box.shape), wide.y.reshape(self.box.shape)
        return ConvexityCheck(replace(wide, x=x, y=y), triples, refined)

    def random_triples(self, n: int) -> list[JensenWitness]:
        """Evaluate triples; of half the ends are close to each other, and half lie along one axis."""
        rng, d = self.rng, len(self.box.low)
        x, target = self.box.draw(rng, n), self.box.draw(rng, n)
        reach = np.where(rng.random(n) < 0.5, 1.0, 10 ** rng.uniform(-3, 0, n))[:, None]
        one_axis = np.arange(d) == rng.integers(d, size=(n, 1))
        moved = (rng.random((n, 1)) < 0.5) | one_axis
        y = self.box.inside(x + np.where(moved, reach * (target - x), 0))
        return [self.triple(*each) for each in zip(x, y, rng.uniform(0.05, 0.95, n), strict=True)]

    def climb(
        self,
        triple: JensenWitness,
        score: Callable[[JensenWitness], float],
        stop: Callable[[JensenWitness], bool] = lambda triple: False,
    ) -> tuple[JensenWitness, int]:
        """Move a triple by random steps that raise its score, longer after a success and shorter after a failure."""
        rng, d, length = self.rng, len(self.box.low), 0.1
        for step in range(1, STEPS + 1):
            shift = length * self.box.width * rng.normal(size=d)
            if rng.random() < 0.5:
                shift = np.where(np.arange(d) == rng.integers(d), shift, 0)
            what = rng.integers(3)  # both ends, or one of them
            x = triple.x if what == 1 else self.box.inside(triple.x + shift)
            y = triple.y if what == 2 else self.box.inside(triple.y + shift)
            t = float(np.clip(triple.t + 0.5 * length * rng.normal(), 0.05, 0.95))
            new = self.triple(x, y, t)
            if score(new) > score(triple):
                triple, length = new, min(1.5 * length, 0.5)
                if stop(triple):
                    return triple, step
            else:
                length = max(0.93 * length, 1e-4)
        return triple, STEPS

    def bend(self, triple: JensenWitness) -> float:
        """Return the gap less what rounding explains, for each unit of the gap of a parabola."""
        distance = np.sum(((triple.x - triple.y) / self.box.width) ** 2)
        scale = triple.t * (1 - triple.t) * float(distance)
        return (triple.gap - self.allowance) / scale if scale > 0 else -np.inf

    def violates(self, triple: JensenWitness) -> bool:
        return triple.gap > self.allowance

    @property
    def allowance(self) -> float:
        """How far above the chord is still rounding."""
        if self.tolerance is not None:
            return self.tolerance * self.largest
        rounding = float(np.finfo(np.float32 if self.single else np.float64).eps)
        far = float(np.max(np.maximum(np.abs(self.box.low), np.abs(self.box.high)) / self.box.width))
        return 64 * rounding * max(1.0, far) * self.largest

    def triple(self, x: Floats, y: Floats, t: float) -> JensenWitness:
        t = float(t)
        right = t * self.value(x) + (1 - t) * self.value(y)
        return JensenWitness(x, y, t, self.value(t * x + (1 - t) * y), right)

    def value(self, row: Floats) -> float:
        point = row.reshape(self.box.shape)
        value = _number(call("check_convex: f must be a function of one point", self.f, Tensor(point)))
        if not np.isfinite(value):
            raise ArgumentError(
                f"f is {value} at {shown(point)}, and Jensen's inequality needs numbers: "
                "choose a domain where f is finite"
            )
        self.largest = max(self.largest, abs(value))
        if self.single:
            with np.errstate(over="ignore"):
                self.single = float(np.float32(value)) == value
        return value


def _number(value: Any) -> float:
    """Return a scalar that the user's function gave."""
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"f must return a scalar tensor or a number, it returned {value!r}")
    if array.size != 1:
        raise ShapeError(f"f must return a scalar, it returned shape {array.shape}; reduce it, with .sum() say")
    return float(array.item())
