"""vjp, jvp, hvp, jacobian and hessian against derivatives worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DtypeError

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
X = np.array([0.5, -1.0, 2.0])
Y = np.array([1.5, 2.5])


def linear(x: Any) -> Any:
    return A @ x


def bilinear(x: Any, y: Any) -> Any:
    return y @ (A @ x**2)  # sum_ij y_i A_ij x_j^2


class TestVjp:
    def test_a_linear_function(self) -> None:
        value, pullback = mg.vjp(linear, X)
        np.testing.assert_allclose(value.numpy(), A @ X)
        assert not value.requires_grad
        for v in ([1.0, 0.0], [2.0, -3.0]):  # any number of times
            np.testing.assert_allclose(pullback(v).numpy(), v @ A)

    def test_several_arguments(self) -> None:
        _, pullback = mg.vjp(bilinear, X, Y)
        dx, dy = pullback(2.0)
        np.testing.assert_allclose(dx.numpy(), 2 * (Y @ A) * 2 * X)
        np.testing.assert_allclose(dy.numpy(), 2 * (A @ X**2))

    def test_a_constant_function(self) -> None:
        _, pullback = mg.vjp(lambda x: mg.ones(2), X)
        assert pullback([1.0, 1.0]).tolist() == [0, 0, 0]


class TestJvp:
    def test_a_linear_function(self) -> None:
        value, tangent = mg.jvp(linear, X, [1.0, 0.0, 2.0])
        np.testing.assert_allclose(value.numpy(), A @ X)
        np.testing.assert_allclose(tangent.numpy(), A @ [1, 0, 2])
        assert not value.requires_grad
        assert not tangent.requires_grad

    def test_a_nonlinear_function(self) -> None:
        _, tangent = mg.jvp(mg.exp, X, np.ones(3))
        np.testing.assert_allclose(tangent.numpy(), np.exp(X))

    def test_a_tuple(self) -> None:
        _, tangent = mg.jvp(bilinear, (X, Y), (np.ones(3), np.ones(2)))
        np.testing.assert_allclose(tangent.numpy(), np.sum((Y @ A) * 2 * X) + np.sum(A @ X**2))

    def test_a_function_that_ignores_an_argument(self) -> None:
        _, tangent = mg.jvp(lambda x, y: x * 2, (X, Y), (np.ones(3), np.ones(2)))
        assert tangent.tolist() == [2, 2, 2]

    def test_a_constant_function(self) -> None:
        _, tangent = mg.jvp(lambda x: mg.ones(2), X, X)
        assert tangent.tolist() == [0, 0]

    def test_every_shape_of_output(self) -> None:
        _, tangent = mg.jvp(lambda x: mg.outer(x, x), X, np.ones(3))
        np.testing.assert_allclose(tangent.numpy(), X[:, None] + X)

    def test_arguments_that_share_a_part_of_the_graph(self) -> None:
        value, tangent = mg.jvp(lambda x, y: mg.tanh(x * y), (0.5, 2.0), (3.0, 5.0))
        np.testing.assert_allclose(tangent.item(), (1 - value.item() ** 2) * (3 * 2 + 0.5 * 5), rtol=1e-6)

    def test_a_tangent_can_be_differentiated(self) -> None:
        x = mg.tensor(X, requires_grad=True)
        _, tangent = mg.jvp(lambda x: x**3, x, np.ones(3), create_graph=True)
        np.testing.assert_allclose(mg.grad(tangent.sum(), x)[0].numpy(), 6 * X)

    def test_a_direction_that_is_watched(self) -> None:
        v = mg.tensor(np.ones(3), requires_grad=True)
        _, tangent = mg.jvp(lambda x: x**3, X, v, create_graph=True)
        np.testing.assert_allclose(mg.grad(tangent.sum(), v)[0].numpy(), 3 * X**2)


class TestHvp:
    def test_quadratic(self) -> None:
        q = A.T @ A
        product = mg.hvp(lambda x: x @ (q @ x), X, [1.0, 2.0, 3.0])
        np.testing.assert_allclose(product.numpy(), 2 * q @ [1, 2, 3])

    def test_a_tuple(self) -> None:
        dx, dy = mg.hvp(bilinear, (X, Y), (np.ones(3), np.zeros(2)))
        np.testing.assert_allclose(dx.numpy(), 2 * (Y @ A))
        np.testing.assert_allclose(dy.numpy(), A @ (2 * X))

    def test_a_linear_function_has_none(self) -> None:
        assert mg.hvp(lambda x: x.sum(), X, np.ones(3)).tolist() == [0, 0, 0]

    def test_a_constant_function_has_none(self) -> None:
        assert mg.hvp(lambda x: mg.tensor(np.array(2.0)), X, np.ones(3)).tolist() == [0, 0, 0]

    def test_third_order(self) -> None:
        x = mg.tensor(X, requires_grad=True)
        product = mg.hvp(lambda x: (x**4).sum(), x, np.ones(3), create_graph=True)
        np.testing.assert_allclose(mg.grad(product.sum(), x)[0].numpy(), 24 * X)


class TestJacobian:
    def test_a_linear_function(self) -> None:
        np.testing.assert_allclose(mg.jacobian(linear, X).numpy(), A)

    def test_shape_is_outputs_then_inputs(self) -> None:
        x = np.arange(6.0).reshape(2, 3)
        jacobian = mg.jacobian(lambda x: x.T, x)
        assert jacobian.shape == (3, 2, 2, 3)
        np.testing.assert_allclose(jacobian.numpy(), np.einsum("il,jk->ijkl", np.eye(3), np.eye(2)))

    def test_a_tuple(self) -> None:
        dx, dy = mg.jacobian(lambda x, y: mg.outer(x, y), (X, Y))
        np.testing.assert_allclose(dx.numpy(), np.einsum("ik,j->ijk", np.eye(3), Y))
        np.testing.assert_allclose(dy.numpy(), np.einsum("i,jk->ijk", X, np.eye(2)))

    def test_a_tuple_of_one(self) -> None:
        (jacobian,) = mg.jacobian(linear, (X,))
        np.testing.assert_allclose(jacobian.numpy(), A)

    def test_an_argument_that_is_unused(self) -> None:
        _, dy = mg.jacobian(lambda x, y: x * 2, (X, Y))
        assert dy.tolist() == np.zeros((3, 2)).tolist()

    def test_empty_outputs_and_inputs(self) -> None:
        assert mg.jacobian(lambda x: x[:0], X).shape == (0, 3)
        assert mg.jacobian(lambda x: x.sum(), np.zeros((0, 2))).shape == (0, 2)

    def test_dtype_is_kept(self) -> None:
        assert mg.jacobian(mg.exp, mg.tensor([1.0, 2.0])).dtype == np.float32

    def test_it_can_be_differentiated(self) -> None:
        x = mg.tensor(X, requires_grad=True)
        jacobian = mg.jacobian(lambda x: x**3, x, create_graph=True)
        np.testing.assert_allclose(mg.grad(jacobian.sum(), x)[0].numpy(), 6 * X)


class TestHessian:
    def test_quadratic(self) -> None:
        q = A.T @ A
        np.testing.assert_allclose(mg.hessian(lambda x: x @ (q @ x) / 2, X).numpy(), q)

    def test_rosenbrock(self) -> None:
        def rosenbrock(x: Any) -> Any:
            return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

        a, b = -1.2, 1.0
        expected = [[2 - 400 * (b - 3 * a * a), -400 * a], [-400 * a, 200]]
        np.testing.assert_allclose(mg.hessian(rosenbrock, np.array([a, b])).numpy(), expected)

    def test_a_tuple_gives_blocks(self) -> None:
        (xx, xy), (yx, yy) = mg.hessian(bilinear, (X, Y))
        np.testing.assert_allclose(xx.numpy(), np.diag(2 * (Y @ A)))
        np.testing.assert_allclose(xy.numpy(), (A * 2 * X).T)
        np.testing.assert_allclose(yx.numpy(), xy.numpy().T)
        assert yy.tolist() == np.zeros((2, 2)).tolist()

    def test_of_a_matrix(self) -> None:
        hessian = mg.hessian(lambda x: (x**3).sum(), A)
        assert hessian.shape == (2, 3, 2, 3)
        np.testing.assert_allclose(hessian.reshape(6, 6).numpy(), np.diag(6 * A.ravel()))

    def test_is_symmetric_for_a_small_network(self) -> None:
        rng = np.random.default_rng(0)
        inputs, w2 = rng.normal(size=(5, 3)), rng.normal(size=2)
        hessian = mg.hessian(lambda w: mg.softplus(mg.tanh(inputs @ w) @ w2).sum(), rng.normal(size=(3, 2)))
        flat = hessian.reshape(6, 6).numpy()
        np.testing.assert_allclose(flat, flat.T, atol=1e-12)
        assert np.abs(flat).min() > 1e-6


class TestNesting:
    def test_jacobian_of_a_gradient_is_the_hessian(self) -> None:
        def f(x: Any) -> Any:
            return mg.logsumexp(x * x)

        def gradient(x: Any) -> Any:
            return mg.vjp(f, x)[1](1.0) if not x.requires_grad else mg.grad(f(x), x, create_graph=True)[0]

        np.testing.assert_allclose(mg.jacobian(gradient, X).numpy(), mg.hessian(f, X).numpy(), rtol=1e-12)

    def test_hvp_is_the_hessian_times_v(self) -> None:
        def f(x: Any) -> Any:
            return mg.logsumexp(x * x)

        v = np.array([1.0, -2.0, 0.5])
        np.testing.assert_allclose(mg.hvp(f, X, v).numpy(), mg.hessian(f, X).numpy() @ v, rtol=1e-12)

    def test_a_transform_inside_a_function(self) -> None:
        def outer(x: Any) -> Any:
            return mg.hessian(lambda z: (z**3).sum(), x, create_graph=True).sum()  # 6 * sum(x)

        np.testing.assert_allclose(mg.hessian(lambda x: outer(x) ** 2, X).numpy(), np.full((3, 3), 72.0))

    def test_third_and_fourth_derivative(self) -> None:
        x = mg.tensor(np.array(0.7), requires_grad=True)
        y = mg.sin(x)
        derivatives = []
        for _ in range(4):
            (y,) = mg.grad(y, x, create_graph=True)
            derivatives.append(y.item())
        expected = [np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)]
        np.testing.assert_allclose(derivatives, expected, rtol=1e-14)

    def test_transforms_work_under_no_grad(self) -> None:
        with mg.no_grad():
            np.testing.assert_allclose(mg.jacobian(linear, X).numpy(), A)
            assert mg.hessian(lambda x: (x * x).sum(), X).tolist() == (2 * np.eye(3)).tolist()

    def test_arguments_keep_their_gradients(self) -> None:
        x = mg.tensor(X, requires_grad=True)
        for transform in (mg.jacobian, mg.hessian):
            transform(lambda x: (x * x).sum(), x)
        mg.hvp(lambda x: (x * x).sum(), x, X)
        assert x.grad is None

    @pytest.mark.parametrize("argument", [2.0, np.float64(2.0), np.array(2.0), mg.tensor(2.0)])
    def test_every_kind_of_argument(self, argument: Any) -> None:
        assert mg.hessian(lambda x: x**3, argument).item() == 12


def test_results_require_no_gradient_unless_asked() -> None:
    def cube(x: Any) -> Any:
        return (x**3).sum()

    results = [
        mg.vjp(cube, X)[1](1.0),
        *mg.jvp(cube, X, X),
        mg.hvp(cube, X, X),
        mg.jacobian(cube, X),
        mg.hessian(cube, X),
    ]
    assert not any(result.requires_grad for result in results)


def test_the_jacobian_of_nothing_has_no_rows() -> None:
    for create_graph in (False, True):
        assert mg.jacobian(lambda x: x[:0], X, create_graph=create_graph).shape == (0, 3)


def test_structures_of_integers_are_passed_on() -> None:
    value, gradient = mg.value_and_grad(lambda w, places: (w * places[0]).sum())(
        mg.tensor([1.5, 2.5]), (mg.tensor([2, 3]),)
    )
    assert value.item() == 10.5
    assert gradient.tolist() == [2, 3]


def test_a_structure_of_parameters_and_other_values_is_refused() -> None:
    f = mg.value_and_grad(lambda p, x: ((p["w"] * x) ** p["k"]).sum())
    message = "argument 0 holds floating-point tensors and 2, .*another argument"
    with pytest.raises(DtypeError, match=message):
        f({"w": mg.tensor([1.0, 2.0]), "k": 2}, np.array([1.0, 2.0]))


def test_a_function_that_uses_no_argument_has_the_gradient_0() -> None:
    value, gradient = mg.value_and_grad(lambda w: mg.tensor(1.0))(mg.tensor([1.0, 2.0]))
    assert value.item() == 1
    assert gradient.tolist() == [0, 0]


def test_a_directional_derivative_of_integers_is_0() -> None:
    value, slope = mg.jvp(lambda x: mg.argmax(x), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.0]))
    assert (value.item(), slope.item()) == (1, 0)
