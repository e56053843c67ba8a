"""What is known after each step of a trace, and the ways to move in it: for everything that plays one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from typing import NamedTuple

from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import ContributionStep, ForwardStep, Phase, SeedStep, SumStep, TraceStep, UpdateStep
from minigrad.viz.recording.trace import Trace


class Replay:
    """What each node holds after each step of a trace; to look it up costs the same at every step.

    Args:
        trace: the trace to replay.

    >>> import minigrad as mg
    >>> from minigrad import viz
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> replay = Replay(viz.trace(x * x))
    >>> [replay.gradient("n0", step) and replay.gradient("n0", step).array.item() for step in range(4)]
    [None, None, 3.0, 6.0]
    """

    def __init__(self, trace: Trace) -> None:
        self._values: dict[str, _Timeline] = {}
        self._gradients: dict[str, _Timeline] = {}
        computed = {step.node for step in trace.steps if isinstance(step, ForwardStep)}
        for id, value in trace.values.items():
            if id not in computed:
                _add(self._values, id, -1, value)  # a leaf is there from the start
        for index, step in enumerate(trace.steps):
            match step:
                case ForwardStep():
                    _add(self._values, step.node, index, step.value)
                case SeedStep():
                    _add(self._gradients, step.node, index, step.gradient)
                case ContributionStep() | SumStep():
                    if step.total is not None:
                        _add(self._gradients, step.parent, index, step.total)
                case UpdateStep():
                    _add(self._values, step.node, index, step.after)

    def value(self, node: str, index: int) -> Snapshot | None:
        """Return what a node holds after the step ``index``; None if nothing has been computed."""
        return _at(self._values, node, index)

    def gradient(self, node: str, index: int) -> Snapshot | None:
        """Return the gradient that has arrived at a node after the step ``index``; None if nothing has."""
        return _at(self._gradients, node, index)

    def arrived(self, node: str, index: int) -> tuple[int, int]:
        """Return how many contributions have arrived at a node after the step ``index``, and how many will in all."""
        moments = self._gradients[node].moments if node in self._gradients else []
        return bisect_right(moments, index), len(moments)


class _Timeline(NamedTuple):
    moments: list[int]  # the numbers of the steps, rising
    states: list[Snapshot]


def _add(timelines: dict[str, _Timeline], node: str, index: int, state: Snapshot) -> None:
    timeline = timelines.setdefault(node, _Timeline([], []))
    timeline.moments.append(index)
    timeline.states.append(state)


def _at(timelines: dict[str, _Timeline], node: str, index: int) -> Snapshot | None:
    timeline = timelines.get(node)
    past = bisect_right(timeline.moments, index) if timeline is not None else 0
    return timeline.states[past - 1] if timeline is not None and past else None


class Stretch(NamedTuple):
    """The steps of one phase: from ``start`` to before ``stop``."""

    phase: Phase
    start: int
    stop: int


def stretches(trace: Trace) -> tuple[Stretch, ...]:
    """Return the phases of a trace in order."""
    made, start = [], 0
    for phase, steps in groupby(trace.steps, key=lambda step: step.phase):
        made.append(Stretch(phase, start, start + sum(1 for _ in steps)))
        start = made[-1].stop
    return tuple(made)


def touched(step: TraceStep) -> tuple[str, ...]:
    """Return the ids of the nodes that a step is about: the one that acts, then the one that receives."""
    return (step.node, step.parent) if isinstance(step, (ContributionStep, SumStep)) else (step.node,)


class Position:
    """Where one stands in a trace. Each way to move returns a remark for the reader; empty if there is nothing to say.

    Attributes:
        trace: the trace; it has at least one step.
        index: the number of the step, from 0. Readers count from 1, and so do remarks and ``go``.
        sought: what was looked for last.
        breakpoints: the ids of the nodes at which ``run_on`` stops.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.index = 0
        self.sought = ""
        self.breakpoints: set[str] = set()
        self.stretches = stretches(trace)

    @property
    def step(self) -> TraceStep:
        """The step that one stands at."""
        return self.trace.steps[self.index]

    @property
    def stretch(self) -> Stretch:
        """The phase that one stands in."""
        return next(stretch for stretch in self.stretches if self.index < stretch.stop)

    def next(self) -> str:
        """Move one step on."""
        if self.index == len(self.trace) - 1:
            return "This is the last step."
        self.index += 1
        return ""

    def previous(self) -> str:
        """Move one step back."""
        if self.index == 0:
            return "This is the first step."
        self.index -= 1
        return ""

    def first(self) -> str:
        """Move to the first step."""
        self.index = 0
        return ""

    def last(self) -> str:
        """Move to the last step."""
        self.index = len(self.trace) - 1
        return ""

    def next_phase(self) -> str:
        """Move to where the next phase starts."""
        if self.stretch.stop == len(self.trace):
            return f"{self.stretch.phase} is the last phase."
        self.index = self.stretch.stop
        return ""

    def previous_phase(self) -> str:
        """Move to where this phase starts; from there, to where the one before does."""
        if self.index == 0:
            return f"{self.stretch.phase} is the first phase."
        if self.index == self.stretch.start:
            self.index -= 1
        self.index = self.stretch.start
        return ""

    def go(self, text: str) -> str:
        """Move to the step of this number, from 1."""
        count = len(self.trace)
        try:
            number = int(text.replace(",", ""))
        except ValueError:
            return f"A step is a number from 1 to {count:,}, not {text!r}."
        if not 1 <= number <= count:
            return f"There is no step {number:,}: they go from 1 to {count:,}."
        self.index = number - 1
        return ""

    def find(self, text: str) -> str:
        """Move to the next step that touches a node whose name contains a text; the last text again if it is empty.

        After the last step the search goes on from the first.
        """
        text = text or self.sought
        if not text:
            return "There is nothing to find: write a part of a node's name."
        self.sought = text
        nodes = self._called(lambda label: text.casefold() in label)
        if not nodes:
            return self._nothing_called(text)
        found = next(self._touching(nodes, self.index + 1), None)
        if found is None:
            found = next(self._touching(nodes, 0), self.index)
            remark = f"No other step touches {text!r}." if found == self.index else f"Found {text!r} from the start on."
            self.index = found
            return remark
        self.index = found
        return ""

    def toggle(self, text: str) -> str:
        """Set a breakpoint at a node, or remove it; an empty text means the node of this step."""
        nodes = {self.step.node}
        if text:
            # the name itself goes before names that contain it
            nodes = self._called(lambda label: label == text.casefold())
            nodes = nodes or self._called(lambda label: text.casefold() in label)
        names = list(dict.fromkeys(label for node, label in self.trace.labels.items() if node in nodes))
        if not nodes:
            return self._nothing_called(text)
        if len(names) > 1:
            return f"{text!r} fits {_some(names)}: write the whole name of one."
        if nodes <= self.breakpoints:
            self.breakpoints -= nodes
            return f"There is no breakpoint at {names[0]} any more."
        self.breakpoints |= nodes
        return f"A breakpoint is at {names[0]}: c goes on to it."

    def run_on(self) -> str:
        """Move to the next step that touches a node with a breakpoint, or to the last step."""
        found = next(self._touching(self.breakpoints, self.index + 1), None)
        if found is None:
            self.index = len(self.trace) - 1
            why = "No breakpoint comes after this" if self.breakpoints else "No breakpoint is set (b sets one)"
            return f"{why}: the last step."
        self.index = found
        reached = next(node for node in touched(self.step) if node in self.breakpoints)
        return f"Stopped at {self.trace.labels[reached]}."

    def _touching(self, nodes: Collection[str], start: int) -> Iterator[int]:
        steps = self.trace.steps
        return (index for index in range(start, len(steps)) if any(node in nodes for node in touched(steps[index])))

    def _called(self, fits: Callable[[str], bool]) -> set[str]:
        """Return the nodes that some step touches and whose name fits."""
        nodes = {node for step in self.trace.steps for node in touched(step)}
        return {node for node in nodes if fits(self.trace.labels[node].casefold())}

    def _nothing_called(self, text: str) -> str:
        names = [self.trace.labels[node] for step in self.trace.steps for node in touched(step)]
        return f"No step touches a node called {text!r}; there is {_some(list(dict.fromkeys(names)))}."


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
