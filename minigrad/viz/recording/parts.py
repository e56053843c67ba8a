"""The parts of a trace: what a file of one holds."""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.viz.graph import Graph
from minigrad.viz.recording.rules import RuleText
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import TraceStep


@dataclass(frozen=True, eq=False)
class Parts:
    """What was recorded of a forward and a backward pass.

    Attributes:
        graph: the graph, with every value and every complete gradient.
        steps: what happened, in order: forward, seed, backward, update.
        values: what each node holds before anything is updated, by its id.
        rules: the text of the derivative rule of an operation's argument, by ``(id, position)``.
    """

    graph: Graph
    steps: tuple[TraceStep, ...]
    values: dict[str, Snapshot]
    rules: dict[tuple[str, int], RuleText]
