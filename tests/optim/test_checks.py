"""What every optimizer checks when it is made, and takes over when it is loaded."""

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
    (np.inf, ArgumentError, "lr must be a finite number of at least 0, got inf"),
    (10**400, ArgumentError, "lr is too large, an integer of 1329 bits"),
    (None, DtypeError, r"lr must be a number, got None \(NoneType\)"),
]


@pytest.mark.parametrize(("lr", "kind", "message"), BAD, ids=["negative", "nan", "infinite", "too large", "None"])
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_learning_rate_that_is_not_allowed(make: Any, lr: Any, kind: type[MinigradError], message: str) -> None:
    with pytest.raises(kind, match=f"^{make.__name__}: {message}"):
        make([mg.ones(2, requires_grad=True)], lr=lr)


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_an_argument_that_there_is_not_is_named(make: Any) -> None:
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'learning_rate'"):
        make([mg.ones(2, requires_grad=True)], learning_rate=0.1)


UNKNOWN: Any = {"unknown": 1}
SGD = optim.SGD([mg.ones(2, requires_grad=True)], lr=0.1)
SEQUENCE = optim.lr_scheduler.SequentialLR(SGD, [optim.lr_scheduler.StepLR(SGD, 1)], [])


@pytest.mark.parametrize(
    "call",
    [
        lambda: optim.Optimizer(list(SGD.parameters()), {"lr": 0.1}, **UNKNOWN),
        lambda: SGD.zero_grad(**UNKNOWN),
        lambda: SGD.add_param_group({"params": [given()]}, **UNKNOWN),
        lambda: SGD.load_state_dict(SGD.state_dict(), **UNKNOWN),
        lambda: optim.Newton([given()]).step(**UNKNOWN),
        lambda: optim.lr_scheduler.LRScheduler(SGD, **UNKNOWN),
        lambda: SEQUENCE.step(**UNKNOWN),
        lambda: SEQUENCE.load_state_dict(SEQUENCE.state_dict(), **UNKNOWN),
        lambda: optim.lr_scheduler.StepLR(SGD, 1).load_state_dict({}, **UNKNOWN),
    ],
)
def test_an_argument_that_there_is_not_is_named_by_methods_too(call: Any) -> None:
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'unknown'"):
        call()


@pytest.mark.parametrize("defaults", [{}, {"momentum": 0.9}, None, ["lr"]])
def test_the_options_of_an_algorithm_of_ones_own_begin_with_a_learning_rate(defaults: Any) -> None:
    with pytest.raises(DtypeError, match="Optimizer: defaults must be a dict of options with an 'lr', got"):
        optim.Optimizer([given()], defaults)


def test_the_ends_of_an_interval_belong_to_it_or_not() -> None:
    assert optim.Adam([given()], betas=(0.0, 0.0)).param_groups[0]["betas"] == (0, 0)
    with pytest.raises(ArgumentError, match=r"Adam: betas\[1\] must be at least 0 and below 1, got 1"):
        optim.Adam([given()], betas=(0.9, 1.0))
    assert [optim.SGD([given()], dampening=end).param_groups[0]["dampening"] for end in (0, 1)] == [0, 1]
    for beyond in (-0.5, 1.5):
        with pytest.raises(ArgumentError, match="SGD: dampening must be at least 0 and at most 1, got"):
            optim.SGD([given()], dampening=beyond)


def test_an_integer_may_be_as_large_as_a_float() -> None:
    largest = int(sys.float_info.max)
    assert optim.clip_grad_norm(given(), largest).item() == 5
    with pytest.raises(ArgumentError, match="max_norm is too large, an integer of 1024 bits"):
        optim.clip_grad_norm(given(), largest + 1)


def test_loading_leaves_nothing_of_what_was_there_before() -> None:
    fresh = optim.SGD([given()], 0.1, momentum=0.9)
    saved = fresh.state_dict()
    used = optim.SGD([given()], 0.2, momentum=0.9)
    optim.lr_scheduler.StepLR(used, 1)
    used.step()
    assert used.state
    used.load_state_dict(saved)
    assert not used.state
    assert used.param_groups[0].keys() == fresh.param_groups[0].keys()  # no "initial_lr"
    assert used.param_groups[0]["lr"] == 0.1


def test_options_of_newtons_method_are_checked_at_each_step() -> None:
    w = given()
    optimizer = optim.Newton([w])
    optimizer.param_groups[0]["damping"] = -1.0
    with pytest.raises(ArgumentError, match="damping must be a finite number of at least 0, got -1"):
        optimizer.step(lambda: (w * w).sum())


def test_parameters_are_counted_in_words() -> None:
    assert repr(optim.Newton([given()])).startswith("Newton(1 parameter: lr=1.0, ")
    assert repr(optim.Newton([given(), given()])).startswith("Newton(2 parameters: lr=1.0, ")


def given() -> mg.Tensor:
    w = mg.zeros(2, requires_grad=True)
    w.grad = np.array([3.0, 4.0], np.float32)
    return w
