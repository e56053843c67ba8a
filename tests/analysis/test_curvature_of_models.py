"""Curvature of a model: what it leaves alone, and what kind of point the parameters are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.analysis import Curvature, Extremes, classify_critical_point
from minigrad.errors import ArgumentError
from tests.analysis.quadratics import KNOWN, quadratic, symmetric

RNG = np.random.default_rng(0)
X, Y = mg.tensor(RNG.normal(size=(12, 3))), mg.tensor(RNG.normal(size=(12, 2)))


def normalised() -> tuple[nn.Module, Curvature]:
    rng = np.random.default_rng(1)
    layers = nn.Linear(3, 4, dtype=np.float64, rng=rng), nn.BatchNorm1d(4, dtype=np.float64), nn.Tanh()
    model = nn.Sequential(*layers, nn.Linear(4, 2, dtype=np.float64, rng=rng))
    return model, Curvature(model, lambda: nn.MSELoss()(model(X), Y))


def buffers(model: nn.Module) -> dict[str, Any]:
    return {name: buffer.numpy().copy() for name, buffer in model.named_buffers()}


class TestBuffers:
    @pytest.mark.parametrize("training", [True, False])
    @pytest.mark.parametrize(
        "measure",
        [
            lambda c: c.gradient(),
            lambda c: c.hvp(np.ones(c.size)),
            lambda c: c.hessian(),
            lambda c: c.eigenvalues(top=1, bottom=1),
            lambda c: c.trace(samples=2),
            lambda c: c.spectrum(steps=2, samples=1),
            lambda c: c.minimum_ratio(),
            lambda c: c.classify(),
        ],
        ids=["gradient", "hvp", "hessian", "eigenvalues", "trace", "spectrum", "minimum_ratio", "classify"],
    )
    def test_running_statistics_stay(self, measure: Callable[[Curvature], Any], training: bool) -> None:
        model, curvature = normalised()
        model(X)  # so that the running statistics are not those of the start
        before = buffers(model.train(training))
        measure(curvature)
        after = buffers(model)
        assert len(before) == 3
        for name, values in before.items():
            np.testing.assert_array_equal(after[name], values, err_msg=name)

    def test_they_stay_when_the_loss_fails(self) -> None:
        model, _ = normalised()
        before = buffers(model)

        def loss() -> Any:
            model(X)
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            Curvature(model, loss).gradient()
        for name, values in buffers(model).items():
            np.testing.assert_array_equal(values, before[name])

    def test_evaluation_mode_is_differentiated_through_the_running_statistics(self) -> None:
        model, curvature = normalised()
        model(X)
        model.eval()
        found = curvature.hessian()
        model[1].running_var.data = model[1].running_var.data * 4
        assert not np.allclose(found, curvature.hessian())


class TestClassify:
    def test_a_saddle_of_two_layers(self) -> None:
        """The model y = w1 w2 x on the point (1, 1), at the origin."""
        model = nn.Sequential(*(nn.Linear(1, 1, bias=False, dtype=np.float64) for _ in range(2)))
        for parameter in model.parameters():
            parameter.data = np.zeros((1, 1))
        one = mg.tensor(np.ones((1, 1)))
        point = Curvature(model, lambda: nn.MSELoss()(model(one), one)).classify()
        assert point.kind == "saddle"
        np.testing.assert_allclose(point.eigenvalues, [-2, 2])
        np.testing.assert_allclose(np.abs(point.eigenvectors), np.full((2, 2), 0.5**0.5))
        assert (point.gradient_norm, point.minimum_ratio) == (0, 0.5)
        assert (point.negative, point.zero, point.positive) == (0.5, 0, 0.5)

    def test_the_minimum_of_a_linear_regression(self) -> None:
        model = nn.Linear(3, 1, bias=False, dtype=np.float64)
        y = mg.tensor(X.numpy() @ [[1.0], [2.0], [3.0]])
        curvature = Curvature(model, lambda: nn.MSELoss()(model(X), y))
        assert curvature.classify().kind == "not critical"
        model.weight.data = np.array([[1.0, 2.0, 3.0]])
        assert curvature.classify().kind == "minimum"
        np.testing.assert_allclose(
            curvature.classify().eigenvalues, np.linalg.eigvalsh(2 * X.numpy().T @ X.numpy() / 12), rtol=1e-12
        )

    def test_it_is_what_the_function_of_a_point_says(self) -> None:
        w = mg.tensor(np.array([0.0, 0.0, 1.0]), requires_grad=True)

        def f(p: Any) -> Any:
            return p[0] ** 2 - p[1] ** 4 + (p[2] - 1) ** 2

        ours, theirs = Curvature([w], lambda: f(w)).classify(), classify_critical_point(f, w.numpy())
        assert ours.kind == theirs.kind == "degenerate"
        np.testing.assert_array_equal(ours.eigenvalues, theirs.eigenvalues)
        assert (ours.negative, ours.zero, ours.positive) == (theirs.negative, theirs.zero, theirs.positive)

    def test_the_tolerance_is_relative_to_the_largest_eigenvalue(self) -> None:
        w = mg.tensor(np.zeros(2), requires_grad=True)
        curvature = Curvature([w], lambda: w[0] ** 2 + 1e-3 * w[1] ** 2)
        assert curvature.classify().kind == "minimum"
        assert curvature.classify(tolerance=1e-2).kind == "degenerate"

    def test_rounding_of_single_precision_counts_as_zero(self) -> None:
        """The Hessian of (a . w - b)**2 has rank 1."""
        a = np.random.default_rng(0).normal(size=100).astype(np.float32)
        w = mg.tensor(np.zeros(100, np.float32), requires_grad=True)
        point = Curvature([w], lambda: (w @ a) ** 2 + 0 * w.sum()).classify()
        assert point.kind == "degenerate"
        assert (point.negative, point.zero, point.positive) == (0, 0.99, 0.01)

    def test_what_is_not_allowed(self) -> None:
        w = mg.tensor(np.zeros(4097), requires_grad=True)
        with pytest.raises(ArgumentError, match=r"^classify: the Hessian of 4,097 parameters"):
            Curvature([w], lambda: (w * w).sum()).classify()
        with pytest.raises(ArgumentError, match=r"^minimum_ratio: the Hessian of 4,097 parameters"):
            Curvature([w], lambda: (w * w).sum()).minimum_ratio()
        for tolerance in (-1.0, 1.0, True, "1e-6"):
            with pytest.raises(ArgumentError, match=r"^classify: tolerance must be a number from 0 to below 1"):
                quadratic(symmetric([1.0, 2.0])).classify(tolerance=tolerance)


class TestShortAnswers:
    @pytest.mark.parametrize("size", [1, 3, 5, 6])
    def test_the_usual_numbers_of_eigenvalues_fit_a_small_model(self, size: int) -> None:
        w = mg.tensor(np.arange(1.0, size + 1), requires_grad=True)
        ends = Curvature([w], lambda: (w**3).sum()).eigenvalues()
        known = 6 * np.arange(1.0, size + 1)
        np.testing.assert_allclose(ends.top, known[::-1][:5])
        np.testing.assert_allclose(ends.bottom, known[:5])

    def test_a_number_that_was_asked_for_is_not_changed(self) -> None:
        w = mg.tensor(np.ones(3), requires_grad=True)
        with pytest.raises(ArgumentError, match="from 1 to 3, the number of parameters; got top=5 and bottom=3"):
            Curvature([w], lambda: (w**3).sum()).eigenvalues(top=5)

    def test_reprs_are_short(self) -> None:
        curvature = quadratic(symmetric(KNOWN))
        ends = curvature.eigenvalues(top=2, bottom=1, vectors=True)
        assert repr(ends) == "Extremes(top=[11.  7.], bottom=[-9.], with vectors of 200 elements)"
        assert repr(Extremes(np.arange(500.0), np.zeros(0))).count("\n") == 0
        assert len(repr(Extremes(np.arange(500.0), np.zeros(0)))) < 100
        spectrum = curvature.spectrum(rng=np.random.default_rng(0))
        assert repr(spectrum) == f"Spectrum({len(spectrum.nodes)} nodes from -9 to 11)"
