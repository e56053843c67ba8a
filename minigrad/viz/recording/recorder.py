"""``trace``: observe a backward pass and write down each step."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.engine.backward import Contribution, Step, start_gradient, steps_of
from minigrad.engine.mode import Observer, observing, unobserved
from minigrad.engine.node import Node
from minigrad.engine.random import generator
from minigrad.engine.recompute import values_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import walk
from minigrad.errors import ArgumentError, DtypeError
from minigrad.optim.optimizer import Optimizer
from minigrad.viz.build import build, node_ids, root_of
from minigrad.viz.recording.rules import RuleText, describe_rule
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import (
    ContributionStep,
    ForwardStep,
    SeedStep,
    SumStep,
    TraceStep,
    UpdateStep,
    summed_axes,
)
from minigrad.viz.recording.trace import Trace
from minigrad.viz.summary import Summary


class Recorder(Observer):
    """Makes a trace of a backward pass that it is told of, and of the update that follows.

    Args:
        output: the tensor that is differentiated.
        names: what to call nodes that have no name of their own.
    """

    def __init__(self, output: Tensor, names: Mapping[Node, str] | None = None) -> None:
        root = root_of(output)
        self.ids = node_ids(root)
        arrays = values_of(root) | {root: output._array}  # as they are before the pass releases them
        self.values = {id: Snapshot.of(arrays[node]) for node, id in self.ids.items() if node in arrays}
        self.graph = build(output, values=False, gradients=False)
        self.names = {self.ids[node]: name for node, name in (names or {}).items()}
        self.steps: list[TraceStep] = [
            ForwardStep(id, self.values[id]) for node, id in self.ids.items() if node.primitive and id in self.values
        ]
        self.rules: dict[tuple[str, int], RuleText] = {}
        self.arrived: dict[Node, Snapshot] = {}
        self.summed = False
        self.updated = dict(self.ids)  # whose updates to record: by node, as a tensor may be gone and its id reused
        self.before: dict[Node, Snapshot] = {}

    def backward(self, output: Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        """Record each step and pass it on."""
        for step in steps:
            self.record(step)
            yield step

    def record(self, step: Step) -> None:
        """Add what one node sends to each of its parents."""
        node = self.ids[step.node]
        if step.node not in self.arrived:  # nothing was sent to it: the pass starts here
            self.arrived[step.node] = Snapshot.of(step.gradient)
            self.steps.append(SeedStep(node, self.arrived[step.node]))
        upstream = self.arrived[step.node]
        for contribution in step.contributions:
            self._send(step, node, upstream, contribution)

    def _send(self, step: Step, node: str, upstream: Snapshot, sent: Contribution) -> None:
        parent = self.ids[sent.parent]
        assert step.node.primitive is not None  # a leaf sends nothing
        self.rules[node, sent.position] = describe_rule(step.node.primitive, sent.position)
        raw = upstream if sent.raw is step.gradient else Snapshot.of(sent.raw)
        gradient = raw if sent.gradient is sent.raw else Snapshot.of(sent.gradient)
        before = self.arrived.get(sent.parent)
        total = gradient if before is None else Snapshot.of(sent.total)
        self.arrived[sent.parent] = total
        fits = sent.gradient is sent.raw
        where = node, parent, sent.position
        self.steps.append(ContributionStep(*where, upstream, raw, before, total if fits else None))
        if not fits:
            axes = summed_axes(raw.shape, gradient.shape)
            self.steps.append(SumStep(*where, axes, raw, gradient, before, total))

    def before_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Keep what the parameters are."""
        self.before = {tensor.node: Snapshot.of(tensor) for tensor in parameters if tensor.node in self.updated}

    def after_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Record what they have become."""
        # the library's own description: a user's __repr__ may do anything, in the middle of a script
        title = Optimizer.__repr__(optimizer) if isinstance(optimizer, Optimizer) else type(optimizer).__name__
        for tensor in parameters:
            before = None if tensor.node is None else self.before.get(tensor.node)
            if tensor.node is None or before is None or before.array is None or tensor.grad is None:
                continue
            with np.errstate(all="ignore"):
                change = Snapshot.of(tensor._array - before.array)
            name = self.updated[tensor.node]
            self.steps.append(UpdateStep(name, title, Snapshot.of(tensor.grad), before, change, Snapshot.of(tensor)))

    def trace(self) -> Trace:
        """Return what was recorded."""
        slopes = {self.ids[node]: gradient for node, gradient in self.arrived.items()}
        nodes = tuple(
            replace(
                node,
                name=node.name or self.names.get(node.id),
                value=_summary(self.values.get(node.id)),
                gradient=_summary(slopes.get(node.id)),
            )
            for node in self.graph.nodes
        )
        graph = replace(self.graph, nodes=nodes, summed=self.summed)
        return Trace(graph, tuple(self.steps), self.values, self.rules)


def trace(output: Tensor, *, gradient: Any = None, optimizer: Optimizer | None = None) -> Trace:
    """Return the forward and the backward pass of a tensor as plain data, step by step.

    The backward pass is the walk that ``backward()`` runs; here it changes no ``.grad`` and releases
    nothing. An optimizer's update is computed on a copy, as after ``zero_grad()`` and ``backward()``.

    Args:
        output: the tensor to differentiate, such as a loss.
        gradient: the gradient to start from, in the output's shape; 1 everywhere by default.
        optimizer: whose ``step()`` to show after the backward pass.

    Raises:
        GraphError: when the tensor depends on nothing that requires a gradient, or its graph was released.
        ArgumentError: when the optimizer has no parameter that the output depends on, or cannot be copied.
        DtypeError: when the output is no tensor, or the optimizer is none.
        ShapeError: when the gradient has another shape than the output.

    >>> import minigrad as mg
    >>> from minigrad import viz
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> print(viz.trace(x * x))
    1  forward   multiply of x and x gives 9.
    2  seed      The backward pass starts at multiply with 1.
    3  backward  multiply sends 3 to x.
    4  backward  multiply sends 3 to x: 3 + 3 = 6.
    """
    root = root_of(output)
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise DtypeError(f"optimizer= must be an optimizer, such as optim.SGD(...); got {type(optimizer).__name__}")
    start = start_gradient(
        output, np.ones(output.shape, output.dtype) if gradient is None else gradient, recorded=False
    )
    recorder = Recorder(output)
    recorder.summed = gradient is None and output.size != 1
    with np.errstate(all="ignore"):  # what overflows is seen in the trace
        for step in steps_of(walk({root: start})):
            recorder.record(step)
    if optimizer is not None:
        _update_a_copy(recorder, optimizer)
    return recorder.trace()


def _summary(snapshot: Snapshot | None) -> Summary | None:
    return None if snapshot is None else snapshot.summary


def _update_a_copy(recorder: Recorder, optimizer: Optimizer) -> None:
    """Let a copy of the optimizer step with the gradients that were recorded; the user's own stays as it is."""
    own = list(optimizer.parameters())
    if not any(parameter.node in recorder.arrived for parameter in own):
        raise ArgumentError(
            f"{optimizer!r} has no parameter that the output depends on; pass the optimizer of the model that made it"
        )
    try:
        twin = copy.deepcopy(optimizer)
    except Exception as problem:  # whatever a user's own optimizer holds
        raise ArgumentError(
            f"{type(optimizer).__name__} cannot be copied, so its update cannot be shown: {problem}; "
            "omit optimizer=, or let `minigrad step SCRIPT` record the script's own step"
        ) from problem
    for parameter, copied in zip(own, twin.parameters(), strict=True):
        gradient = None if parameter.node is None else recorder.arrived.get(parameter.node)
        copied.grad = None if gradient is None else gradient.array
        if parameter.node is not None and copied.node is not None and gradient is not None:
            recorder.updated[copied.node] = recorder.ids[parameter.node]
    with _generators_put_back(), unobserved(), observing(recorder):
        twin.step()


@contextmanager
def _generators_put_back() -> Iterator[None]:
    """Put the random generators back after a block: an optimizer is to draw the same when it really steps."""
    own = generator().bit_generator
    states = own.state, np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        own.state = states[0]
        np.random.set_state(states[1])
        random.setstate(states[2])
