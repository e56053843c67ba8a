"""What the gradient and the Hessian say of a point: the second derivative test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.analysis.lanczos import Floats
from minigrad.errors import ArgumentError

LARGEST_HESSIAN = 4096  # parameters; 128 MiB
TOLERANCE = 1e-6
MEANINGS = {
    "minimum": "every direction leads up",
    "maximum": "every direction leads down",
    "saddle": "some directions lead up, others down",
    "degenerate": "some directions are flat to second order, so the Hessian does not decide",
    "not critical": "the gradient does not vanish here",
}


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """What the gradient and the Hessian say of a point.

    Attributes:
        kind: "minimum", "maximum", "saddle", "degenerate" or "not critical".
        eigenvalues: of the Hessian, ``(n,)``, ascending, float64.
        eigenvectors: their unit eigenvectors, one a column, ``(n, n)``; the first of each one's largest elements is
            positive.
        gradient_norm: the length of the gradient.
        minimum_ratio: the share of eigenvalues that are positive.
        tolerance: up to what share of the largest in magnitude an eigenvalue counts as zero.

    >>> import minigrad as mg
    >>> from minigrad.analysis import classify_critical_point
    >>> point = classify_critical_point(lambda w: w[0] ** 2 - w[1] ** 2 + w[2] ** 2 + w[3] ** 4, mg.zeros(4))
    >>> point.kind
    'saddle'
    >>> point.negative, point.zero, point.positive
    (0.25, 0.25, 0.5)
    """

    kind: str
    eigenvalues: Floats
    eigenvectors: Floats
    gradient_norm: float
    minimum_ratio: float
    tolerance: float = TOLERANCE

    @property
    def negative(self) -> float:
        """The share of eigenvalues that are negative: the index of a critical point."""
        return positive_share(-self.eigenvalues, self.tolerance)

    @property
    def zero(self) -> float:
        """The share of eigenvalues that count as zero."""
        flat = np.abs(self.eigenvalues) <= self.tolerance * np.abs(self.eigenvalues).max()
        return float(np.mean(flat))

    @property
    def positive(self) -> float:
        """The share of eigenvalues that are positive: the minimum ratio."""
        return self.minimum_ratio

    def __str__(self) -> str:
        values = np.array2string(self.eigenvalues, precision=4, threshold=10, edgeitems=3)
        count = f"{round(self.minimum_ratio * len(self.eigenvalues))} of {len(self.eigenvalues)}"
        return (
            f"{self.kind}: {MEANINGS[self.kind]}\n"
            f"  gradient norm  {self.gradient_norm:.3g}\n"
            f"  eigenvalues    {values}\n"
            f"  minimum ratio  {self.minimum_ratio:.3g} ({count} positive)"
        )

    __repr__ = __str__


def second_derivative_test(gradient: Floats, hessian: Floats, point_norm: float, tolerance: float) -> CriticalPoint:
    """Classify a point by its gradient ``(n,)`` and its symmetric Hessian ``(n, n)``."""
    values, vectors = np.linalg.eigh(hessian)
    largest = float(np.abs(values).max())
    norm = float(np.linalg.norm(gradient))
    positive, negative = (values > tolerance * largest), (values < -tolerance * largest)
    if norm > tolerance * largest * max(1.0, point_norm):
        kind = "not critical"
    elif positive.any() and negative.any():
        kind = "saddle"
    elif positive.all() or negative.all():
        kind = "minimum" if positive.all() else "maximum"
    else:
        kind = "degenerate"
    return CriticalPoint(kind, values, _signed(vectors), norm, positive_share(values, tolerance), tolerance)


def check_hessian_fits(owner: str, size: int) -> None:
    """Raise if a Hessian of so many parameters is too large to hold."""
    if size > LARGEST_HESSIAN:
        raise ArgumentError(
            f"{owner}: the Hessian of {size:,} parameters would take {size * size * 8 / 2**20:,.0f} MiB, and {size:,} "
            f"products; the most is {LARGEST_HESSIAN:,} parameters. A few eigenvalues at each end need products alone: "
            "use Curvature(parameters, loss).eigenvalues()"
        )


def check_zero_tolerance(owner: str, tolerance: Any) -> None:
    """Raise unless this is a share of the largest eigenvalue up to which one may count as zero."""
    number = isinstance(tolerance, (int, float, np.integer, np.floating)) and not isinstance(tolerance, bool)
    if not number or not 0 <= tolerance < 1:
        raise ArgumentError(f"{owner}: tolerance must be a number from 0 to below 1, such as 1e-6; got {tolerance!r}")


def positive_share(values: Floats, tolerance: float) -> float:
    """Return the share of eigenvalues that are above ``tolerance`` times the largest in magnitude."""
    return float(np.mean(values > tolerance * np.abs(values).max()))


def _signed(vectors: Floats) -> Floats:
    """Make the first of each column's largest elements positive; up to rounding, several may be largest."""
    sizes = np.abs(vectors)
    first = np.argmax(sizes >= sizes.max(axis=0) * (1 - 1e-6), axis=0)
    signs = np.sign(vectors[first, np.arange(vectors.shape[1])])
    signed: Floats = vectors * signs + 0.0  # no negative zeros
    return signed
