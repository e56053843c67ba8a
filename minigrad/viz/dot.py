"""A graph in the DOT language, which Graphviz lays out."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from html import escape
from typing import Any, NamedTuple

from minigrad.errors import ArgumentError, MissingExtraError
from minigrad.viz.folding.calls import groups_by_call
from minigrad.viz.folding.groups import Group
from minigrad.viz.graph import Graph, GraphEdge, GraphNode, Kind
from minigrad.viz.summary import Summary
from minigrad.viz.text import counts, heading, options, printable, rows, shape, shorten, statistics

DIRECTIONS = ("LR", "TB", "RL", "BT")
_PACKING = {"LR": "array_ct1", "RL": "array_cb1", "TB": "array_1", "BT": "array_1"}  # one column, to the left
_SIDES = {"LR": ("25", "-25"), "TB": ("-32", "32"), "RL": ("-25", "25"), "BT": ("32", "-32")}  # first, later argument

SANS = "Helvetica,Arial,sans-serif"
INK, QUIET, RULE = "#1b2733", "#5b6875", "#c5ccd5"
SLOPE = "#a8380f"  # everything about gradients


class Look(NamedTuple):
    """How a kind of node looks: no two share a colour, and no two a shape."""

    shape: str
    fill: str
    line: str
    style: str = "filled"
    outlines: int = 1


LOOKS: dict[Kind, Look] = {
    "input": Look("note", "#e4f2e7", "#3c7d53"),
    "parameter": Look("box3d", "#e2edf9", "#3a6ea5"),
    "constant": Look("ellipse", "#eef0f3", "#7b8794"),
    "operation": Look("box", "#ffffff", "#5b6875", "rounded,filled"),
    "module": Look("component", "#f1ecf9", "#7456a8"),
    "output": Look("box", "#fdf0d5", "#a86b0b", "rounded,filled", outlines=2),
}


def to_dot(graph: Graph, *, direction: str = "LR", title: str | None = None) -> str:
    """Return a graph as DOT source; the same graph gives the same text.

    Args:
        graph: what ``build`` made, folded or not.
        direction: where the arrows point: ``"LR"``, ``"TB"``, ``"RL"`` or ``"BT"``.
        title: a line above the picture.

    Raises:
        ArgumentError: when the direction is not one of these.
        MissingExtraError: when the package ``graphviz`` is not installed.

    >>> import minigrad as mg
    >>> from minigrad.viz.build import build
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> print(to_dot(build(x * x)).splitlines()[0])
    digraph minigrad {
    """
    check_direction(direction)
    try:
        import graphviz
    except ImportError:
        raise MissingExtraError("drawings are written with the package graphviz: pip install graphviz") from None
    dot = graphviz.Digraph(
        "minigrad",
        graph_attr={
            "rankdir": direction,
            "bgcolor": "white",
            "fontname": SANS,
            "fontcolor": INK,
            "labelloc": "t",
            "labeljust": "l",
            "label": _caption(graph, title),
            "nodesep": "0.28",
            "ranksep": "0.42",
            **(_HURRIED if _is_hard(graph) else {}),
            "pad": "0.2",
            "pack": "14",  # the legend is laid out by itself and set below
            "packmode": _PACKING[direction],
        },
        node_attr={"fontname": SANS, "fontcolor": INK, "fontsize": "11", "margin": "0.09,0.05", "height": "0.2"},
        edge_attr={
            "fontname": SANS,
            "fontsize": "9",
            "fontcolor": QUIET,
            "color": QUIET,
            "arrowsize": "0.65",
            "labeldistance": "1.6" if direction in ("LR", "RL") else "2.4",
        },
    )
    groups = groups_by_call(graph)
    grouped = _grouped(groups)
    for node in graph.nodes:
        if node.id not in grouped:
            _add_node(dot, graph, node)
    for number, box in enumerate(groups):
        _add_group(dot, graph, box, f"cluster_{number}")
    arguments: dict[str, list[GraphEdge]] = {}
    for edge in graph.edges:
        arguments.setdefault(edge.target, []).append(edge)
    for edge in graph.edges:
        _add_edge(dot, graph, edge, arguments[edge.target], direction)
    _add_legend(dot, graph, direction)
    source: str = dot.source
    return source


# what keeps Graphviz from polishing for minutes; the picture is nearly the same
_HURRIED = {"nslimit": "2", "nslimit1": "2", "mclimit": "0.2"}


def _is_hard(graph: Graph) -> bool:
    """Whether the graph is large, or one value is used so often that its edges cross all of the picture."""
    uses = Counter(edge.source for edge in graph.edges)
    return len(graph.edges) > 1_000 or max(uses.values(), default=0) > 30


def check_direction(direction: str) -> None:
    """Raise unless the direction is one that Graphviz knows."""
    if not isinstance(direction, str) or direction not in DIRECTIONS:
        raise ArgumentError(f"direction must be one of {', '.join(DIRECTIONS)}; got {direction!r}")


def _add_node(dot: Any, graph: Graph, node: GraphNode) -> None:
    look = LOOKS[node.kind]
    if node.id == graph.output:  # a module, or a leaf, may be what is drawn
        look = LOOKS["output"]._replace(shape=LOOKS[node.kind].shape, style=LOOKS[node.kind].style)
    dot.node(
        node.id,
        label=f"<{_card(node)}>",
        shape=look.shape,
        style=look.style,
        fillcolor=look.fill,
        color=look.line,
        peripheries=str(look.outlines),
        margin="0.1,0.09" if look.shape == "box3d" else "0.09,0.05",
        tooltip=" ",
    )


def _add_group(dot: Any, graph: Graph, box: Group, id: str, depth: int = 0) -> None:
    with dot.subgraph(name=id) as cluster:
        cluster.attr(
            label=f"<<B>{_text(shorten(box.path, 60), 10, QUIET)}</B>>",
            style="rounded,filled",
            fillcolor="#f6f7f9" if depth % 2 == 0 else "#eceff3",
            color=RULE,
            labeljust="l",
            labelloc="t",
            margin="13",
            tooltip=" ",
        )
        for node in box.nodes:
            _add_node(cluster, graph, graph.index[node])
        for number, inner in enumerate(box.groups):
            _add_group(cluster, graph, inner, f"{id}_{number}", depth + 1)


def _add_edge(dot: Any, graph: Graph, edge: GraphEdge, siblings: list[GraphEdge], direction: str) -> None:
    source = graph.index[edge.source]
    attributes = {} if edge.carries_gradient else {"style": "dashed", "color": "#98a2ae"}
    label = _argument(source, edge, siblings)
    if label:
        attributes["headlabel"] = f"<{_text(label, 9, QUIET)}>"
        attributes["labelangle"] = _SIDES[direction][min(edge.position, 1)]
    if source.kind in ("operation", "module"):
        attributes["weight"] = "6"  # what flows from operation to operation goes straight
    elif source.kind == "input" and any(graph.index[other.source].kind == "parameter" for other in siblings):
        attributes["minlen"] = "2"  # data stand further out than the parameters that they meet
    dot.edge(edge.source, edge.target, tooltip=" ", **attributes)


def _argument(source: GraphNode, edge: GraphEdge, siblings: list[GraphEdge]) -> str:
    """Return what an edge says of the argument that it is, where the order matters."""
    if not edge.ordered:
        return ""
    lengths = [len(other.argument) for other in siblings]
    if max(lengths) < 2 or max(lengths) > 8:  # x and y are no names, and may be the user's own; long ones do not fit
        return {1: "1st", 2: "2nd", 3: "3rd"}.get(edge.position + 1, f"{edge.position + 1}th")
    told = len(edge.argument) < 2 or (source.name or "").rpartition(".")[2] == edge.argument
    return "" if told else edge.argument


def _card(node: GraphNode) -> str:
    """Return the label of a node: what it is, its shape and dtype, its value, its gradient."""
    if node.kind == "constant" and node.value is not None:
        return _table([[_heading(node)]])
    lines = [[_heading(node)]]
    if node.kind == "module":
        lines.append([_text(counts(node), 9, QUIET)])
    lines.append([_text(f"{shape(node.shape)} · {node.dtype}", 9, QUIET)])
    if node.released and node.value is None:
        lines.append([f"<I>{_text('value released', 9, QUIET)}</I>"])
    known = [("value", node.value, INK), ("gradient", node.gradient, SLOPE)]
    arrays = [(label, summary, color) for label, summary, color in known if summary is not None]
    if any(not rows(summary) and len(statistics(summary)) > 1 for _, summary, _ in arrays):
        lines.append(["", *[_text(name, 8, QUIET) for name in ("min", "mean", "max")]])
    for label, summary, color in arrays:
        lines += _array(label, summary, color)
    return _table(lines)


def _heading(node: GraphNode) -> str:
    title = f"<B>{_text(heading(node), 12, INK)}</B>"
    if node.name and node.operation:
        title += f"  {_text(node.operation, 10, QUIET)}"
    if node.options:
        title += f"  {_text(shorten(options(node), 48), 9, QUIET)}"
    return title


def _array(label: str, summary: Summary, color: str) -> list[list[str]]:
    """Return the table rows of an array: its numbers, or its statistics under the heads min, mean, max."""
    head = _text(label, 9, QUIET if color == INK else color)
    numbers = rows(summary)
    if numbers:
        heads = [head, *[""] * (len(numbers) - 1)]
        return [[first, *[_text(cell, 10, color) for cell in row]] for first, row in zip(heads, numbers, strict=True)]
    known = statistics(summary)
    ordinary = [_text(value, 10, color) for name, value in known if name in ("min", "mean", "max")]
    special = [f"{name} {value}".strip() for name, value in known if name not in ("min", "mean", "max")]
    lines = [[head, *ordinary]] if ordinary else []
    if special:
        lines.append(["" if lines else head, _text(", ".join(special), 10, color)])
    return lines


def _table(lines: list[list[str]]) -> str:
    """Return rows of cells as an HTML-like table; a row of one cell is a centred line, the first of more a label."""
    width = max(len(line) for line in lines)
    made = []
    for line in lines:
        if len(line) == 1:
            made.append(f"<TR><TD COLSPAN='{width}'>{line[0]}</TD></TR>")
            continue
        first, *cells = line
        body = f"<TD ALIGN='RIGHT'>{first}</TD>"
        if len(cells) == 1:
            body += f"<TD COLSPAN='{width - 1}' ALIGN='LEFT'>{cells[0]}</TD>"
        else:
            body += "".join(f"<TD ALIGN='RIGHT' CELLPADDING='3'>{cell}</TD>" for cell in cells)
        made.append(f"<TR>{body}</TR>")
    return f"<TABLE BORDER='0' CELLBORDER='0' CELLSPACING='0' CELLPADDING='2'>{''.join(made)}</TABLE>"


def _text(text: str, size: int, color: str) -> str:
    # Graphviz reads \N as the node's id and \\ as one backslash, even here: end the run at each backslash
    runs = re.split(r"(?<=\\)(?=.)", printable(text))
    return "".join(f"<FONT POINT-SIZE='{size}' COLOR='{color}'>{escape(run) or ' '}</FONT>" for run in runs)


def _caption(graph: Graph, title: str | None) -> str:
    """Return what stands above the picture: the title, and what the gradients are gradients of."""
    lines = [] if not title else [f"<B>{_text(shorten(title, 90), 15, INK)}</B>"]
    lines += [_text(line, 10, QUIET) for line in notes(graph)]
    if not lines:
        return ""
    cells = "".join(f"<TR><TD ALIGN='LEFT'>{line}</TD></TR>" for line in lines)
    return f"<<TABLE BORDER='0' CELLBORDER='0' CELLSPACING='0' CELLPADDING='2'>{cells}</TABLE>>"


def notes(graph: Graph) -> list[str]:
    """Return what a reader has to know to read the gradients and what is missing, a line each."""
    lines = []
    if graph.released:
        lines.append("backward() has released the values of this graph;")
        lines.append("gradients are the tensors' own .grad." if graph.accumulated else "draw before it to see them.")
    elif graph.summed:
        lines.append(f"gradients are of the output's sum, since its shape is {graph.index[graph.output].shape}.")
    return lines


def _grouped(groups: tuple[Group, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(groups)
    while waiting:
        box = waiting.pop()
        found.update(box.nodes)
        waiting += box.groups
    return found


def _add_legend(dot: Any, graph: Graph, direction: str) -> None:
    """Add one small node of each kind that there is, in a row of their own."""
    found = {node.kind for node in graph.nodes} | {"output"}
    kinds = [kind for kind in LOOKS if kind in found]
    with dot.subgraph(name="cluster_legend") as legend:
        legend.attr(label="", style="invis", margin="4")
        for kind in kinds:
            look = LOOKS[kind]
            legend.node(
                f"legend_{kind}",
                label=f"<{_text(kind, 9, INK)}>",
                shape=look.shape,
                style=look.style,
                fillcolor=look.fill,
                color=look.line,
                peripheries=str(look.outlines),
                margin="0.07,0.03",
                tooltip=" ",
            )
        names = [f"legend_{kind}" for kind in kinds]
        if direction in ("TB", "BT"):
            legend.attr(rank="same")
        else:
            for one, other in itertools.pairwise(names if direction == "LR" else names[::-1]):
                legend.edge(one, other, style="invis", tooltip="")
