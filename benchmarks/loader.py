"""An epoch of ``DataLoader``: 60,000 images of 784 numbers in shuffled batches of 128, beside a bare loop in NumPy."""

from __future__ import annotations

import numpy as np

from benchmarks.problem import Work
from benchmarks.serve import Peer

TITLE = "An epoch of shuffled batches"
LOOP = "NumPy loop"
REFERENCES = (LOOP,)
CASES = {"60,000 x 784, batch 128": (60_000, 784, 128)}
(CASE,) = CASES
STEPS = 1


def images(count: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((count, features), dtype=np.float32), rng.integers(0, 10, count)


def with_minigrad(count: int, features: int, batch: int) -> Work:
    """The library's loader."""
    from minigrad import data

    loader = data.DataLoader(data.TensorDataset(*images(count, features)), batch_size=batch, shuffle=True, seed=0)
    last = None

    def epoch() -> float:
        nonlocal last
        seen = 0
        for X, y in loader:
            seen += len(y)
            last = X
        return float(seen)

    return Work(epoch, lambda: last)


def by_hand(count: int, features: int, batch: int) -> Work:
    """A permutation, and an index for each batch."""
    X, y = images(count, features)
    rng = np.random.default_rng(0)
    last = None

    def epoch() -> float:
        nonlocal last
        seen = 0
        order = rng.permutation(count)
        for start in range(0, count, batch):
            rows = order[start : start + batch]
            last, labels = X[rows], y[rows]
            seen += len(labels)
        return float(seen)

    return Work(epoch, lambda: last)


PEERS = {LOOP: Peer(by_hand), "minigrad": Peer(with_minigrad)}
