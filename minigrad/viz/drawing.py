"""``draw``: a tensor's computation graph as a picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrad.checks import check_flag
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, MissingExtraError, RenderError
from minigrad.viz.build import build
from minigrad.viz.dot import check_direction, notes, to_dot
from minigrad.viz.folding.modules import fold
from minigrad.viz.graph import Graph, GraphNode
from minigrad.viz.render import FORMATS, as_path, render, write
from minigrad.viz.text import brief, counts, heading, options, printable, shape

SECONDS = 120.0  # Graphviz may take so long
LISTED, DEPTH = 200, 40  # a text has so many lines and so many levels at most


class Drawing:
    """A picture of a computation graph. Shows itself in a notebook; ``print`` lists it.

    Attributes:
        graph: the graph as plain data.
        shown: the graph as drawn: the same, or with modules folded into one box each.
        direction: where the arrows point.
        title: the line above the picture.
    """

    def __init__(self, graph: Graph, shown: Graph, direction: str, title: str | None) -> None:
        self.graph = graph
        self.shown = shown
        self.direction = direction
        self.title = title

    @cached_property
    def source(self) -> str:
        """The picture in the DOT language; the same graph gives the same text."""
        return to_dot(self.shown, direction=self.direction, title=self.title)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture and return its path; the suffix says how: ``.svg``, ``.png``, ``.pdf`` or ``.dot``.

        Folders are made as needed, and a file that is there is replaced as a whole.

        Raises:
            ArgumentError: when the suffix is another one.
            DtypeError: when it is no path.
            MissingExtraError: when no Graphviz is installed; the ``.dot`` file is written all the same.
            RenderError: when Graphviz failed; the ``.dot`` file is written all the same.
        """
        path = as_path("save()", path)
        format = path.suffix.lower().removeprefix(".")
        if format not in (*FORMATS, "dot"):
            raise ArgumentError(f"save() writes .svg, .png, .pdf or .dot files, by the suffix; got {str(path)!r}")
        if format == "dot":
            write(path, self.source.encode("utf-8"))
            return path
        try:
            picture = render(self.source, format, seconds=SECONDS)
        except (MissingExtraError, RenderError) as problem:
            beside = path.with_suffix(".dot")
            write(beside, self.source.encode("utf-8"))
            raise type(problem)(f"{problem}; meanwhile the graph is in {beside}, as DOT") from None
        write(path, picture)
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            svg = render(self.source, "svg", seconds=SECONDS).decode("utf-8")
        except (MissingExtraError, RenderError) as problem:
            return {"text/plain": f"{self}\n({problem})"}
        return {"image/svg+xml": svg[svg.index("<svg") :], "text/plain": str(self)}

    def __repr__(self) -> str:
        return "\n".join(_listing(self.shown, self.title))


def draw(
    output: Tensor,
    *,
    values: bool = True,
    gradients: bool = True,
    collapse: bool | str = "auto",
    direction: str = "LR",
    title: str | None = None,
) -> Drawing:
    """Draw everything that a tensor was computed from, with the gradient of the output at each node.

    The gradients are computed here, by the walk that ``backward()`` runs: no ``.grad`` changes and
    nothing is released. If the output is not a scalar they are the gradients of its sum. After
    ``backward()`` has released the values, shapes and the leaves' own ``.grad`` are drawn.

    Args:
        output: the tensor, such as a loss.
        values: show what the arrays hold: numbers when tiny, otherwise least, mean and greatest.
        gradients: show gradients.
        collapse: fold the innermost modules into one box for each call; ``"auto"`` does so where there are more
            than 150 nodes, folds blocks that repeat into one box with their count, and goes on with the outer
            modules while it is still too many.
        direction: where the arrows point: ``"LR"``, ``"TB"``, ``"RL"`` or ``"BT"``.
        title: a line above the picture.

    Raises:
        GraphError: when the tensor depends on nothing that requires a gradient.
        DtypeError: when the output is no tensor.
        ArgumentError: when ``collapse`` or ``direction`` is none of these.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> viz_of_y = draw(x * x + x)
    >>> print(viz_of_y)
    add: scalar float32 = 12, gradient 1
      multiply: scalar float32 = 9, gradient 1
        x: scalar float32 = 3, gradient 7
        x, as above
      x, as above
    """
    check_direction(direction)
    if not isinstance(collapse, bool) and not (isinstance(collapse, str) and collapse == "auto"):
        raise ArgumentError(f'collapse must be True, False or "auto"; got {collapse!r}')
    if title is not None and not isinstance(title, str):
        raise DtypeError(f"title must be a string, got {type(title).__name__}")
    values, gradients = check_flag("values", values), check_flag("gradients", gradients)
    graph = build(output, values=values, gradients=gradients)
    return Drawing(graph, fold(graph, collapse), direction, title)


def _listing(graph: Graph, title: str | None) -> Iterator[str]:
    """Yield the graph as an indented list: each operation, and below it its arguments."""
    if title:
        yield printable(title)
    yield from notes(graph)
    arguments: dict[str, list[str]] = {}
    for edge in graph.edges:
        arguments.setdefault(edge.target, []).append(edge.source)
    seen: set[str] = set()
    waiting = [(graph.output, 0)]
    lines = 0
    while waiting and lines < LISTED:
        id, depth = waiting.pop()
        node = graph.index[id]
        lines += 1
        indent = "  " * min(depth, DEPTH)
        if id in seen:
            yield f"{indent}{heading(node)}{'' if node.kind == 'constant' else ', as above'}"
            continue
        seen.add(id)
        yield f"{indent}{_line(node)}"
        waiting += [(argument, depth + 1) for argument in reversed(arguments.get(id, []))]
    if len(seen) < len(graph.nodes):
        yield f"... and {len(graph.nodes) - len(seen):,} more nodes"


def _line(node: GraphNode) -> str:
    title = heading(node)
    if node.name and node.operation:
        title += f" = {printable(node.operation)}"
    if node.options:
        title += f"({options(node)})"
    if node.kind == "constant":
        return title
    if node.kind == "module":
        title += f" ({counts(node)})"
    line = f"{title}: {shape(node.shape)} {node.dtype}"
    if node.value is not None:
        line += f" = {brief(node.value)}"
    elif node.released:
        line += ", value released"
    return line if node.gradient is None else f"{line}, gradient {brief(node.gradient)}"
