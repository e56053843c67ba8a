"""Products with the Hessian, eigenvalues and trace against closed forms."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.analysis import Curvature
from minigrad.errors import ArgumentError, DtypeError, GraphError, MissingExtraError, ShapeError
from tests.analysis.quadratics import KNOWN, SIZE, quadratic, symmetric


def logistic_regression() -> tuple[Curvature, Any, Any, Any]:
    rng = np.random.default_rng(2)
    X, w = rng.normal(size=(30, 4)), rng.normal(size=4)
    y = (rng.random(30) < 0.5).astype(np.float64)
    weight = mg.tensor(w, requires_grad=True)

    def loss() -> Any:
        logits = X @ weight
        return (mg.softplus(logits) - y * logits).sum()

    return Curvature([weight], loss), X, y, 1 / (1 + np.exp(-X @ w))


class TestProducts:
    def test_gradient_and_hessian_of_a_quadratic_form(self) -> None:
        A = symmetric([1.0, 2.0, 3.0, -4.0, 5.0])
        curvature = quadratic(A)
        w = np.concatenate([parameter.numpy() for parameter in curvature._parameters])
        slope = A @ w - curvature.gradient()
        np.testing.assert_allclose(curvature.hessian(), A, atol=1e-12)
        rng = np.random.default_rng(1)
        rng.normal(size=5)
        np.testing.assert_allclose(slope, rng.normal(size=5), atol=1e-12)

    def test_logistic_regression(self) -> None:
        curvature, X, y, p = logistic_regression()
        np.testing.assert_allclose(curvature.gradient(), X.T @ (p - y), rtol=1e-12)
        np.testing.assert_allclose(curvature.hessian(), X.T @ np.diag(p * (1 - p)) @ X, rtol=1e-12)
        v = np.arange(4.0)
        np.testing.assert_allclose(curvature.hvp(v), X.T @ (p * (1 - p) * (X @ v)), rtol=1e-12)
        np.testing.assert_allclose(curvature.hvp(mg.tensor(v)), curvature.hvp([0, 1, 2, 3]), rtol=1e-15)

    def test_a_network_against_the_transform(self) -> None:
        rng = np.random.default_rng(3)
        model = nn.MLP([3, 4, 2], activation=nn.Tanh, dtype=np.float64, rng=rng)
        X, y = rng.normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
        criterion = nn.CrossEntropyLoss()
        curvature = Curvature(model, lambda: criterion(model(mg.tensor(X)), mg.tensor(y)))

        def f(w0: Any, b0: Any, w1: Any, b1: Any) -> Any:
            return criterion(mg.tanh(X @ w0.T + b0) @ w1.T + b1, mg.tensor(y))

        tensors = [parameter.numpy() for parameter in model.parameters()]
        if tensors[0].shape == (3, 4):  # a layer that keeps its weight as (in, out)
            tensors[0], tensors[2] = tensors[0].T, tensors[2].T
        blocks = mg.hessian(f, tuple(tensors))
        sizes = [t.size for t in tensors]
        expected = np.block([[blocks[i][j].numpy().reshape(sizes[i], sizes[j]) for j in range(4)] for i in range(4)])
        np.testing.assert_allclose(curvature.hessian(), expected, atol=1e-12)
        assert curvature.size == 26
        assert repr(curvature) == "Curvature(26 parameters in 4 tensors)"

    def test_results_are_float64_and_products_in_the_parameters_dtype(self) -> None:
        seen = []
        w = mg.tensor([1.0, 2.0], requires_grad=True)

        def loss() -> Any:
            value = (w**3).sum()
            seen.append(value.dtype)
            return value

        curvature = Curvature([w], loss)
        assert {curvature.gradient().dtype, curvature.hvp([1, 1]).dtype, curvature.hessian().dtype} == {
            np.dtype(np.float64)
        }
        assert set(seen) == {np.dtype(np.float32)}

    def test_the_loss_is_evaluated_once_for_many_products(self) -> None:
        calls = []
        w = mg.tensor(np.ones(50), requires_grad=True)

        def loss() -> Any:
            calls.append(1)
            return (w**3).sum()

        Curvature([w], loss).hessian()
        assert len(calls) == 1

    def test_present_values_count(self) -> None:
        w = mg.tensor([1.0], requires_grad=True)
        curvature = Curvature([w], lambda: (w**3).sum())
        assert curvature.hessian() == [[6]]
        w.data = np.array([2.0])
        assert curvature.hessian() == [[12]]

    def test_gradients_of_the_parameters_are_left_alone(self) -> None:
        w = mg.tensor([1.0, 2.0], requires_grad=True)
        (w * w).sum().backward()
        before = w.grad
        curvature = Curvature([w], lambda: (w**3).sum())
        curvature.hessian(), curvature.hvp([1, 1]), curvature.trace(), curvature.spectrum()
        assert w.grad is before
        assert w.grad.tolist() == [2, 4]

    def test_it_works_where_nothing_is_recorded(self) -> None:
        w = mg.tensor([1.0, 2.0], requires_grad=True)
        with mg.no_grad():
            np.testing.assert_array_equal(Curvature([w], lambda: (w**3).sum()).hessian(), np.diag([6, 12]))

    def test_parameters_without_curvature_give_zeros(self) -> None:
        u, v, w = (mg.tensor([2.0], requires_grad=True) for _ in range(3))
        curvature = Curvature([u, v, w], lambda: (u * u + 3 * w).sum())  # v unused, w linear
        np.testing.assert_array_equal(curvature.gradient(), [4, 0, 3])
        np.testing.assert_array_equal(curvature.hessian(), np.diag([2, 0, 0]))
        linear = Curvature([w], lambda: (3 * w).sum())
        np.testing.assert_array_equal(linear.hessian(), [[0]])

    def test_gradients_that_share_a_node_are_kept_apart(self) -> None:
        u, v = (mg.tensor([k], requires_grad=True) for k in (2.0, 3.0))
        np.testing.assert_array_equal(Curvature([u, v], lambda: ((u + v) ** 2).sum()).hessian(), [[2, 2], [2, 2]])
        np.testing.assert_array_equal(Curvature([u, v], lambda: (u * v).sum()).hessian(), [[0, 1], [1, 0]])

    def test_frozen_parameters_of_a_module_are_left_out(self) -> None:
        model = nn.Linear(3, 2)
        model.bias.requires_grad = False
        assert Curvature(model, lambda: model(mg.ones((1, 3))).sum()).size == 6


class TestEigenvalues:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_both_ends_of_a_known_spectrum(self, dtype: Any) -> None:
        found = quadratic(symmetric(KNOWN), dtype).eigenvalues(top=3, bottom=3)
        np.testing.assert_allclose(found.top, [11, 7, 5], atol=11e-4)
        np.testing.assert_allclose(found.bottom, [-9, -4, -4], atol=11e-4)
        assert found.top_vectors is None

    def test_vectors_belong_to_the_values(self) -> None:
        A = symmetric(KNOWN)
        found = quadratic(A).eigenvalues(top=2, bottom=3, tolerance=1e-8, vectors=True)
        assert found.top_vectors is not None
        assert found.bottom_vectors is not None
        np.testing.assert_allclose(A @ found.top_vectors, found.top_vectors * found.top, atol=1e-6)
        np.testing.assert_allclose(A @ found.bottom_vectors, found.bottom_vectors * found.bottom, atol=1e-6)
        np.testing.assert_allclose(found.bottom_vectors.T @ found.bottom_vectors, np.eye(3), atol=1e-6)

    @pytest.mark.parametrize(("top", "bottom"), [(4, 0), (0, 4), (1, 3)])
    def test_unequal_ends(self, top: int, bottom: int) -> None:
        found = quadratic(symmetric(KNOWN)).eigenvalues(top, bottom)
        np.testing.assert_allclose(found.top, np.sort(KNOWN)[::-1][:top], atol=11e-4)
        np.testing.assert_allclose(found.bottom, np.sort(KNOWN)[:bottom], atol=11e-4)

    def test_a_few_parameters_take_the_whole_hessian(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
        found = quadratic(symmetric([3.0, -1.0, 2.0])).eigenvalues(top=3, bottom=2, vectors=True)
        np.testing.assert_allclose(found.top, [3, 2, -1])
        np.testing.assert_allclose(found.bottom, [-1, 2])
        assert found.top_vectors is not None
        assert found.top_vectors.shape == (3, 3)

    def test_the_share_of_the_largest_counts_where_the_others_are_near_zero(self) -> None:
        values = np.concatenate([[100.0, 50.0], np.linspace(-1e-3, 1e-3, SIZE)])
        found = quadratic(symmetric(values)).eigenvalues(top=2, bottom=2)
        np.testing.assert_allclose(found.top, [100, 50], atol=1e-2)
        np.testing.assert_allclose(found.bottom, [-1e-3, -1e-3], atol=1e-2)

    def test_a_hundred_thousand_parameters(self) -> None:
        scales = np.random.default_rng(0).uniform(-1, 1, 100_000).astype(np.float32)
        scales[[5, 50, 500, 5000, 50_000, 7]] = [9, 6, 3, -2, -4, -8]
        w = mg.tensor(np.ones_like(scales), requires_grad=True)
        found = Curvature([w], lambda: (scales * w * w).sum() / 2).eigenvalues(top=3, bottom=3, vectors=True)
        np.testing.assert_allclose([found.top, found.bottom], [[9, 6, 3], [-8, -4, -2]], atol=9e-4)
        assert found.bottom_vectors is not None
        assert np.abs(found.bottom_vectors).argmax(axis=0).tolist() == [7, 50_000, 5000]

    def test_a_hessian_of_low_rank(self) -> None:
        w = mg.tensor(np.ones(SIZE), requires_grad=True)
        found = Curvature([w], lambda: w.sum() ** 2).eigenvalues(top=2, bottom=2)
        np.testing.assert_allclose(found.top, [2 * SIZE, 0], atol=0.04)
        np.testing.assert_allclose(found.bottom, [0, 0], atol=0.04)

    def test_no_curvature_at_all(self) -> None:
        w = mg.tensor(np.ones(SIZE), requires_grad=True)
        found = Curvature([w], lambda: w.sum()).eigenvalues(top=2, bottom=2)
        np.testing.assert_allclose([*found.top, *found.bottom], 0, atol=1e-12)

    def test_the_same_parameters_give_the_same_answer(self) -> None:
        curvature = quadratic(symmetric(KNOWN), np.float32)
        np.testing.assert_array_equal(curvature.eigenvalues().top, curvature.eigenvalues().top)

    def test_minimum_ratio(self) -> None:
        assert quadratic(symmetric([3.0, -1.0, 2.0, 5.0])).minimum_ratio() == 0.75
        w = mg.tensor([1.0, 1.0], requires_grad=True)
        assert Curvature([w], lambda: w.sum() ** 2).minimum_ratio() == 0.5  # eigenvalues 0 and 4


class TestTrace:
    def test_is_exact_for_a_diagonal_hessian(self) -> None:
        w = mg.tensor(np.arange(1.0, 6.0), requires_grad=True)
        estimate = Curvature([w], lambda: (w**3).sum()).trace(samples=3, rng=np.random.default_rng(0))
        assert (estimate.mean, estimate.standard_error) == (90, 0)
        assert str(estimate) == "90 ± 0"

    def test_is_within_its_standard_error(self) -> None:
        curvature = quadratic(symmetric(KNOWN))
        estimates = [curvature.trace(samples=32, rng=np.random.default_rng(seed)) for seed in range(40)]
        away = [(estimate.mean - KNOWN.sum()) / estimate.standard_error for estimate in estimates]
        assert np.abs(away).max() < 4
        assert 0.6 < np.std(away) < 1.5  # the errors are as large as they are said to be

    def test_the_default_generator_can_be_seeded(self) -> None:
        curvature = quadratic(symmetric(KNOWN))
        mg.seed(5)
        first = curvature.trace(samples=2)
        mg.seed(5)
        assert curvature.trace(samples=2) == first


class TestErrors:
    def curvature(self, loss: Any = None, n: int = 2) -> Curvature:
        w = mg.tensor(np.ones(n), requires_grad=True)
        return Curvature([w], (lambda: (w**3).sum()) if loss is None else lambda: loss(w))

    def test_a_loss_that_is_no_scalar(self) -> None:
        with pytest.raises(GraphError, match=r"loss\(\) must return a scalar, it returned shape \(2,\); reduce it"):
            self.curvature(lambda w: w * w).gradient()

    def test_a_loss_that_is_no_tensor(self) -> None:
        with pytest.raises(DtypeError, match=r"loss\(\) must return a tensor, it returned float"):
            self.curvature(lambda w: 1.0).hessian()

    def test_a_loss_that_was_computed_before(self) -> None:
        w = mg.ones(2, requires_grad=True)
        with pytest.raises(DtypeError, match=r"loss must be a function that computes the loss anew.*got Tensor"):
            Curvature([w], (w * w).sum())  # type: ignore[arg-type]

    def test_a_loss_of_something_else(self) -> None:
        for other in (mg.ones(2), mg.ones(2, requires_grad=True)):
            with pytest.raises(GraphError, match="the loss depends on none of the parameters"):
                self.curvature(lambda w, other=other: other.sum()).trace()

    def test_a_loss_that_is_not_finite(self) -> None:
        with pytest.raises(ArgumentError, match="the loss is not finite at the parameters' present values"):
            self.curvature(lambda w: w.sum() * np.inf).hvp([1, 1])

    def test_second_derivatives_that_are_not_finite(self) -> None:
        w = mg.tensor([0.0], requires_grad=True)
        with np.errstate(all="ignore"), pytest.raises(ArgumentError, match="second derivatives of the loss are not"):
            Curvature([w], lambda: (w**1.5).sum()).hessian()

    @pytest.mark.parametrize(
        ("parameters", "error", "message"),
        [
            ([], ArgumentError, "no parameter that requires a gradient"),
            (3, DtypeError, "must be a module or an iterable of tensors, got int"),
            (mg.ones(2, requires_grad=True), DtypeError, "got Tensor"),
            ([np.ones(2)], DtypeError, "parameter 0 must be a tensor, got ndarray"),
            ([mg.ones(2)], GraphError, "parameter 0, a tensor of shape .2,., requires no gradient; give leaves"),
            ([mg.ones(2, requires_grad=True) * 2], GraphError, "is a result; give leaves"),
            ([nn.Parameter(mg.ones(2))] * 2, ArgumentError, "given twice"),
            (nn.ReLU(), ArgumentError, "no parameter that requires a gradient"),
        ],
    )
    def test_parameters(self, parameters: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            Curvature(parameters, lambda: mg.ones(1))

    def test_a_vector_that_does_not_fit(self) -> None:
        with pytest.raises(ShapeError, match=r"vector must have shape \(2,\), one element for each parameter; got \(3"):
            self.curvature().hvp([1, 2, 3])
        with pytest.raises(ArgumentError, match="vector must be finite"):
            self.curvature().hvp([1, np.nan])

    def test_a_hessian_too_large_to_hold(self) -> None:
        message = r"hessian: the Hessian of 100,000 parameters would take 76,294 MiB.*use Curvature.*eigenvalues\(\)"
        with pytest.raises(ArgumentError, match=message):
            self.curvature(n=100_000).hessian()
        with pytest.raises(ArgumentError, match="4,097 parameters"):
            self.curvature(n=4097).minimum_ratio()

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"top": 3}, ArgumentError, "top or bottom must be from 1 to 2, the number of parameters; got top=3"),
            ({"top": 0, "bottom": 0}, ArgumentError, "got top=0 and bottom=0"),
            ({"top": -1}, ArgumentError, "eigenvalues: top must be a non-negative integer"),
            ({"top": 1, "bottom": 1, "tolerance": 0}, ArgumentError, "tolerance must be a number between 0 and 1"),
            ({"top": 1, "bottom": 1, "vectors": 1}, DtypeError, "vectors must be True or False"),
        ],
    )
    def test_eigenvalues(self, options: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            self.curvature().eigenvalues(**options)

    def test_scipy_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
        with pytest.raises(MissingExtraError, match=r"eigenvalues\(\) needs scipy: pip install minigrad\[analysis\]"):
            self.curvature(n=SIZE).eigenvalues()

    def test_no_convergence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("minigrad.analysis.extremes.RESTARTS", 1)
        with pytest.raises(ArgumentError, match=r"of 10 converged to tolerance=1e-09 of the largest in 1 restarts"):
            quadratic(symmetric(KNOWN)).eigenvalues(tolerance=1e-9)

    def test_sample_counts(self) -> None:
        with pytest.raises(ArgumentError, match="trace: samples must be an integer of at least 2, got 1"):
            self.curvature().trace(samples=1)
        with pytest.raises(DtypeError, match=r"rng= needs a numpy\.random\.Generator"):
            self.curvature().trace(rng=0)  # type: ignore[arg-type]
