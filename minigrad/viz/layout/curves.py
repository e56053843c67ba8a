"""Boxes in pixels, and the curves from one to another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Point = tuple[int, int]
Curve = Sequence[tuple[float, float]]

_ALONG = {"LR": (1, 0), "RL": (-1, 0), "TB": (0, 1), "BT": (0, -1)}
LONGEST_HANDLE = 120  # pixels; a long curve is straight in between
APART, BEND = 8, 12  # pixels; curves between the same boxes that are closer than the one are bent by the other


@dataclass(frozen=True)
class Box:
    """A rectangle, in CSS pixels; x and y are its top left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2


def own_curves(boxes: Mapping[str, Box], edges: Sequence[tuple[str, str]], direction: str) -> list[Curve]:
    """Return for each edge the four control points of a curve, whatever it passes over.

    A box's edges leave and arrive side by side, in the order in which the boxes at their other ends stand.

    >>> own_curves({"x": Box(0, 0, 40, 30), "y": Box(100, 0, 40, 30)}, [("x", "y"), ("x", "y")], "LR")[0]
    [(40.0, 10.0), (70.0, 10.0), (70.0, 10.0), (100.0, 10.0)]
    """
    dx, dy = _ALONG[direction]
    across = 1 if dx else 0
    starts = _shares([source for source, _ in edges], [boxes[target].middle[across] for _, target in edges])
    ends = _shares([target for _, target in edges], [boxes[source].middle[across] for source, _ in edges])
    curves: list[Curve] = []
    for (source, target), start, end in zip(edges, starts, ends, strict=True):
        x0, y0 = _on_side(boxes[source], dx, dy, start)
        x1, y1 = _on_side(boxes[target], -dx, -dy, end)
        handle = min(max(abs(x1 - x0) * abs(dx) + abs(y1 - y0) * abs(dy), 40.0) / 2, LONGEST_HANDLE)
        curves.append([(x0, y0), (x0 + dx * handle, y0 + dy * handle), (x1 - dx * handle, y1 - dy * handle), (x1, y1)])
    return curves


def _shares(boxes: Sequence[str], places: Sequence[float]) -> list[float]:
    """Return where on its box's side each edge ends, between 0 and 1, sorted by the places of the other ends."""
    ends: dict[str, list[int]] = {}
    for number in sorted(range(len(boxes)), key=places.__getitem__):
        ends.setdefault(boxes[number], []).append(number)
    shares = [0.0] * len(boxes)
    for numbers in ends.values():
        for place, number in enumerate(numbers, start=1):
            shares[number] = place / (len(numbers) + 1)
    return shares


def _on_side(box: Box, dx: int, dy: int, share: float) -> tuple[float, float]:
    x, y = box.middle
    return (
        (x + dx * box.width / 2, box.y + share * box.height)
        if dx
        else (box.x + share * box.width, y + dy * box.height / 2)
    )


def spread(curves: Sequence[Curve]) -> list[Curve]:
    """Return curves between the same two boxes, bent away from one another where they would be one line to the eye.

    >>> spread([[(0.0, 0.0), (30.0, 0.0), (60.0, 0.0), (90.0, 0.0)]] * 2)[0]
    [(0.0, 0.0), (30.0, -6.0), (60.0, -6.0), (90.0, 0.0)]
    """
    middles = [curve[len(curve) // 2] for curve in curves]
    if all(math.dist(one, other) >= APART for one, other in itertools.combinations(middles, 2)):
        return list(curves)
    (x0, y0), (x1, y1) = curves[0][0], curves[0][-1]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    bent: list[Curve] = []
    for number, curve in enumerate(curves):
        aside = (number - (len(curves) - 1) / 2) * BEND
        dx, dy = -(y1 - y0) / length * aside, (x1 - x0) / length * aside
        bent.append([curve[0], *[(x + dx, y + dy) for x, y in curves[0][1:-1]], curve[-1]])
    return bent


def at_border(point: Point, box: Box) -> Point:
    """Return the place on a box's border that is nearest to a point.

    >>> at_border((38, 12), Box(0, 0, 40, 30)), at_border((55, 12), Box(0, 0, 40, 30))
    ((40, 12), (40, 12))
    """
    x = min(max(point[0], box.x), box.x + box.width)
    y = min(max(point[1], box.y), box.y + box.height)
    sides = [
        (x - box.x, (box.x, y)),
        (box.x + box.width - x, (box.x + box.width, y)),
        (y - box.y, (x, box.y)),
        (box.y + box.height - y, (x, box.y + box.height)),
    ]
    return min(sides, key=lambda side: side[0])[1]
