"""Joining in a row, and cutting what is empty."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg


def test_concatenate_along_no_axis_joins_all_elements_in_a_row() -> None:
    x, y = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), mg.tensor([5.0], requires_grad=True)
    joined = mg.concatenate([x, y], axis=None)
    assert joined.tolist() == np.concatenate([x.numpy(), y.numpy()], axis=None).tolist()
    joined.backward(np.arange(5.0))
    assert x.grad is not None
    assert y.grad is not None
    assert (x.grad.tolist(), y.grad.tolist()) == ([[0, 1], [2, 3]], [4])


@pytest.mark.parametrize("sections", [1, 2, 3])
def test_an_empty_axis_splits_into_empty_pieces(sections: int) -> None:
    x = np.zeros((2, 0))
    pieces = mg.split(mg.tensor(x), sections, axis=1)
    assert [piece.shape for piece in pieces] == [piece.shape for piece in np.split(x, sections, axis=1)]
