"""An array as it was at one moment: a copy that nothing changes any more, and what can be said of it."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.viz.summary import Summary, summarise


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An array at one moment of a backward pass.

    Attributes:
        shape: its shape.
        dtype: its dtype, as NumPy names it.
        array: a copy that cannot be changed; None if it was read from a file that has only the statistics.
        summary: its statistics, and its numbers if they are few.
        digest: a fingerprint of its bytes: the same for the same bits, every NaN counting as the same.
    """

    shape: tuple[int, ...]
    dtype: str
    array: npt.NDArray[Any] | None
    known: tuple[Summary, str] | None = None  # what a file says of it

    @staticmethod
    def of(value: Any) -> Snapshot:
        """Return a copy of an array, or of a tensor's; integers and floats beyond 64 bits become float64.

        >>> import minigrad as mg
        >>> Snapshot.of(mg.tensor([1.0, 2.0])).array
        array([1., 2.], dtype=float32)
        """
        array = np.asarray(getattr(value, "_array", value))
        known = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
        with np.errstate(over="ignore"):
            array = np.array(array, array.dtype.newbyteorder("=") if known else np.float64, order="C")
        array.flags.writeable = False
        return Snapshot(array.shape, str(array.dtype), array)

    @cached_property
    def summary(self) -> Summary:
        """The statistics, and the numbers if they are few."""
        return summarise(self.array) if self.known is None else self.known[0]

    @cached_property
    def digest(self) -> str:
        """A fingerprint of the bytes, as 16 characters."""
        if self.array is None:
            return self.known[1] if self.known is not None else ""
        array = self.array
        if array.dtype.kind == "f" and np.isnan(array).any():  # a NaN's bits are the processor's choice
            array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return base64.urlsafe_b64encode(hashlib.sha256(little.tobytes()).digest()[:12]).decode("ascii")

    def same_as(self, other: Snapshot, tolerance: float = 0.0) -> bool:
        """Whether two snapshots show the same: the same bits, or numbers (else statistics) that are close.

        Args:
            other: the snapshot to compare with.
            tolerance: the greatest difference, relative to the larger number of a pair and to 1.
        """
        if self.shape != other.shape:
            return False
        if self.dtype == other.dtype and self.digest == other.digest:
            return True
        mine, others = self.summary, other.summary
        if (mine.not_a_number, mine.infinite) != (others.not_a_number, others.infinite):
            return False
        return tolerance > 0 and _close(self._compared(other), other._compared(self), tolerance)

    def _compared(self, other: Snapshot) -> npt.NDArray[Any]:
        """Return the numbers if both have them, else the statistics."""
        if self.array is not None and other.array is not None:
            return self.array
        return np.array([np.nan if number is None else number for number in _statistics(self.summary)])


def _close(one: npt.NDArray[Any], other: npt.NDArray[Any], tolerance: float) -> bool:
    # in float64: two float16 numbers must not overflow while they are compared
    left, right = np.asarray(one, np.float64), np.asarray(other, np.float64)
    with np.errstate(all="ignore"):
        scale = np.maximum(1.0, np.maximum(np.abs(left), np.abs(right)))
        near = np.abs(left - right) <= tolerance * np.where(np.isfinite(scale), scale, 1.0)
    return bool(np.all(near | (left == right) | (np.isnan(left) & np.isnan(right))))


def to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as what JSON can hold; numbers beyond JSON are the strings NaN, Infinity and -Infinity.

    >>> to_plain(Snapshot.of(np.float32(0.5)))["numbers"]
    0.5
    """
    summary = snapshot.summary
    plain: dict[str, Any] = {"shape": list(snapshot.shape), "dtype": snapshot.dtype, "digest": snapshot.digest}
    known = zip(_STATISTICS, _statistics(summary), strict=True)
    plain |= {name: _plain_number(value) for name, value in known if value is not None}
    if summary.not_a_number:
        plain["nan"] = summary.not_a_number
    if summary.infinite:
        plain["infinite"] = summary.infinite
    if summary.numbers is not None and summary.numbers.size:
        plain["numbers"] = _plain_numbers(summary.numbers)
    return plain


def from_plain(plain: Any) -> Snapshot:
    """Return the snapshot that ``to_plain`` wrote.

    Raises:
        ValueError: when it is none, or contradicts itself.
    """
    if type(plain) is not dict or not plain.keys() >= {"shape", "dtype", "digest"}:
        raise ValueError("an array has a shape, a dtype and a digest")
    shape, dtype, digest = plain["shape"], _DTYPES.get(str(plain["dtype"])), plain["digest"]
    if type(shape) is not list or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"a shape is a list of lengths, got {shape!r}")
    if dtype is None or type(digest) is not str:
        raise ValueError(f"dtype and digest are text, as NumPy and to_json() write them; got {plain['dtype']!r}")
    kinds = {"min": dtype, "mean": _REAL, "max": dtype, "norm": _REAL}
    least, mean, most, norm = (_number(plain[name], kinds[name]) if name in plain else None for name in _STATISTICS)
    missing, infinite = (plain.get(name, 0) for name in ("nan", "infinite"))
    if type(missing) is not int or type(infinite) is not int or min(missing, infinite) < 0:
        raise ValueError(f"nan and infinite are counts, got {missing!r} and {infinite!r}")
    if "numbers" not in plain and 0 not in shape:
        summary = Summary(least, mean, most, missing, infinite, None, norm)
        return Snapshot(tuple(shape), str(dtype), None, (summary, digest))
    if "numbers" in plain and 0 in shape:
        raise ValueError("an array without elements has no numbers")
    flat = [] if 0 in shape else [_number(value, dtype) for value in _flat(plain["numbers"], shape)]
    with np.errstate(all="ignore"):
        snapshot = Snapshot.of(np.array(flat, dtype).reshape(shape))
    if snapshot.digest != digest:
        raise ValueError("an array's numbers are not those that its digest was made of")
    return snapshot


_STATISTICS = ("min", "mean", "max", "norm")
_BEYOND = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_REAL = np.dtype(np.float64)
_DTYPES = {str(np.dtype(code)): np.dtype(str(np.dtype(code))) for code in "?bhilqBHILQefd"}


def _statistics(summary: Summary) -> tuple[float | None, ...]:
    return summary.minimum, summary.mean, summary.maximum, summary.norm


def _plain_numbers(array: npt.NDArray[Any]) -> Any:
    return [_plain_numbers(row) for row in array] if array.ndim else _plain_number(array[()])


def _plain_number(value: Any) -> Any:
    """Return the shortest number that reads back as the same, in its own precision."""
    if not isinstance(value, (float, np.floating)):
        return int(value)
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    short = float(np.format_float_scientific(value, unique=True))
    return short if type(value)(short) == value else float(value)


def _number(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return what ``_plain_number`` wrote."""
    if dtype.kind == "f":
        if type(value) is str and value in _BEYOND:
            return _BEYOND[value]
        if type(value) in (int, float):
            return float(value)
    elif type(value) is int and (value in (0, 1) if dtype.kind == "b" else value.bit_length() <= 64):
        return value
    raise ValueError(f"expected a number of {dtype}, got {value!r}")


def _flat(numbers: Any, shape: list[int]) -> list[Any]:
    rows = [numbers]
    for length in shape:
        if not all(type(row) is list and len(row) == length for row in rows):
            raise ValueError(f"numbers must be nested as the shape {shape} says")
        rows = [value for row in rows for value in row]
    return rows
