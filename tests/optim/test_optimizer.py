"""What all optimizers share: groups, state dicts, closures, and what they say about bad input."""

from __future__ import annotations

import copy
import inspect
import json
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.engine.mode import Observer, observing
from minigrad.errors import ArgumentError, DtypeError, GraphError, StateDictError, UnknownArgumentError

# every state that an algorithm can have
FULL: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda params: optim.SGD(params, 0.05, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda params: optim.SGD(params, 0.05, momentum=0.9, nesterov=True),
    "Adagrad": lambda params: optim.Adagrad(params, 0.5, weight_decay=0.01),
    "RMSprop": lambda params: optim.RMSprop(params, 0.01, momentum=0.5, centered=True),
    "Adam": lambda params: optim.Adam(params, 0.1, amsgrad=True),
    "AdamW": lambda params: optim.AdamW(params, 0.1),
}
every = pytest.mark.parametrize("make", FULL.values(), ids=FULL)


def leaf(*values: float, **options: Any) -> mg.Tensor:
    return mg.tensor(list(values), requires_grad=True, **options)


def stepped(make: Callable[[Any], optim.Optimizer], *tensors: mg.Tensor) -> optim.Optimizer:
    """Return an optimizer after one step."""
    optimizer = make(list(tensors))
    for tensor in tensors:
        tensor.grad = np.ones(tensor.shape)
    optimizer.step()
    return optimizer


# --- the step


@every
def test_a_quadratic_converges(make: Callable[[Any], optim.Optimizer]) -> None:
    w, goal = leaf(3.0, -2.0, 1.0), np.float32([0.5, 0.5, -1.0])
    optimizer = make([w])
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    for _ in range(400):
        optimizer.zero_grad()
        loss = mg.square(w - goal).sum()
        loss.backward()
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(w.data, goal, atol=0.05)
    assert w.dtype == np.float32


@every
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 1, 3)])
def test_shapes_and_dtypes_stay(make: Callable[[Any], optim.Optimizer], dtype: Any, shape: tuple[int, ...]) -> None:
    w = mg.ones(shape, dtype=dtype, requires_grad=True)
    optimizer = make([w])
    for _ in range(3):
        w.grad = np.ones(shape, dtype)
        before = w.grad.data.copy()
        optimizer.step()
        np.testing.assert_array_equal(w.grad.data, before)  # a gradient is never changed
    assert w.dtype == dtype
    assert w.shape == shape
    assert (w.data < 1).all()
    arrays = [value for value in optimizer.state[w].values() if not isinstance(value, int)]
    assert arrays
    assert {(array.dtype, array.shape) for array in arrays} == {(np.dtype(dtype), shape)}


@every
def test_numpy_numbers_do_not_change_a_dtype(make: Callable[[Any], optim.Optimizer]) -> None:
    w, v = leaf(1.0, 2.0), leaf(1.0, 2.0)
    one, other = make([w]), make([v])
    other.param_groups[0]["lr"] = np.float64(other.param_groups[0]["lr"])
    for tensor, optimizer in ((w, one), (v, other)):
        tensor.grad = np.float32([0.3, 0.7])
        optimizer.step()
    assert v.dtype == np.float32
    np.testing.assert_array_equal(w.data, v.data)
    assert type(other.param_groups[0]["lr"]) is float
    assert type(optim.SGD([w], lr=np.float64(0.1)).param_groups[0]["lr"]) is float


@every
def test_layouts_and_foreign_gradient_dtypes(make: Callable[[Any], optim.Optimizer]) -> None:
    values, gradient = np.random.default_rng(0).normal(size=(2, 3, 4))
    plain = mg.tensor(values, requires_grad=True)
    turned = mg.Tensor(np.asfortranarray(values)[:, ::-1])
    turned.requires_grad = True
    optimizers = make([plain]), make([turned])
    for _ in range(3):
        plain.grad, turned.grad = gradient, gradient[:, ::-1]
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_array_equal(plain.data, turned.data[:, ::-1])
    single = leaf(1.0, 2.0)
    single.grad = mg.tensor(np.array([0.1, 0.2]))  # float64
    make([single]).step()
    assert single.dtype == np.float32


