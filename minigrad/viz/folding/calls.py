"""Which nodes of a module belong to the same call of it, as far as the graph tells."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence

from minigrad.viz.folding.contraction import arranged, leaf, on_cycles
from minigrad.viz.folding.groups import Group, boxes
from minigrad.viz.graph import Graph
from minigrad.viz.text import ordinal

Part = tuple[str, list[str]]  # a module's path, and the operations of one call of it


class Wiring:
    """What feeds what among the operations of a graph.

    Attributes:
        graph: the graph.
        order: the operations, each after those that feed it.
        place: the position of each in that order.
        sources: for each operation, the operations that feed it.
        targets: for each operation, the operations that it feeds.
        users: for each node, what it feeds.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        arguments = {id: [edge.source for edge in edges] for id, edges in graph.arguments.items()}
        self.users: dict[str, list[str]] = {id: [] for id in arguments}
        for edge in graph.edges:
            self.users[edge.source].append(edge.target)
        self._keep([id for id in arranged(arguments, graph.output) if not leaf(graph.index[id])])

    def _keep(self, order: list[str]) -> None:
        self.order = order
        self.place = {id: position for position, id in enumerate(order)}
        arguments = self.graph.arguments
        self.sources = {id: [edge.source for edge in arguments[id] if edge.source in self.place] for id in order}
        self.targets = {id: [target for target in self.users[id] if target in self.place] for id in order}

    def inside(self, nodes: Collection[str]) -> Wiring:
        """Return the wiring of some of the nodes alone."""
        part = copy.copy(self)
        part._keep(sorted((id for id in nodes if id in self.place), key=self.place.__getitem__))
        return part

    def parameters(self, id: str) -> list[str]:
        """Return the parameters that an operation uses."""
        sources = (edge.source for edge in self.graph.arguments[id])
        return [source for source in sources if self.graph.index[source].kind == "parameter"]


def calls(wiring: Wiring, modules: Mapping[str, Iterable[str]]) -> list[Part]:
    """Return the calls of modules, given by path with their nodes; leaves belong to no call.

    Operations between which a path leaves the module and comes back are of different calls, and so are unconnected
    ones that use the same parameters. With each call as one node, the graph has no cycle.
    """
    parts: list[Part] = []
    for path, nodes in modules.items():
        members = sorted((id for id in nodes if id in wiring.place), key=wiring.place.__getitem__)
        if members:
            parts += [(path, call) for call in _calls(wiring, members)]
    return _without_cycles(wiring, parts)


def names(parts: Iterable[Part]) -> list[str]:
    """Return what each call is called.

    >>> names([("MLP.0", ["n1"]), ("MLP.1", ["n2"]), ("MLP.0", ["n3"])])
    ['MLP.0', 'MLP.1', 'MLP.0 (2nd call)']
    """
    times: dict[str, int] = {}
    found = []
    for path, _ in parts:
        times[path] = times.get(path, 0) + 1
        found.append(path if times[path] == 1 else f"{path} ({ordinal(times[path])} call)")
    return found


def homes(wiring: Wiring, parts: Sequence[Part], nodes: Iterable[str]) -> dict[str, int]:
    """Return the number of the part in which each node stands; with them stand leaves that are used there alone.

    Args:
        wiring: of the graph.
        parts: what ``calls`` has found.
        nodes: the modules' nodes; others are not looked at.
    """
    home = {member: number for number, (_, members) in enumerate(parts) for member in members}
    for id in nodes:
        places = {home.get(user) for user in wiring.users[id]}
        place = places.pop() if leaf(wiring.graph.index[id]) and len(places) == 1 else None
        if place is not None:
            home[id] = place
    return home


def groups_by_call(graph: Graph) -> tuple[Group, ...]:
    """Return the modules' boxes with one box for each call, so that no way leads out of a box and into it again.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> from minigrad.viz.build import build
    >>> layer = nn.Linear(2, 2)
    >>> graph = build(layer(layer(mg.ones((3, 2))).exp()))
    >>> [(box.path, box.nodes) for box in groups_by_call(graph)]
    [('Linear', ('n3',)), ('Linear (2nd call)', ('n5',))]
    """
    return _split(Wiring(graph), graph.groups, graph.index.keys())[0]


def _split(
    wiring: Wiring, groups: Sequence[Group], within: Collection[str]
) -> tuple[tuple[Group, ...], tuple[str, ...]]:
    """Return the boxes of calls, and the leaves that several calls use."""
    modules = {box.path: [id for inner in boxes([box]) for id in inner.nodes if id in within] for box in groups}
    parts = calls(wiring, modules)
    everything = [id for nodes in modules.values() for id in nodes]
    home = homes(wiring, parts, everything)
    inside: list[list[str]] = [[] for _ in parts]
    for id in everything:
        if id in home:
            inside[home[id]].append(id)
    by_path = {box.path: box for box in groups}
    found = []
    for (path, _), name, nodes in zip(parts, names(parts), inside, strict=True):
        members = set(nodes)
        own = [id for id in by_path[path].nodes if id in members]
        inner, shared = _split(wiring.inside(members), by_path[path].groups, members)
        found.append(Group(name, (*own, *shared), inner))
    return tuple(found), tuple(id for id in everything if id not in home)


