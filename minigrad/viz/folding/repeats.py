"""Runs of blocks that are all alike, each the next one's input, as one box with a count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.viz.folding.contraction import Bundle, arranged, contract, leaf
from minigrad.viz.folding.groups import common_scope
from minigrad.viz.graph import Graph, GraphNode

FEWEST = 3  # so many blocks are worth a box
LONGEST = 1_000  # operations in a block, at most
TRIED = 64  # where a run may begin at several places, so many are looked at
COMPARED = 6  # so many arguments are compared one by one, further ones must come from the same distances

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Blocks that follow one another.

    Attributes:
        start: where the first one begins in the order of the operations.
        period: how many operations a block has.
        count: how many blocks there are.
        entries: the leaves that the first block has where each other one has the block before.
    """

    start: int
    period: int
    count: int
    entries: frozenset[str] = frozenset()

    @property
    def stop(self) -> int:
        """Where the operation after the last block stands."""
        return self.start + self.period * self.count


class Units:
    """The operations and boxes of a graph, in an order in which what belongs together stands together.

    Attributes:
        nodes: the operations and boxes.
        place: the position of each, by its id.
        sources: the ids of each one's arguments, in order.
        last_use: for each the position of the last one that uses it.
        bodies: for each a number, the same for what is alike, arguments aside.
        private: the leaves that one operation alone uses.
    """

    def __init__(self, graph: Graph, whole: Graph) -> None:
        self.graph = graph
        arguments = {id: [edge.source for edge in edges] for id, edges in graph.arguments.items()}
        order = arranged(arguments, graph.output)
        self.nodes = [graph.index[id] for id in order if not leaf(graph.index[id])]
        self.place = {node.id: position for position, node in enumerate(self.nodes)}
        self.sources = [arguments[node.id] for node in self.nodes]
        self.last_use = [0] * len(self.nodes)
        for position, sources in enumerate(self.sources):
            for source in sources:
                if source in self.place:
                    self.last_use[self.place[source]] = position
        users: dict[str, set[str]] = {}
        for edge in graph.edges:
            users.setdefault(edge.source, set()).add(edge.target)
        self.private = {id for id, found in users.items() if len(found) == 1 and leaf(graph.index[id])}
        self._numbers: dict[Any, int] = {}
        self.bodies = [self._body(node, whole) for node in self.nodes]

    def number(self, what: Any) -> int:
        """Return the number that stands for something, the same for what is equal."""
        return self._numbers.setdefault(what, len(self._numbers))

    def _body(self, node: GraphNode, whole: Graph) -> int:
        inside: dict[str, int] = {}
        for id in node.members:
            sources = [edge.source for edge in whole.arguments[id]]
            around = tuple(inside.get(source, _type(whole.index[source])) for source in sources)
            inside[id] = self.number((_description(whole.index[id]), around))
        return self.number((_description(node), node.repeats, tuple(sorted(inside.values()))))

    def argument(self, position: int, index: int) -> tuple[int, int]:
        """Return where an argument comes from, as a distance and as a place; two are alike if either is equal.

        Distances are negative, numbers that stand for a leaf are not.
        """
        source = self.sources[position][index]
        if source in self.place:
            return self.place[source] - position, self.number(source)
        kind = self.number(_description(self.graph.index[source]) if source in self.private else source)
        return kind, kind

    def codes(self) -> tuple[Integers, Integers, Integers]:
        """Return for each operation what it is, and its arguments' distances and places."""
        count = len(self.nodes)
        kinds = np.zeros(count, np.int64)
        distances = np.zeros((count, COMPARED), np.int64)
        places = np.zeros((count, COMPARED), np.int64)
        for position, body in enumerate(self.bodies):
            found = [self.argument(position, index) for index in range(len(self.sources[position]))]
            kinds[position] = self.number((body, len(found), tuple(distance for distance, _ in found[COMPARED:])))
            for index, (distance, place) in enumerate(found[:COMPARED]):
                distances[position, index], places[position, index] = distance, place
        return kinds, distances, places


def _description(node: GraphNode) -> tuple[Any, ...]:
    """Return what a node is, its name and its place aside."""
    kind = node.kind if leaf(node) else ""
    known = node.value.numbers if node.kind == "constant" and node.value is not None else None
    constant = None if known is None else repr(known.tolist())
    return kind, node.operation, tuple(sorted(node.options.items())), constant, *_type(node)


def _type(node: GraphNode) -> tuple[Any, ...]:
    return node.shape, node.dtype


def fold_repeats(graph: Graph, whole: Graph, *, operations: bool) -> Graph:
    """Return the graph with runs of three or more equal blocks folded into one node each.

    Blocks are equal that have the same operations in the same order, with the same shapes and options, connected in
    the same way; each uses the one before. What they use in common stands outside.

    Args:
        graph: modules may be folded already.
        whole: the graph before any folding.
        operations: also fold blocks in which no module is.
    """
    units = Units(graph, whole)
    runs = [run for run in _runs(units) if _has_modules(units, run) or (operations and _has_one_way_out(units, run))]
    taken = np.zeros(len(units.nodes), bool)
    chosen = []
    for run in sorted(runs, key=lambda run: (-run.period * run.count, run.period, run.start)):
        if not taken[run.start : run.stop].any():
            taken[run.start : run.stop] = True
            chosen.append(run)
    chosen.sort(key=lambda run: run.start)
    return contract(graph, [_bundle(units, run) for run in chosen]) if chosen else graph