def test_an_array_that_was_taken_before_a_step_keeps_the_old_values() -> None:
    w = leaf(1.0, 2.0)
    array = w.data
    stepped(lambda params: optim.SGD(params, 0.5), w)
    assert array.tolist() == [1, 2]
    new = w.data
    assert new.tolist() == [0.5, 1.5]
    new[:] = 3
    assert w.tolist() == [3, 3]


def test_a_parameter_made_of_a_read_only_array() -> None:
    view = np.broadcast_to(np.float32(1), (3,))
    w = mg.Tensor(view)
    w.requires_grad = True
    stepped(lambda params: optim.SGD(params, 0.5), w)
    np.testing.assert_array_equal(w.data, [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(view, [1, 1, 1])


def test_momentum_does_not_share_memory_with_the_gradient() -> None:
    w = leaf(1.0)
    optimizer = stepped(lambda params: optim.SGD(params, 0.5, momentum=0.9), w)
    assert w.grad is not None
    assert not np.shares_memory(w.grad._array, optimizer.state[w]["momentum_buffer"])


def test_parameters_without_a_gradient_stay() -> None:
    w, unused = leaf(1.0), leaf(1.0)
    optimizer = optim.Adam([w, unused])
    w.grad = [1.0]
    optimizer.step()
    assert unused.item() == 1.0
    assert list(optimizer.state_dict()["state"]) == [0]


def test_adam_without_memory_moves_by_the_sign() -> None:
    w = leaf(1.0, -1.0)
    optimizer = optim.Adam([w], lr=0.25, betas=(0, 0))
    for gradient in ([3.0, -0.1], [0.2, -5.0]):
        w.grad = gradient
        optimizer.step()
    np.testing.assert_allclose(w.data, [0.5, -0.5], rtol=1e-6)


def test_adamw_without_decay_is_adam() -> None:
    w, v = leaf(1.0, 2.0), leaf(1.0, 2.0)
    stepped(lambda params: optim.AdamW(params, weight_decay=0), w)
    stepped(optim.Adam, v)
    np.testing.assert_array_equal(w.data, v.data)


@pytest.mark.parametrize("gradient", [1e-4, 0.1, 0.3, 1.7, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centered_rmsprop_of_a_constant_gradient_stays_finite(gradient: float, dtype: Any) -> None:
    """Its variance goes to 0, and rounding may make it negative."""
    w = mg.tensor(np.ones(3, dtype), requires_grad=True)
    optimizer = optim.RMSprop([w], 1e-9, alpha=0.5, centered=True)
    for _ in range(300):
        w.grad = np.full(3, gradient, dtype)
        optimizer.step()
    assert np.isfinite(w.data).all()


DEFAULTS = {
    "SGD": "lr=0.001 momentum=0 dampening=0 weight_decay=0 nesterov=False",
    "Adagrad": "lr=0.01 lr_decay=0 weight_decay=0 initial_accumulator_value=0 eps=1e-10",
    "RMSprop": "lr=0.01 alpha=0.99 eps=1e-08 weight_decay=0 momentum=0 centered=False",
    "Adam": "lr=0.001 betas=(0.9, 0.999) eps=1e-08 weight_decay=0 amsgrad=False",
    "AdamW": "lr=0.001 betas=(0.9, 0.999) eps=1e-08 weight_decay=0.01 amsgrad=False",
    "lr_scheduler.StepLR": "gamma=0.1 last_epoch=-1",
    "lr_scheduler.ExponentialLR": "last_epoch=-1",
    "lr_scheduler.CosineAnnealingLR": "eta_min=0.0 last_epoch=-1",
    "lr_scheduler.LinearLR": "start_factor=0.3333333333333333 end_factor=1.0 total_iters=5 last_epoch=-1",
    "lr_scheduler.SequentialLR": "last_epoch=-1",
    "lr_scheduler.ReduceLROnPlateau": "mode='min' factor=0.1 patience=10 threshold=0.0001 threshold_mode='rel' "
    "cooldown=0 min_lr=0 eps=1e-08",
}


@pytest.mark.parametrize(("name", "expected"), DEFAULTS.items(), ids=DEFAULTS)
def test_arguments_and_defaults_are_pytorchs(name: str, expected: str) -> None:
    parameters = inspect.signature(operator.attrgetter(name)(optim)).parameters
    given = [f"{key}={value.default!r}" for key, value in parameters.items() if value.default is not value.empty]
    assert " ".join(given) == expected


def test_zero_grad_forgets_all_gradients() -> None:
    w, v = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": [w]}, {"params": [v]}], 0.1)
    (w * v).sum().backward()
    optimizer.zero_grad()
    assert w.grad is None
    assert v.grad is None


def test_a_closure_runs_once_with_recording_on() -> None:
    w, calls = leaf(3.0), []
    optimizer = optim.SGD([w], 0.1)

    def closure() -> mg.Tensor:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        calls.append(loss)
        return loss

    with mg.no_grad():
        assert optimizer.step(closure) is calls[0]
    assert len(calls) == 1
    assert w.item() == pytest.approx(2.4)
    assert optimizer.step() is None


def test_hyperparameters_switched_on_between_steps_take_effect() -> None:
    for kind, option in ((optim.SGD, "momentum"), (optim.RMSprop, "momentum"), (optim.RMSprop, "centered")):
        w = leaf(1.0)
        optimizer = stepped(lambda params, kind=kind: kind(params, 0.01), w)
        optimizer.param_groups[0][option] = 0.9 if option == "momentum" else True
        optimizer.step()
        assert set(optimizer.state_names(optimizer.param_groups[0])) == set(optimizer.state[w])
        optimizer.param_groups[0][option] = 0 if option == "momentum" else False
        kind([w], 0.01).load_state_dict(optimizer.state_dict())  # what was switched off is kept
    w = leaf(1.0)
    optimizer = stepped(lambda params: optim.Adam(params), w)
    optimizer.param_groups[0]["amsgrad"] = True
    optimizer.step()
    assert "max_exp_avg_sq" in optimizer.state[w]


def test_the_base_class_says_what_is_missing() -> None:
    class Empty(optim.Optimizer):
        pass

    w = leaf(1.0)
    w.grad = [1.0]
    with pytest.raises(NotImplementedError, match=r"Empty must define update\(\)"):
        Empty([w], {"lr": 0.1}).step()


# --- groups


def test_groups_take_what_they_leave_out_from_the_optimizer() -> None:
    w, v, u = leaf(1.0), leaf(1.0), leaf(1.0)
    own = {"params": v, "lr": 0.5}
    optimizer = optim.SGD([{"params": [w]}, own], lr=0.1, momentum=0.9)
    optimizer.add_param_group({"params": (p for p in [u]), "momentum": 0.0})
    assert [(group["lr"], group["momentum"]) for group in optimizer.param_groups] == [(0.1, 0.9), (0.5, 0.9), (0.1, 0)]
    assert own == {"params": v, "lr": 0.5}  # the caller's dict stays
    assert [id(p) for p in optimizer.parameters()] == [id(w), id(v), id(u)]
    assert repr(optimizer).count("1 parameter: lr=") == 3
    assert repr(optim.SGD([leaf(1.0)], 0.1)) == (
        "SGD(1 parameter: lr=0.1, momentum=0, dampening=0, weight_decay=0, nesterov=False)"
    )


def test_named_parameters_keep_their_names() -> None:
    w, v = leaf(1.0), leaf(2.0)
    optimizer = optim.SGD([("w", w), ("v", v)], 0.1)
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["w", "v"]
    for names in (["w", "u"], ["w", "w"], "wv", None, 3, ["w", "v", "v"]):
        wrong = copy.deepcopy(saved)
        wrong["param_groups"][0]["param_names"] = names
        if names is None:
            optimizer.load_state_dict(wrong)
            continue
        with pytest.raises(
            StateDictError, match=re.escape(f"group 0: its parameters are {names}, expected ['w', 'v']")
        ):
            optimizer.load_state_dict(wrong)
    del saved["param_groups"][0]["param_names"]
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["param_names"] == ["w", "v"]


# --- bad input

W = leaf(1.0, name="w")
used_up = (p for p in [W])
list(used_up)
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: optim.SGD([W], lr=float("nan")), ArgumentError, "SGD: lr must be a finite number of at least 0, got nan"),
    (lambda: optim.SGD([W], lr=float("inf")), ArgumentError, "lr must be a finite number of at least 0, got inf"),
    (lambda: optim.Adam([W], lr=-0.1), ArgumentError, "Adam: lr must be .* got -0.1; try one between"),
    (lambda: optim.Adam([W], lr="0.1"), DtypeError, r"lr must be a number, got '0.1' \(str\)"),
    (lambda: optim.Adam([W], lr=True), DtypeError, "lr must be a number, got True"),
    (lambda: optim.Adam([W], lr=mg.tensor(0.1)), DtypeError, r"lr must be a number.*; pass lr.item\(\)"),
    (lambda: optim.SGD([W], 0.1, momentum=-0.9), ArgumentError, "momentum must be .* got -0.9"),
    (lambda: optim.SGD([W], 0.1, momentum=float("nan")), ArgumentError, "momentum must be .* got nan"),
    (lambda: optim.SGD([W], 0.1, weight_decay=-1), ArgumentError, "weight_decay must be .* got -1"),
    (lambda: optim.SGD([W], 0.1, 0.9, dampening=2), ArgumentError, "dampening must be at least 0 and at most 1, got 2"),
    (lambda: optim.SGD([W], 0.1, nesterov=True), ArgumentError, "nesterov=True needs momentum above 0 .* momentum=0"),
    (lambda: optim.SGD([W], 0.1, 0.9, 0.1, nesterov=True), ArgumentError, "and dampening 0, got .* dampening=0.1"),
    (lambda: optim.SGD([W], 0.1, nesterov="yes"), DtypeError, "nesterov must be True or False, got 'yes'"),
    (lambda: optim.SGD([W], learning_rate=0.1), TypeError, "unexpected keyword argument 'learning_rate'"),
    (lambda: optim.SGD([W], 0.1, momentun=0.9), TypeError, "unexpected keyword argument 'momentun'"),
    (lambda: optim.SGD(), TypeError, "missing 1 required positional argument: 'params'"),
    (lambda: optim.Adagrad([W], lr_decay=-1), ArgumentError, "Adagrad: lr_decay must be"),
    (lambda: optim.Adagrad([W], initial_accumulator_value=-1), ArgumentError, "initial_accumulator_value must be"),
    (lambda: optim.Adagrad([W], weight_decay=-1), ArgumentError, "weight_decay must be"),
    (lambda: optim.Adagrad([W], eps=-1), ArgumentError, "eps must be"),
    (lambda: optim.RMSprop([W], alpha=1.0), ArgumentError, "alpha must be at least 0 and below 1, got 1.0"),
    (lambda: optim.RMSprop([W], eps=-1e-8), ArgumentError, "eps must be"),
    (lambda: optim.RMSprop([W], weight_decay=-1), ArgumentError, "weight_decay must be"),
    (lambda: optim.RMSprop([W], momentum=-1), ArgumentError, "momentum must be"),
    (lambda: optim.RMSprop([W], centered=1), DtypeError, "centered must be True or False"),
    (lambda: optim.Adam([W], betas=(0.9, 1.0)), ArgumentError, r"betas\[1\] must be at least 0 and below 1, got 1.0"),
    (lambda: optim.Adam([W], betas=(-0.1, 0.9)), ArgumentError, r"betas\[0\] must be"),
    (lambda: optim.Adam([W], betas=(0.9, float("nan"))), ArgumentError, r"betas\[1\] must be"),
    (lambda: optim.Adam([W], betas=0.9), DtypeError, r"betas must be two numbers such as \(0.9, 0.999\), got 0.9"),
    (lambda: optim.Adam([W], betas=(0.9,)), DtypeError, "betas must be two numbers"),
    (lambda: optim.Adam([W], eps=-1e-8), ArgumentError, "eps must be"),
    (lambda: optim.Adam([W], weight_decay=-1e-8), ArgumentError, "weight_decay must be"),
    (lambda: optim.Adam([W], amsgrad=None), DtypeError, "amsgrad must be True or False"),
    (lambda: optim.AdamW([W], weight_decay=-1), ArgumentError, "AdamW: weight_decay must be"),
    (lambda: optim.SGD([], 0.1), ArgumentError, "got an empty list of parameters; pass model.parameters"),
    (lambda: optim.SGD(used_up, 0.1), ArgumentError, "the generator of parameters gave nothing: it was used up"),
    (lambda: optim.SGD(W, 0.1), DtypeError, r"expected an iterable of tensors, got one Tensor; pass \[tensor\]"),
    (lambda: optim.SGD(np.ones(2), 0.1), DtypeError, "got one ndarray"),
    (lambda: optim.SGD({W}, 0.1), DtypeError, "a set has no order"),
    (lambda: optim.SGD({"params": [W]}, 0.1), DtypeError, r"got a dict; pass \[dict\]"),
    (lambda: optim.SGD(optim.SGD([W], 0.1), 0.1), DtypeError, r"got SGD; pass its .parameters\(\)"),
    (lambda: optim.SGD(3, 0.1), DtypeError, "expected an iterable of tensors, got int$"),
    (lambda: optim.SGD([W, 3], 0.1), DtypeError, "expected tensors to optimize, got int at index 1"),
    (lambda: optim.SGD([W * 2], 0.1), ArgumentError, "is the result of an operation, so a step would not last"),
    (lambda: optim.SGD([mg.ones(2)], 0.1), ArgumentError, "requires no gradient, so it would never change: set req"),
    (lambda: optim.SGD([W, W], 0.1), ArgumentError, r"parameter 1, 'w' of shape \(1,\) appears twice"),
    (lambda: optim.SGD([("a", W), ("b", W)], 0.1), ArgumentError, "'b' appears twice"),
    (lambda: optim.SGD([{"params": [W]}, {"params": [W]}], 0.1), ArgumentError, "appears twice"),
    (lambda: optim.SGD([("a", W), leaf(1.0)], 0.1), ArgumentError, r"\(name, tensor\) pairs for all of them"),
    (lambda: optim.SGD([(W, "a")], 0.1), ArgumentError, r"\(name, tensor\) pairs for all of them"),
    (
        lambda: optim.SGD([{"params": [("a", W)]}, {"params": [leaf(1.0)]}], 0.1),
        ArgumentError,
        "either all groups have",
    ),
    (lambda: optim.SGD([{"params": [W]}, leaf(1.0)], 0.1), DtypeError, "a parameter group is a dict .* got Tensor"),
    (lambda: optim.SGD([{"lr": 0.1}], 0.1), ArgumentError, "a parameter group needs its tensors under 'params'"),
    (
        lambda: optim.SGD([{"params": [W], "lrr": 1}], 0.1),
        UnknownArgumentError,
        "no option 'lrr'; it has params, lr, mom",
    ),
    (lambda: optim.SGD([{"params": [W], "q": 1}], 0.1), UnknownArgumentError, "no option 'q'; it has params, lr, mom"),
    (lambda: optim.SGD([{"params": [W], "lr": -1}], 0.1), ArgumentError, "lr must be .* got -1"),
    (lambda: optim.SGD([{"params": []}], 0.1), ArgumentError, "got an empty list of parameters"),
    (lambda: optim.SGD([leaf(1.0)], 0.1).step(), GraphError, r"SGD: no parameter has a gradient; call loss.backward"),
    (lambda: optim.SGD([leaf(1.0)], 0.1).step(loss=1), TypeError, "unexpected keyword argument 'loss'"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_bad_input_is_explained(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -0.1])
def test_a_learning_rate_that_went_wrong_is_noticed_before_anything_changes(rate: float) -> None:
    w, v = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": [w]}, {"params": [v]}], 0.1)
    (w + v).sum().backward()
    optimizer.param_groups[1]["lr"] = rate
    with pytest.raises(ArgumentError, match=f"lr must be a finite number of at least 0, got {rate}"):
        optimizer.step()
    assert w.item() == 1.0


def test_a_group_that_is_refused_is_not_added() -> None:
    optimizer = optim.SGD([leaf(1.0)], 0.1)
    with pytest.raises(ArgumentError):
        optimizer.add_param_group({"params": [leaf(1.0)], "lr": -1})
    assert len(optimizer.param_groups) == 1


# --- state dicts


@every
def test_a_state_dict_holds_plain_copies(make: Callable[[Any], optim.Optimizer]) -> None:
    w = leaf(1.0, 2.0)
    optimizer = stepped(make, w)
    saved = optimizer.state_dict()
    assert set(saved) == {"state", "param_groups"}
    assert saved["param_groups"][0]["params"] == [0]
    json.dumps(saved["param_groups"])
    for name, value in saved["state"][0].items():
        assert isinstance(value, (int, np.ndarray))
        if isinstance(value, np.ndarray):
            assert not np.shares_memory(value, optimizer.state[w][name])
    other = make([leaf(1.0, 2.0)])
    other.load_state_dict(saved)
    for name, value in next(iter(other.state.values())).items():
        np.testing.assert_array_equal(value, saved["state"][0][name])
        assert not isinstance(value, np.ndarray) or not np.shares_memory(value, saved["state"][0][name])


def test_a_state_dict_of_another_dtype_is_converted_and_pytorchs_step_is_read() -> None:
    saved = stepped(optim.Adam, leaf(1.0, 2.0)).state_dict()
    saved["state"][0]["step"] = np.array(1.0, np.float32)
    w = mg.tensor(np.ones(2), requires_grad=True)
    optimizer = optim.Adam([w])
    optimizer.load_state_dict(saved)
    assert optimizer.state[w]["exp_avg"].dtype == np.float64
    assert optimizer.state[w]["step"] == 1
    assert type(optimizer.state[w]["step"]) is int


def test_parameters_that_have_not_stepped_have_no_state() -> None:
    w = leaf(1.0)
    optimizer = optim.Adam([w])
    saved = optimizer.state_dict()
    assert saved["state"] == {}
    saved["state"][0] = {}
    optimizer.load_state_dict(saved)
    assert not optimizer.state[w]
    saved["state"][0] = {"step": 0, "exp_avg": np.zeros(1), "exp_avg_sq": np.zeros(1)}
    optimizer.load_state_dict(saved)
    assert optimizer.state[w]["step"] == 0


def test_named_parameters_are_paired_by_name() -> None:
    w, v, u = leaf(1.0), leaf(2.0), leaf(3.0)
    groups = [{"params": [("u", u)]}, {"params": [("w", w), ("v", v)]}]
    saved = optim.Adam(groups, 0.1)
    for tensor, gradient in ((u, 1.0), (w, 2.0), (v, 3.0)):
        tensor.grad = [gradient]
    saved.step()
    turned = optim.Adam([groups[0], {"params": [("v", v), ("w", w)]}], 0.1)
    turned.load_state_dict(saved.state_dict())
    assert turned.param_groups[1]["param_names"] == ["v", "w"]
    for tensor in (u, w, v):
        np.testing.assert_equal(turned.state[tensor], saved.state[tensor])
    plain = optim.Adam([{"params": [u]}, {"params": [v, w]}], 0.1)
    plain.load_state_dict(saved.state_dict())  # without names here, their order counts
    np.testing.assert_equal(plain.state[v], saved.state[w])
    assert "param_names" not in plain.param_groups[1]
    twice = optim.Adam([("a", w), ("a", v)], 0.1)
    twice.load_state_dict(twice.state_dict())
    moved = optim.Adam([("b", w), ("a", v)], 0.1)
    with pytest.raises(StateDictError, match=r"its parameters are \['b', 'a'\], expected \['a', 'a'\]"):
        twice.load_state_dict(moved.state_dict())


class Own(optim.Optimizer):
    """Keeps a state of several kinds, and calls none of it its own."""

    def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
        state["rows"] = np.float64(g.sum(0)) + state.get("rows", 0)
        state["seen"] = [*state.get("seen", []), "text"]
        state["step"] = state.get("step", -0.5) + 1
        return p - lr * g


def test_a_state_of_ones_own_is_saved_and_loaded_as_it_is() -> None:
    w = mg.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    optimizer = stepped(lambda params: Own(params, {"lr": 0.5}), w)
    saved = optimizer.state_dict()
    assert saved["state"][0]["rows"].tolist() == [2, 2, 2]
    optimizer.state.clear()
    optimizer.load_state_dict(saved)
    np.testing.assert_equal(optimizer.state_dict(), saved)
    assert optimizer.state[w]["rows"].dtype == np.float64
    for name in ("rows", "seen"):
        assert optimizer.state[w][name] is not saved["state"][0][name]
    optimizer.step()
    assert optimizer.state[w]["seen"] == ["text", "text"]
    assert optimizer.state[w]["step"] == 1.5


def test_an_elementwise_state_keeps_what_is_not_a_fraction_in_its_dtype() -> None:
    class Counting(optim.SGD):
        elementwise = True

        def update(self, p: Any, g: Any, state: Any, **options: Any) -> Any:
            state["ups"] = state.get("ups", np.zeros(p.shape, np.int64)) + (g > 0)
            return super().update(p, g, state, **options)

    w = leaf(1.0, 2.0)
    optimizer = stepped(Counting, w)
    saved = optimizer.state_dict()
    saved["state"][0]["extra"] = np.ones(2, np.float64)
    optimizer.load_state_dict(saved)
    assert optimizer.state[w]["ups"].dtype == np.int64
    assert optimizer.state[w]["extra"].dtype == np.float32
    optimizer.step()
    assert optimizer.state[w]["ups"].tolist() == [2, 2]
    saved["state"][0]["ups"] = np.ones(3, np.int64)
    with pytest.raises(StateDictError, match=r"ups must have shape \(2,\), got \(3,\)"):
        optimizer.load_state_dict(saved)


def test_a_closure_must_be_a_function() -> None:
    with pytest.raises(DtypeError, match=r"SGD: step\(\) takes a function that computes the loss, got 3"):
        optim.SGD([leaf(1.0)], 0.1).step(3)  # type: ignore[arg-type]


def test_observers_see_an_update_before_and_after() -> None:
    class Seen(Observer):
        def __init__(self) -> None:
            self.values: list[Any] = []

        def before_update(self, optimizer: object, parameters: Any) -> None:
            self.values += [optimizer, *(parameter.item() for parameter in parameters)]

        after_update = before_update

    w, v = leaf(1.0), leaf(2.0)
    w.grad = [1.0]
    optimizer, seen = optim.SGD([{"params": [w]}, {"params": [v]}], 0.5), Seen()
    with observing(seen):
        optimizer.step()
    assert seen.values == [optimizer, 1, 2, optimizer, 0.5, 2]


def test_loading_takes_the_options_and_keeps_the_tensors() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], 0.1)
    saved = stepped(lambda params: optim.SGD(params, 0.7, momentum=0.9), leaf(1.0)).state_dict()
    saved["param_groups"][0]["initial_lr"] = 0.9
    optimizer.load_state_dict(saved)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["initial_lr"]) == (0.7, 0.9, 0.9)
    assert group["params"][0] is w


