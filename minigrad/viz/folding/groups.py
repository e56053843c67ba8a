"""Modules as nested boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """A module's box.

    Attributes:
        path: the module's path, such as ``"MLP.layers.0"``.
        nodes: the ids of the nodes that stand in it and in no inner box.
        groups: the boxes inside.
    """

    path: str
    nodes: tuple[str, ...]
    groups: tuple[Group, ...]


def common_scope(one: str, other: str) -> str:
    """Return the innermost module that holds both.

    >>> common_scope("MLP.layers.0", "MLP.layers.10")
    'MLP.layers'
    """
    shared = []
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            break
        shared.append(left)
    return ".".join(shared)


def group(scoped: Iterable[tuple[str, str]]) -> tuple[Group, ...]:
    """Return the boxes of nodes, given as pairs of id and scope.

    >>> boxes = group([("n0", ""), ("n1", "MLP.layers.0"), ("n2", "MLP.layers.1")])
    >>> [(box.path, [inner.path for inner in box.groups]) for box in boxes]
    [('MLP', ['MLP.layers.0', 'MLP.layers.1'])]
    """
    inside: dict[str, list[str]] = {}
    children: dict[str, list[str]] = {}
    for node, scope in scoped:
        path = scope
        while path and path not in inside:
            inside[path] = []
            parent = path.rpartition(".")[0]
            children.setdefault(parent, []).append(path)
            path = parent
        if scope:
            inside[scope].append(node)
    made: dict[str, Group] = {}
    for path in sorted(inside, key=lambda path: -path.count(".")):  # inner boxes first
        members = tuple(made[child] for child in children.get(path, ()))
        if len(members) == 1 and not inside[path] and not members[0].nodes:
            members = members[0].groups  # a container alone in its parent, such as a list of layers
        made[path] = Group(path, tuple(inside[path]), members)
    return tuple(made[path] for path in children.get("", ()))


def boxes(groups: Iterable[Group]) -> Iterator[Group]:
    """Yield the boxes and all boxes inside of them, outer ones first."""
    waiting = list(groups)[::-1]
    while waiting:
        box = waiting.pop()
        yield box
        waiting += box.groups[::-1]
