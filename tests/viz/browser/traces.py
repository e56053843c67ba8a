"""Traces that the player is tried on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import ForwardStep, UpdateStep
from minigrad.viz.recording.trace import Trace

FLOATS = [-3.0, -0.0, 0.1, 1.0625, 1.0635, 2.5, 9999.5, 99995.0, 123456.0, 0.00012345, 0.000099995, -1e-30, 3e38, 1e300]
FLOATS += [
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    1e22,
    0.3,
]
WHOLE = [np.int64(2**53 + 1), np.int64(-(2**63)), np.uint64(2**64 - 1), np.int32(-7), np.uint8(255), np.int16(-300)]
OTHERS = [*WHOLE, np.bool_(True), np.bool_(False), np.int8(0), np.float16(0.1), np.float16(6e-8), np.float16(-65504)]


def x_times_x_plus_x() -> Trace:
    x = mg.tensor(3.0, requires_grad=True, name="x")
    return viz.trace(x * x + x)


def scalars(dtype: str) -> Trace:
    """Return a trace in which each of many odd numbers is a value, a gradient and a sum."""
    with np.errstate(all="ignore"):
        numbers = np.array(FLOATS).astype(dtype)
        leaves = [mg.tensor(number, requires_grad=True, name=f"x{i}") for i, number in enumerate(numbers)]
        return viz.trace(mg.stack([x * x + x for x in leaves]).sum())


def holding(value: Any) -> Trace:
    """Return a trace of one operation that gives this value, of whatever dtype."""
    x = mg.tensor(1.0, requires_grad=True, name="x")
    trace = viz.trace(x * 2)
    snapshot = Snapshot.of(value)
    first, *rest = trace.steps
    assert isinstance(first, ForwardStep)
    steps = (replace(first, value=snapshot), *rest)
    return replace(trace, steps=steps, values=trace.values | {first.node: snapshot})


def sums() -> Trace:
    """Return a trace with axes summed out, gradients that change their dtype, and several that add up."""
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.standard_normal((4, 2, 3)), requires_grad=True, name="x")
    y = mg.tensor(rng.standard_normal((2, 1)).astype("float32"), requires_grad=True, name="y")
    z = mg.tensor(0.5, requires_grad=True, name="z")
    return viz.trace(((x * y + z) * z - y).sum() * z)


class TwoSteps(nn.Module):
    """The cross-entropy as two operations: a module with something inside."""

    def forward(self, logits: mg.Tensor, targets: mg.Tensor) -> mg.Tensor:
        return nn.functional.nll_loss(mg.log_softmax(logits), targets)


def small_mlp() -> Trace:
    """Return a trace of a 2-3-2 network with cross-entropy and an update, with lines of the script."""
    mg.seed(0)
    model = nn.MLP([2, 3, 2])
    with mg.source_lines():
        logits = model(mg.tensor([[1.0, 2.0], [3.0, 4.0]], name="X"))
        loss = TwoSteps()(logits, mg.tensor([0, 1], name="y"))
    loss.name = "loss"
    return viz.trace(loss, optimizer=optim.SGD(model.parameters(), lr=0.1, momentum=0.9))


def digits_mlp() -> Trace:
    """Return a trace of a 64-32-10 network on a batch of 32."""
    mg.seed(0)
    rng = np.random.default_rng(0)
    model = nn.MLP([64, 32, 10])
    images = mg.tensor(rng.random((32, 64), dtype="float32"), name="images")
    loss = nn.CrossEntropyLoss()(model(images), mg.tensor(rng.integers(0, 10, 32), name="labels"))
    loss.name = "loss"
    return viz.trace(loss, optimizer=optim.Adam(model.parameters(), lr=0.1))


def troubled() -> Trace:
    """Return a trace with all that badges warn of: NaN, infinite, all zero, and a relu that is never active."""
    x = mg.tensor(np.linspace(-3, -1, 100).reshape(10, 10), requires_grad=True, name="x")
    y = mg.tensor([0.0, 1.0, 2.0], requires_grad=True, name="y")
    with np.errstate(all="ignore"):
        return viz.trace(mg.relu(x).sum() + (y / (y - 1) - y / (y - 1)).sum() + mg.log(y).sum())


def chain(length: int) -> Trace:
    """Return a trace of so many nodes in a row, in no order that would fold."""
    rng = np.random.default_rng(0)
    x = mg.tensor(0.5, requires_grad=True, name="x")
    made = x
    for _ in range(length - 1):
        made = (mg.sin, mg.tanh, mg.cos, mg.sigmoid)[rng.integers(4)](made)
    return viz.trace(made)


def optimizers_called(trace: Trace, name: str) -> Trace:
    """Return a trace in which every optimizer describes itself so."""
    steps = (replace(step, optimizer=name) if isinstance(step, UpdateStep) else step for step in trace.steps)
    return replace(trace, steps=tuple(steps))


WITH_SENTENCES = {
    "x * x + x": x_times_x_plus_x,
    "float64": lambda: scalars("float64"),
    "float32": lambda: scalars("float32"),
    "float16": lambda: scalars("float16"),
    "sums": sums,
    "small MLP": small_mlp,
    "digits MLP": digits_mlp,
    "troubled": troubled,
    "a leaf": lambda: viz.trace(mg.tensor(2.0, requires_grad=True, name="x")),
}
