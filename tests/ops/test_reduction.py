"""Reductions of what has no axes, or no elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("axis", [0, -1, ()])
@pytest.mark.parametrize("name", ["sum", "max", "min", "prod"])
def test_a_number_has_an_axis_to_reduce_as_numpys_do(name: str, axis: Any) -> None:
    x = mg.tensor(3.0, requires_grad=True)
    reduced = getattr(mg, name)(x, axis=axis)
    assert reduced.shape == getattr(np, name)(x.numpy(), axis=axis).shape
    reduced.backward()
    assert x.grad is not None
    assert (x.grad.shape, x.grad.item()) == ((), 1)


@pytest.mark.filterwarnings("ignore:.*invalid value")
@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((2, 0), 1), ((0, 2), (0,))])
def test_the_mean_of_nothing_is_nan_and_has_no_gradient_to_pass_on(shape: tuple[int, ...], axis: Any) -> None:
    x = mg.zeros(shape, requires_grad=True)
    mean = x.mean(axis=axis)
    assert np.isnan(mean.numpy()).all()
    mean.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == shape


@pytest.mark.parametrize("function", [mg.argmax, mg.argmin])
def test_places_have_no_gradient(function: Any) -> None:
    x = mg.tensor([1.0, 3.0, 2.0], requires_grad=True)
    place = function(x)
    assert not place.requires_grad
    assert place.item() == {mg.argmax: 1, mg.argmin: 0}[function]
