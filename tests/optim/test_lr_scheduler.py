"""Schedulers: closed forms, resuming, and what they say about bad input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import ArgumentError, DtypeError, StateDictError
from minigrad.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


def sgd(*rates: float) -> optim.SGD:
    """Return an optimizer with a group for each learning rate, which has made a step."""
    groups = [{"params": mg.zeros(1, requires_grad=True), "lr": rate} for rate in rates or (1.0,)]
    optimizer = optim.SGD(groups)
    for parameter in optimizer.parameters():
        parameter.grad = np.zeros(1)
    optimizer.step()
    return optimizer


def rates(scheduler: LRScheduler, epochs: int) -> list[float]:
    seen = scheduler.get_last_lr()
    for _ in range(epochs):
        scheduler.step()
        seen += scheduler.get_last_lr()
    return seen


CLOSED: list[tuple[Callable[[optim.SGD], LRScheduler], Callable[[int], float]]] = [
    (lambda o: StepLR(o, 4, 0.5), lambda t: 0.5 ** (t // 4)),
    (lambda o: ExponentialLR(o, 0.9), lambda t: 0.9**t),
    (lambda o: CosineAnnealingLR(o, 6, 0.1), lambda t: 0.1 + 0.45 * (1 + math.cos(math.pi * t / 6))),
    (lambda o: LinearLR(o, 0.2, 0.8, 6), lambda t: 0.2 + 0.6 * min(t, 6) / 6),
    (lambda o: LinearLR(o, 0.5, total_iters=0), lambda t: 0.5),
]


@pytest.mark.parametrize(("make", "closed"), CLOSED)
def test_schedules_follow_their_closed_form(make: Any, closed: Any) -> None:
    np.testing.assert_allclose(rates(make(sgd()), 20), [closed(t) for t in range(21)], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("make", "closed"), CLOSED)
def test_a_schedule_resumes_at_a_given_epoch(make: Any, closed: Any) -> None:
    optimizer = sgd(closed(3))
    optimizer.param_groups[0]["initial_lr"] = 1.0
    options = vars(make(sgd()))
    kind = type(make(sgd()))
    names = ("step_size", "gamma", "T_max", "eta_min", "start_factor", "end_factor", "total_iters")
    scheduler = kind(optimizer, **{name: options[name] for name in names if name in options}, last_epoch=2)
    assert scheduler.last_epoch == 3
    np.testing.assert_allclose(rates(scheduler, 8), [closed(t) for t in range(3, 12)], rtol=1e-12)


@pytest.mark.parametrize("start_factor", [1.0, 0.7, 0.5, 1 / 3, 0.1])
def test_a_line_to_zero_ends_at_zero_and_not_below(start_factor: float) -> None:
    for length in range(1, 101):
        seen = rates(LinearLR(sgd(0.3), start_factor, 0.0, length), length + 2)
        assert min(seen) >= 0
        assert seen[-1] == pytest.approx(0, abs=1e-15)
        assert seen[-1] == seen[-3]


def test_a_line_that_is_made_after_its_optimizer_was_loaded_begins_at_the_first_learning_rate() -> None:
    saved = sgd(0.22)
    LinearLR(saved, 0.25)
    assert saved.param_groups[0]["lr"] == 0.055
    resumed = sgd(0.22)
    resumed.load_state_dict(saved.state_dict())
    assert LinearLR(resumed, 0.25).get_last_lr() == [0.055]


def test_schedulers_combine_on_one_optimizer() -> None:
    optimizer = sgd()
    warm, fall = LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)
    warm.step()
    fall.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.75 * 0.5)


def test_a_fresh_plateau_has_pytorchs_patience_and_counts_from_zero() -> None:
    """torch.optim.lr_scheduler.ReduceLROnPlateau: patience=10; no bad epoch and no cooldown so far."""
    state = ReduceLROnPlateau(sgd()).state_dict()
    assert (state["patience"], state["num_bad_epochs"], state["cooldown_counter"]) == (10, 0, 0)


def test_steps_are_counted_as_in_pytorch() -> None:
    scheduler = StepLR(sgd(), 2)
    for _ in range(3):
        scheduler.step()
    assert scheduler.state_dict()["_step_count"] == 4  # the start counts


def test_a_sequence_begins_with_its_first_part() -> None:
    optimizer = sgd()
    sequence = SequentialLR(optimizer, [LinearLR(optimizer, 0.5), LinearLR(optimizer, 0.1)], [3])
    assert sequence.get_last_lr() == [0.5] == [optimizer.param_groups[0]["lr"]]
    optimizer = sgd()
    sequence = SequentialLR(optimizer, [StepLR(optimizer, 4), LinearLR(optimizer, 0.1)], [3])
    assert sequence.get_last_lr() == [1.0] == [optimizer.param_groups[0]["lr"]]
    with pytest.raises(ArgumentError, match="last_epoch must be an integer of at least -1, got -2"):
        SequentialLR(optimizer, [StepLR(optimizer, 1)], [], last_epoch=-2)


def test_the_returned_rates_are_a_copy() -> None:
    scheduler = ExponentialLR(sgd(), 0.5)
    scheduler.get_last_lr()[0] = 7.0
    assert scheduler.get_last_lr() == [1.0]


def test_a_metric_may_be_a_tensor_and_nan_is_not_better() -> None:
    scheduler = ReduceLROnPlateau(sgd(), factor=0.5, patience=0)
    scheduler.step(mg.tensor(1.0))
    assert scheduler.best == 1.0
    scheduler.step(float("nan"))
    assert (scheduler.best, scheduler.get_last_lr()) == (1.0, [0.5])


def test_stepping_before_the_optimizer_warns_once() -> None:
    scheduler = ExponentialLR(optim.SGD([mg.zeros(1, requires_grad=True)], 1.0), 0.5)
    with pytest.warns(UserWarning, match=r"ExponentialLR.step\(\) before the optimizer's first step\(\)") as caught:
        scheduler.step()
    assert caught[0].filename == __file__
    scheduler.step()
    assert scheduler.get_last_lr() == [0.25]


def test_an_optimizer_that_was_resumed_counts_as_stepped() -> None:
    w = mg.zeros(1, requires_grad=True)
    w.grad = [1.0]
    stepped, fresh = (optim.SGD([w], 1.0, momentum=0.9) for _ in range(2))
    stepped.step()
    fresh.load_state_dict(stepped.state_dict())
    ExponentialLR(fresh, 0.5).step()  # does not warn
    fresh = optim.SGD([w], 1.0)
    fresh.load_state_dict(optim.SGD([w], 1.0).state_dict())
    with pytest.warns(UserWarning, match="before the optimizer"):
        ExponentialLR(fresh, 0.5).step()


@pytest.mark.parametrize(
    ("options", "metric", "better"),
    [
        ({"threshold": 0.5}, 0.5, False),
        ({"threshold": 0.5}, 0.49, True),
        ({"threshold": 0.5, "threshold_mode": "abs"}, 0.5, False),
        ({"threshold": 0.5, "threshold_mode": "abs"}, 0.49, True),
        ({"threshold": 0.5, "mode": "max"}, 1.5, False),
        ({"threshold": 0.5, "mode": "max"}, 1.51, True),
        ({"threshold": 0.25, "threshold_mode": "abs", "mode": "max"}, 1.25, False),
        ({"threshold": 0.25, "threshold_mode": "abs", "mode": "max"}, 1.26, True),
    ],
)
def test_better_means_beyond_the_threshold(options: dict[str, Any], metric: float, better: bool) -> None:
    scheduler = ReduceLROnPlateau(sgd(), factor=0, patience=0, **options)
    scheduler.step(1.0)
    scheduler.step(metric)
    assert scheduler.best == (metric if better else 1.0)
    assert scheduler.get_last_lr() == [1.0 if better else 0.0]
    assert scheduler.last_epoch == 2


def test_a_reduction_of_eps_or_less_is_not_made() -> None:
    for eps, expected in ((0.5, 1.0), (0.49, 0.5)):
        scheduler = ReduceLROnPlateau(sgd(), factor=0.5, patience=0, eps=eps)
        for _ in range(2):
            scheduler.step(1.0)
        assert scheduler.get_last_lr() == [expected]


def test_the_base_class_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match=r"LRScheduler must define chained\(\)"):
        LRScheduler(sgd()).step()


def with_group_added(make: Callable[[optim.SGD], Any], *metric: float) -> None:
    optimizer = sgd()
    scheduler = make(optimizer)
    optimizer.add_param_group({"params": mg.zeros(2, requires_grad=True)})
    scheduler.step(*metric)


def sequence(milestones: Any, *parts: Any, optimizer: Any = None) -> SequentialLR:
    optimizer = optimizer or sgd()
    return SequentialLR(optimizer, list(parts) or [ExponentialLR(optimizer, 0.5) for _ in range(2)], milestones)


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: StepLR(3, 1), DtypeError, r"StepLR: expected an optimizer such as optim.SGD\(...\), got int"),
    (lambda: StepLR(sgd(), 0), ArgumentError, "step_size must be an integer of at least 1, got 0"),
    (lambda: StepLR(sgd(), 1.5), ArgumentError, "step_size must be an integer of at least 1, got 1.5"),
    (lambda: StepLR(sgd(), 1, gamma=-1), ArgumentError, "gamma must be"),
    (lambda: StepLR(sgd(), 1, last_epoch=-2), ArgumentError, "last_epoch must be an integer of at least -1, got -2"),
    (lambda: StepLR(sgd(), 1, last_epoch=3), ArgumentError, "group 0 of the optimizer has no 'initial_lr': load"),
    (lambda: StepLR(sgd(), stepsize=1), TypeError, "unexpected keyword argument 'stepsize'"),
    (lambda: StepLR(sgd(), 1).step(3), TypeError, r"step\(\)"),
    (lambda: ExponentialLR(sgd(), float("nan")), ArgumentError, "gamma must be .* got nan"),
    (lambda: ExponentialLR(sgd(), "0.5"), DtypeError, "gamma must be a number"),
    (lambda: CosineAnnealingLR(sgd(), 0), ArgumentError, "T_max must be an integer of at least 1"),
    (lambda: CosineAnnealingLR(sgd(), math.inf), ArgumentError, "T_max must be an integer of at least 1, got inf"),
    (lambda: CosineAnnealingLR(sgd(), 5, -1), ArgumentError, "eta_min must be"),
    (lambda: LinearLR(sgd(), 0), ArgumentError, "start_factor must be above 0"),
    (lambda: LinearLR(sgd(), 1.5), ArgumentError, "start_factor must be at least 0 and at most 1, got 1.5"),
    (lambda: LinearLR(sgd(), 0.5, -0.5), ArgumentError, "end_factor must be"),
    (lambda: LinearLR(sgd(), 0.5, 1.5), ArgumentError, "end_factor must be at least 0 and at most 1, got 1.5"),
    (lambda: LinearLR(sgd(), total_iters=-1), ArgumentError, "total_iters must be"),
    (lambda: ReduceLROnPlateau(sgd(), "best"), ArgumentError, "mode must be one of 'min', 'max', got 'best'"),
    (lambda: ReduceLROnPlateau(sgd(), factor=1.0), ArgumentError, "factor must be at least 0 and below 1, got 1.0"),
    (lambda: ReduceLROnPlateau(sgd(), patience=-1), ArgumentError, "patience must be"),
    (lambda: ReduceLROnPlateau(sgd(), threshold=-1), ArgumentError, "threshold must be"),
    (lambda: ReduceLROnPlateau(sgd(), threshold_mode="x"), ArgumentError, "threshold_mode must be one of 'rel', 'abs'"),
    (lambda: ReduceLROnPlateau(sgd(), cooldown=-1), ArgumentError, "cooldown must be"),
    (lambda: ReduceLROnPlateau(sgd(), eps=-1), ArgumentError, "eps must be"),
    (lambda: ReduceLROnPlateau(sgd(), min_lr=[0.1, 0.1]), ArgumentError, "expected one min_lr, or 1 for the groups"),
    (lambda: ReduceLROnPlateau(sgd(), min_lr=-1), ArgumentError, "min_lr must be"),
    (lambda: ReduceLROnPlateau(3), DtypeError, "expected an optimizer"),
    (lambda: ReduceLROnPlateau(sgd()).step(), TypeError, "missing 1 required positional argument: 'metrics'"),
    (lambda: ReduceLROnPlateau(sgd()).step("low"), DtypeError, "metrics must be a number, got 'low'"),
    (lambda: sequence([]), ArgumentError, r"2 schedulers need 1 rising milestones, got \[\]"),
    (lambda: sequence([0]), ArgumentError, "a milestone must be an integer of at least 1, got 0"),
    (lambda: SequentialLR(3, [], []), DtypeError, "expected an optimizer"),
    (lambda: SequentialLR(sgd(), [], []), ArgumentError, r"expected a list of schedulers, got \[\]"),
    (lambda: sequence([], 3), DtypeError, "expected schedulers, got int at index 0"),
    (lambda: sequence([], ReduceLROnPlateau(sgd())), ArgumentError, r"its step\(\) needs a metric"),
    (lambda: sequence([], sequence([2])), ArgumentError, "SequentialLR cannot be one of several: list its parts here"),
    (lambda: sequence([], StepLR(sgd(), 1)), ArgumentError, "scheduler 0, StepLR, is for another optimizer"),
    (lambda: with_group_added(lambda o: StepLR(o, 1)), ArgumentError, "made for 1 parameter groups, .* now has 2"),
    (lambda: with_group_added(ReduceLROnPlateau, 1.0), ArgumentError, "made for 1 parameter groups"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_bad_input_is_explained(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_milestones_rise() -> None:
    optimizer = sgd()
    parts = [ExponentialLR(optimizer, 0.5) for _ in range(3)]
    for milestones in ([4, 2], [2, 2]):
        with pytest.raises(ArgumentError, match="3 schedulers need 2 rising milestones"):
            SequentialLR(optimizer, parts, milestones)


def test_a_state_dict_that_does_not_fit_changes_nothing() -> None:
    scheduler = StepLR(sgd(), 3)
    before = scheduler.state_dict()
    wrong = {**before, "step_size": "3", "base_lrs": [0.1, 0.2], "colour": 1}
    del wrong["gamma"]
    with pytest.raises(StateDictError) as caught:
        scheduler.load_state_dict(wrong)
    assert str(caught.value).count("\n  - ") == 4
    for text in ("gamma is missing", "colour is unknown", "step_size: expected something like 3, got '3'", "base_lrs"):
        assert text in str(caught.value)
    assert scheduler.state_dict() == before
    with pytest.raises(StateDictError, match="expected a dict, got list"):
        scheduler.load_state_dict([])


def test_a_sequence_looks_into_its_parts_before_it_loads() -> None:
    scheduler = sequence([2])
    before = scheduler.state_dict()
    wrong = scheduler.state_dict()
    wrong["schedulers"][1]["gamma"] = None
    wrong["last_epoch"] = 9
    with pytest.raises(StateDictError, match=r"scheduler 1: gamma: expected something like 0.5, got None"):
        scheduler.load_state_dict(wrong)
    assert scheduler.state_dict() == before
    with pytest.raises(StateDictError, match="schedulers: expected"):
        scheduler.load_state_dict({**before, "schedulers": []})
