"""No violation of convex sets, and witnesses against others that can be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad.analysis import check_convex_set
from minigrad.errors import ArgumentError, DtypeError

SQUARE = [(-2.0, 2.0), (-2.0, 2.0)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def disc(p: Any, x: float = 0.0, radius: float = 1.0) -> bool:
    return bool((p[0] - x) ** 2 + p[1] ** 2 <= radius**2)


def polygon(p: Any) -> bool:
    return bool(p[0] >= -1 and p[1] >= -1 and p[0] + p[1] <= 1 and 3 * p[0] - p[1] <= 2)


CONVEX_SETS: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "disc": (disc, SQUARE),
    "polygon": (polygon, SQUARE),
    "thin band": (lambda p: bool(abs(p[0] - p[1]) <= 0.01), SQUARE),
    "interval": (lambda x: bool(0.2 < x < 0.5), (0, 1)),
    "everything": (lambda p: True, SQUARE),
    "ball": (lambda p: bool(np.sum(p * p) <= 1), [(-1, 1)] * 4),
    "simplex in float32": (lambda p: bool(np.sum(p.astype(np.float32)) <= np.float32(0.7)), [(0, 1)] * 2),
}


@pytest.mark.parametrize("name", CONVEX_SETS)
def test_a_convex_set_has_no_violation(name: str) -> None:
    contains, domain = CONVEX_SETS[name]
    for seed in range(3):
        found = check_convex_set(contains, domain, pairs=3000, rng=rng(seed))
        assert found.convex, found
        assert bool(found) is True
        assert (found.witness, found.pairs) == (None, 3000)


OTHER_SETS: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "ring": (lambda p: disc(p) and not disc(p, radius=0.5), SQUARE),
    "ring with a pinhole": (lambda p: disc(p) and not disc(p, radius=0.03), SQUARE),
    "disc with a bite": (lambda p: disc(p) and not disc(p, 1, 0.05), SQUARE),
    "two discs": (lambda p: disc(p, -1, 0.5) or disc(p, 1, 0.5), SQUARE),
    "notched square": (lambda p: not (abs(p[0]) < 0.1 and p[1] > 1.8), SQUARE),
    "two intervals": (lambda x: bool(x < 0.3 or x > 0.4), (0, 1)),
    "below a parabola": (lambda p: bool(p[1] <= p[0] ** 2), SQUARE),
}


@pytest.mark.parametrize("name", OTHER_SETS)
def test_a_set_that_is_not_convex_is_given_a_witness(name: str) -> None:
    contains, domain = OTHER_SETS[name]
    for seed in range(3):
        found = check_convex_set(contains, domain, rng=rng(seed))
        assert not found.convex
        assert bool(found) is False
        witness = found.witness
        assert witness is not None
        assert contains(witness.x)
        assert contains(witness.y)
        np.testing.assert_array_equal(witness.point, witness.t * witness.x + (1 - witness.t) * witness.y)
        assert not contains(witness.point)


def test_what_it_says_of_sets() -> None:
    assert "no violation found in 100 pairs" in repr(check_convex_set(disc, SQUARE, pairs=100, rng=rng()))
    said = repr(check_convex_set(OTHER_SETS["ring"][0], SQUARE, rng=rng()))
    assert said.startswith("not convex: x = [")
    assert "outside" in said


class TestErrorsOfSets:
    def test_no_point_inside(self) -> None:
        with pytest.raises(ArgumentError, match=r"no point inside the set was found in .*narrow the domain"):
            check_convex_set(lambda p: False, SQUARE, pairs=10, rng=rng())

    def test_one_point_inside(self) -> None:
        answers = iter([True])
        with pytest.raises(ArgumentError, match="only one point inside the set was found"):
            check_convex_set(lambda p: next(answers, False), SQUARE, pairs=10, rng=rng())

    def test_an_answer_that_is_no_boolean(self) -> None:
        with pytest.raises(DtypeError, match=r"contains must return True or False, it returned array"):
            check_convex_set(lambda p: p > 0, SQUARE)  # type: ignore[arg-type,return-value]

    def test_no_function(self) -> None:
        with pytest.raises(DtypeError, match="check_convex_set needs a function contains of a point, got list"):
            check_convex_set([1], SQUARE)  # type: ignore[arg-type]

    def test_pairs(self) -> None:
        with pytest.raises(ArgumentError, match="check_convex_set: pairs must be a positive integer"):
            check_convex_set(disc, SQUARE, pairs=1.5)  # type: ignore[arg-type]