def change(path: list[Any], value: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets, or with ``...`` deletes, one place of a nested dict."""

    def apply(saved: Any) -> None:
        for key in path[:-1]:
            saved = saved[key]
        if value is ...:
            del saved[path[-1]]
        else:
            saved[path[-1]] = value

    return apply


DAMAGE: list[tuple[list[Any], Any, str]] = [
    (["state"], ..., "expected a dict with 'state', a dict, and 'param_groups', a list"),
    (["state"], [1], "expected a dict with 'state'"),
    (["param_groups"], ..., "expected 'param_groups', a list of dicts"),
    (["param_groups"], [1], "expected 'param_groups', a list of dicts"),
    (["param_groups"], [], "expected 1 parameter groups, got 0"),
    (["param_groups", 0, "params"], [0], "group 0: expected 2 parameters, got 1"),
    (["param_groups", 0, "params"], None, "group 0: expected 2 parameters, got None"),
    (["param_groups", 0, "eps"], ..., "group 0: eps is missing"),
    (["param_groups", 0, "amsgrad"], ..., "group 0: amsgrad is missing"),
    (["param_groups", 0, "momentum"], 0.9, "group 0: momentum is unknown"),
    (["param_groups", 0, "lr"], float("nan"), "group 0: Adam: lr must be a finite number"),
    (["param_groups", 0, "betas"], "ab", "group 0: Adam: betas must be two numbers"),
    (["state", 2], {}, "state 2: no such parameter"),
    (["state", 1], 3, "state 1: expected a dict, got int"),
    (["state", 0, "exp_avg"], ..., "state 0 ('w' of shape (2,)): exp_avg is missing"),
    (["state", 0, "sum"], np.ones(3), "state 0 ('w' of shape (2,)): sum must have shape (2,), got (3,)"),
    (["state", 0, "exp_avg"], np.ones(3), "exp_avg must have shape (2,), got (3,)"),
    (["state", 0, "exp_avg"], np.ones(2, int), "exp_avg must be an array of floating-point numbers, got int64"),
    (["state", 0, "exp_avg"], [1.0, 1.0], "exp_avg must be an array of floating-point numbers, got list"),
    (["state", 1, "step"], -1, "step must be a whole number of at least 0, got -1"),
    (["state", 1, "step"], 1.5, "step must be a whole number of at least 0, got 1.5"),
    (["state", 1, "step"], "1", "step must be a whole number of at least 0, got '1'"),
]


@pytest.mark.parametrize(("path", "value", "message"), DAMAGE, ids=[f"{path}={value}" for path, value, _ in DAMAGE])
def test_a_state_dict_that_does_not_fit_changes_nothing(path: list[Any], value: Any, message: str) -> None:
    w, v = leaf(1.0, 2.0, name="w"), leaf(1.0)
    optimizer = stepped(optim.Adam, w, v)
    before = optimizer.state_dict()
    saved = copy.deepcopy(before)
    saved["param_groups"][0]["lr"] = 7.0
    change(path, value)(saved)
    with pytest.raises(StateDictError, match=re.escape(message)):
        optimizer.load_state_dict(saved)
    np.testing.assert_equal(optimizer.state_dict(), before)


@pytest.mark.parametrize(
    ("saved", "into", "message"),
    [
        (optim.Adam, optim.SGD, "it has betas, eps, amsgrad, and no momentum, dampening, nesterov; make the optimizer"),
        (optim.RMSprop, optim.SGD, "it has alpha, eps, centered, and no dampening, nesterov; make the optimizer that"),
        (
            optim.SGD,
            optim.AdamW,
            "it has momentum, dampening, nesterov, and no betas, eps, amsgrad; make the optimizer",
        ),
    ],
)
def test_the_state_of_another_optimizer_is_called_so(saved: Any, into: Any, message: str) -> None:
    state = stepped(lambda params: saved(params, lr=0.1), leaf(1.0)).state_dict()
    optimizer = stepped(lambda params: into(params, lr=0.1), leaf(1.0))
    before = optimizer.state_dict()
    with pytest.raises(StateDictError) as caught:
        optimizer.load_state_dict(state)
    first = f"{into.__name__}: the state dict does not fit:\n  - it is the state of another optimizer: {message}"
    assert str(caught.value).startswith(first)
    assert str(caught.value).count("\n") == 1
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_every_problem_of_a_state_dict_is_listed() -> None:
    optimizer = stepped(optim.Adam, leaf(1.0, 2.0), leaf(1.0))
    saved = optimizer.state_dict()
    for path, value in (
        (["param_groups", 0, "momentum"], 0.9),
        (["param_groups", 0, "eps"], ...),
        (["state", 0, "exp_avg"], ...),
        (["state", 1, "exp_avg_sq"], np.ones(4)),
        (["state", 5], {}),
    ):
        change(path, value)(saved)
    with pytest.raises(StateDictError) as caught:
        optimizer.load_state_dict(saved)
    assert str(caught.value).count("\n  - ") == 5
    with pytest.raises(StateDictError, match="expected a dict with 'state'"):
        optimizer.load_state_dict([])
