"""Limits on gradients: what they return, what they leave alone, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import ArgumentError, DtypeError, GraphError


def with_gradient(*values: float, dtype: Any = np.float32) -> mg.Tensor:
    w = mg.zeros(len(values), dtype=dtype, requires_grad=True)
    w.grad = np.array(values, dtype)
    return w


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_keep_their_dtype_and_a_single_tensor_will_do(dtype: Any) -> None:
    w = with_gradient(3.0, 4.0, dtype=dtype)
    total = optim.clip_grad_norm(w, 1.0)
    assert total.item() == 5.0
    assert w.grad.dtype == dtype
    np.testing.assert_allclose(w.grad.data, [0.6, 0.8], rtol=1e-3)
    optim.clip_grad_value(w, 0.7)
    assert w.grad.dtype == dtype
    np.testing.assert_allclose(w.grad.data, [0.6, 0.7], rtol=1e-3)


def test_half_precision_norms_do_not_overflow() -> None:
    assert optim.clip_grad_norm(with_gradient(300.0, 400.0, dtype=np.float16), 1.0).item() == pytest.approx(500)


def test_small_gradients_stay_the_same_objects_and_missing_ones_are_left_out() -> None:
    w, unused = with_gradient(0.3, 0.4), mg.zeros(2, requires_grad=True)
    before = w.grad
    assert optim.clip_grad_norm((p for p in [unused, w]), 1.0).item() == pytest.approx(0.5)
    assert w.grad is before
    optim.clip_grad_norm(w, float(optim.clip_grad_norm(w, 1.0).item()) + 1e-6)  # the factor is 1
    assert w.grad is before
    assert unused.grad is None


def test_scalars_and_empty_tensors_are_clipped() -> None:
    scalar, empty = mg.zeros((), requires_grad=True), mg.zeros(0, requires_grad=True)
    scalar.grad, empty.grad = np.float32(4.0), np.zeros(0, np.float32)
    assert optim.clip_grad_norm([scalar, empty], 2.0).item() == 4.0
    assert scalar.grad.item() == pytest.approx(2.0)
    optim.clip_grad_value([scalar, empty], 1.0)
    assert scalar.grad.item() == 1.0


def test_shared_gradient_arrays_are_not_changed() -> None:
    w, v = with_gradient(3.0, 4.0), mg.zeros(2, requires_grad=True)
    shared = w.grad
    v.grad = shared
    optim.clip_grad_norm([w], 1.0)
    optim.clip_grad_value([w], 0.1)
    np.testing.assert_array_equal(shared.data, [3, 4])
    assert v.grad is shared


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_can_be_refused(value: float) -> None:
    w = with_gradient(1.0, value)
    with pytest.raises(ArgumentError, match=r"the norm of the gradients is (nan|inf); look for the first loss"):
        optim.clip_grad_norm([w], 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(w.grad.data, [1, value])
    assert not np.isfinite(optim.clip_grad_norm([w], 1.0).item())


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: optim.clip_grad_norm([with_gradient(1.0)], -1.0), ArgumentError, "clip_grad_norm: max_norm must be"),
    (lambda: optim.clip_grad_norm([with_gradient(1.0)], np.nan), ArgumentError, "max_norm must be .* got nan"),
    (lambda: optim.clip_grad_norm([with_gradient(1.0)], "1"), DtypeError, "max_norm must be a number"),
    (lambda: optim.clip_grad_norm([with_gradient(1.0)], 1.0, np.nan), ArgumentError, "norm_type must be .* got nan"),
    (lambda: optim.clip_grad_norm([with_gradient(1.0)], 1.0, "inf"), DtypeError, "norm_type must be a number"),
    (lambda: optim.clip_grad_norm([], 1.0), ArgumentError, "got an empty list of parameters"),
    (lambda: optim.clip_grad_norm([3], 1.0), DtypeError, "clip_grad_norm: expected tensors, got int"),
    (lambda: optim.clip_grad_norm([mg.ones(2)], 1.0), GraphError, r"no parameter has a gradient; call loss.backward"),
    (lambda: optim.clip_grad_norm([mg.ones(2)], norm=1.0), TypeError, "unexpected keyword argument 'norm'"),
    (lambda: optim.clip_grad_value([with_gradient(1.0)], -1.0), ArgumentError, "clip_grad_value: clip_value must be"),
    (lambda: optim.clip_grad_value([with_gradient(1.0)], np.inf), ArgumentError, "clip_value must be .* got inf"),
    (lambda: optim.clip_grad_value([mg.ones(2)], 1.0), GraphError, "no parameter has a gradient"),
    (lambda: optim.clip_grad_value(iter(()), 1.0), ArgumentError, "got an empty list of parameters"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_bad_input_is_explained(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
