"""The eigendecomposition against closed forms and numpy.linalg."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.analysis import EigenDecomposition, eigendecompose
from minigrad.errors import ArgumentError, DtypeError, ShapeError

FIBONACCI = [[1, 1], [1, 0]]
ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])  # by 90 degrees
PROJECTION = np.array([[0.5, 0.5], [0.5, 0.5]])  # onto the line x = y


def random_matrix(seed: int, *, symmetric: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n := int(rng.integers(1, 9)), n))
    return A + A.T if symmetric else A


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("seed", range(10))
class TestRandomMatrices:
    def test_agrees_with_numpy(self, seed: int, symmetric: bool) -> None:
        A = random_matrix(seed, symmetric=symmetric)
        n, eigen = len(A), eigendecompose(A)
        assert eigen.symmetric is (symmetric or n == 1)
        np.testing.assert_allclose(A @ eigen.vectors, eigen.vectors * eigen.values, atol=1e-12)
        np.testing.assert_allclose(eigen.inverse_vectors @ eigen.vectors, np.eye(n), atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(eigen.vectors, axis=0), 1, rtol=1e-12)
        assert np.all(np.diff(eigen.values.real) <= 1e-12)
        np.testing.assert_allclose(eigen.matrix(), A, atol=1e-12)
        np.testing.assert_allclose(eigen.trace, np.trace(A), atol=1e-12)
        np.testing.assert_allclose(eigen.determinant, np.linalg.det(A), rtol=1e-10)
        assert eigen.rank() == np.linalg.matrix_rank(A) == n
        np.testing.assert_allclose(eigen.condition_number, np.linalg.cond(A), rtol=1e-8)

    def test_powers(self, seed: int, symmetric: bool) -> None:
        A = random_matrix(seed, symmetric=symmetric)
        eigen = eigendecompose(A)
        for k in (0, 1, 2, 5, -1, -3):
            expected = np.linalg.matrix_power(A, k)
            power = eigen.power(k)
            assert power.dtype == np.float64
            np.testing.assert_allclose(power, expected, atol=1e-10 * max(1, np.abs(expected).max()))
        np.testing.assert_allclose(eigen.inverse() @ A, np.eye(len(A)), atol=1e-9)

    def test_the_square_root(self, seed: int, symmetric: bool) -> None:
        A = random_matrix(seed, symmetric=symmetric)
        A = A @ A.T + 0.1 * np.eye(len(A))  # positive definite
        root = eigendecompose(A).power(0.5)
        np.testing.assert_allclose(root @ root, A, atol=1e-11)
        np.testing.assert_allclose(eigendecompose(A).power(-0.5) @ root, np.eye(len(A)), atol=1e-10)


class TestClosedForms:
    def test_fibonacci(self) -> None:
        eigen = eigendecompose(FIBONACCI)
        golden = (1 + np.sqrt(5)) / 2
        np.testing.assert_allclose(eigen.values, [golden, 1 - golden], rtol=1e-14)
        np.testing.assert_allclose(eigen.power(10), [[89, 55], [55, 34]], rtol=1e-13)
        assert eigen.determinant == pytest.approx(-1)
        assert eigen.trace == pytest.approx(1)

    def test_a_rotation_has_complex_values_and_real_powers(self) -> None:
        eigen = eigendecompose(ROTATION)
        np.testing.assert_allclose(eigen.values, [1j, -1j], atol=1e-15)
        assert not eigen.symmetric
        np.testing.assert_allclose(eigen.power(4), np.eye(2), atol=1e-15)
        np.testing.assert_allclose(eigen.power(2), -np.eye(2), atol=1e-15)
        np.testing.assert_allclose(eigen.inverse(), ROTATION.T, atol=1e-15)
        half = np.sqrt(0.5) * np.array([[1, -1], [1, 1]])  # by 45 degrees
        np.testing.assert_allclose(eigen.power(0.5), half, atol=1e-15)
        assert eigen.power(0.5).dtype == eigen.matrix().dtype == np.float64
        assert isinstance(eigen.trace, float)
        assert (eigen.trace, eigen.determinant) == pytest.approx((0, 1))
        assert eigen.condition_number == pytest.approx(1)

    def test_a_projection_has_rank_one_and_is_its_own_power(self) -> None:
        eigen = eigendecompose(PROJECTION)
        np.testing.assert_allclose(eigen.values, [1, 0], atol=1e-15)
        assert eigen.rank() == 1
        assert eigen.condition_number == np.inf
        for k in (1, 7, 0.5, 1.5):
            np.testing.assert_allclose(eigen.power(k), PROJECTION, atol=1e-15)
        np.testing.assert_allclose(eigen.power(0), np.eye(2), atol=1e-15)

    def test_a_slanted_projection(self) -> None:
        A = np.array([[1.0, 1.0], [0.0, 0.0]])
        eigen = eigendecompose(A)
        assert (eigen.rank(), eigen.determinant, eigen.trace) == (1, 0, 1)
        np.testing.assert_allclose(eigen.power(0.5), A, atol=1e-15)

    def test_a_markov_chain_forgets_where_it_began(self) -> None:
        """The limit's columns are the stationary distribution (2/3, 1/3)."""
        eigen = eigendecompose([[0.9, 0.2], [0.1, 0.8]])
        np.testing.assert_allclose(eigen.values, [1, 0.7], rtol=1e-14)
        np.testing.assert_allclose(eigen.power(200), [[2 / 3, 2 / 3], [1 / 3, 1 / 3]], rtol=1e-12)

    def test_a_cycle_of_three(self) -> None:
        eigen = eigendecompose(np.roll(np.eye(3), 1, axis=0))
        roots = np.exp(2j * np.pi * np.array([0, 1, -1]) / 3)
        np.testing.assert_allclose(eigen.values, roots, atol=1e-14)
        np.testing.assert_allclose(eigen.power(3), np.eye(3), atol=1e-14)

    def test_a_rotation_about_an_axis_that_it_flattens(self) -> None:
        A = np.zeros((3, 3))
        A[:2, :2] = 2 * ROTATION
        eigen = eigendecompose(A)
        assert (eigen.rank(), eigen.determinant) == (2, 0)
        for k in (1, 2, 0.5, 4):
            np.testing.assert_allclose(eigen.power(k)[:2, :2], 2**k * eigendecompose(ROTATION).power(k), atol=1e-14)
            np.testing.assert_allclose(eigen.power(k)[2], 0, atol=1e-14)

    def test_the_determinant_of_pairs_and_signs(self) -> None:
        A = np.diag([0.0, 0.0, -2.0, 3.0])
        A[:2, :2] = 2 * ROTATION
        assert eigendecompose(A).determinant == pytest.approx(-24)
        assert eigendecompose(np.diag([-1e200, 1e200])).determinant == -np.inf

    def test_zero_identity_and_one_number(self) -> None:
        zero = eigendecompose(np.zeros((3, 3)))
        assert (zero.rank(), zero.determinant, zero.condition_number) == (0, 0, np.inf)
        assert np.array_equal(zero.power(2), np.zeros((3, 3)))
        assert eigendecompose(np.eye(4)).condition_number == 1
        assert eigendecompose([[-3.0]]).power(3).tolist() == [[-27]]

    def test_the_vectors_have_a_fixed_sign(self) -> None:
        np.testing.assert_allclose(eigendecompose(PROJECTION).vectors, np.sqrt(0.5) * np.array([[1, 1], [1, -1]]))
        np.testing.assert_allclose(eigendecompose(np.diag([1.0, 2.0, -3.0])).vectors, np.eye(3)[:, [1, 0, 2]])
        np.testing.assert_allclose(eigendecompose(ROTATION).vectors[0], np.sqrt(0.5))

    def test_the_vectors_of_a_symmetric_matrix_are_orthogonal(self) -> None:
        eigen = eigendecompose(random_matrix(3, symmetric=True))
        assert np.array_equal(eigen.inverse_vectors, eigen.vectors.T)
        np.testing.assert_allclose(eigen.vectors.T @ eigen.vectors, np.eye(len(eigen.values)), atol=1e-14)


