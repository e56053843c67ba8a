"""Train small models for minutes with the garbage collector off: memory stays flat, and losses stay finite.

    python -m tests.soak --minutes 10

It writes nothing to the disk. The end is an exit code: 0, or 1 with what grew or was not finite.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import math
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.errors import MinigradError
from minigrad.nn import functional

Step = Callable[[], float]
STEPS = 25  # of each workload in a round
WARM_UP = 0.2  # of the time: Python and NumPy keep some freed memory for later use, and have it all by then
MOST_TRACED, MOST_RESIDENT = 500_000, 32_000_000  # bytes that memory may grow after it


def classification() -> Step:
    """Batches of a shuffled loader, dropout, AdamW, a scheduler, cross-entropy."""
    model = nn.MLP([2, 16, 16, 3], dropout=0.1)
    loader = data.DataLoader(data.spirals(96, rng=np.random.default_rng(0)), batch_size=32, shuffle=True, seed=0)
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1000, gamma=0.99)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def step() -> float:
        total = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            value = loss(model(inputs), labels)
            value.backward()
            optimizer.step()
            total += value.item()
        scheduler.step()
        return total

    return step


def regression() -> Step:
    """Batch normalisation, gelu, clipped gradients, Nesterov momentum, and an evaluation without recording."""
    rng = np.random.default_rng(1)
    inputs, targets = rng.normal(size=(32, 3)).astype(np.float32), rng.normal(size=(32, 1)).astype(np.float32)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)

    def step() -> float:
        model.train()
        optimizer.zero_grad()
        functional.huber_loss(model(inputs), targets).backward()
        optim.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        model.eval()
        with mg.no_grad():
            return functional.mse_loss(model(inputs), targets).item()

    return step


def words() -> Step:
    """An embedding, layer normalisation, indexing, softmax attention by hand, RMSprop."""
    rng = np.random.default_rng(2)
    tokens, labels = rng.integers(0, 20, (16, 5)), rng.integers(0, 2, 16)
    table, norm, out = nn.Embedding(20, 8), nn.LayerNorm(8), nn.Linear(8, 2)
    optimizer = optim.RMSprop([*table.parameters(), *norm.parameters(), *out.parameters()], lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        vectors = norm(table(tokens))
        weights = mg.softmax(vectors @ vectors.swapaxes(1, 2) / math.sqrt(8))
        value = functional.cross_entropy(out((weights @ vectors)[:, 0]), labels)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def curvature() -> Step:
    """A gradient penalty through a gradient of a gradient, and the transforms of functions."""
    rng = np.random.default_rng(3)
    inputs, point = rng.normal(size=(8, 3)), rng.normal(size=3)
    w = mg.tensor(rng.normal(size=(3, 3)), requires_grad=True)
    optimizer = optim.Adam([w], lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        value = mg.logsumexp(mg.tanh(inputs @ w), axis=1).mean()
        (slope,) = mg.grad(value, w, create_graph=True)
        (value + (slope * slope).sum()).backward()
        optimizer.step()
        product = mg.hvp(lambda x: (mg.sin(x) * x).sum(), point, point)
        _, tangent = mg.jvp(lambda x: x * x[::-1], point, point)
        return value.item() + product.sum().item() + tangent.sum().item() + mg.jacobian(mg.exp, point).sum().item()

    return step


def mistakes() -> Step:
    """Errors, graphs that are dropped, and a backward pass that is left half-way."""
    x = mg.tensor(np.ones((2, 3)), requires_grad=True)

    def step() -> float:
        for wrong in (lambda: x @ x, lambda: x[9], lambda: x.backward(), lambda: mg.tensor("a"), lambda: mg.sum(x, 7)):
            with contextlib.suppress(MinigradError):
                wrong()
        half = mg.backprop((mg.exp(x) * x).sum())
        next(half)
        mg.cumsum(x * x).sum()
        return 0.0

    return step


def fresh() -> Step:
    """A new model, optimizer and graph each time."""
    return lambda: regression()()


WORKLOADS = (classification, regression, words, curvature, mistakes, fresh)


def resident() -> int:
    """Return the bytes of memory that the process holds, 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def soak(seconds: float, tell: Callable[[str], None] = print) -> int:
    """Run rounds of all workloads for so many seconds; return the number of steps.

    Raises:
        AssertionError: when a loss is not finite, or memory has grown since the warm-up.
    """
    mg.seed(0)
    steps = {workload.__name__: workload() for workload in WORKLOADS}
    start, count, before, told = time.monotonic(), 0, (0, 0), 0.0
    tracemalloc.start()
    gc.collect()
    gc.disable()
    try:
        while (elapsed := time.monotonic() - start) < seconds or not before[0]:
            for name, step in steps.items():
                for _ in range(STEPS):
                    loss = step()
                    assert math.isfinite(loss), f"{name}: the loss is {loss} after {count} steps"
                    count += 1
            memory = tracemalloc.get_traced_memory()[0], resident()
            if not before[0] and elapsed >= WARM_UP * seconds:
                before = memory
            if elapsed - told > min(60, seconds / 5):
                told = elapsed
                tell(f"{elapsed:5.0f} s  {count:9,} steps  {memory[0]:11,} bytes traced  {memory[1]:13,} resident")
    finally:
        gc.enable()
        tracemalloc.stop()
    traced, held = memory[0] - before[0], memory[1] - before[1]
    tell(f"{count:,} steps; after the warm-up memory grew by {traced:,} bytes traced, {held:,} resident")
    assert traced < MOST_TRACED, f"Python's objects grew by {traced:,} bytes"
    assert held < MOST_RESIDENT, f"the process grew by {held:,} bytes"
    return count


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    try:
        soak(60 * parser.parse_args().minutes)
    except AssertionError as problem:
        print(f"soak: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
