"""A trace as compact data for the page: every row a list, arrays by their number in one table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.viz.browser.arrays import ArrayTable
from minigrad.viz.browser.cards import card_size, cards
from minigrad.viz.folding.modules import READABLE, collapsed
from minigrad.viz.graph import Graph, GraphNode, ScriptLine
from minigrad.viz.layout.placement import Layout, lay_out
from minigrad.viz.recording.mathematics import formula
from minigrad.viz.recording.rules import RuleText
from minigrad.viz.recording.steps import ContributionStep, ForwardStep, SeedStep, SumStep, TraceStep, UpdateStep
from minigrad.viz.recording.trace import Trace
from minigrad.viz.text import options, printable

KINDS = ("input", "parameter", "constant", "operation", "output", "module")


class Table:
    """Values that many rows share, each once; rows refer to them by their number."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.known: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        """Return the number of a value, -1 for None."""
        if value is None:
            return -1
        if value not in self.known:
            self.known[value] = len(self.rows)
            self.rows.append(value)
        return self.known[value]


class Payload:
    """Makes the data of a page from a trace.

    Args:
        trace: what is to be played.
        title: the page's heading.
    """

    def __init__(self, trace: Trace, title: str) -> None:
        self.trace = trace
        self.title = title
        self.index = {node.id: number for number, node in enumerate(trace.graph.nodes)}
        count = len(trace.steps) + len(trace.graph.nodes)
        self.arrays = ArrayTable(cells=16 if count <= 250 else 12 if count <= 600 else 8)
        self.rules, self.lines, self.optimizers = Table(), Table(), Table()

    def data(self) -> dict[str, Any]:
        """Return everything that the page shows, as dicts, lists, strings and numbers."""
        graph = self.trace.graph
        views = self._views()
        return {
            "title": self.title,
            "notes": self._notes(),
            "nodes": [self._node(node) for node in graph.nodes],
            "edges": [
                [self.index[edge.source], self.index[edge.target], edge.position, edge.argument] for edge in graph.edges
            ],
            "steps": [self._step(step) for step in self.trace.steps],
            "arrays": self.arrays.rows,
            "formulas": self._formulas(),
            "rules": [[rule.source, rule.mathematics] for rule in self.rules.rows],
            "lines": [_line(line) for line in self.lines.rows],
            "optimizers": self.optimizers.rows,
            "views": views,
            "start": 1 if len(views) > 1 and len(graph.nodes) > READABLE else 0,
        }

    def _notes(self) -> list[str]:
        shape = self.trace.graph.index[self.trace.graph.output].shape
        summed = f"The output has shape {shape}: gradients are those of the sum of its elements."
        return [summed] if self.trace.graph.summed else []

    def _formulas(self) -> dict[str, str]:
        """Return what operations compute; a user's own primitive of the same name has no mathematics in its rules."""
        own = {node for (node, _), rule in self.trace.rules.items() if not rule.mathematics}
        names = {node.operation for node in self.trace.graph.nodes if node.operation and node.id not in own}
        return {name: text for name in sorted(names) if (text := formula(name))}

    def _node(self, node: GraphNode) -> list[Any]:
        line: ScriptLine | None = node.line
        return [
            KINDS.index(node.kind),
            self.trace.labels[node.id],
            printable(node.operation),
            options(node),
            list(node.shape),
            node.dtype,
            printable(node.scope),
            self.lines.number(line),
            self.arrays.number(self.trace.values.get(node.id), signed=False),
            int(node.requires_grad),
        ]

    def _step(self, step: TraceStep) -> list[Any]:
        node, gradient = self.index[step.node], self._gradient
        match step:
            case ForwardStep():
                return [0, node]
            case SeedStep():
                return [1, node, gradient(step.gradient)]
            case ContributionStep():
                arrays = [gradient(array) for array in (step.upstream, step.raw, step.before, step.total)]
                return [2, node, self.index[step.parent], step.position, *arrays, self._rule(step)]
            case SumStep():
                arrays = [gradient(array) for array in (step.raw, step.gradient, step.before, step.total)]
                return [3, node, self.index[step.parent], step.position, list(step.axes), *arrays, self._rule(step)]
            case UpdateStep():
                values = [self.arrays.number(array, signed=False) for array in (step.before, step.after)]
                changes = [gradient(step.gradient), gradient(step.change)]
                return [4, node, *changes, *values, self.optimizers.number(step.optimizer)]

    def _gradient(self, array: Any) -> int:
        return self.arrays.number(array, signed=True)

    def _rule(self, step: ContributionStep | SumStep) -> int:
        rule: RuleText | None = self.trace.rules.get((step.node, step.position))
        return self.rules.number(rule)

    # --- the pictures

    def _views(self) -> list[dict[str, Any]]:
        """Return the whole graph and, if that is another picture, the one with modules folded."""
        graph = self.trace.graph
        folded = collapsed(graph)
        return [self._view(shown) for shown in ([graph] if len(folded.nodes) == len(graph.nodes) else [graph, folded])]

    def _view(self, graph: Graph) -> dict[str, Any]:
        texts = cards(graph, self.trace.graph, self.trace.labels)
        layout = lay_out(graph, {id: card_size(card) for id, card in texts.items()})
        number = {node.id: position for position, node in enumerate(graph.nodes)}
        boxes = []
        for node in graph.nodes:
            box, card = layout.nodes[node.id], texts[node.id]
            members = [self.index[member] for member in node.members] or [self.index[node.id]]
            face = -1 if card.face is None else self.index[card.face]
            boxes.append([box.x, box.y, box.width, box.height, KINDS.index(node.kind), card.title, card.sub, face])
            boxes[-1].append(_ranges(members))
        return {
            "size": [layout.width, layout.height],
            "boxes": boxes,
            "edges": [
                [number[edge.source], number[edge.target], edge.position, _path(points)]
                for edge, points in zip(graph.edges, layout.edges, strict=True)
            ],
            "groups": _groups(layout),
        }


def _line(line: ScriptLine) -> list[Any]:
    return [printable(line.file), line.number, printable(line.function), printable(line.text)]


def _groups(layout: Layout) -> list[list[Any]]:
    return [
        [printable(group.path), group.box.x, group.box.y, group.box.width, group.box.height, group.depth]
        for group in layout.groups
    ]


def _ranges(numbers: Iterable[int]) -> list[int]:
    """Return numbers as pairs of first and last of each run.

    >>> _ranges([3, 4, 5, 9])
    [3, 5, 9, 9]
    """
    pairs: list[int] = []
    for number in sorted(numbers):
        if pairs and number == pairs[-1] + 1:
            pairs[-1] = number
        else:
            pairs += [number, number]
    return pairs


def _path(points: tuple[tuple[int, int], ...]) -> str:
    """Return a spline as an SVG path, each point relative to the start of its piece, which is shorter.

    >>> _path(((10, 20), (15, 20), (20, 25), (30, 25)))
    'M10 20c5 0 10 5 20 5'
    """
    x, y = points[0]
    path = f"M{x} {y}"
    for start in range(1, len(points) - 2, 3):
        piece = [f"{px - x} {py - y}" for px, py in points[start : start + 3]]
        path += "c" + " ".join(piece)
        x, y = points[start + 2]
    return path
