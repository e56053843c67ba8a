"""What happens in a step of a trace, in one sentence: for the page, the terminal and a screen reader alike."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

from minigrad.viz.graph import Graph
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import ContributionStep, ForwardStep, SeedStep, SumStep, TraceStep, UpdateStep
from minigrad.viz.text import heading, number, shape


def labels(graph: Graph) -> dict[str, str]:
    """Return what each node is called: its heading, numbered where several nodes share it.

    >>> import minigrad as mg
    >>> from minigrad.viz.build import build
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> list(labels(build(x * x * x)).values())
    ['x', 'multiply 1', 'multiply 2']
    """
    heads = {node.id: heading(node) for node in graph.nodes}
    uses = Counter(heads[node.id] for node in graph.nodes if node.kind != "constant")
    taken = {head for head in uses if uses[head] == 1}  # a tensor may itself be named "multiply 1"
    counts = {head: itertools.count(1) for head in uses}
    made = {}
    for node in graph.nodes:
        head = label = heads[node.id]
        if node.kind != "constant" and uses[head] > 1:
            while (label := f"{head} {next(counts[head])}") in taken:
                pass
            taken.add(label)
        made[node.id] = label
    return made


def sentence(step: TraceStep, graph: Graph, labels: Mapping[str, str]) -> str:
    """Say what happens in a step.

    Args:
        step: the step.
        graph: the graph that it belongs to.
        labels: what each node is called.
    """
    node = labels[step.node]
    match step:
        case ForwardStep():
            arguments = [labels[edge.source] for edge in graph.arguments[step.node]]
            return f"{node} of {_listed(arguments)} gives {amount(step.value)}."
        case SeedStep():
            return f"The backward pass starts at {node} with {amount(step.gradient)}."
        case ContributionStep(total=None):
            return f"{node} computes {amount(step.raw)} for {labels[step.parent]}."
        case ContributionStep():
            added = _added(step.before, step.raw, step.total)
            return f"{node} sends {amount(step.raw)} to {labels[step.parent]}{added}."
        case SumStep():
            how = f"summed over {_axes(step.axes)}" if step.axes else f"as {step.gradient.dtype}"
            added = _added(step.before, step.gradient, step.total)
            return f"{node} sends {amount(step.gradient)} to {labels[step.parent]}, {how}{added}."
        case UpdateStep():
            single = step.change.array is not None and step.change.array.size == 1
            whole = "" if not single else f": {amount(step.before)} becomes {amount(step.after)}"
            return f"{node} changes by {amount(step.change)}{whole}."


def amount(snapshot: Snapshot) -> str:
    """Return an array in a few words: the number, or the shape.

    >>> amount(Snapshot.of(0.25)), amount(Snapshot.of([0.0, 1.0]))
    ('0.25', 'an array (2,)')
    """
    if snapshot.array is not None and snapshot.array.size == 1:
        return number(snapshot.array.item())
    return f"an array {shape(snapshot.shape)}" if snapshot.shape else "a number"


def _added(before: Snapshot | None, gradient: Snapshot, total: Snapshot | None) -> str:
    if before is None or total is None:
        return ""
    if total.array is None or total.array.size != 1:
        return ", added to what had arrived"
    return f": {amount(before)} + {amount(gradient)} = {amount(total)}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {_listed([str(axis) for axis in axes])}"
