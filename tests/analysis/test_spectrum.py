"""The density of eigenvalues against matrices whose spectrum is known."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.analysis import Curvature, Spectrum
from minigrad.errors import ArgumentError
from tests.analysis.quadratics import KNOWN, SIZE, quadratic, symmetric


class TestSpectrum:
    def test_its_mean_is_the_trace(self) -> None:
        curvature = quadratic(symmetric(KNOWN))
        spectrum = curvature.spectrum(steps=20, samples=4, rng=np.random.default_rng(0))
        trace = curvature.trace(samples=4, rng=np.random.default_rng(0))  # the same draws
        assert len(spectrum.nodes) == 80
        np.testing.assert_allclose(spectrum.weights.sum(), 1, rtol=1e-12)
        np.testing.assert_allclose(spectrum.weights @ spectrum.nodes * SIZE, trace.mean, rtol=1e-9)

    def test_moments_are_those_of_the_starts(self) -> None:
        A = symmetric(KNOWN)
        spectrum = quadratic(A).spectrum(steps=5, samples=3, rng=np.random.default_rng(0))
        starts = 2.0 * np.random.default_rng(0).integers(0, 2, (3, SIZE), np.int8) - 1
        for power in range(10):  # Gauss quadrature of 5 nodes is exact up to degree 9
            expected = np.mean([z @ np.linalg.matrix_power(A, power) @ z / SIZE for z in starts])
            np.testing.assert_allclose(spectrum.weights @ spectrum.nodes**power, expected, rtol=1e-9)

    def test_its_ends_are_the_extreme_eigenvalues(self) -> None:
        spectrum = quadratic(symmetric(KNOWN)).spectrum(steps=60, samples=1, rng=np.random.default_rng(0))
        np.testing.assert_allclose(spectrum.nodes[[0, -1]], [-9, 11], atol=1e-6)
        assert (np.diff(spectrum.nodes) >= 0).all()

    def test_all_steps_give_each_eigenvalue_once(self) -> None:
        values = np.array([-2.0, 1.0, 4.0, 4.0, 9.0])
        spectrum = quadratic(symmetric(values)).spectrum(steps=50, samples=1, rng=np.random.default_rng(0))
        np.testing.assert_allclose(spectrum.nodes, [-2, 1, 4, 9], atol=1e-9)

    def test_orthogonality_holds_against_ghosts(self) -> None:
        values = np.concatenate([[1000.0], np.linspace(0, 1, 149)])
        spectrum = quadratic(symmetric(values)).spectrum(steps=150, samples=1, rng=np.random.default_rng(0))
        assert (spectrum.nodes > 500).sum() == 1

    def test_density_is_a_density(self) -> None:
        spectrum = Spectrum(np.array([-1.0, 2.0]), np.array([0.25, 0.75]))
        grid = np.linspace(-5, 6, 4001)
        for width in (None, 0.3):
            density = spectrum.density(grid, width)
            np.testing.assert_allclose(np.trapezoid(density, grid), 1, rtol=1e-6)
            np.testing.assert_allclose(np.trapezoid(density * grid, grid), 1.25, rtol=1e-6)
        np.testing.assert_allclose(spectrum.density([[2.0]], 0.3), [[0.75 / (0.3 * np.sqrt(2 * np.pi))]], rtol=1e-9)

    def test_density_of_one_repeated_eigenvalue(self) -> None:
        w = mg.tensor(np.ones(4), requires_grad=True)
        for loss in (lambda: (w**2).sum(), lambda: w.sum()):
            spectrum = Curvature([w], loss).spectrum(samples=2)
            assert np.isfinite(spectrum.density(spectrum.nodes)).all()

    def test_what_is_not_allowed(self) -> None:
        with pytest.raises(ArgumentError, match="spectrum: steps must be a positive integer, got 0"):
            quadratic(symmetric([1.0, 2.0])).spectrum(steps=0)
        with pytest.raises(ArgumentError, match="width must be a positive finite number, got 0"):
            Spectrum(np.zeros(1), np.ones(1)).density([0.0], 0)
