"""Picking along an axis: which axis it is by default, and which axes exist."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OutOfRangeError

X = np.arange(24.0).reshape(2, 3, 4)
PICKS = np.array([[[0, 3], [1, 1], [2, 0]], [[3, 3], [0, 1], [2, 2]]])


def test_take_along_axis_picks_along_the_last_axis_by_default() -> None:
    found = mg.take_along_axis(mg.tensor(X), PICKS)
    assert found.tolist() == np.take_along_axis(X, PICKS, axis=-1).tolist()


def test_take_along_axis_takes_the_first_axis_from_behind_too() -> None:
    picks = np.array([[[1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 0]]])
    found = mg.take_along_axis(mg.tensor(X), picks, axis=-3)
    assert found.tolist() == np.take_along_axis(X, picks, axis=0).tolist()


@pytest.mark.parametrize("axis", [3, -4])
def test_take_along_axis_needs_an_axis_that_exists(axis: int) -> None:
    with pytest.raises(
        OutOfRangeError, match=f"take_along_axis: .* along axis {axis} do not fit .* the axis must exist"
    ):
        mg.take_along_axis(mg.tensor(X), PICKS, axis=axis)


def test_one_value_scattered_over_places_gets_the_sum_of_their_gradients() -> None:
    value = mg.tensor([2.0], requires_grad=True)
    out = mg.ops.indexing.scatter(value, index=[0, 2, 3], shape=(4,))
    assert out.tolist() == [2, 0, 2, 2]
    out.backward(np.array([1.0, 10.0, 100.0, 1000.0]))
    assert value.grad is not None
    assert value.grad.tolist() == [1101]
