"""Why an operation failed: the operands, with the names and shapes that the user gave them, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ShapeError


def ones(*shape: int, name: str | None = None) -> mg.Tensor:
    return mg.tensor(np.ones(shape), requires_grad=True, name=name)


TRANSPOSE = "; transpose the second with .T or swapaxes(-1, -2)?"
PRODUCTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: ones(2, 3) @ ones(4, 5), "matmul: inner sizes differ, 3 and 4: x (2, 3) @ y (4, 5)"),
    (lambda: ones(2, 3) @ ones(4), "matmul: inner sizes differ, 3 and 4: x (2, 3) @ y (4,)"),
    (lambda: ones(3) @ ones(2, 3), f"matmul: inner sizes differ, 3 and 2: x (3,) @ y (2, 3){TRANSPOSE}"),
    (
        lambda: ones(2, 3, 4, name="A") @ ones(2, 5, 4),
        f"matmul: inner sizes differ, 4 and 5: x 'A' (2, 3, 4) @ y (2, 5, 4){TRANSPOSE}",
    ),
    (
        lambda: mg.linear(ones(2, 3, 5), ones(4, 3, name="W")),
        "linear: x has 5 features, weight takes 3: x (2, 3, 5), weight 'W' (4, 3); "
        "the weight is (out_features, in_features)",
    ),
    (
        lambda: mg.linear(ones(5), ones(4, 3)),
        "linear: x has 5 features, weight takes 3: x (5,), weight (4, 3); the weight is (out_features, in_features)",
    ),
]


@pytest.mark.parametrize(("call", "message"), PRODUCTS, ids=[message for _, message in PRODUCTS])
def test_products_name_the_sizes_that_differ_and_say_when_a_transposition_would_do(
    call: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("join", [mg.concatenate, mg.stack])
def test_each_of_several_arrays_is_named_by_its_place(join: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match="must ") as caught:
        join([ones(2, 3, name="left"), ones(4, 5)])
    assert str(caught.value).startswith(f"{join.__name__}: all ")  # NumPy's own words: these do not broadcast
    assert str(caught.value).endswith(", for argument 0 'left' (2, 3), argument 1 (4, 5)")
