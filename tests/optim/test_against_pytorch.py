"""Optimizers, schedulers and clipping against what PyTorch computed, recorded in tests/reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.reference import load

OPTIMIZERS = load("optimizers")
PROBLEM = OPTIMIZERS.pop("problem")
CLIPPING = load("clipping")
SCHEDULERS = load("schedulers")
# a schedule and 100 updates accumulate rounding errors, nothing else
TIGHT = {"rtol": 1e-12, "atol": 1e-13}


def split(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[:12].reshape(3, 4), values[12:]


def flat(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ravel(first), np.ravel(second)])


def make(options: dict[str, Any], dtype: type = np.float64) -> tuple[list[mg.Tensor], optim.Optimizer, bool]:
    options = dict(options)
    kind, groups, skip = (options.pop(name) for name in ("optimizer", "groups", "skip"))
    tensors = [mg.tensor(part, dtype=dtype, requires_grad=True) for part in split(PROBLEM["start"])]
    params: Any = tensors
    if groups:
        own = {"params": tensors[1], "lr": 0.3 * options["lr"], "weight_decay": 0.05}
        params = [{"params": tensors[:1]}, own]
    return tensors, getattr(optim, kind)(params, **options), skip


def run(tensors: list[mg.Tensor], optimizer: optim.Optimizer, skip: bool, steps: range) -> list[np.ndarray]:
    after = []
    for step in steps:
        for tensor, gradient in zip(tensors, split(PROBLEM["gradients"][step - 1]), strict=True):
            tensor.grad = gradient.copy()
        if skip and step % 3 == 0:
            tensors[1].grad = None
        optimizer.step()
        after.append(flat(tensors[0].data, tensors[1].data))
    return after


@pytest.mark.parametrize("case", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_hundred_steps_and_the_state_are_pytorchs(case: dict[str, Any]) -> None:
    tensors, optimizer, skip = make(case["options"])
    after = run(tensors, optimizer, skip, range(1, 101))
    np.testing.assert_allclose(after[9::10], case["parameters"], **TIGHT)
    recorded = {name.removeprefix("state."): value for name, value in case.items() if name.startswith("state.")}
    first, second = (optimizer.state[tensor] for tensor in tensors)
    assert set(first) == set(second) == set(recorded)
    for name, value in recorded.items():
        np.testing.assert_allclose(flat(first[name], second[name]), value, err_msg=name, **TIGHT)


@pytest.mark.parametrize("case", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_float32_follows_and_stays_float32(case: dict[str, Any]) -> None:
    tensors, optimizer, skip = make(case["options"], np.float32)
    after = run(tensors, optimizer, skip, range(1, 101))
    assert {array.dtype for array in after} == {np.dtype(np.float32)}
    np.testing.assert_allclose(after[-1], case["parameters"][-1], rtol=1e-3, atol=1e-4)
    arrays = [value for state in optimizer.state.values() for value in state.values() if not isinstance(value, int)]
    assert all(isinstance(value, np.ndarray) and value.dtype == np.float32 for value in arrays)


@pytest.mark.parametrize("case", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_resumed_steps_are_bit_identical(case: dict[str, Any]) -> None:
    tensors, optimizer, skip = make(case["options"])
    whole = run(tensors, optimizer, skip, range(1, 41))
    tensors, optimizer, skip = make(case["options"])
    run(tensors, optimizer, skip, range(1, 24))
    saved, values = optimizer.state_dict(), [tensor.data.copy() for tensor in tensors]
    run(tensors, optimizer, skip, range(24, 30))  # what is saved does not follow
    resumed, other, skip = make({**case["options"], "lr": 7.0})
    for tensor, value in zip(resumed, values, strict=True):
        tensor.data = value
    other.load_state_dict(saved)
    np.testing.assert_array_equal(run(resumed, other, skip, range(24, 41))[-1], whole[-1])


@pytest.mark.parametrize("case", CLIPPING.values(), ids=CLIPPING)
def test_clipping_is_pytorchs(case: dict[str, Any]) -> None:
    tensors = [mg.tensor(np.zeros(shape), requires_grad=True) for shape in ((3, 4), (5,))]
    for tensor, gradient in zip(tensors, split(case["gradients"]), strict=True):
        tensor.grad = gradient
    before = case["gradients"].copy()
    clip = optim.clip_grad_value if "clip_value" in case["options"] else optim.clip_grad_norm
    total = clip(tensors, **case["options"])
    if "total" in case:
        np.testing.assert_allclose(total.data, case["total"], rtol=1e-14)
    np.testing.assert_allclose(flat(*(tensor.grad.data for tensor in tensors)), case["clipped"], rtol=1e-14)
    np.testing.assert_array_equal(case["gradients"], before)  # replaced, not changed in place


def two_groups() -> optim.SGD:
    tensors = [mg.zeros(1, requires_grad=True) for _ in range(2)]
    for tensor in tensors:
        tensor.grad = np.zeros(1)
    return optim.SGD([{"params": tensors[:1]}, {"params": tensors[1:], "lr": 0.02}], lr=0.1)


def schedule(optimizer: optim.SGD, name: str, options: dict[str, Any]) -> Any:
    if name == "SequentialLR":
        parts = [schedule(optimizer, *part) for part in options["schedulers"]]
        options = {**options, "schedulers": parts}
    return getattr(optim.lr_scheduler, name)(optimizer, **options)


def follow(optimizer: optim.SGD, scheduler: Any, case: dict[str, Any], epochs: range) -> list[list[float]]:
    seen = []
    for epoch in epochs:
        optimizer.step()
        if epoch == case["manual"]:
            for group in optimizer.param_groups:
                group["lr"] = 0.5
        scheduler.step(*([case["metrics"][epoch - 1]] if "metrics" in case else []))
        seen.append([group["lr"] for group in optimizer.param_groups])
        assert scheduler.get_last_lr() == seen[-1]
    return seen


@pytest.mark.parametrize("case", SCHEDULERS.values(), ids=SCHEDULERS)
def test_schedules_are_pytorchs(case: dict[str, Any]) -> None:
    optimizer = two_groups()
    scheduler = schedule(optimizer, case["scheduler"], case["options"])
    assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    rates = [scheduler.get_last_lr(), *follow(optimizer, scheduler, case, range(1, 31))]
    np.testing.assert_allclose(rates, case["schedule"], rtol=1e-13, atol=1e-17)


@pytest.mark.parametrize("stop", [1, 5, 8, 17])
@pytest.mark.parametrize("case", SCHEDULERS.values(), ids=SCHEDULERS)
def test_resumed_schedules_are_the_same(case: dict[str, Any], stop: int) -> None:
    optimizer = two_groups()
    scheduler = schedule(optimizer, case["scheduler"], case["options"])
    whole = follow(optimizer, scheduler, case, range(1, 31))
    optimizer = two_groups()
    scheduler = schedule(optimizer, case["scheduler"], case["options"])
    follow(optimizer, scheduler, case, range(1, stop + 1))
    saved = optimizer.state_dict(), scheduler.state_dict()
    follow(optimizer, scheduler, case, range(stop + 1, 31))  # what is saved does not follow
    optimizer = two_groups()
    scheduler = schedule(optimizer, case["scheduler"], case["options"])
    optimizer.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    assert scheduler.get_last_lr() == whole[stop - 1]
    assert follow(optimizer, scheduler, case, range(stop + 1, 31)) == whole[stop:]
