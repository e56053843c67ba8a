"""Lanczos' iteration: a large symmetric matrix, known by its products alone, seen through a small one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Product = Callable[[Floats], Floats]


def lanczos(product: Product, start: Floats, steps: int) -> Floats:
    """Return the tridiagonal matrix ``Q.T @ A @ Q``, for an orthonormal basis ``Q`` of ``start, A @ start, ...``.

    Every new vector is made orthogonal to all before it, twice: without that, rounding brings back directions that
    were found, and their eigenvalues appear again (G. Golub and C. Van Loan, "Matrix Computations", 4th edition,
    section 10.3). Holds ``steps`` vectors of the start's length.

    Args:
        product: multiplies the symmetric matrix by a vector ``(n,)``.
        start: the first direction, ``(n,)``, not zero.
        steps: how many products to take; fewer are taken if the vectors span all that the start leads to.

    Returns:
        A symmetric matrix of at most ``steps`` rows; its first basis vector is the start's direction.
    """
    basis = np.empty((min(steps, start.size), start.size))
    diagonal: list[float] = []
    beside: list[float] = []
    vector = start / np.linalg.norm(start)
    for step in range(len(basis)):
        basis[step] = vector
        following = product(vector)
        scale = float(np.linalg.norm(following))
        diagonal.append(float(vector @ following))
        for _ in range(2):
            following = following - basis[: step + 1].T @ (basis[: step + 1] @ following)
        length = float(np.linalg.norm(following))
        if length <= 1e-10 * scale:
            break
        beside.append(length)
        vector = following / length
    beside = beside[: len(diagonal) - 1]  # the last one leads out of the basis
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
