"""What happens at kinks, ties, zeros and values that are not finite: conventions, written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

INF, NAN = np.inf, np.nan


def slope(f: Callable[[Any], Any], *values: Any, dtype: Any = np.float64) -> Any:
    """Return the gradients of the sum of ``f`` at these points, as nested lists."""
    tensors = [mg.tensor(np.asarray(value, dtype), requires_grad=True) for value in values]
    gradients = [g.numpy() for g in mg.grad(f(*tensors).sum(), tensors)]
    assert all(g.dtype == dtype for g in gradients)
    return gradients[0].tolist() if len(gradients) == 1 else [g.tolist() for g in gradients]


def same(left: Any, right: Any) -> bool:
    return np.array_equal(np.asarray(left, float), np.asarray(right, float), equal_nan=True)


class TestKinks:
    def test_relu_at_0_is_0(self) -> None:
        assert slope(mg.relu, [-1.0, -0.0, 0.0, 1.0]) == [0, 0, 0, 1]

    def test_leaky_relu_at_0_is_the_slope(self) -> None:
        assert slope(lambda x: mg.leaky_relu(x, 0.25), [-1.0, 0.0, 1.0]) == [0.25, 0.25, 1]

    def test_elu_at_0_is_the_limit_from_the_left(self) -> None:
        assert slope(lambda x: mg.elu(x, 0.5), [0.0, 1.0]) == [0.5, 1]

    def test_abs_at_0_is_0(self) -> None:
        assert slope(mg.abs, [-2.0, -0.0, 0.0, 3.0]) == [-1, 0, 0, 1]

    def test_sign_is_flat_everywhere(self) -> None:
        assert slope(mg.sign, [-2.0, 0.0, 3.0]) == [0, 0, 0]

    def test_clip_gives_the_gradient_to_x_on_the_bounds(self) -> None:
        assert slope(lambda x: mg.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]) == [0, 1, 1, 1, 0]
        assert slope(mg.clip, [-2.0, -1.0, 1.0, 2.0], -1.0, 1.0) == [[0, 1, 1, 0], 1, 1]

    def test_clip_with_crossed_bounds_gives_max_as_numpy_does(self) -> None:
        assert mg.clip(mg.tensor(0.0), 1.0, -1.0).item() == -1
        assert slope(mg.clip, 0.0, 1.0, -1.0) == [0, 0, 1]

    def test_remainder_where_it_jumps_has_the_derivative_of_the_right_side(self) -> None:
        assert slope(mg.remainder, [6.0, -6.0, 5.0], [3.0, 3.0, -3.0]) == [[1, 1, 1], [-2, 2, 2]]

    @pytest.mark.parametrize("name", ["floor", "ceil", "round"])
    def test_roundings_carry_no_gradient(self, name: str) -> None:
        x = mg.tensor([0.4, 1.6], requires_grad=True)
        assert not getattr(mg, name)(x).requires_grad
        assert slope(lambda x: x - getattr(mg, name)(x), [0.4, 1.6]) == [1, 1]


class TestTies:
    @pytest.mark.parametrize("f", [mg.max, mg.min])
    def test_equal_extremes_share_the_gradient_equally(self, f: Any) -> None:
        assert slope(f, [2.0, 2.0, 2.0, 2.0]) == [0.25] * 4
        x = [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
        assert slope(lambda x: mg.max(x, axis=1), x) == [[0.5, 0.5, 0], [1, 0, 0]]
        assert slope(lambda x: mg.min(x, axis=0, keepdims=True), x) == [[0.5, 0, 0.5], [0.5, 1, 0.5]]
        assert slope(lambda x: mg.max(x, axis=(0, 1)), x) == [[1 / 3, 1 / 3, 0], [1 / 3, 0, 0]]

    @pytest.mark.parametrize("f", [mg.maximum, mg.minimum])
    def test_equal_operands_get_half_each(self, f: Any) -> None:
        assert slope(f, [3.0, 3.0], [3.0, 3.0]) == [[0.5, 0.5], [0.5, 0.5]]

    def test_the_larger_operand_gets_all(self) -> None:
        assert slope(mg.maximum, [1.0, 5.0], [3.0, 3.0]) == [[0, 1], [1, 0]]
        assert slope(mg.minimum, [1.0, 5.0], [3.0, 3.0]) == [[1, 0], [0, 1]]

    def test_infinite_operands_tie_too(self) -> None:
        assert slope(mg.maximum, [INF, -INF], [INF, 0.0]) == [[0.5, 0], [0.5, 1]]
        assert slope(mg.max, [INF, INF, 1.0]) == [0.5, 0.5, 0]


class TestZeros:
    def test_sqrt_at_0_is_infinite_without_a_warning(self) -> None:
        assert slope(mg.sqrt, [0.0, 4.0]) == [INF, 0.25]
        assert slope(mg.sqrt, [0.0], dtype=np.float32) == [INF]

    @pytest.mark.parametrize(
        ("exponent", "value", "base_slope"),
        [(0, 1, 0), (0.0, 1, 0), (1, 0, 1), (1.0, 0, 1), (2, 0, 0), (0.5, 0, INF), (1.5, 0, 0)],
    )
    def test_power_of_0(self, exponent: float, value: float, base_slope: float) -> None:
        assert mg.power(mg.tensor(0.0), exponent).item() == value
        assert slope(lambda x: x**exponent, [0.0]) == [base_slope]  # a Python number
        assert slope(lambda x: x ** np.array([exponent], float), [0.0]) == [base_slope]  # an array
        assert slope(mg.power, [0.0], [float(exponent)]) == [[base_slope], [0]]  # a tensor

    def test_negative_power_of_0_is_infinite(self) -> None:
        x = mg.tensor([0.0], requires_grad=True)
        y = mg.tensor([-1.0], requires_grad=True)
        with np.errstate(divide="ignore"):
            powers = [x**y, x**-1.0]
        for result in powers:
            assert result.item() == INF
            assert mg.grad(result, x, retain_graph=True)[0].item() == -INF
        assert mg.grad(powers[0], y)[0].item() == -INF

    def test_power_of_a_negative_base(self) -> None:
        assert slope(lambda x: x**3, [-2.0]) == [12]
        assert same(slope(mg.power, [-2.0], [3.0]), [[12], [NAN]])  # no derivative by the exponent

    def test_second_derivative_of_a_square_at_0(self) -> None:
        for square in (lambda x: x**2, lambda x: x**2.0, mg.square, lambda x: x * x):
            assert mg.hessian(square, mg.tensor(0.0)).item() == 2
        assert mg.hessian(lambda x: x**1, mg.tensor(0.0)).item() == 0

    def test_norm_at_0_is_0(self) -> None:
        assert slope(mg.norm, [0.0, 0.0]) == [0, 0]
        assert slope(lambda x: mg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]]) == [[0, 0], [0.6, 0.8]]
        assert slope(mg.norm, 0.0) == 0

    def test_std_without_spread_is_0(self) -> None:
        assert slope(mg.std, [2.0, 2.0, 2.0]) == [0, 0, 0]
        assert slope(lambda x: mg.std(x, axis=0), [[1.0, 5.0], [3.0, 5.0]]) == [[-0.5, 0], [0.5, 0]]

    def test_prod_with_one_zero_sends_the_gradient_to_it_alone(self) -> None:
        assert slope(mg.prod, [2.0, 0.0, 5.0]) == [0, 10, 0]

    def test_prod_with_two_zeros_has_no_gradient_but_a_hessian(self) -> None:
        assert slope(mg.prod, [0.0, 3.0, 0.0]) == [0, 0, 0]
        assert mg.hessian(mg.prod, mg.tensor([0.0, 3.0, 0.0])).tolist() == [[0, 0, 3], [0, 0, 0], [3, 0, 0]]

    def test_prod_of_rows_with_and_without_zeros(self) -> None:
        x = [[2.0, 3.0], [0.0, 4.0], [0.0, 0.0]]
        assert slope(lambda x: mg.prod(x, axis=1), x) == [[3, 2], [4, 0], [0, 0]]

    def test_silu_and_gelu_are_0_at_minus_infinity(self) -> None:
        for f in (mg.silu, mg.gelu, lambda x: mg.gelu(x, approximate="tanh")):
            x = mg.tensor([-INF, -1e4, 1e4, INF], requires_grad=True)
            assert same(f(x).numpy(), [0, 0, np.float32(1e4), INF])
            assert same(slope(f, [-INF, -1e4, 1e4, INF]), [0, 0, 1, 1])


class TestWhere:
    def test_the_branch_not_taken_gets_exactly_0(self) -> None:
        x, y = slope(lambda x, y: mg.where(np.array([True, False]), x, y), [1.0, NAN], [INF, 2.0])
        assert x == [1, 0]
        assert y == [0, 1]

    def test_a_gradient_that_is_not_finite_stays_in_its_branch(self) -> None:
        x = mg.tensor([1.0, 1.0], requires_grad=True)
        y = mg.tensor([2.0, 2.0], requires_grad=True)
        mg.where(np.array([True, False]), x, y).backward(np.array([NAN, INF]))
        assert same(x.grad.numpy(), [NAN, 0])
        assert same(y.grad.numpy(), [0, INF])

    def test_0_times_infinity_inside_a_branch_is_nan(self) -> None:
        with pytest.warns(RuntimeWarning, match="invalid value"):
            gradient = slope(lambda x: mg.where(x > 0, mg.sqrt(x), 0.0), [0.0, 4.0])
        assert same(gradient, [NAN, 0.25])

    def test_a_safe_input_is_the_remedy(self) -> None:
        def safe(x: Any) -> Any:
            return mg.where(x > 0, mg.sqrt(mg.where(x > 0, x, 1.0)), 0.0)

        assert slope(safe, [0.0, 4.0]) == [0, 0.25]

    def test_a_condition_of_floats_gets_no_gradient(self) -> None:
        condition = mg.tensor([1.0, 0.0], requires_grad=True)
        x = mg.tensor([3.0, 4.0], requires_grad=True)
        mg.where(condition, x, 0.0).sum().backward()
        assert condition.grad is None
        assert x.grad.tolist() == [1, 0]


class TestNan:
    """A nan that comes in is seen in what goes out; the conventions for gradients at a nan."""

    def test_values_propagate(self) -> None:
        x = mg.tensor([1.0, NAN, -2.0])
        for f in (mg.sum, mg.mean, mg.max, mg.min, mg.prod, mg.var, mg.std, mg.norm, mg.logsumexp):
            assert np.isnan(f(x).item()), f
        for f in (mg.relu, mg.leaky_relu, mg.elu, mg.gelu, mg.silu, mg.sigmoid, mg.softplus, mg.abs, mg.sign, mg.tanh):
            assert np.isnan(f(x).numpy()).tolist() == [False, True, False], f
        assert np.isnan(mg.maximum(x, 0.0).numpy()).tolist() == [False, True, False]
        assert np.isnan(mg.clip(x, -1, 1).numpy()).tolist() == [False, True, False]
        for f in (mg.softmax, mg.log_softmax):
            assert np.isnan(f(x).numpy()).all()

    def test_gradients_at_nan(self) -> None:
        assert same(slope(mg.abs, [NAN]), [NAN])
        assert same(slope(mg.relu, [NAN]), [0])  # nan > 0 is false
        assert same(slope(mg.maximum, [NAN], [1.0]), [[1], [1]])  # neither is smaller
        assert same(slope(lambda x: mg.clip(x, 0, 1), [NAN]), [1])
        assert same(slope(mg.exp, [NAN]), [NAN])

    def test_a_nan_beside_is_not_spread(self) -> None:
        assert same(slope(lambda x: x * x, [1.0, NAN]), [2, NAN])
        assert same(slope(mg.sigmoid, [0.0, NAN]), [0.25, NAN])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_gradient_is_masked_exactly(dtype: Any) -> None:
    values = mg.tensor(np.array([INF, NAN, -1.5], dtype), requires_grad=True)
    mask = np.array([[False, False, True], [True, False, True]])
    out = mg.ops.piecewise.masked(values, mask)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.numpy(), [[0, 0, -1.5], [INF, 0, -1.5]])
    out.backward(np.ones((2, 3)))
    assert values.grad is not None
    assert values.grad.tolist() == [1, 0, 2]
