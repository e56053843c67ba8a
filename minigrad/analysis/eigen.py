"""The eigendecomposition of a matrix, ``A = W diag(values) W^-1``, and what it makes easy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.checks import as_float, check_flag, check_non_negative
from minigrad.engine.arrays import Array, as_array
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError

Floats = npt.NDArray[np.float64]

# the condition number of W is at most this: a matrix whose W has condition number c is within |A| / c**2 of one that
# has no W, so this is within some hundred rounding errors
WORST_VECTORS = 0.1 / float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True, eq=False, repr=False)
class EigenDecomposition:
    """The eigenvalues and eigenvectors of a real matrix ``A``, from ``eigendecompose``.

    Its arrays are read-only; they are complex where an eigenvalue is.

    Attributes:
        values: the n eigenvalues, in descending order of the real part, then of the imaginary part.
        vectors: ``W``, n by n: column ``i`` is the eigenvector of ``values[i]``, of length 1. Its element of the
            largest magnitude, the first of them, is positive.
        inverse_vectors: ``W^-1``; the transpose of ``W`` for a symmetric matrix.
        symmetric: whether ``A`` is its transpose, to the rounding of its dtype; then all values are real and the
            vectors are orthogonal.
        condition_number: of ``A``: its largest singular value divided by its smallest, infinite for a singular one.
        rounding: the magnitude below which an eigenvalue may be 0 and its rounding error.

    >>> from minigrad import analysis
    >>> eigen = analysis.eigendecompose([[2.0, 1.0], [1.0, 2.0]])
    >>> eigen.values, eigen.symmetric, round(eigen.condition_number, 6)
    (array([3., 1.]), True, 3.0)
    >>> round(eigen.determinant, 6), round(eigen.trace, 6)
    (3.0, 4.0)
    """

    values: Array
    vectors: Array
    inverse_vectors: Array
    symmetric: bool
    condition_number: float
    rounding: float

    def matrix(self) -> Floats:
        """Return ``A``, rebuilt as ``W diag(values) W^-1``: float64 of shape ``(n, n)``.

        >>> from minigrad import analysis
        >>> analysis.eigendecompose([[0, -1], [1, 0]]).matrix().round(6) + 0.0
        array([[ 0., -1.],
               [ 1.,  0.]])
        """
        return self._rebuilt(self.values)

    def power(self, k: float) -> Floats:
        """Return ``A`` to the power ``k``, ``W diag(values**k) W^-1``.

        Args:
            k: a whole number, or any real number: 0.5 gives the principal square root.

        Returns:
            A float64 array of shape ``(n, n)``.

        Raises:
            ArgumentError: when ``k`` is no finite number; is negative, and ``A`` is singular; is not whole, and an
                eigenvalue is negative; or when the power is too large for float64.

        >>> from minigrad import analysis
        >>> analysis.eigendecompose([[1, 1], [1, 0]]).power(10).round(6)
        array([[89., 55.],
               [55., 34.]])
        """
        exponent = as_float(k)
        if not math.isfinite(exponent):
            raise ArgumentError(f"power: k must be a finite real number, got {k!r}")
        zero = np.abs(self.values) <= self.rounding
        if exponent < 0 and np.any(zero):
            raise ArgumentError(
                f"A is singular: its rank is {self.rank()} of {len(self.values)}, an eigenvalue of 0 has no power {k}; "
                f"what is below {self.rounding:.2g} counts as 0, the rounding of A's dtype"
            )
        values = np.where(zero, 0, self.values)
        negative = (values.real < 0) & (values.imag == 0)
        if not exponent.is_integer() and np.any(negative):
            raise ArgumentError(
                f"eigenvalue {values[negative][0].real:.6g} is negative: its power {k} is not real; "
                "take a whole power, or a matrix without negative eigenvalues"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            made = self._rebuilt(values**exponent)
        if not np.all(np.isfinite(made)):
            raise ArgumentError(
                f"power {k} of A is too large for float64: its largest eigenvalue is {self._largest:.6g}"
            )
        return made

    def inverse(self) -> Floats:
        """Return the inverse of ``A``, ``W diag(1 / values) W^-1``.

        Raises:
            ArgumentError: when ``A`` is singular.

        >>> from minigrad import analysis
        >>> analysis.eigendecompose([[2.0, 0.0], [0.0, 4.0]]).inverse()
        array([[0.5 , 0.  ],
               [0.  , 0.25]])
        """
        return self.power(-1)

    @property
    def determinant(self) -> float:
        """The product of the eigenvalues; infinite where it is too large for float64."""
        negative = np.sum((self.values.real < 0) & (self.values.imag == 0))  # complex ones come in pairs
        with np.errstate(over="ignore"):
            return float(np.prod(np.abs(self.values)) * (-1) ** int(negative))

    @property
    def trace(self) -> float:
        """The sum of the eigenvalues."""
        return float(np.sum(self.values).real)

    def rank(self, tolerance: float | None = None) -> int:
        """Return the number of eigenvalues that are not 0.

        Args:
            tolerance: the magnitude up to which an eigenvalue counts as 0; by default ``rounding``.

        Raises:
            ArgumentError: when the tolerance is negative or not finite.

        >>> from minigrad import analysis
        >>> analysis.eigendecompose([[0.5, 0.5], [0.5, 0.5]]).rank()
        1
        """
        limit = self.rounding if tolerance is None else check_non_negative("rank: tolerance", tolerance)
        return int(np.sum(np.abs(self.values) > limit))

    @property
    def _largest(self) -> float:
        return float(np.max(np.abs(self.values)))

    def _rebuilt(self, values: Array) -> Floats:
        """Return the matrix of these values; complex ones come in pairs, whose imaginary parts cancel."""
        return np.array(((self.vectors * values) @ self.inverse_vectors).real)

    def __repr__(self) -> str:
        n = len(self.values)
        tiny = 1e-12 * self._largest
        real, imaginary = (np.where(np.abs(part) <= tiny, 0, part) for part in (self.values.real, self.values.imag))
        shown = [f"{value:.4g}" for value in (real + 1j * imaginary if np.any(imaginary) else real)]
        values = ", ".join(shown if n <= 8 else [*shown[:3], "...", *shown[-3:]])
        return f"EigenDecomposition({n} x {n}, {'symmetric, ' if self.symmetric else ''}values=[{values}])"


def eigendecompose(A: Any, *, symmetric: bool = False) -> EigenDecomposition:
    """Return the eigendecomposition of a real square matrix, ``A = W diag(values) W^-1``.

    Computed in float64 by LAPACK, through ``numpy.linalg``: ``eigh`` for a symmetric matrix, else ``eig``.

    Args:
        A: real, of shape ``(n, n)``: an array, nested lists or a tensor.
        symmetric: whether ``A`` must be symmetric, as a Hessian is; else any matrix will do.

    Raises:
        ArgumentError: when an element is not finite, ``A`` is not symmetric and has to be, or ``A`` is defective: it
            has fewer than n independent eigenvectors, or is within some hundred rounding errors of such a matrix.
        DtypeError: when the elements are not real numbers.
        ShapeError: when ``A`` is not square, or empty.

    >>> from minigrad import analysis
    >>> eigen = analysis.eigendecompose([[2.0, 1.0], [1.0, 2.0]])
    >>> eigen
    EigenDecomposition(2 x 2, symmetric, values=[3, 1])
    >>> (eigen.inverse() * 3).round(6)
    array([[ 2., -1.],
           [-1.,  2.]])
    """
    matrix, precision = _checked(A)
    n = len(matrix)
    largest = float(np.max(np.abs(matrix)))
    wanted = check_flag("eigendecompose: symmetric", symmetric)
    symmetric = bool(np.max(np.abs(matrix - matrix.T)) <= 8 * precision * largest)
    if wanted and not symmetric:
        i, j = divmod(int(np.argmax(np.abs(matrix - matrix.T))), n)
        raise ArgumentError(
            f"eigendecompose: A must be symmetric, but A[{i}, {j}] is {matrix[i, j]:g} and A[{j}, {i}] "
            f"{matrix[j, i]:g}; pass (A + A.T) / 2 for its symmetric part, or leave out symmetric=True"
        )
    values: Array
    vectors: Array
    if symmetric:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    else:
        values, vectors = np.linalg.eig(matrix)
    order = np.lexsort((-values.imag, -values.real))
    values, vectors = values[order], _signed(vectors[:, order])
    spread = 1.0 if symmetric else float(np.linalg.cond(vectors))
    if spread > WORST_VECTORS:
        raise ArgumentError(
            f"A is defective, or too near to it: it has fewer than {n} independent eigenvectors to rounding, W is "
            f"singular (condition number {spread:.2g}), and A = W diag(values) W^-1 does not exist; "
            "the Schur form, scipy.linalg.schur(A), exists for every matrix"
        )
    inverse = vectors.T if symmetric else np.linalg.inv(vectors)
    singular = np.linalg.svd(matrix, compute_uv=False)
    held = singular[-1] > n * precision * singular[0]
    for array in (values, vectors, inverse):
        array.flags.writeable = False
    return EigenDecomposition(
        values=values,
        vectors=vectors,
        inverse_vectors=inverse,
        symmetric=symmetric,
        condition_number=float(singular[0] / singular[-1]) if held else np.inf,
        rounding=n * precision * float(singular[0]) * spread,  # Bauer and Fike, 1960
    )


def _checked(A: Any) -> tuple[Floats, float]:
    """Return a user's matrix in double precision, and the rounding of the dtype that it came in."""
    given = A._array if isinstance(A, Tensor) else A
    array = as_array(given)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ShapeError(f"eigendecompose needs a square matrix, with at least one row, got shape {array.shape}")
    matrix = np.array(given, np.float64)  # not of the array: lists would come as float32
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        row, column = bad[0]
        raise ArgumentError(
            f"eigendecompose needs a matrix that is finite, got {matrix[row, column]} in row {row}, column {column}"
        )
    came_in = given.dtype if isinstance(given, np.ndarray) and given.dtype.kind == "f" else np.dtype(np.float64)
    return matrix, float(max(np.finfo(came_in).eps, np.finfo(np.float64).eps))


def _signed(vectors: Array) -> Array:
    """Turn each column so that its largest element, the first of equal ones, is positive."""
    rows = np.argmax(np.abs(vectors).round(8), axis=0)
    leading = vectors[rows, np.arange(len(vectors))]
    return np.asarray(vectors * (np.abs(leading) / leading))