class TestInputs:
    @pytest.mark.parametrize("convert", [np.array, mg.tensor, list, lambda A: np.array(A, np.float32)])
    def test_arrays_lists_and_tensors(self, convert: Any) -> None:
        eigen = eigendecompose(convert([[2.0, 1.0], [1.0, 2.0]]))
        assert isinstance(eigen, EigenDecomposition)
        assert eigen.values.dtype == np.float64
        np.testing.assert_allclose(eigen.values, [3, 1])
        assert eigen.symmetric

    def test_lists_keep_double_precision(self) -> None:
        assert eigendecompose([[0.1, 0.0], [0.0, 0.3]]).values.tolist() == [0.3, 0.1]

    def test_rounding_of_single_precision(self) -> None:
        """A rank and a symmetry that hold in float32, to its rounding."""
        v = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
        A = v @ v.T
        A[0, 1] = np.nextafter(A[0, 1], np.float32(9))
        eigen = eigendecompose(A)
        assert eigen.symmetric
        assert eigen.rank() == 2
        np.testing.assert_allclose(eigen.power(0.5) @ eigen.power(0.5), A, atol=1e-5)

    def test_what_was_given_is_not_changed_and_results_cannot_be(self) -> None:
        A = np.array([[2.0, 1.0], [1.0, 2.0]])
        eigen = eigendecompose(A)
        A[:] = 0
        np.testing.assert_allclose(eigen.matrix(), [[2, 1], [1, 2]])
        with pytest.raises(ValueError, match="read-only"):
            eigen.values[0] = 7

    def test_rank_with_a_tolerance(self) -> None:
        eigen = eigendecompose(np.diag([1.0, -0.1, 1e-6]))
        assert [eigen.rank(), eigen.rank(1e-3), eigen.rank(0.5), eigen.rank(2.0)] == [3, 2, 1, 0]
        with pytest.raises(ArgumentError, match="rank: tolerance must be a finite number, zero or more"):
            eigen.rank(-1.0)

    def test_repr(self) -> None:
        assert repr(eigendecompose([[2.0, 1.0], [1.0, 2.0]])) == "EigenDecomposition(2 x 2, symmetric, values=[3, 1])"
        assert repr(eigendecompose(ROTATION)) == "EigenDecomposition(2 x 2, values=[0+1j, 0-1j])"
        many = repr(eigendecompose(np.diag(np.arange(50.0))))
        assert many == "EigenDecomposition(50 x 50, symmetric, values=[49, 48, 47, ..., 2, 1, 0])"


