"""Arrays as the page gets them: exact if they are small, else their statistics, a heat map and a histogram."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.viz.recording.snapshot import Snapshot

EXACT = 8  # rows and columns of an array that is shown number by number
BINS = 20
GREATEST = 1.7976e308  # rounded to five digits, larger numbers are out of range
NOT_FINITE, LEVELS = 255, 254  # a cell of a heat map is one byte: 0 to 254 from least to greatest

_SAFE = bytes.maketrans(b"&<>", b".,/")  # base 85 without the characters that HTML has a use for

Array = npt.NDArray[Any]


class ArrayTable:
    """The arrays of a page, each once: steps refer to them by their number.

    Args:
        cells: how many rows and columns a heat map has at most.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.rows: list[list[Any]] = []
        self.known: dict[tuple[str, tuple[int, ...], str, bool], int] = {}

    def number(self, snapshot: Snapshot | None, *, signed: bool) -> int:
        """Return the number of an array, -1 for None.

        Args:
            snapshot: the array.
            signed: whether its heat map is centred on zero, as that of a gradient is.
        """
        if snapshot is None:
            return -1
        key = snapshot.digest, snapshot.shape, snapshot.dtype, signed and not is_exact(snapshot.shape)
        if key not in self.known:
            self.known[key] = len(self.rows)
            self.rows.append(packed(snapshot, signed=signed, cells=self.cells))
        return self.known[key]


def is_exact(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is shown number by number.

    >>> is_exact((8, 8)), is_exact((64,)), is_exact((2, 2, 16)), is_exact((9, 8))
    (True, True, False, False)
    """
    size = int(np.prod(shape, dtype=np.int64))
    if len(shape) < 2:
        return size <= EXACT * EXACT
    return size <= EXACT * EXACT and shape[-1] <= EXACT and size <= EXACT * shape[-1]


def packed(snapshot: Snapshot, *, signed: bool, cells: int) -> list[Any]:
    """Return an array as a row of the page's table.

    ``[shape, dtype, bytes]`` if it is exact, else ``[shape, dtype, "", statistics, not finite, heat map, histogram]``:
    statistics are min, mean, max and norm; not finite are the counts of NaN and of infinite elements; a heat map is
    ``[rows, columns, low, high, bytes]``; a histogram is ``[low, high, bytes]``, a byte a bin, 255 the fullest.
    """
    array, summary = snapshot.array, snapshot.summary
    head = [list(snapshot.shape), np.dtype(snapshot.dtype).str.lstrip("<|>="), ""]
    if array is not None and is_exact(snapshot.shape):
        head[2] = _text(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return head
    known = (summary.minimum, summary.mean, summary.maximum, summary.norm)
    statistics = [None if number is None or not math.isfinite(number) else _short(number) for number in known]
    row = [*head, statistics, [summary.not_a_number, summary.infinite]]
    if array is None or not array.size:  # a trace that was read from a file has no more than statistics
        return row
    return [*row, _heat_map(array, signed, cells), _histogram(array)]


def _heat_map(array: Array, signed: bool, cells: int) -> list[Any]:
    table = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    wide = cells * 3 // 2 if len(table) == 1 else cells
    with np.errstate(all="ignore"):
        means = _block_means(_block_means(table.astype(np.float64), min(len(table), cells)).T, wide).T
    finite = means[np.isfinite(means)]
    low, high = (float(np.min(finite)), float(np.max(finite))) if finite.size else (0.0, 0.0)
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    shown = _levels(means, low, high, centred=signed)
    return [*shown.shape, _short(low), _short(high), _text(shown.tobytes())]


def _levels(means: Array, low: float, high: float, *, centred: bool) -> Array:
    """Return the cells as bytes from 0, at ``low``, to 254, at ``high``; a range without width is at 0 or centred."""
    scale = max(abs(low), abs(high)) or 1.0  # divided by it first, as the range itself may overflow
    with np.errstate(all="ignore"):
        base, spread = low / scale, (high / scale - low / scale)
        if not spread:
            base, spread = base - (1.0 if centred else 0.0), 2.0
        levels = np.rint((means / scale - base) / spread * LEVELS)
    return np.where(np.isfinite(means), np.clip(levels, 0, LEVELS), NOT_FINITE).astype(np.uint8)


def _block_means(table: Array, rows: int) -> Array:
    """Return the table with its rows averaged in as many blocks, as equal as they can be."""
    count = len(table)
    rows = min(rows, count)
    starts = np.arange(rows) * count // rows
    lengths = np.diff(np.append(starts, count))
    means: Array = np.add.reduceat(table / np.repeat(lengths, lengths)[:, None], starts, axis=0)
    return means


def _histogram(array: Array) -> list[Any]:
    finite = array[np.isfinite(array)].astype(np.float64)
    if not finite.size:
        return [0, 0, ""]
    low, high = float(finite.min()), float(finite.max())
    if not np.isfinite(high - low) or high - low <= abs(high) * 1e-12:  # no range that could be divided
        counts = np.array([finite.size])
    else:
        counts, _ = np.histogram(finite, bins=BINS, range=(low, high))
    levels = np.ceil(counts * (255 / counts.max())).astype(np.uint8)
    return [_short(low), _short(high), _text(levels.tobytes())]


def _short(number: float) -> float:
    return min(max(float(f"{number:.5g}"), -GREATEST), GREATEST)


def _text(content: bytes) -> str:
    return base64.b85encode(content).translate(_SAFE).decode("ascii")
