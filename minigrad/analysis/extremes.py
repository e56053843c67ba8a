"""The eigenvalues at the two ends of a large symmetric matrix's spectrum, from products alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.analysis.lanczos import Floats, Product, lanczos
from minigrad.errors import ArgumentError, MissingExtraError

RESTARTS = 300  # of ARPACK's iteration, before it counts as not converging


@dataclass(frozen=True, eq=False, repr=False)
class Extremes:
    """The eigenvalues at both ends of a Hessian's spectrum.

    Attributes:
        top: the largest, descending.
        bottom: the smallest, ascending.
        top_vectors: their unit eigenvectors, one a column, ``(size, len(top))``; None unless asked for.
        bottom_vectors: likewise, ``(size, len(bottom))``.

    >>> import minigrad as mg
    >>> from minigrad.analysis import Curvature
    >>> w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> ends = Curvature([w], lambda: (w ** 3).sum()).eigenvalues(top=1, bottom=2, vectors=True)
    >>> ends
    Extremes(top=[18.], bottom=[ 6. 12.], with vectors of 3 elements)
    >>> ends.top_vectors.ravel()
    array([0., 0., 1.])
    """

    top: Floats
    bottom: Floats
    top_vectors: Floats | None = None
    bottom_vectors: Floats | None = None

    def __repr__(self) -> str:
        top, bottom = (np.array2string(end, precision=4, threshold=6) for end in (self.top, self.bottom))
        held = "" if self.top_vectors is None else f", with vectors of {len(self.top_vectors)} elements"
        return f"Extremes(top={top}, bottom={bottom}{held})"


def from_ascending(values: Floats, vectors: Floats | None, top: int, bottom: int) -> Extremes:
    """Pick the ends from eigenvalues in ascending order, and from their eigenvectors if there are any."""
    last = len(values) - top
    ends = values[last:][::-1].copy(), values[:bottom].copy()
    if vectors is None:
        return Extremes(*ends)
    return Extremes(*ends, vectors[:, last:][:, ::-1].copy(), vectors[:, :bottom].copy())


def extreme_eigenvalues(
    product: Product, size: int, top: int, bottom: int, tolerance: float, vectors: bool
) -> Extremes:
    """Compute both ends at once with ARPACK's restarted Lanczos iteration, from a fixed start vector.

    ARPACK stops when each residual is small beside its own eigenvalue, which never comes for those near zero. The
    matrix is shifted by twice its norm meanwhile, so that "small" means beside the largest eigenvalue for all.
    """
    try:
        from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
    except ImportError as problem:
        raise MissingExtraError("eigenvalues() needs scipy: pip install minigrad[analysis]") from problem
    start = np.random.default_rng(0).standard_normal(size)
    shift = 2 * float(np.abs(np.linalg.eigvalsh(lanczos(product, start, 10))).max()) or 1.0
    shifted: Any = LinearOperator((size, size), lambda v: product(v.ravel()) + shift * v.ravel(), dtype=np.float64)
    wanted = 2 * max(top, bottom) if top and bottom else top + bottom
    options = {
        "k": wanted,
        "which": "BE" if top and bottom else "LA" if top else "SA",
        "ncv": min(size, max(4 * wanted, 20)),
        "tol": tolerance / 3,  # the largest shifted eigenvalue is up to three norms
        "maxiter": RESTARTS,
        "v0": start,
    }
    try:
        found = eigsh(shifted, return_eigenvectors=vectors, **options)
    except ArpackNoConvergence as problem:
        raise ArgumentError(
            f"eigenvalues: {len(problem.eigenvalues)} of {wanted} converged to tolerance={tolerance:g} of the largest "
            f"in {RESTARTS} restarts; ask for fewer, or for a tolerance that the parameters' dtype can reach"
        ) from problem
    values, columns = found if vectors else (found, None)
    order = np.argsort(values)
    return from_ascending(values[order] - shift, None if columns is None else columns[:, order], top, bottom)
