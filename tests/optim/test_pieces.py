"""Large parameters are updated in blocks and by several threads, bit for bit as a whole."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import blocks

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
LARGE = [(100, 3), (257,)]  # with blocks of 64 elements
MIXED = [(2, 3), (257,), (), (5, 1, 2), (100, 3), (7,), (64,), (65,)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 64)


class Twins:
    """Two optimizers with equal parameters and gradients: one updates large ones in blocks, the other as a whole."""

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
        one, other = self.optimizers
        for tensor, expected in zip(*self.sides, strict=True):
            same(tensor.data, expected.data)
            assert list(one.state[tensor]) == list(other.state[expected])
            for name, value in one.state[tensor].items():
                same(value, other.state[expected][name])


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
        tensors[index].data = np.array(tensors[index].data, order="F")


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


@pytest.mark.parametrize("index", [0, 4])
def test_a_gradient_of_another_shape_is_broadcast_as_ever(index: int) -> None:
    twins = Twins(CASES[2])
    twins.steps(4)
    for tensors, optimizer in zip(twins.sides, twins.optimizers, strict=True):
        tensors[index].grad.data = np.float32([[2, 3, 4]])
        optimizer.step()
    twins.compare()


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


@every
def test_large_parameters_are_computed_in_memory_of_a_block(case: Any) -> None:
    twins = Twins(case, LARGE)
    twins.steps(3)
    largest = [array.size for pair in twins.optimizers[0]._scratch.pairs.values() for array in pair]
    assert max(largest) <= 64


# --- which algorithms


class Noted(optim.Optimizer):
    """Notes the sizes that it was given, and keeps what a careless algorithm may keep."""

    elementwise = True

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1})
        self.sizes: list[int] = []

    def update(self, parameter: Any, gradient: Any, state: Any, group: Any) -> None:
        self.sizes.append(parameter.size)
        parameter -= group["lr"] * state.get("last", gradient)
        state["last"] = gradient
        state["total"] = np.asarray(state.get("total", 0) + gradient)
        state["step"] = state.get("step", 0) + 1


class Whole(Noted):
    """The same, of whole parameters."""


def test_several_updates_serve_a_large_parameter() -> None:
    twins = Twins((optim.SGD, {}))
    twins.optimizers = [Noted(twins.sides[0]), Whole(twins.sides[1])]
    assert not Whole.elementwise
    twins.steps(6)
    sizes = [int(np.prod(shape)) for shape in MIXED]
    assert twins.optimizers[1].sizes == sizes * 6
    pieces = [6, *[64] * 4, 1, 1, 10, *[64] * 4, 44, 7, 64, 64, 1]
    assert twins.optimizers[0].sizes[-len(pieces) :] == pieces
    for tensors in twins.sides:
        for index in (0, 2, 3, 5):  # not the large ones
            tensors[index].data = tensors[index].data * 2
    twins.steps(4)
    assert twins.optimizers[0].sizes[-len(pieces) :] == pieces
    for tensor in twins.sides[0]:
        state = twins.optimizers[0].state[tensor]
        assert not np.shares_memory(state["last"], tensor.grad._array) or tensor.size <= 64


def test_a_state_of_another_shape_keeps_parameters_apart() -> None:
    class Counting(optim.SGD):
        elementwise = True

        def update(self, parameter: Any, gradient: Any, state: Any, group: Any) -> None:
            state["count"] = state.get("count", np.zeros(1)) + 1
            super().update(parameter, gradient, state, group)

    twins = Twins((Counting, {"momentum": 0.9}), SMALL)
    twins.steps(5)


def test_an_algorithm_that_does_not_say_so_gets_whole_parameters() -> None:
    seen = []

    class Normed(optim.SGD):
        def update(self, parameter: Any, gradient: Any, state: Any, group: Any) -> None:
            seen.append(parameter.shape)
            super().update(parameter, gradient / (np.linalg.norm(gradient) + 1), state, group)

    twins = Twins((Normed, {"momentum": 0.9}))
    twins.steps(3)
    assert seen == MIXED * 6
    assert not optim.Optimizer.elementwise
    assert optim.SGD.elementwise


def test_an_update_that_fails_leaves_the_state_as_it_is_then() -> None:
    twins = Twins((optim.Adam, {}), SMALL)
    twins.steps(4)
    tensors, optimizer = twins.sides[0], twins.optimizers[0]
    tensors[0].grad = np.full((2, 3), 1e30)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        optimizer.step()
    assert optimizer.state[tensors[0]]["step"] == 5
    optimizer.zero_grad()
    tensors[0].grad = np.ones((2, 3))
    optimizer.step()
    assert optimizer.state[tensors[0]]["step"] == 6


# --- threads


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "SHARED", 200)
    monkeypatch.setattr(blocks, "thread_count", lambda: 3)


@pytest.mark.usefixtures("threads")
@every
def test_threads_are_bit_identical(case: Any) -> None:
    twins = Twins(case, [(100, 30), (257,), (3,)])
    twins.steps(30)
    assert twins.optimizers[0]._blocks.threads is not None
    assert copy.deepcopy(twins.optimizers[0])._blocks.threads is None


@pytest.mark.usefixtures("threads")
def test_a_step_wakes_the_threads_that_the_one_before_has_made() -> None:
    w = mg.zeros(1000, requires_grad=True)
    optimizer = optim.SGD([w], 0.1)
    found = []
    for _ in range(3):
        w.grad = np.ones(1000, np.float32)
        optimizer.step()
        found.append(optimizer._blocks.threads)
    assert found[0] is found[1] is found[2] is not None


def test_threads_compute_in_memory_of_their_own() -> None:
    optimizer, array, found = optim.SGD([mg.zeros(3, requires_grad=True)]), np.zeros(3), []
    thread = threading.Thread(target=lambda: found.extend(optimizer.scratch(array)))
    thread.start()
    thread.join()
    assert found[0] is not optimizer.scratch(array)[0]
    assert optimizer.scratch(array)[0] is optimizer.scratch(array)[0]


@pytest.mark.usefixtures("threads")
def test_errors_and_errstate_of_threads() -> None:
    w = mg.zeros(1000, requires_grad=True)
    optimizer = optim.SGD([w], 1e30)
    gradient = np.zeros(1000, np.float32)
    gradient[-1] = 1e30  # in another thread's part
    w.grad = gradient
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        optimizer.step()
    with np.errstate(over="ignore"):
        optimizer.step()
    assert w.data[-1] == -np.inf


@pytest.mark.usefixtures("threads")
def test_threads_after_a_fork() -> None:
    twins = Twins(CASES[2], [(100, 30)])
    twins.step()
    pool = twins.optimizers[0]._blocks
    pool.process = -1  # as a child process finds it
    before = pool.threads
    twins.step()
    assert pool.threads is not before
    assert pool.process == os.getpid()


@pytest.mark.usefixtures("threads")
def test_no_thread_works_on_when_a_step_has_failed() -> None:
    done, main = [], threading.current_thread()

    class Failing(Noted):
        elementwise = True

        def update(self, parameter: Any, gradient: Any, state: Any, group: Any) -> None:
            if threading.current_thread() is main:
                raise ValueError("here")
            threading.Event().wait(0.01)
            done.append(parameter.size)

    w = mg.zeros(640, requires_grad=True)
    w.grad = np.ones(640)
    with pytest.raises(ValueError, match="here"):
        Failing([w]).step()
    assert sum(done) == 640 - 192


@pytest.mark.parametrize(("limit", "expected"), [("1", 1), ("2,1", 2), ("", 4), ("many", 4), ("0", 1), ("64", 4)])
def test_the_number_of_threads(monkeypatch: pytest.MonkeyPatch, limit: str, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert blocks.thread_count() == expected


@pytest.mark.parametrize(("processors", "expected"), [(3, 3), (8, 4), (None, 1)])
def test_the_number_of_threads_where_processes_have_no_processors_of_their_own(
    monkeypatch: pytest.MonkeyPatch, processors: int | None, expected: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= blocks.thread_count() <= 4
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert blocks.thread_count() == expected


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
