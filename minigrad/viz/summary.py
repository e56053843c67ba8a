"""What can be said of an array: its numbers if they are few, its statistics in any case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

KEPT_NUMBERS = 64  # arrays of up to so many elements are kept whole, of larger ones the statistics alone


@dataclass(frozen=True)
class Summary:
    """What a picture can say of an array: its numbers if they are few, its statistics in any case.

    Attributes:
        minimum: the least finite element; None if there is none.
        mean: the mean of the finite elements.
        maximum: the greatest finite element.
        not_a_number: how many elements are NaN.
        infinite: how many elements are infinite.
        numbers: a copy of the array, if it has at most ``KEPT_NUMBERS`` elements.
        norm: the Euclidean norm of the finite elements.
    """

    minimum: float | None
    mean: float | None
    maximum: float | None
    not_a_number: int
    infinite: int
    numbers: npt.NDArray[Any] | None
    norm: float | None = None


def summarise(array: Any) -> Summary:
    """Return the statistics of an array or a number, and its elements if they are few.

    >>> summary = summarise(np.array([1.0, 3.0, np.nan]))
    >>> summary.minimum, summary.mean, summary.maximum, summary.not_a_number
    (1.0, 2.0, 3.0, 1)
    """
    array = np.asarray(array)
    if array.dtype == object:  # an integer too large for NumPy's
        array = array.astype(np.float64)
    kept = array.copy() if array.size <= KEPT_NUMBERS else None
    finite = array[np.isfinite(array)]
    missing = int(np.count_nonzero(np.isnan(array)))
    infinite = array.size - finite.size - missing
    if not finite.size:
        return Summary(None, None, None, missing, infinite, kept)
    with np.errstate(all="ignore"):  # whatever the user has set: nothing is to be heard of statistics
        mean = float(np.mean(finite, dtype=np.float64))
        if not math.isfinite(mean):  # the sum is out of range, the mean is not
            mean = float(np.mean(finite / finite.size, dtype=np.float64) * finite.size)
        norm = _norm(finite)
    return Summary(finite.min().item(), mean, finite.max().item(), missing, infinite, kept, norm)


def _norm(finite: npt.NDArray[Any]) -> float:
    # scaled by the largest element, so that squares neither overflow nor vanish
    values = finite.astype(np.float64)
    largest = float(np.max(np.abs(values)))
    return largest * float(np.sqrt(np.sum(np.square(values / largest)))) if largest else 0.0