def _calls(wiring: Wiring, members: list[str]) -> list[list[str]]:
    """Return the operations of one module, call by call."""
    returns = _returns(wiring, members)
    found: dict[tuple[int, int], list[str]] = {}
    following: dict[tuple[int, object], int] = {}  # for each parameter, the call that may use it next
    for component in _components(wiring, members, returns):
        level = returns[component[0]]
        parameters = {parameter for id in component for parameter in wiring.parameters(id)}
        kinds = " ".join(wiring.graph.index[id].operation or str(wiring.graph.index[id].name) for id in component)
        marks = [(level, mark) for mark in (sorted(parameters) or [kinds])]
        call = max(following.get(mark, 0) for mark in marks)
        following |= dict.fromkeys(marks, call + 1)
        found.setdefault((level, call), []).extend(component)
    return [sorted(found[key], key=wiring.place.__getitem__) for key in sorted(found)]


def _returns(wiring: Wiring, members: list[str]) -> dict[str, int]:
    """Return for each operation of a module how often the way to it has left the module and come back."""
    inside = set(members)
    between = wiring.order[wiring.place[members[0]] : wiring.place[members[-1]] + 1]
    if len(between) == len(members):
        return dict.fromkeys(members, 0)  # nothing else stands in between
    returns = dict.fromkeys(members, 0)
    left: dict[str, int] = {}  # for what is outside: one more than the returns of what leads there
    for id in between:
        direct = [returns[source] for source in wiring.sources[id] if source in inside]
        around = [left[source] for source in wiring.sources[id] if source in left]
        if id in inside:
            returns[id] = max(direct + around, default=0)
        elif direct or around:
            left[id] = max([one + 1 for one in direct] + around)
    return _with_their_users(wiring, returns, between[::-1])


def _with_their_users(wiring: Wiring, returns: dict[str, int], backwards: list[str]) -> dict[str, int]:
    """Move each operation to the call that uses its result, where no way around the module forbids it.

    In a recurrent cell, ``x_t @ W`` does not depend on the call before, and yet belongs to call ``t``.
    """
    moved: dict[str, int] = {}
    limits: dict[str, int] = {}  # for what is outside: one less than the returns of what it leads to
    for id in backwards:
        direct = [moved[target] for target in wiring.targets[id] if target in moved]
        around = [limits[target] for target in wiring.targets[id] if target in limits]
        if id in returns:
            moved[id] = min(direct + around) if direct else returns[id]
        elif direct or around:
            limits[id] = min([one - 1 for one in direct] + around)
    return moved


def _components(wiring: Wiring, members: list[str], returns: dict[str, int]) -> list[list[str]]:
    """Return the connected pieces of a module's operations, those with as many returns each by themselves."""
    found: list[list[str]] = []
    seen: set[str] = set()
    for start in members:
        if start in seen:
            continue
        seen.add(start)
        piece = []
        waiting = [start]
        while waiting:
            id = waiting.pop()
            piece.append(id)
            for other in (*wiring.sources[id], *wiring.targets[id]):
                if other not in seen and returns.get(other) == returns[id]:
                    seen.add(other)
                    waiting.append(other)
        found.append(sorted(piece, key=wiring.place.__getitem__))
    return found


def _without_cycles(wiring: Wiring, parts: list[Part]) -> list[Part]:
    """Split the parts that stand on a cycle: by how many borders the way to each operation has crossed.

    Each edge that is then left between two pieces leads to more borders, so no cycle can remain.
    """
    home = {id: str(number) for number, (_, members) in enumerate(parts) for id in members}
    edges = [
        (home.get(source, source), home.get(target, target))
        for target in wiring.order
        for source in wiring.sources[target]
    ]
    tangled = on_cycles((source, target) for source, target in edges if source != target)
    if not tangled:
        return parts
    crossed: dict[str, int] = {}
    for id in wiring.order:
        crossed[id] = max(
            (
                crossed[source] + (home.get(source) is None or home.get(source) != home.get(id))
                for source in wiring.sources[id]
            ),
            default=0,
        )
    split: list[Part] = []
    for number, (path, members) in enumerate(parts):
        levels = sorted({crossed[id] for id in members}) if str(number) in tangled else [None]
        split += [(path, [id for id in members if level in (None, crossed[id])]) for level in levels]
    return split
