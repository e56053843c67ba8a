"""Products at the edges of what they take: a bias of another dtype or shape, operands that do not fit."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError, MinigradError, ShapeError

RNG = np.random.default_rng(0)
X, WEIGHT = RNG.normal(size=(2, 3)).astype(np.float32), RNG.normal(size=(5, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "bias",
    [
        RNG.normal(size=5).astype(np.float32),
        RNG.normal(size=5),  # double: the sum is double
        RNG.normal(size=(4, 1, 5)).astype(np.float32),  # more axes than the product has
        RNG.normal(size=(4, 1, 1)),
        np.float32(2),
        2.0,
    ],
    ids=lambda bias: f"{np.shape(bias)} {np.asarray(bias).dtype}",
)
def test_linear_adds_any_bias_that_broadcasts(bias: Any) -> None:
    expected = X @ WEIGHT.T + bias
    found = mg.linear(mg.tensor(X), mg.tensor(WEIGHT), bias).numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "product",
    [lambda x, bias: mg.linear(x, x, bias), lambda x, bias: mg.einsum("ij,kj->ik", x, x)],
    ids=["linear", "einsum"],
)
def test_a_product_needs_memory_for_its_result_alone(product: Callable[..., mg.Tensor]) -> None:
    x, bias = mg.tensor(RNG.normal(size=(300, 20))), mg.tensor(RNG.normal(size=300))
    tracemalloc.start()
    try:
        result = product(x, bias)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * result.numpy().nbytes


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: mg.linear(3.0, mg.tensor(WEIGHT)), ShapeError, r"got \(\) and \(5, 3\)"),
        (lambda: mg.linear(mg.tensor(X), 3.0), ShapeError, r"got \(2, 3\) and \(\)"),
        (lambda: mg.einsum("ij...->i...", mg.tensor([1.0])), ArgumentError, "does not fit an operand with 1 axes"),
        (
            lambda: mg.einsum("ij->i", mg.tensor(X), optimise=1),
            TypeError,
            "unexpected keyword argument 'optimise'",
        ),
    ],
)
def test_operands_that_do_not_fit_are_refused(call: Callable[[], Any], kind: type[MinigradError], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_an_axis_of_length_1_broadcasts_in_einsum() -> None:
    x, y = mg.tensor([2.0], requires_grad=True), mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    mg.einsum("i,i->i", x, y).sum().backward()
    assert x.grad.tolist() == [6]
    assert y.grad.tolist() == [2, 2, 2]
