"""Graphs of any depth, freed with their last tensor, and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import sys
import tracemalloc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.engine.node import ancestors


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def held_by(output: mg.Tensor) -> list[weakref.ref[Any]]:
    """Weak references to every array that the graph holds, each once."""
    held = {}
    for node in ancestors(output.node):
        for value in [*(node.saved or {}).values(), *(node.operands or ())]:
            held |= {id(part): part for part in (value if isinstance(value, tuple) else (value,))}
    return [weakref.ref(value) for value in held.values() if isinstance(value, np.ndarray)]


def network() -> tuple[mg.Tensor, mg.Tensor]:
    w = mg.tensor(np.ones((3, 3)), requires_grad=True)
    x = mg.tensor(np.ones((2, 3)))
    return w, mg.logsumexp(mg.tanh(x @ w) * (x @ w)[0] + mg.concatenate([w, w])[:2]).sum()


def alive(references: list[weakref.ref[Any]]) -> int:
    return sum(reference() is not None for reference in references)


class TestFreeing:
    def test_a_graph_dies_with_its_last_tensor(self) -> None:
        with without_collector():
            w, output = network()
            saved = held_by(output)
            assert alive(saved) == 5
            del output
            assert alive(saved) == 1  # w's own array
            assert w.grad is None

    def test_a_tensor_dies_with_its_last_name(self) -> None:
        with without_collector():
            w, output = network()
            dead = weakref.ref(output), weakref.ref(w)
            output.backward()
            del w, output
            assert dead[0]() is dead[1]() is None

    def test_a_graph_dies_after_backward_with_create_graph(self) -> None:
        with without_collector():
            w, output = network()
            output.backward(create_graph=True)
            saved = held_by(w.grad)
            assert alive(saved) > 10
            w.grad = None
            del output
            assert alive(saved) == 1

    def test_a_graph_dies_after_nested_grad(self) -> None:
        with without_collector():
            w, output = network()
            (slope,) = mg.grad(output, w, create_graph=True)
            (curvature,) = mg.grad((slope * slope).sum(), w, create_graph=True)
            saved = held_by(curvature)
            del output, slope, curvature
            assert alive(saved) == 1

    def test_a_half_done_backprop_dies_too(self) -> None:
        with without_collector():
            _, output = network()
            saved = held_by(output)
            steps = mg.backprop(output)
            next(steps)
            next(steps)
            del steps, output, _
            assert alive(saved) == 0

    def test_backward_releases_the_saved_values_on_the_way(self) -> None:
        with without_collector():
            _, output = network()
            saved = held_by(output)
            output.backward()
            assert alive(saved) == 1  # the leaf's own

    def test_an_error_leaves_nothing_behind(self) -> None:
        with without_collector():
            _, output = network()
            saved = held_by(output)
            with contextlib.suppress(mg.errors.MinigradError):
                output + np.ones((7, 7, 7, 2)) @ output
            with contextlib.suppress(mg.errors.MinigradError):
                output.backward(np.ones(99))
            del output, _
            assert alive(saved) == 0

    def test_what_a_detached_tensor_came_from_is_freed(self) -> None:
        with without_collector():
            _, output = network()
            saved = held_by(output)
            value = output.detach()
            del output, _
            assert alive(saved) == 0
            assert np.isfinite(value.item())


@pytest.fixture(scope="module")
def depth() -> int:
    return 1_000_000


class TestDepth:
    def test_a_chain_of_a_million_operations(self, depth: int) -> None:
        assert sys.getrecursionlimit() < depth
        with without_collector():
            x = mg.tensor(np.array(0.0), requires_grad=True)
            y = mg.exp(x)
            saved = weakref.ref(y.node.saved["out"])
            for _ in range(depth):
                y = y * 1.0
            assert saved() is not None
            y.backward()
            assert x.grad.item() == 1
            assert saved() is None
            del y  # the chain of nodes: freed without recursion

    def test_a_chain_that_is_never_differentiated(self) -> None:
        with without_collector():
            x = mg.tensor(np.array(1.0), requires_grad=True)
            y = x
            for _ in range(200_000):
                y = -y
            first = weakref.ref(y)
            del y
            assert first() is None

    def test_a_deep_chain_of_gradients(self) -> None:
        x = mg.tensor(np.array(1.0), requires_grad=True)
        y = x
        for _ in range(20_000):
            y = y * 1.0
        (slope,) = mg.grad(y * y, x, create_graph=True)
        assert mg.grad(slope, x)[0].item() == 2


def test_a_graph_of_an_mlp_holds_its_activations_and_little_else() -> None:
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    batch, labels = mg.zeros((128, 784)), np.zeros(128, np.int64)
    loss = nn.functional.cross_entropy(model(batch), labels)
    known = {id(tensor._array) for tensor in [batch, *model.parameters()]}
    held = {id(array): array for array in [reference() for reference in held_by(loss)] if id(array) not in known}
    assert sum(array.nbytes for array in held.values()) <= 560 * 1024


@pytest.mark.parametrize("create_graph", [False, True])
def test_memory_does_not_grow_over_training_steps(create_graph: bool) -> None:
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    w = mg.tensor(rng.normal(size=(2, 1)), requires_grad=True)
    b = mg.tensor(np.zeros(1), requires_grad=True)

    def train(steps: int) -> None:
        for _ in range(steps):
            w.grad = b.grad = None
            loss = mg.square(x @ w + b - targets).mean()
            loss.backward(create_graph=create_graph)
            with mg.no_grad():
                w.data -= 0.01 * w.grad.data
                b.data -= 0.01 * b.grad.data
        w.grad = b.grad = None

    train(100)
    with without_collector():
        tracemalloc.start()
        try:
            train(1_000)  # Python keeps some freed tuples for later use; it has them all by then
            before = tracemalloc.get_traced_memory()[0]
            train(1_000 if create_graph else 10_000)
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert grown < 100_000  # bytes


def trained(model: nn.Module, optimizer: optim.Optimizer, batches: Any) -> None:
    for inputs, labels in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()


@pytest.mark.slow
def test_memory_does_not_grow_over_ten_thousand_steps_of_a_model_and_an_optimizer() -> None:
    model = nn.MLP([2, 8, 2], dropout=0.1)
    optimizer = optim.Adam(model.parameters())
    batches = data.DataLoader(data.xor(), batch_size=2, shuffle=True, seed=0)

    with without_collector():
        tracemalloc.start()
        try:
            for _ in range(1_000):
                trained(model, optimizer, batches)
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(5_000):
                trained(model, optimizer, batches)  # two batches each
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert grown < 100_000  # bytes: one small object a step would be six times as much


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
def test_a_model_its_optimizer_and_its_graphs_leave_the_collector_nothing(make: Any) -> None:
    batches = data.DataLoader(data.xor(), batch_size=2, shuffle=True, seed=0)

    def train_anew() -> None:
        model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.GELU(), nn.Linear(4, 2))
        optimizer = make(model.parameters(), lr=0.01)
        optim.lr_scheduler.StepLR(optimizer, 1)
        trained(model, optimizer, batches)

    train_anew()  # what is imported and cached once
    with without_collector():
        for _ in range(3):
            train_anew()
        assert gc.collect() == 0
