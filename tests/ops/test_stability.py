"""Exact at logits of ±1e4 and ±inf wherever the mathematics has a value: value, gradient, and no warning.

Warnings are errors in this suite, so that each of these calls also holds that none is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.loss import cross_entropy, nll_loss, sigmoid_cross_entropy
from minigrad.ops.softmax import shifted

INF, NAN = np.inf, np.nan
CROSS_ENTROPIES = pytest.mark.parametrize(
    "f", [cross_entropy, lambda x, *rest, **options: nll_loss(mg.log_softmax(x), *rest, **options)]
)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def check(f: Callable[[Any], Any], x: Any, dtype: Any, value: Any, gradient: Any, upstream: Any = None) -> None:
    """Compare the value and the gradient of the sum, or of the sum weighted by ``upstream``."""
    tensor = mg.tensor(np.asarray(x, dtype), requires_grad=True)
    output = f(tensor)
    assert output.dtype == dtype
    digits = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(output.numpy(), np.asarray(value, dtype), rtol=digits, atol=0)
    output.backward(np.ones(output.shape) if upstream is None else upstream)
    assert tensor.grad.dtype == dtype
    np.testing.assert_allclose(tensor.grad.numpy(), np.asarray(gradient, dtype), rtol=digits, atol=0)


@dtypes
class TestSigmoid:
    def test_sigmoid(self, dtype: Any) -> None:
        check(mg.sigmoid, [-INF, -1e4, 0, 1e4, INF], dtype, [0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0])

    def test_small_results_keep_their_digits(self, dtype: Any) -> None:
        check(mg.sigmoid, [-50.0], dtype, [np.exp(-50.0)], [np.exp(-50.0)])
        check(mg.sigmoid, [50.0], dtype, [1], [np.exp(-50.0)])  # the derivative too, where 1 - sigmoid rounds to 0

    def test_softplus(self, dtype: Any) -> None:
        half = np.log(2.0)
        check(mg.softplus, [-INF, -1e4, 0, 1e4, INF], dtype, [0, 0, half, 1e4, INF], [0, 0, 0.5, 1, 1])
        check(mg.softplus, [-50.0, 50.0], dtype, [np.exp(-50.0), 50], [np.exp(-50.0), 1])

    def test_tanh(self, dtype: Any) -> None:
        check(mg.tanh, [-INF, -1e4, 0, 1e4, INF], dtype, [-1, -1, 0, 1, 1], [0, 0, 1, 0, 0])

    def test_elu(self, dtype: Any) -> None:
        check(mg.elu, [-INF, -1e4, 1e4, INF], dtype, [-1, -1, 1e4, INF], [0, 0, 1, 1])

    @pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
    def test_cross_entropy_of_large_logits(self, dtype: Any, target: float) -> None:
        def loss(x: Any) -> Any:
            return sigmoid_cross_entropy(x, np.asarray(target, dtype))

        values = [1e4 * target, np.log(2.0), 1e4 * (1 - target)]
        check(loss, [-1e4, 0.0, 1e4], dtype, values, [-target, 0.5 - target, 1 - target])

    def test_cross_entropy_of_infinite_logits(self, dtype: Any) -> None:
        for logit, target, value in [(INF, 1, 0), (-INF, 0, 0), (INF, 0, INF), (-INF, 1, INF), (INF, 0.5, INF)]:
            sigmoid = float(logit > 0)
            check(lambda x, t=target: sigmoid_cross_entropy(x, t), [logit], dtype, [value], [sigmoid - target])

    def test_small_losses_keep_their_digits(self, dtype: Any) -> None:
        logits = np.array([50.0, -50.0], dtype)
        losses = sigmoid_cross_entropy(mg.tensor(logits), np.array([1, 0], dtype)).numpy()
        np.testing.assert_allclose(losses, np.exp(-50.0), rtol=1e-6)
        assert losses.dtype == dtype


@dtypes
class TestSoftmax:
    def test_softmax(self, dtype: Any) -> None:
        weights = [1.0, 3.0, 5.0]
        check(mg.softmax, [1e4, 0, -1e4], dtype, [1, 0, 0], [0, 0, 0], weights)
        check(mg.softmax, [1e4, 1e4, -1e4], dtype, [0.5, 0.5, 0], [-0.5, 0.5, 0], weights)
        check(mg.softmax, [-1e4, -1e4, -INF], dtype, [0.5, 0.5, 0], [-0.5, 0.5, 0], weights)
        check(mg.softmax, [INF, 1e4, -INF], dtype, [1, 0, 0], [0, 0, 0], weights)

    def test_log_softmax(self, dtype: Any) -> None:
        half = -np.log(2.0)
        check(mg.log_softmax, [1e4, 0, -1e4], dtype, [0, -1e4, -2e4], [-2, 1, 1])
        check(mg.log_softmax, [1e4, 1e4, -1e4], dtype, [half, half, -2e4 + half], [-0.5, -0.5, 1])
        check(mg.log_softmax, [0, 0, -INF], dtype, [half, half, -INF], [-0.5, -0.5, 1])
        check(mg.log_softmax, [INF, 0, -INF], dtype, [0, -INF, -INF], [-2, 1, 1])

    def test_logsumexp(self, dtype: Any) -> None:
        check(mg.logsumexp, [1e4, 0, -1e4], dtype, 1e4, [1, 0, 0])
        check(mg.logsumexp, [-1e4, -1e4, -INF], dtype, -1e4 + np.log(2.0), [0.5, 0.5, 0])
        check(mg.logsumexp, [INF, 0, -INF], dtype, INF, [1, 0, 0])

    def test_along_other_axes(self, dtype: Any) -> None:
        x = [[1e4, 0.0], [-1e4, INF]]
        check(lambda x: mg.softmax(x, axis=0), x, dtype, [[1, 0], [0, 1]], [[0, 0], [0, 0]], [[1.0, 2], [3, 4]])
        check(lambda x: mg.logsumexp(x, axis=0), x, dtype, [1e4, INF], [[1, 0], [0, 1]])
        check(lambda x: mg.logsumexp(x, axis=1, keepdims=True), x, dtype, [[1e4], [INF]], [[1, 0], [0, 1]])

    def test_one_bad_row_leaves_the_others_alone(self, dtype: Any) -> None:
        rows = mg.tensor(np.array([[INF, INF], [-INF, -INF], [0.0, 0.0]], dtype))
        assert np.isnan(mg.softmax(rows).numpy()).tolist() == [[True, True], [True, True], [False, False]]
        assert mg.softmax(rows).numpy()[2].tolist() == [0.5, 0.5]
        assert np.isnan(mg.log_softmax(rows).numpy()).tolist() == [[True, True], [True, True], [False, False]]

    def test_logsumexp_of_nothing_but_minus_infinity(self, dtype: Any) -> None:
        assert mg.logsumexp(mg.tensor(np.array([-INF, -INF], dtype))).item() == -INF
        assert mg.logsumexp(mg.tensor(np.array([INF, INF], dtype))).item() == INF

    @CROSS_ENTROPIES
    def test_cross_entropy_with_classes(self, f: Callable[..., Any], dtype: Any) -> None:
        logits = [[1e4, 0.0, -1e4]] * 3
        gradients = [[0, 0, 0], [1, -1, 0], [1, 0, -1]]
        check(lambda x: f(x, np.array([0, 1, 2])), logits, dtype, [0, 1e4, 2e4], gradients)

    @CROSS_ENTROPIES
    def test_cross_entropy_with_infinite_logits(self, f: Callable[..., Any], dtype: Any) -> None:
        logits = [[INF, 0.0, 1.0], [0.0, 0.0, -INF], [INF, 0.0, 0.0], [0.0, 0.0, -INF]]
        values = [0, np.log(2.0), INF, INF]
        gradients = [[0, 0, 0], [-0.5, 0.5, 0], [1, -1, 0], [0.5, 0.5, -1]]
        check(lambda x: f(x, np.array([0, 0, 1, 2])), logits, dtype, values, gradients)

    @CROSS_ENTROPIES
    def test_cross_entropy_with_probabilities(self, f: Callable[..., Any], dtype: Any) -> None:
        targets = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.25, 0.75, 0]], dtype)
        logits = [[1e4, -1e4, 0.0], [INF, 0.0, -INF], [0.0, 0.0, -INF]]
        gradients = [[0.5, -0.5, 0], [0, 0, 0], [0.25, -0.25, 0]]
        check(lambda x: f(x, targets), logits, dtype, [1e4, 0, np.log(2.0)], gradients)

    @CROSS_ENTROPIES
    def test_cross_entropy_with_label_smoothing(self, f: Callable[..., Any], dtype: Any) -> None:
        check(
            lambda x: f(x, np.array([0]), label_smoothing=0.5),
            [[1e4, -1e4]],
            dtype,
            [0.25 * 2e4],
            [[0.25, -0.25]],
        )

    def test_second_derivatives_are_exact_too(self, dtype: Any) -> None:
        x = mg.tensor(np.array([1e4, 0.0, -1e4], dtype))
        for f in (mg.logsumexp, lambda x: mg.log_softmax(x).sum(), lambda x: mg.softmax(x)[0]):
            assert (mg.hessian(f, x).numpy() == 0).all()
        assert mg.hessian(lambda x: mg.softplus(x).sum(), x).tolist() == np.diag([0, 0.25, 0]).tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.bool_, np.int64])
def test_integers_are_computed_as_real_numbers(dtype: Any) -> None:
    values = np.array([0, 1, 100], dtype)
    real = values.astype(np.float64)
    for f in (mg.sigmoid, mg.softplus, mg.silu, mg.gelu, mg.softmax, mg.log_softmax, mg.logsumexp, mg.norm):
        result = f(mg.tensor(values)).numpy()
        assert result.dtype == (np.float64 if dtype is np.int64 else np.float32)
        np.testing.assert_allclose(result, f(mg.tensor(real)).numpy(), rtol=1e-6, atol=1e-30)


def test_gelu_far_out() -> None:
    for approximate in ("none", "tanh"):
        x = mg.tensor([-1e20, -1e3, 1e3, 1e20], requires_grad=True)
        mg.gelu(x, approximate=approximate).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [0, 0, 1, 1]


def test_the_mean_of_many_halves_has_a_gradient() -> None:
    x = mg.ones(70_000, dtype=np.float16, requires_grad=True)
    x.mean().backward()
    assert x.grad is not None
    assert x.grad.numpy()[0] == np.float16(1 / 70_000)


def test_nan_wins_a_maximum_and_gets_the_gradient() -> None:
    x = mg.tensor([1.0, np.nan, 2.0], requires_grad=True)
    x.max().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("shape", "axis", "by_columns"),
    [((7, 63), -1, True), ((70, 2), -1, True), ((7, 64), -1, False), ((7, 2), 0, False), ((3, 7, 2), -1, False)],
)
def test_rows_that_are_short_are_laid_out_by_columns(shape: Any, axis: int, by_columns: bool) -> None:
    flags = shifted(np.zeros(shape), axis).flags
    assert flags.f_contiguous == by_columns
    assert flags.c_contiguous != by_columns