class TestErrors:
    @pytest.mark.parametrize("A", [3.0, [1.0, 2.0], np.ones((2, 3)), np.ones((2, 2, 2)), [], np.ones((0, 0))])
    def test_no_square_matrix(self, A: Any) -> None:
        with pytest.raises(ShapeError, match="eigendecompose needs a square matrix, with at least one row, got shape"):
            eigendecompose(A)

    def test_ragged_lists(self) -> None:
        with pytest.raises(ShapeError, match="nested lists"):
            eigendecompose([[1, 2], [3]])

    @pytest.mark.parametrize("A", [[["a", "b"], ["c", "d"]], [[1j, 0], [0, 1]], [[None, 1], [1, 2]]])
    def test_no_real_numbers(self, A: Any) -> None:
        with pytest.raises(DtypeError, match="real numbers"):
            eigendecompose(A)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_not_finite(self, bad: float) -> None:
        with pytest.raises(ArgumentError, match=r"finite, got .* in row 1, column 0"):
            eigendecompose([[1.0, 2.0], [bad, 4.0]])

    @pytest.mark.parametrize("size", [2, 3, 4])
    def test_a_jordan_block_is_defective(self, size: int) -> None:
        block = 2 * np.eye(size) + np.eye(size, k=1)
        with pytest.raises(ArgumentError, match=r"A is defective.*fewer than \d independent eigenvectors"):
            eigendecompose(block)

    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("size", [2, 3, 5])
    def test_a_jordan_block_in_another_basis_is_defective(self, seed: int, size: int) -> None:
        """Rounding splits the repeated eigenvalue, and makes the eigenvectors merely almost parallel."""
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.normal(size=(size, size)))[0] * rng.uniform(0.5, 2, size)
        block = rng.normal() * np.eye(size)
        block[0, 1] = 1
        block[-1, -1] += 1 if size > 2 else 0
        with pytest.raises(ArgumentError, match="A is defective"):
            eigendecompose(basis @ block @ np.linalg.inv(basis))

    def test_a_matrix_near_to_a_defective_one_is_not_refused(self) -> None:
        A = np.array([[1.0, 1.0], [0.0, 1.0001]])
        np.testing.assert_allclose(eigendecompose(A).matrix(), A, atol=1e-11)

    def test_powers_of_a_singular_matrix(self) -> None:
        eigen = eigendecompose(PROJECTION)
        for call in (eigen.inverse, lambda: eigen.power(-2), lambda: eigen.power(-0.5)):
            with pytest.raises(ArgumentError, match="A is singular: its rank is 1 of 2"):
                call()

    def test_fractional_powers_of_negative_values(self) -> None:
        with pytest.raises(ArgumentError, match=r"eigenvalue -1 is negative.*power 0.5 is not real"):
            eigendecompose(np.diag([4.0, -1.0])).power(0.5)

    @pytest.mark.parametrize("k", ["2", True, None, np.inf, np.nan, 1j])
    def test_a_power_that_is_no_number(self, k: Any) -> None:
        with pytest.raises(ArgumentError, match="power: k must be a finite real number, got"):
            eigendecompose(np.eye(2)).power(k)

    def test_a_power_that_is_too_large(self) -> None:
        for A in (np.diag([10.0, 1.0]), 10 * ROTATION):
            with pytest.raises(ArgumentError, match="power 400 of A is too large for float64"):
                eigendecompose(A).power(400)

    def test_whole_powers_may_be_floats(self) -> None:
        assert eigendecompose(np.diag([2.0, -1.0])).power(3.0).tolist() == [[8, 0], [0, -1]]
        assert eigendecompose(np.diag([2.0, -1.0])).power(np.int64(2)).tolist() == [[4, 0], [0, 1]]


def test_a_matrix_that_has_to_be_symmetric_is_looked_at() -> None:
    assert eigendecompose([[2.0, 1.0], [1.0, 2.0]], symmetric=True).symmetric
    assert not eigendecompose([[2.0, 1.0], [0.0, 3.0]]).symmetric
    with pytest.raises(ArgumentError, match=r"symmetric, but A\[0, 1\] is 1 and A\[1, 0\] 0; pass \(A \+ A.T\)"):
        eigendecompose([[2.0, 1.0], [0.0, 3.0]], symmetric=True)
    with pytest.raises(DtypeError, match="eigendecompose: symmetric must be"):
        eigendecompose([[1.0]], symmetric="yes")  # type: ignore[arg-type]
