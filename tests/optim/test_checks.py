"""What every optimizer checks when it is made, and not only when it steps."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import ArgumentError, DtypeError, MinigradError

OPTIMIZERS = [optim.SGD, optim.Adagrad, optim.RMSprop, optim.Adam, optim.AdamW, optim.Newton]
BAD: list[tuple[Any, type[MinigradError], str]] = [
    (-1, ArgumentError, "lr must be a finite number of at least 0, got -1; try one between 1e-4 and 1e-1"),
    (np.float32("nan"), ArgumentError, "lr must be a finite number of at least 0, got nan"),
    (10**400, ArgumentError, "lr is too large, an integer of 1329 bits"),
    (None, DtypeError, r"lr must be a number, got None \(NoneType\)"),
]


@pytest.mark.parametrize(("lr", "kind", "message"), BAD, ids=["negative", "nan", "too large", "None"])
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_learning_rate_that_is_not_allowed(make: Any, lr: Any, kind: type[MinigradError], message: str) -> None:
    with pytest.raises(kind, match=f"^{make.__name__}: {message}"):
        make([mg.ones(2, requires_grad=True)], lr=lr)


def test_an_integer_may_be_as_large_as_a_float() -> None:
    largest = int(sys.float_info.max)
    assert optim.clip_grad_norm(given(), largest).item() == 5
    with pytest.raises(ArgumentError, match="max_norm is too large, an integer of 1024 bits"):
        optim.clip_grad_norm(given(), largest + 1)


def given() -> mg.Tensor:
    w = mg.zeros(2, requires_grad=True)
    w.grad = np.array([3.0, 4.0], np.float32)
    return w
