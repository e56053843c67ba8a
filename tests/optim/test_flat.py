"""Small parameters are updated together, large ones in blocks, bit for bit as one at a time."""

from __future__ import annotations

import copy
import importlib.util
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.errors import ShapeError
from minigrad.optim import flat

CASES: list[tuple[type[optim.Optimizer], dict[str, Any]]] = [
    (optim.SGD, {}),
    (optim.SGD, {"weight_decay": 0.1}),
    (optim.SGD, {"momentum": 0.9}),
    (optim.SGD, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (optim.Adagrad, {}),
    (optim.Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    (optim.RMSprop, {}),
    (optim.RMSprop, {"centered": True, "weight_decay": 0.1}),
    (optim.RMSprop, {"momentum": 0.5, "centered": True}),
    (optim.Adam, {}),
    (optim.Adam, {"weight_decay": 0.1, "amsgrad": True}),
    (optim.AdamW, {}),
    (optim.AdamW, {"amsgrad": True}),
]
every = pytest.mark.parametrize("case", CASES, ids=[f"{kind.__name__}-{'-'.join(given)}" for kind, given in CASES])
some = pytest.mark.parametrize("case", [CASES[0], CASES[3], CASES[9], CASES[11], CASES[13]])
SMALL = [(2, 3), (3,), (), (5, 1, 2), (1,), (4,)]
LARGE = [(100, 3), (257,), (12, 12)]
MIXED = [(2, 3), (257,), (), (5, 1, 2), (100, 3), (7,), (64,), (65,)]


@pytest.fixture(autouse=True)
def _small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "SMALL", 70)
    monkeypatch.setattr(flat, "LARGE", 150)
    monkeypatch.setattr(flat, "BLOCK", 64)


class Twins:
    """Two optimizers, parameters and gradients alike: one updates together and in blocks, the other one by one."""

    def __init__(self, case: Any, shapes: Any = MIXED, dtype: Any = np.float32, grouped: bool = False) -> None:
        kind, options = case
        self.random = np.random.default_rng(0)
        values = [self.random.normal(size=shape).astype(dtype) for shape in shapes]
        self.sides: list[list[mg.Tensor]] = [[mg.tensor(value, requires_grad=True) for value in values] for _ in "ab"]
        plain = type(kind.__name__, (kind,), {})  # a class that does not call itself elementwise
        self.optimizers = []
        for which, tensors in zip((kind, plain), self.sides, strict=True):
            params = [{"params": tensors[:4]}, {"params": tensors[4:], "lr": 0.05}] if grouped else tensors
            self.optimizers.append(which(params, 0.02, **options))

    def step(self, without: tuple[int, ...] = (), change: Callable[[Any], Any] = lambda gradient: gradient) -> None:
        gradients = [self.random.normal(size=tensor.shape).astype(tensor.dtype) for tensor in self.sides[0]]
        for tensors, optimizer in zip(self.sides, self.optimizers, strict=True):
            for index, (tensor, gradient) in enumerate(zip(tensors, gradients, strict=True)):
                tensor.grad = None if index in without else mg.tensor(change(gradient))
            optimizer.step()
        self.compare()

    def steps(self, count: int, **options: Any) -> None:
        for _ in range(count):
            self.step(**options)

    def both(self, change: Callable[[list[mg.Tensor], optim.Optimizer], Any]) -> None:
        for tensors, optimizer in zip(self.sides, self.optimizers, strict=True):
            change(tensors, optimizer)

    def compare(self) -> None:
        for tensor, expected in zip(*self.sides, strict=True):
            same(tensor.data, expected.data)
        one, other = (optimizer.state_dict()["state"] for optimizer in self.optimizers)  # reading `state` changes how
        assert list(one) == list(other)
        for index, state in one.items():
            assert list(state) == list(other[index])
            for name, value in state.items():
                same(value, other[index][name])


def same(value: Any, expected: Any) -> None:
    assert type(value) is type(expected)
    if isinstance(value, np.ndarray):
        assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(value, expected)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shapes", [SMALL, LARGE, MIXED], ids=["small", "large", "mixed"])
def test_thirty_steps_are_bit_identical(case: Any, dtype: Any, shapes: Any) -> None:
    twins = Twins(case, shapes, dtype)
    twins.steps(30)


@every
def test_half_precision_and_two_dtypes_and_two_groups(case: Any) -> None:
    twins = Twins(case, SMALL, np.float16, grouped=True)
    twins.steps(5)
    twins = Twins(case, SMALL)
    twins.both(lambda tensors, optimizer: [tensors[i].assign(tensors[i].data.astype(float)) for i in (1, 4)])
    twins.steps(5)


# --- what may come between


def replace_one(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    tensors[2].data = tensors[2].data * 2


def replace_all(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    for tensor in tensors:
        tensor.data = tensor.data * 0.5


def change_in_place(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    for tensor in tensors:
        tensor.data[...] *= 0.5


def assign(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    with mg.no_grad():
        tensors[0][0] = 3.0


def load(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    saved = optimizer.state_dict()
    optimizer.step()
    optimizer.load_state_dict(saved)


def clear(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    optimizer.state.clear()


def clear_one(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    optimizer.state[tensors[3]].clear()


def copy_a_state(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    optimizer.state[tensors[3]] = copy.deepcopy(optimizer.state[tensors[3]])


def replace_arrays(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    own = optimizer.state[tensors[5]]
    own.update({name: value * 0.9 for name, value in own.items() if name != "step"})


def replace_the_first_array(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    own = optimizer.state[tensors[5]]
    for name in [name for name in own if name != "step"][:1]:
        own[name] = own[name] * 0.9


def replace_a_number(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    if "step" in optimizer.state[tensors[5]]:
        optimizer.state[tensors[5]]["step"] += 3


def leave_out(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    optimizer.param_groups[0]["params"] = tensors[1:3] + tensors[4:]


def turn_round(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    optimizer.param_groups[0]["params"].reverse()


def split_group(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    first = optimizer.param_groups[0]
    last = {**first, "params": [first["params"].pop()], "lr": 0.5}
    optimizer.param_groups.append(last)


def turn_arrays(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    for index in (0, 3, 4):
        tensors[index].data = np.array(tensors[index].data * np.float32(0.5), order="F")


def another_rate(tensors: list[mg.Tensor], optimizer: optim.Optimizer) -> None:
    optimizer.param_groups[0]["lr"] = 0.3


EVENTS = [replace_one, replace_all, change_in_place, assign, load, clear, clear_one, leave_out]
EVENTS += [
    copy_a_state,
    replace_arrays,
    replace_the_first_array,
    replace_a_number,
    turn_round,
    split_group,
    turn_arrays,
    another_rate,
]


@some
@pytest.mark.parametrize("event", EVENTS)
def test_what_comes_between_is_seen(case: Any, event: Callable[[list[mg.Tensor], optim.Optimizer], None]) -> None:
    twins = Twins(case)
    for count in (4, 1, 1, 6, 1):
        twins.steps(count)
        twins.both(event)
    twins.steps(4)


def test_a_state_may_gain_a_name() -> None:
    twins = Twins((optim.Adam, {}))
    twins.steps(4)
    for tensors, optimizer in zip(twins.sides, twins.optimizers, strict=True):
        optimizer.state[tensors[3]]["max_exp_avg_sq"] = np.full((5, 1, 2), 9, np.float32)
        optimizer.param_groups[0]["amsgrad"] = True
    twins.steps(4)


@some
def test_a_parameter_may_be_exchanged(case: Any) -> None:
    twins = Twins(case)
    spare = [mg.tensor(np.ones((2, 2), np.float32), requires_grad=True) for _ in "ab"]
    twins.steps(4)
    for tensors, optimizer, tensor in zip(twins.sides, twins.optimizers, spare, strict=True):
        optimizer.param_groups[0]["params"][3] = tensor
        tensors.append(tensor)
    before = twins.sides[0][3].data.copy()
    twins.steps(4)
    np.testing.assert_array_equal(twins.sides[0][3].data, before)


@pytest.mark.parametrize("index", range(len(MIXED)))
@pytest.mark.parametrize("which", [0, 1])
def test_a_gradient_of_another_shape_is_an_error(index: int, which: int) -> None:
    twins = Twins(CASES[2])
    twins.steps(4)
    tensor = twins.sides[which][index]
    tensor.grad.data = np.float32([[2, 3, 4]])
    message = f"the gradient of {tensor.describe()} must have its shape, got (1, 3)"
    with pytest.raises(ShapeError, match=re.escape(message)):
        twins.optimizers[which].step()


@some
def test_gradients_may_be_missing(case: Any) -> None:
    twins = Twins(case, SMALL)
    for without in [(), (2,), (), (), (), (2,), (2,), (2,), (2,), (0, 5), *[()] * 6, (0, 1, 2, 3, 4), (), (), ()]:
        twins.step(without)
    twins = Twins(case)
    twins.steps(4, without=(0, 3))
    twins.steps(6)


@some
def test_gradients_may_be_turned_or_of_another_dtype_or_not_own_their_memory(case: Any) -> None:
    twins = Twins(case)
    twins.steps(4)
    twins.steps(4, change=lambda gradient: np.array(gradient, order="F"))
    twins.steps(2, change=lambda gradient: gradient.astype(np.float64) / 3)
    twins.steps(2, change=lambda gradient: gradient.astype(np.float16))
    twins.steps(4, change=lambda gradient: np.stack([gradient, gradient], axis=-1)[..., 0])


@pytest.mark.parametrize(
    ("kind", "switches"),
    [
        (optim.SGD, [{"momentum": 0.9}, {"nesterov": True}, {"weight_decay": 0.1}, {"momentum": 0, "nesterov": False}]),
        (optim.RMSprop, [{"centered": True}, {"momentum": 0.5}, {"centered": False}, {"momentum": 0.0}]),
        (optim.Adam, [{"amsgrad": True}, {"weight_decay": 0.1}, {"amsgrad": False}, {"amsgrad": True}]),
    ],
)
def test_options_may_be_switched(kind: Any, switches: list[dict[str, Any]]) -> None:
    twins = Twins((kind, {}))
    twins.steps(4)
    for switch in switches:
        twins.both(lambda tensors, optimizer, switch=switch: optimizer.param_groups[0].update(switch))
        twins.steps(4)


@some
def test_schedulers_and_two_optimizers_in_turn(case: Any) -> None:
    twins = Twins(case)
    schedulers = [optim.lr_scheduler.CosineAnnealingLR(optimizer, 10) for optimizer in twins.optimizers]
    others = [type(one)(tensors, 0.1) for one, tensors in zip(twins.optimizers, twins.sides, strict=True)]
    for _ in range(10):
        twins.step()
        for other, scheduler in zip(others, schedulers, strict=True):
            other.step()
            scheduler.step()
        twins.compare()
    turned = [type(one)(tensors[::-1], 0.1) for one, tensors in zip(twins.optimizers, twins.sides, strict=True)]
    for _ in range(5):
        twins.step()
        for other in turned:
            other.step()
    twins.compare()


# --- memory


@some
def test_arrays_that_were_taken_before_a_step_keep_their_values(case: Any) -> None:
    twins = Twins(case)
    for _ in range(3):
        tensors = twins.sides[0]
        taken = [tensor.data for tensor in tensors]
        before = [array.copy() for array in taken]
        detached = [tensor.detach() for tensor in tensors]
        twins.step()
        for tensor, array, value, constant in zip(tensors, taken, before, detached, strict=True):
            same(array, value)
            same(constant.data, value)
            array[...] = 7
            assert not (tensor.data == 7).any()


@some
def test_arrays_of_the_state_stay_and_follow(case: Any) -> None:
    twins = Twins(case)
    twins.step()
    kept = [dict(twins.optimizers[0].state[twins.sides[0][index]]) for index in (0, 5)]
    twins.steps(5)
    for index, values in zip((0, 5), kept, strict=True):
        for name, value in values.items():
            assert not isinstance(value, np.ndarray) or value is twins.optimizers[0].state[twins.sides[0][index]][name]


@some
@pytest.mark.parametrize("how", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_share_no_memory(case: Any, how: Callable[[Any], Any]) -> None:
    twins = Twins(case)
    twins.steps(4)
    tensors, optimizer = twins.sides[0], twins.optimizers[0]
    kind = type(optimizer)
    copied_tensors, copied = how((tensors, optimizer))
    assert type(copied) is kind
    before = [tensor.data.copy() for tensor in tensors]
    for tensor, twin in zip(tensors, copied_tensors, strict=True):
        assert not np.shares_memory(tensor.data, twin.data)
        for name, value in optimizer.state[tensor].items():
            assert value is copied.state[twin][name] or not np.shares_memory(value, copied.state[twin][name])
    twins.sides[1], twins.optimizers[1] = list(copied_tensors), copied
    twins.steps(5)  # the copy goes as the first does
    assert not any(np.array_equal(tensor.data, value) for tensor, value in zip(tensors, before, strict=True))


# --- which algorithms


class Noted(optim.Optimizer):
    """Notes the shapes that it was given, and keeps what a careless algorithm may keep."""

    elementwise = True

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1})
        self.shapes: list[tuple[int, ...]] = []

    def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
        self.shapes.append(p.shape)
        new = p - lr * state.get("last", g)
        if "first" in state:
            del state["first"]
        elif "last" not in state:
            state["first"] = p
        state["last"] = g
        state["total"] = np.asarray(state.get("total", 0) + g)
        state["step"] = state.get("step", 0) + 1
        return new


class Whole(Noted):
    """The same, of one parameter at a time."""


def test_how_parameters_are_updated() -> None:
    shapes = [*MIXED, (10, 10)]
    twins = Twins((optim.SGD, {}), shapes)
    twins.optimizers = [Noted(twins.sides[0]), Whole(twins.sides[1])]
    assert not Whole.elementwise
    twins.steps(6)
    assert twins.optimizers[1].shapes == shapes * 6
    together = [(6 + 1 + 10 + 7 + 64,)]
    alone = [*[(64,)] * 4, (1,), *[(64,)] * 4, (44,), (65,), (10, 10)]
    assert twins.optimizers[0].shapes == (together + alone) * 6
    for tensors in twins.sides:
        for index in (0, 2, 3, 5):
            tensors[index].data = tensors[index].data * 2
    twins.steps(4)
    assert twins.optimizers[0].shapes == (together + alone) * 10


def test_the_sizes_that_were_measured() -> None:
    """For speed: 784-512-10 has one parameter that is neither small nor large."""
    source = importlib.util.find_spec("minigrad.optim.flat")
    assert source is not None
    fresh = importlib.util.module_from_spec(source)
    source.loader.exec_module(fresh)  # type: ignore[union-attr]
    assert (fresh.SMALL, fresh.LARGE, fresh.BLOCK) == (16384, 524288, 131072)


def test_parameters_of_different_states_are_updated_apart() -> None:
    twins = Twins((optim.SGD, {}), [(2,), (3,), (4,), (5,)])
    twins.optimizers = [Noted(twins.sides[0]), Whole(twins.sides[1])]
    twins.step(without=(2, 3))
    twins.step()
    assert twins.optimizers[0].shapes == [(5,), (5,), (9,)]
    for optimizer in twins.optimizers:
        saved = optimizer.state_dict()
        saved["state"][2]["step"] = 1.0  # equal numbers of different types
        saved["state"][3]["note"] = ["any", "value"]
        optimizer.load_state_dict(saved)
    twins.step()
    assert twins.optimizers[0].shapes[3:] == [(5,), (4,), (5,)]


def test_after_the_state_was_read_parameters_are_updated_one_by_one() -> None:
    twins = Twins((optim.SGD, {}), [(2,), (3,)])
    twins.optimizers = [Noted(twins.sides[0]), Whole(twins.sides[1])]
    twins.step()
    held = [optimizer.state[tensors[1]] for tensors, optimizer in zip(twins.sides, twins.optimizers, strict=True)]
    twins.step()
    assert twins.optimizers[0].shapes == [(5,), (2,), (3,)]
    for state in held:
        assert state["step"] == 2
        state["step"] = 7
    twins.step()
    assert [state["step"] for state in held] == [8, 8]
    for optimizer in twins.optimizers:
        optimizer.state = {}
    twins.step()
    assert [state["step"] for optimizer in twins.optimizers for state in optimizer.state.values()] == [1, 1, 1, 1]


def test_an_update_may_read_the_state_of_its_optimizer() -> None:
    class Reading(optim.Optimizer):
        elementwise = True

        def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
            state["step"] = state.get("step", 0) + 1
            assert len(self.state) == 2
            return p - lr * g

    tensors = [mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True)]
    optimizer = Reading(tensors, {"lr": 0.1})
    for _ in range(2):
        (tensors[0].sum() + tensors[1].sum()).backward()
        optimizer.step()
    assert [state["step"] for state in optimizer.state.values()] == [2, 2]


class Careless(optim.Optimizer):
    """Runs a function as its update, and calls itself elementwise."""

    elementwise = True

    def __init__(self, params: Any, function: Callable[[Any, Any, Any], Any]) -> None:
        super().__init__(params, {"lr": 1.0})
        self.function = function

    def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
        return self.function(p, g, state)


class CarelessWhole(Careless):
    """The same, of one parameter at a time."""


ALL_SIZES = [[(2,), (3,)], [(100,)], [(300,)], [()]]
kinds = pytest.mark.parametrize("kind", [Careless, CarelessWhole])
sizes = pytest.mark.parametrize("shapes", ALL_SIZES, ids=str)


def careless(kind: Any, shapes: Any, function: Callable[[Any, Any, Any], Any]) -> tuple[list[mg.Tensor], Any]:
    tensors = [mg.tensor(np.full(shape, 2.0), requires_grad=True) for shape in shapes]
    for tensor in tensors:
        tensor.grad = np.ones(tensor.shape)
    return tensors, kind(tensors, function)


@kinds
@sizes
@pytest.mark.parametrize("result", [None, np.ones(7), np.ones((1, 1))], ids=str)
def test_an_update_that_does_not_return_new_values(kind: Any, shapes: Any, result: Any) -> None:
    tensors, optimizer = careless(kind, shapes, lambda p, g, state: result)
    what = "None" if result is None else f"shape {result.shape}"
    with pytest.raises(ShapeError, match=re.escape(f"and returned {what}") + "$"):
        optimizer.step()
    assert all((tensor.data == 2).all() for tensor in tensors)


@kinds
@sizes
@pytest.mark.parametrize("argument", [0, 1])
def test_an_update_cannot_write_into_values_and_gradients(kind: Any, shapes: Any, argument: int) -> None:
    def function(*arguments: Any) -> Any:
        arguments[argument][...] = 0
        return arguments[0]

    tensors, optimizer = careless(kind, shapes, function)
    with pytest.raises(ValueError, match="read-only"):
        optimizer.step()
    assert all((tensor.data == 2).all() for tensor in tensors)


def kept_in_state(p: Any, g: Any, state: Any) -> Any:
    state["kept"] = p - g
    return state["kept"]


@kinds
@sizes
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda p, g, state: p, 2),
        (lambda p, g, state: g, 1),
        (kept_in_state, 1),
        (lambda p, g, state: np.float32(p - g), 1),
        (lambda p, g, state: np.broadcast_to(np.float64(3), p.shape), 3),
        (lambda p, g, state: (p - g)[...], 1),
    ],
)
def test_what_an_update_returns_is_the_parameters_own(kind: Any, shapes: Any, function: Any, expected: float) -> None:
    tensors, optimizer = careless(kind, shapes, function)
    for _ in range(2):
        before = [tensor.tolist() for tensor in tensors]
        optimizer.step()
        values = [tensor.data for tensor in tensors]
        assert before != [value.tolist() for value in values] or expected in (2, 1, 3)
        for tensor, value in zip(tensors, values, strict=True):
            assert value.dtype == np.float64
            held = [tensor.grad._array, *optimizer.state[tensor].values()]
            assert not any(np.shares_memory(value, other) for other in held)
            assert not any(np.shares_memory(value, other) for other in values if other is not value)
    tensors, optimizer = careless(kind, shapes, function)
    optimizer.step()
    assert all((tensor.data == expected).all() for tensor in tensors)


@pytest.mark.parametrize("shapes", [[(2,), (3,)], [(300,)]], ids=str)
def test_a_state_of_another_shape_is_an_error_where_the_algorithm_is_called_elementwise(shapes: Any) -> None:
    def function(p: Any, g: Any, state: Any) -> Any:
        state["count"] = np.zeros(1)
        return p - g

    _, optimizer = careless(Careless, shapes, function)
    with pytest.raises(ShapeError, match=r"its state 'count' must have that shape, got \(1,\); let its class say elem"):
        optimizer.step()
    tensors, optimizer = careless(CarelessWhole, shapes, function)
    optimizer.step()
    assert [optimizer.state[tensor]["count"].shape for tensor in tensors] == [(1,)] * len(shapes)


@pytest.mark.parametrize(
    "change",
    [lambda array: array.reshape(-1)[:1], lambda array: np.stack([array, array], -1)[..., 0], np.asfortranarray],
)
def test_a_state_that_cannot_be_cut_is_updated_whole(change: Any) -> None:
    twins = Twins((optim.SGD, {"momentum": 0.5}), [(300,), (100, 3), (2,), (3,)])
    twins.steps(2)
    for tensors, optimizer in zip(twins.sides, twins.optimizers, strict=True):
        for tensor in tensors:
            own = optimizer.state[tensor]
            own["momentum_buffer"] = np.array(change(own["momentum_buffer"]))
            if own["momentum_buffer"].shape == tensor.shape:
                own["momentum_buffer"] = change(own["momentum_buffer"])
            else:
                own["other"] = own.pop("momentum_buffer")
    twins.steps(3)


def test_an_algorithm_that_does_not_say_so_gets_one_parameter_at_a_time() -> None:
    seen = []

    class Normed(optim.SGD):
        def update(self, p: Any, g: Any, state: Any, *values: Any, **options: Any) -> Any:
            seen.append(p.shape)
            return super().update(p, g / (np.linalg.norm(g) + 1), state, *values, **options)

    twins = Twins((Normed, {"momentum": 0.9}))
    twins.steps(3)
    assert seen == MIXED * 6
    assert not optim.Optimizer.elementwise
    assert optim.SGD.elementwise


def test_an_update_that_fails_counts_no_step() -> None:
    twins = Twins((optim.Adam, {}), SMALL)
    twins.steps(4)
    tensors, optimizer = twins.sides[0], twins.optimizers[0]
    before = [tensor.tolist() for tensor in tensors]
    tensors[0].grad = np.full((2, 3), 1e30)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        optimizer.step()
    assert optimizer.state[tensors[0]]["step"] == 4
    assert [tensor.tolist() for tensor in tensors] == before
    optimizer.zero_grad()
    tensors[0].grad = np.ones((2, 3))
    optimizer.step()
    assert optimizer.state[tensors[0]]["step"] == 5


@pytest.mark.parametrize("steps", [0, 2])
def test_values_that_are_written_after_an_update_has_failed_are_seen(steps: int) -> None:
    twins = Twins((optim.Adam, {}), SMALL)
    twins.steps(steps)
    for tensors, optimizer in zip(twins.sides, twins.optimizers, strict=True):
        arrays = [tensor.data for tensor in tensors]
        for tensor in tensors:
            tensor.grad = np.full(tensor.shape, 1e30)
        optimizer.state.clear()
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            optimizer.step()
        optimizer.state.clear()
        for array in arrays:
            array[...] = 7
    twins.steps(2)
    assert all((abs(tensor.data - 7) < 1).all() for tensor in twins.sides[0])


def test_numbers_that_are_not_finite_are_applied_as_written() -> None:
    twins = Twins(CASES[10])
    twins.steps(2)
    with np.errstate(invalid="ignore"):
        twins.steps(1, change=lambda gradient: gradient * np.float32(np.inf))
        assert not np.isfinite(twins.sides[0][1].data).any()
        twins.steps(1)


def test_a_step_may_be_overridden_and_replaced() -> None:
    class Counting(optim.Adam):
        calls = 0

        def step(self, closure: Any = None) -> Any:
            self.calls += 1
            return super().step(closure)

    w = mg.tensor([1.0], requires_grad=True)
    w.grad = np.ones(1)
    optimizer = Counting([w])
    original = optimizer.step
    optimizer.step = lambda closure=None: (original(closure), original(closure))[1]  # type: ignore[method-assign]
    optimizer.step()
    assert (optimizer.calls, optimizer.state[w]["step"]) == (2, 2)


# --- real models


def test_a_model_trains_as_in_whole_parameters() -> None:
    results = []
    for kind in (optim.Adam, type("Plain", (optim.Adam,), {})):
        mg.seed(0)
        model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 2))
        optimizer = kind(model.parameters(), 0.01)
        inputs = mg.tensor(np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32))
        targets = mg.tensor(np.arange(20) % 2)
        for epoch in range(30):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(inputs), targets).backward()
            optim.clip_grad_norm(model.parameters(), 1.0)
            optimizer.step()
            if epoch == 10:
                saved = model.state_dict(), optimizer.state_dict()
            if epoch == 20:
                model.load_state_dict(saved[0])
                optimizer.load_state_dict(saved[1])
        results.append([tensor.data for tensor in model.state_dict().values()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
