"""A trace: a forward and a backward pass as plain data, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.checks import check_integer
from minigrad.errors import ArgumentError, DtypeError
from minigrad.viz.recording.parts import Parts
from minigrad.viz.recording.sentences import labels, sentence
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import ContributionStep, SeedStep, SumStep, TraceStep
from minigrad.viz.recording.trace_json import from_text, to_text


@dataclass(frozen=True, eq=False)
class Trace(Parts):
    """A forward and a backward pass, and an optimizer's update if there was one.

    Attributes:
        graph: the graph, with every value and every complete gradient.
        steps: what happened, in order: forward, seed, backward, update.
        values: what each node holds before anything is updated, by its id.
        rules: the text of the derivative rule of an operation's argument, by ``(id, position)``.
    """

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each node is called in sentences: no two operations the same."""
        return labels(self.graph)

    def sentence(self, index: int) -> str:
        """Say in one sentence what happens in a step.

        >>> import minigrad as mg
        >>> from minigrad import viz
        >>> x = mg.tensor(3.0, requires_grad=True, name="x")
        >>> print(viz.trace(x * x).sentence(2))
        multiply sends 3 to x.
        """
        number = check_integer("sentence: index", index, least=-len(self.steps), most=len(self.steps) - 1)
        return sentence(self.steps[number], self.graph, self.labels)

    @cached_property
    def gradients(self) -> dict[str, Snapshot]:
        """The complete gradient of each node that one reached, by its id."""
        found: dict[str, Snapshot] = {}
        for step in self.steps:
            if isinstance(step, SeedStep):
                found[step.node] = step.gradient
            elif isinstance(step, (ContributionStep, SumStep)) and step.total is not None:
                found[step.parent] = step.total
        return found

    def to_json(self, indent: int | None = None) -> str:
        """Return the trace as JSON, in the format that ``docs/trace.md`` describes.

        Arrays of more than 64 elements are written as their statistics and a fingerprint of their bytes.
        """
        return to_text(self, None if indent is None else check_integer("to_json: indent", indent, least=0, most=16))

    @staticmethod
    def from_json(text: str) -> Trace:
        """Read what ``to_json`` wrote.

        Raises:
            DataError: when the text is no trace, or one of another version.
        """
        parts = from_text(text)
        return Trace(parts.graph, parts.steps, parts.values, parts.rules)

    def diff(self, other: Trace, *, tolerance: float = 0.0) -> Difference | None:
        """Return the first step in which another trace differs, or None if they are the same.

        Operations, values, gradients and who sends what to whom are compared, and neither names nor lines of
        the script. One NaN is the same as another.

        Args:
            other: the trace to compare with.
            tolerance: how far numbers may differ, relative to the larger of a pair and to 1; 0 compares bits
                and dtypes. Where one trace has only the statistics of an array, these are compared.

        Raises:
            DtypeError: when the other is no trace, or the tolerance no number.
            ArgumentError: when the tolerance is negative or not finite.

        >>> import minigrad as mg
        >>> from minigrad import viz
        >>> x = mg.tensor(3.0, requires_grad=True, name="x")
        >>> print(viz.trace(x * x).diff(viz.trace(x + x)))
        step 1, operation: multiply of x and x gives 9. / add of x and x gives 6.
        """
        if not isinstance(other, Trace):
            raise DtypeError(f"diff() compares with another trace, got {type(other).__name__}")
        if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float, np.integer, np.floating)):
            raise DtypeError(f"tolerance must be a number, got {tolerance!r} ({type(tolerance).__name__})")
        if not 0 <= tolerance < math.inf:
            raise ArgumentError(f"tolerance must be a finite number of at least 0, got {tolerance!r}")
        for index, (mine, theirs) in enumerate(zip(self.steps, other.steps, strict=False)):
            what = _different((self, mine), (other, theirs), tolerance)
            if what:
                return Difference(index + 1, what, self.sentence(index), other.sentence(index))
        shorter = min(len(self.steps), len(other.steps))
        if len(self.steps) == len(other.steps):
            return None
        ends = [trace.sentence(shorter) if len(trace.steps) > shorter else "(ends)" for trace in (self, other)]
        return Difference(shorter + 1, "length", *ends)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return f"<Trace of {len(self.steps)} steps over {len(self.graph.nodes)} nodes>"

    def __str__(self) -> str:
        width = len(str(len(self.steps)))
        lines = (f"{n:>{width}}  {step.phase:<8}  {self.sentence(n - 1)}" for n, step in enumerate(self.steps, start=1))
        return "\n".join(lines)


@dataclass(frozen=True)
class Difference:
    """Where two traces part.

    Attributes:
        step: the number of the first step that differs, from 1 as the player counts: ``trace.steps[step - 1]``.
        what: what differs: the name of a field of the step, such as ``"value"``, ``"node"`` or ``"total"``, or
            ``"kind"``, ``"operation"``, ``"arguments"``, or ``"length"`` if one trace goes on.
        mine: the step of the one trace, as a sentence.
        other: the step of the other.
    """

    step: int
    what: str
    mine: str
    other: str

    def __str__(self) -> str:
        return f"step {self.step}, {self.what}: {self.mine} / {self.other}"


def _different(mine: tuple[Trace, TraceStep], theirs: tuple[Trace, TraceStep], tolerance: float) -> str:
    """Return in what two steps differ, or nothing."""
    (trace, step), (other, its) = mine, theirs
    if step.kind != its.kind:
        return "kind"
    if step.node != its.node:
        return "node"
    if trace.graph.index[step.node].operation != other.graph.index[step.node].operation:
        return "operation"
    sources = [edge.source for edge in trace.graph.arguments[step.node]]
    if sources != [edge.source for edge in other.graph.arguments[step.node]]:
        return "arguments"
    for name, value in vars(step).items():
        if name != "optimizer" and not _same(value, getattr(its, name), tolerance):
            return name
    # no step tells what the leaves hold
    same = (_same(trace.values.get(id), other.values.get(id), tolerance) for id in (step.node, *sources))
    return "" if all(same) else "arguments"


def _same(one: Any, other: Any, tolerance: float) -> bool:
    both = isinstance(one, Snapshot) and isinstance(other, Snapshot)
    return one.same_as(other, tolerance) if both else bool(one == other)
