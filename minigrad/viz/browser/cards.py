"""What stands in each box of the picture, and how large the box has to be."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from minigrad.viz.graph import Graph, GraphNode
from minigrad.viz.text import counts, printable, shape, shorten

TITLE, SUB, NUMBER = 7.6, 6.1, 6.9  # the width of a character, in pixels, of the page's three kinds of text
ARRAY, SCALAR = 21, 13  # how many characters a value takes at most, as the page writes it
PADDING, HEAD, LINE = 11, 34, 16


@dataclass(frozen=True)
class Card:
    """The text of a box.

    Attributes:
        title: what it is called.
        sub: what it is: operation and shape, or what a module holds.
        face: the id of the node whose value and gradient the box shows, if there is one.
        lines: how many of these there are: value, gradient.
        characters: how many characters each takes at most.
    """

    title: str
    sub: str
    face: str | None
    lines: int
    characters: int


def cards(shown: Graph, whole: Graph, labels: Mapping[str, str]) -> dict[str, Card]:
    """Return the card of each box.

    Args:
        shown: the graph as it is drawn, with modules folded or not.
        whole: the graph with nothing folded.
        labels: what each node of the whole graph is called.
    """
    used_by: dict[str, list[str]] = {}
    for edge in whole.edges:
        used_by.setdefault(edge.source, []).append(edge.target)
    made = {}
    for node in shown.nodes:
        face = _face(node, whole, used_by) if node.kind == "module" else whole.index[node.id]
        lines = 0 if face is None or face.kind == "constant" else 2 if face.requires_grad else 1
        scalar = face is None or face.shape == ()
        title = node.name or node.kind if node.kind == "module" else labels[node.id]
        made[node.id] = Card(
            title=shorten(printable(title), 26),
            sub=shorten(_sub(node), 30),
            face=None if face is None else face.id,
            lines=lines,
            characters=SCALAR if scalar else ARRAY,
        )
    return made


def card_size(card: Card) -> tuple[int, int]:
    """Return the width and the height of a box, in pixels."""
    width = max(_columns(card.title) * TITLE, _columns(card.sub) * SUB, card.characters * NUMBER if card.lines else 0)
    head = HEAD if card.sub else HEAD - LINE
    return max(56, round(width) + 2 * PADDING), head + LINE * card.lines + (6 if card.lines else 4)


def _sub(node: GraphNode) -> str:
    if node.kind == "module":
        return counts(node)
    if node.kind == "constant":
        return ""
    return f"{printable(node.operation)} · {shape(node.shape)}" if node.name and node.operation else shape(node.shape)


def _face(module: GraphNode, whole: Graph, used_by: Mapping[str, list[str]]) -> GraphNode | None:
    """Return the operation whose value a folded module gives on, if it is one."""
    inside = set(module.members)
    given = [
        member
        for member in module.members
        if whole.index[member].operation
        and (member == whole.output or any(user not in inside for user in used_by.get(member, [])))
    ]
    return whole.index[given[0]] if len(given) == 1 else None


def _columns(text: str) -> int:
    """Return how many characters wide a text is: Chinese ones take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
