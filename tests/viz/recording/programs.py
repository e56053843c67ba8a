"""What the tests of traces share: seeded random programs, an observer that records, a replay of a trace.

A program has scalars and arrays, broadcasting, shared values, reductions and two dtypes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import optim, viz
from minigrad.engine.mode import Observer
from minigrad.viz.recording.recorder import Recorder
from minigrad.viz.recording.steps import ContributionStep, SeedStep, SumStep

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (1, 3), (4, 2, 3), (4, 1, 1)]

UNARY: list[Callable[[Any], Any]] = [
    mg.sin,
    mg.tanh,
    mg.exp,
    mg.relu,
    lambda x: -x,
    lambda x: x * x,
    lambda x: x + x,
    lambda x: x / 2 + 1,
    lambda x: x**3,
    lambda x: x.sum(),
    lambda x: x.mean(axis=0) if x.ndim else x,
    lambda x: x.max(axis=-1, keepdims=True) if x.ndim else x,
    lambda x: mg.softmax(x) if x.ndim else x,
    lambda x: x.T,
    lambda x: x.reshape(-1),
    lambda x: x[..., None],
    lambda x: x[0] if x.ndim else x,
    lambda x: mg.concatenate([x, x]) if x.ndim else x,
    lambda x: x.astype(np.float32),
    lambda x: x.astype(np.float64),
]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (2 + y * y),
    mg.maximum,
    lambda x, y: mg.where(x.detach() > 0, x, y),
]


def program(seed: int) -> tuple[Any, list[Any]]:
    """Return the scalar that a random program computes, and all tensors that require a gradient, leaves first."""
    rng = np.random.default_rng(seed)
    made: list[Any] = []
    for count in range(int(rng.integers(1, 4))):
        numbers = rng.uniform(-1, 1, SHAPES[rng.integers(len(SHAPES))]).astype(rng.choice(["float32", "float64"]))
        made.append(mg.tensor(numbers, requires_grad=count == 0 or rng.random() < 0.7, name=f"leaf {count}"))
    for _ in range(rng.integers(1, 12)):
        x, y = (made[rng.integers(len(made))] for _ in range(2))
        if rng.random() < 0.5:
            out = UNARY[rng.integers(len(UNARY))](x)
        else:
            try:
                np.broadcast_shapes(x.shape, y.shape)
            except ValueError:
                y = x
            out = BINARY[rng.integers(len(BINARY))](x, y)
        if out.size < 500:
            made.append(out)
    scalars = [tensor.mean() for tensor in made if tensor.requires_grad]
    output: Any = sum(scalars[1:], start=scalars[0] * 1.0)
    tensors = [tensor for tensor in (*made, *scalars, output) if tensor.requires_grad]
    return output, list({id(tensor.node): tensor for tensor in tensors}.values())


def leaf(value: Any, name: str | None = None, dtype: Any = np.float32) -> Any:
    return mg.tensor(np.asarray(value, dtype), requires_grad=True, name=name)


def same_bits(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


class Capture(Observer):
    """Records each backward pass that really runs, and the update after it."""

    def __init__(self) -> None:
        self.recorders: list[Recorder] = []

    def backward(self, output: Any, steps: Iterator[Any]) -> Iterator[Any]:
        self.recorders.append(Recorder(output))
        yield from self.recorders[-1].backward(output, steps)

    def before_update(self, optimizer: object, parameters: Iterable[Any]) -> None:
        self.recorders[-1].before_update(optimizer, parameters)

    def after_update(self, optimizer: object, parameters: Iterable[Any]) -> None:
        self.recorders[-1].after_update(optimizer, parameters)

    def trace(self) -> viz.Trace:
        (recorder,) = self.recorders
        return recorder.trace()


def summed(raw: Any, axes: tuple[int, ...], like: Any) -> Any:
    """Sum the axes out as ``docs/trace.md`` says: leading ones that the value has not, then the stretched ones."""
    extra = raw.ndim - like.ndim
    if extra == raw.ndim - 1 == 1 and raw.dtype.char in "fd":
        raw = np.ones(len(raw), raw.dtype) @ raw  # as the walk sums the rows of a matrix
    elif extra:
        raw = raw.sum(axis=axes[:extra])
    stretched = tuple(axis - extra for axis in axes[extra:])
    return (raw.sum(axis=stretched, keepdims=True) if stretched else raw).astype(like.dtype)


def replayed(trace: viz.Trace) -> dict[str, Any]:
    """Return each node's gradient, added up step by step from nothing but the trace; check every step on the way."""
    arrived: dict[str, Any] = {}
    pending: ContributionStep | None = None
    for step in trace.steps:
        if isinstance(step, SeedStep):
            arrived[step.node] = step.gradient.array
        elif isinstance(step, ContributionStep | SumStep):
            if isinstance(step, ContributionStep):
                assert pending is None
                assert same_bits(step.upstream.array, arrived[step.node])
                pending = step
                added = step.raw.array
            else:
                assert pending is not None
                assert (pending.node, pending.parent, pending.position) == (step.node, step.parent, step.position)
                assert same_bits(pending.raw.array, step.raw.array)
                assert same_bits(summed(step.raw.array, step.axes, step.gradient.array), step.gradient.array)
                assert all(
                    step.raw.shape[axis] != 1 for axis in step.axes[len(step.raw.shape) - len(step.gradient.shape) :]
                )
                added = step.gradient.array
            before = arrived.get(step.parent)
            assert (step.before is None) == (before is None)
            if step.total is not None:
                assert step.before is None or same_bits(step.before.array, before)
                assert same_bits(step.total.array, added if before is None else before + added)
                assert step.total.shape == trace.graph.index[step.parent].shape
                assert step.total.dtype == trace.graph.index[step.parent].dtype
                arrived[step.parent] = step.total.array
                pending = None
    assert pending is None
    assert arrived.keys() == trace.gradients.keys()
    for id, gradient in arrived.items():
        assert same_bits(trace.gradients[id].array, gradient)
        assert trace.graph.index[id].gradient is not None
    return arrived


def varied() -> viz.Trace:
    """Return a trace with every kind of node, step and array, and a line of a script."""
    x, w = leaf([[1.0, -2.0], [3.0, np.nan]], "x"), leaf([0.5, 0.25], "w")
    double = leaf(3.0, "double", np.float64)
    mask = mg.tensor([[True, False], [True, True]], name="mask")
    with mg.source_lines():
        out = mg.where(mask, x * w, 0.0).sum(axis=1) * double * np.inf + mg.ones((65, 1)).sum() * 2
    return viz.trace(out, gradient=[1.0, 2.0], optimizer=optim.SGD([w, x], lr=0.5))


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)
