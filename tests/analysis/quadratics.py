"""Quadratic losses whose Hessian has a known spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad.analysis import Curvature

SIZE = 200
KNOWN = np.concatenate([[-9.0, -4.0, -4.0], np.linspace(-1, 1, SIZE - 6), [5.0, 7.0, 11.0]])


def symmetric(values: Any, seed: int = 0) -> Any:
    """A matrix with these eigenvalues, in random directions."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return (q * values) @ q.T


def quadratic(matrix: Any, dtype: Any = np.float64) -> Curvature:
    """The curvature of w @ A @ w / 2 - b @ w, split over two parameters; its Hessian is A."""
    n = len(matrix)
    rng = np.random.default_rng(1)
    a, b = (mg.tensor(rng.normal(size=k).astype(dtype), requires_grad=True) for k in (n // 3, n - n // 3))
    A, slope = matrix.astype(dtype), rng.normal(size=n).astype(dtype)

    def loss() -> Any:
        w = mg.concatenate([a, b])
        return w @ (A @ w) / 2 - slope @ w

    return Curvature([a, b], loss)
