"""Batch and layer normalisation of half precision: all in single, and rounded once at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from tests.ops.test_float16 import EPSILON, HALF, assert_rounded_once, halves, rounded


def normalised(x: Any, axes: Any) -> Any:
    """Return in double precision what normalising gives."""
    x = x.astype(np.float64)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)


def assert_nearly_rounded_once(found: Any, exact: Any) -> None:
    """As ``assert_rounded_once``, with what the mean of thousands of numbers near 100 loses in single precision."""
    assert found.dtype == HALF
    spacing = np.spacing(np.abs(exact).astype(HALF)).astype(np.float64)
    assert (np.abs(found.numpy().astype(np.float64) - exact) <= 0.51 * spacing + 1e-5).all()


@pytest.mark.parametrize("mean", [0, 100])
def test_batch_norm_statistics_of_a_large_batch(mean: float) -> None:
    x = (mean + halves(20_000, 3, scale=4)).astype(HALF)
    exact = x.astype(np.float64)
    layer = nn.BatchNorm1d(3, momentum=None, dtype=HALF)
    out = layer(mg.tensor(x))
    assert out.dtype == HALF
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert_rounded_once(layer.running_mean, exact.mean(axis=0))
    np.testing.assert_allclose(layer.running_var.numpy(), exact.var(axis=0, ddof=1), rtol=EPSILON * 1.01)
    normal = out.numpy().astype(np.float64)
    np.testing.assert_allclose(normal.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(normal.std(axis=0), 1, rtol=EPSILON)


@pytest.mark.parametrize("mean", [0, 100])
def test_batch_norm_of_a_large_batch_is_rounded_once(mean: float) -> None:
    x = (mean + halves(2000, 3, scale=4)).astype(HALF)
    exact = x.astype(np.float64)
    layer = nn.BatchNorm1d(3, momentum=None, dtype=HALF)
    assert_nearly_rounded_once(layer(mg.tensor(x)), normalised(x, 0))
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert_rounded_once(layer.running_mean, exact.mean(axis=0))
    assert_rounded_once(layer.running_var, exact.var(axis=0, ddof=1))
    running_mean, running_var = (each.numpy().astype(np.float64) for each in (layer.running_mean, layer.running_var))
    evaluated = layer.eval()(mg.tensor(x))
    assert_nearly_rounded_once(evaluated, (exact - running_mean) / np.sqrt(running_var + 1e-5))


def test_running_statistics_are_rounded_once_each_time() -> None:
    layer, expected = nn.BatchNorm1d(2, momentum=0.3, dtype=HALF), np.zeros(2)
    assert layer.running_mean is not None
    for _ in range(5):
        x = halves(100, 2, scale=4)
        layer(mg.tensor(x))
        expected = rounded(0.7 * expected + 0.3 * x.astype(np.float64).mean(axis=0)).astype(np.float64)
        assert layer.running_mean.tolist() == expected.tolist()


def test_layer_norm_of_long_rows_is_rounded_once() -> None:
    for mean in (0, 100):
        x = (mean + halves(10, 5000, scale=4)).astype(HALF)
        assert_nearly_rounded_once(nn.LayerNorm(5000, dtype=HALF)(mg.tensor(x)), normalised(x, 1))


def test_small_deviations_of_large_numbers_have_their_digits() -> None:
    """The deviations of 1000 and 1001 from their mean are no multiples of what half precision has there."""
    x = np.array([[1000.0], [1000.0], [1001.0]], HALF)
    assert_nearly_rounded_once(F.batch_norm(mg.tensor(x), None, None, training=True), normalised(x, 0))
    assert_nearly_rounded_once(F.layer_norm(mg.tensor(x.T), 3), normalised(x, 0).T)


NORMALISING: dict[str, Callable[..., Any]] = {
    "batch_norm": lambda x, w, b, rm, rv: F.batch_norm(x, None, None, w, b, training=True),
    "batch_norm in evaluation": lambda x, w, b, rm, rv: F.batch_norm(x, rm, rv, w, b),
    "layer_norm": lambda x, w, b, rm, rv: F.layer_norm(x, 5, w, b),
}


@pytest.mark.parametrize("name", NORMALISING)
def test_gradients_of_normalising_are_rounded_once(name: str) -> None:
    arrays = halves(500, 5, scale=4), halves(5), halves(5), halves(5), np.abs(halves(5)) + HALF(0.5)
    upstream, results = halves(500, 5), []
    for dtype in (HALF, np.float64):
        x, w, b, rm, rv = (mg.tensor(array.astype(dtype), requires_grad=True) for array in arrays)
        out = NORMALISING[name](x, w, b, rm.detach(), rv.detach())
        out.backward(mg.tensor(upstream.astype(dtype)))
        assert x.grad is not None
        assert w.grad is not None
        assert b.grad is not None
        assert {out.dtype, x.grad.dtype, w.grad.dtype, b.grad.dtype} == {np.dtype(dtype)}
        results.append([each.numpy().astype(np.float64) for each in (out, x.grad, w.grad, b.grad)])
    for found, exact in zip(*results, strict=True):
        np.testing.assert_allclose(found, exact, rtol=EPSILON * 1.01, atol=2e-6)


@pytest.mark.parametrize("name", NORMALISING)
def test_second_derivatives_of_normalising_stay_in_half(name: str) -> None:
    arrays = halves(4, 5), halves(5), halves(5), halves(5), np.abs(halves(5)) + HALF(0.5)

    def f(x: Any) -> Any:
        rest = [array.astype(x.dtype) for array in arrays[1:]]
        return (NORMALISING[name](x, *map(mg.tensor, rest)) ** 3).sum()

    exact = mg.hessian(f, mg.tensor(arrays[0].astype(np.float64))).numpy()
    found = mg.hessian(f, mg.tensor(arrays[0]))
    assert found.dtype == HALF
    np.testing.assert_allclose(found.numpy().astype(np.float64), exact, rtol=0, atol=8 * EPSILON * np.abs(exact).max())


def test_what_is_scaled_with_single_precision_comes_in_single() -> None:
    x, weight = mg.tensor(halves(6, 3)), mg.ones(3)
    for running in (mg.zeros(3), mg.zeros(3, dtype=HALF)):
        for training in (False, True):
            assert F.batch_norm(x, running, running + 1, weight, training=training).dtype == np.float32
            assert F.batch_norm(x, running, running + 1, training=training).dtype == HALF
    assert F.layer_norm(x, 3, weight).dtype == np.float32
    assert F.layer_norm(x.astype(np.float32), 3, weight.astype(HALF)).dtype == np.float32