def _has_modules(units: Units, run: Run) -> bool:
    return any(node.kind == "module" for node in _block(units, run, 0))


def _has_one_way_out(units: Units, run: Run) -> bool:
    """Whether the last block alone is used by what comes after the run."""
    return max(units.last_use[run.start : run.stop - run.period]) < run.stop


def _block(units: Units, run: Run, number: int) -> list[GraphNode]:
    start = run.start + number * run.period
    return units.nodes[start : start + run.period]


def _runs(units: Units) -> Iterator[Run]:
    """Yield the runs that there are, the shortest blocks first; none inside of one with shorter blocks."""
    kinds, distances, places = units.codes()
    count = len(kinds)
    known = np.zeros(count, np.int64)  # how far a run that begins at or before a position reaches
    for period in range(1, min(count // 2, LONGEST) + 1):
        same = kinds[:-period] == kinds[period:]
        if np.count_nonzero(same) < period:
            continue
        as_far = distances[:-period] == distances[period:]
        same &= (as_far | (places[:-period] == places[period:])).all(axis=1)
        chained = (as_far & (distances[period:] < 0)).any(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if stop - start < period or known[start] >= stop + period or not chained[start:stop].any():
                continue
            run = _aligned(units, start, stop - start, period)
            if run is not None:
                known[run.start :] = np.maximum(known[run.start :], stop + period)
                yield run


def _aligned(units: Units, start: int, length: int, period: int) -> Run | None:
    """Return the run in a stretch of operations that are each like the one a period later, if there is one.

    Its blocks may begin at several places, best with a layer that has parameters.
    """
    places = sorted(range(start, start + period), key=lambda place: not _has_parameters(units, place))
    best: Run | None = None
    for place in places[:TRIED]:
        count = (start + length - place) // period + 1
        run = _extended(units, Run(place, period, count)) if count > 1 else None
        if run is not None and run.count >= FEWEST and (best is None or run.count > best.count):
            best = run
    return best


def _has_parameters(units: Units, place: int) -> bool:
    kinds = (units.graph.index[source].kind for source in units.sources[place] if source in units.private)
    return units.nodes[place].parameters > 0 or "parameter" in kinds


def _extended(units: Units, run: Run) -> Run | None:
    """Return the run with the block before it, if that differs in its inputs alone; None if the blocks are no chain.

    The first of equal layers has the data where the others have the layer before. What corresponds to what is found
    backwards, from what the second block uses of the first.
    """
    first, second = run.start, run.start + run.period
    links = [
        (units.place[source], units.sources[place - run.period][index])
        for place in range(second, second + run.period)
        for index, source in enumerate(units.sources[place])
        if first <= units.place.get(source, -1) < second
    ]
    if not links:
        return None
    found = _counterparts(units, first, links)
    if found is None or sorted(found[0].values()) != list(range(first - run.period, first)):
        return run
    return Run(first - run.period, run.period, run.count + 1, frozenset(found[1]))


def _counterparts(units: Units, first: int, links: list[tuple[int, str]]) -> tuple[dict[int, int], set[str]] | None:
    """Return which operation before ``first`` corresponds to which after it, and the leaves that have come instead."""
    matched: dict[int, int] = {}
    entries: set[str] = set()
    while links:
        place, other_id = links.pop()
        other = units.place.get(other_id, first)
        if matched.setdefault(place, other) != other or other >= first:
            return None
        if units.bodies[place] != units.bodies[other] or len(units.sources[place]) != len(units.sources[other]):
            return None
        for index, source in enumerate(units.sources[place]):
            instead = units.sources[other][index]
            if units.place.get(source, -1) >= first:
                if matched.get(units.place[source]) != units.place.get(instead, first):
                    links.append((units.place[source], instead))
            elif source not in units.place:
                if units.argument(place, index) != units.argument(other, index):
                    return None
            elif instead in units.private:
                entries.add(instead)
    return matched, entries


def _bundle(units: Units, run: Run) -> Bundle:
    members: dict[str, None] = {}
    for place in range(run.start, run.stop):
        private = (source for source in units.sources[place] if source in units.private and source not in run.entries)
        members |= dict.fromkeys([*private, units.nodes[place].id])
    scopes = (node.scope for node in units.nodes[run.start : run.stop])
    return Bundle(_name(units, run), reduce(common_scope, scopes), tuple(members), run.count)


def _name(units: Units, run: Run) -> str:
    """Return what a run is called: by its first and last module, else by the operations of a block."""
    first, last = _block(units, run, 0), _block(units, run, run.count - 1)
    scopes = [reduce(common_scope, (node.scope for node in block)) for block in (first, last)]
    if run.period > 1 and all(scopes) and scopes[0] != scopes[1]:
        return "–".join(scopes)
    modules = [[_path(node) for node in block if node.kind == "module"] for block in (first, last)]
    if sorted(modules[0]) != sorted(modules[1]):
        return f"{modules[0][0]}–{modules[1][-1]}"
    listed = ", ".join(node.operation or _path(node) for node in first)
    return listed if len(listed) <= 60 else f"{run.period:,} operations"


def _path(node: GraphNode) -> str:
    return (node.name or "").partition(" (")[0]  # without the number of the call
