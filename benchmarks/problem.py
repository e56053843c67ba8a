"""The training problem that every peer solves: shapes, data, and what a peer gives to be measured."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

SHAPES = (((2, 16, 16, 2), 100), ((64, 32, 10), 32), ((784, 512, 10), 128), ((784, 2048, 2048, 10), 512))
LR, MOMENTUM = 0.01, 0.9
Sizes = tuple[int, ...]


class Work(NamedTuple):
    """What is timed, and an array (or tensor) that shows afterwards what it did, and in which dtype."""

    run: Callable[[], Any]
    state: Callable[[], Any]


def label(sizes: Sizes, batch: int) -> str:
    return f"{'-'.join(map(str, sizes))}, batch {batch}"


CASES = {label(sizes, batch): (sizes, batch) for sizes, batch in SHAPES}
TINY, SMALL, MIDDLE, LARGE = CASES


def problem(sizes: Sizes, batch: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return a batch, its labels, and the weights and biases of the layers in turn."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((batch, sizes[0]), dtype=np.float32)
    y = rng.integers(0, sizes[-1], batch)
    y[: sizes[-1]] = np.arange(sizes[-1])[:batch]  # every class is there: scikit-learn finds them in the labels
    shapes = [shape for n, m in pairwise(sizes) for shape in ((m, n), (m,))]
    bounds = [n**-0.5 for n in sizes[:-1] for _ in range(2)]
    return X, y, [rng.uniform(-b, b, s).astype(np.float32) for s, b in zip(shapes, bounds, strict=True)]
