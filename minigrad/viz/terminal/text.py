"""A step of a trace as lines of text: what stands beside the graph in a terminal, and all that a pipe gets."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from minigrad.viz.recording.mathematics import formula
from minigrad.viz.recording.replay import Replay, stretches
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import ContributionStep, ForwardStep, SeedStep, SumStep, TraceStep, UpdateStep
from minigrad.viz.recording.trace import Trace
from minigrad.viz.text import number, printable, statistics

WIDTH = 80  # of plain text, whatever the terminal: the same trace gives the same text
LARGEST = 8  # rows and columns of an array that is written out


@dataclass(frozen=True)
class Fact:
    """One thing to know of a step.

    Attributes:
        label: what it is.
        parts: one array or text, or three arrays, of which the first two give the third.
    """

    label: str
    parts: tuple[Snapshot | str | None, ...]


def facts(trace: Trace, replay: Replay, index: int) -> list[Fact]:
    """Return the numbers of a step, in the order in which they are computed."""
    step = trace.steps[index]
    match step:
        case ForwardStep():
            names = {edge.argument or f"argument {edge.position + 1}" for edge in trace.graph.arguments[step.node]}
            return [*_arguments(trace, replay, index, names), Fact("value", (step.value,))]
        case SeedStep():
            why = [Fact("why", ("the output is an array; what is differentiated is the sum of its elements",))]
            return [Fact("grad", (step.gradient,)), *(why if trace.graph.summed else [])]
        case ContributionStep():
            known = [*_receiver(trace, step), Fact("upstream g", (step.upstream,))]
            known += _arguments(trace, replay, index, _needed(trace, step))
            if step.total is None:
                return [*known, Fact("the rule gives", (step.raw,)), Fact("then", (_fitting(trace, step),))]
            return [*known, Fact("contribution", (step.raw,)), Fact("grad", (step.before, step.raw, step.total))]
        case SumStep():
            return [
                Fact("the rule gave", (step.raw,)),
                Fact("shapes", (_summing(step),)),
                Fact("why", (_reason(trace, step),)),
                Fact("contribution", (step.gradient,)),
                Fact("grad", (step.before, step.gradient, step.total)),
            ]
        case UpdateStep():
            parts = {"grad": step.gradient, "before": step.before, "change": step.change, "after": step.after}
            return [
                Fact("optimizer", (printable(step.optimizer),)),
                *(Fact(label, (part,)) for label, part in parts.items()),
            ]


def rule(trace: Trace, step: TraceStep) -> tuple[str, str]:
    """Return the mathematics of a step, and the source of the rule that runs, line by line; empty if there is none."""
    if isinstance(step, ContributionStep):
        text = trace.rules.get((step.node, step.position))
        if text is None:
            return "", ""
        source = "\n".join(printable(line.expandtabs(4)) for line in text.source.splitlines())
        return printable(text.mathematics), source
    if isinstance(step, ForwardStep):
        rules = (trace.rules.get((step.node, edge.position)) for edge in trace.graph.arguments[step.node])
        # a user's own function may have the name of one of the library's, but not its mathematics
        if any(text is not None and text.mathematics for text in rules):
            return formula(trace.graph.index[step.node].operation), ""
    return "", ""


def place(trace: Trace, step: TraceStep) -> str:
    """Return the module, and the line of the script, that a step's operation comes from; empty if neither is known."""
    node = trace.graph.index[step.node]
    parts = [printable(node.scope)] if node.scope else []
    if node.line is not None:
        parts.append(f"{printable(node.line.file)} line {node.line.number}: {printable(node.line.text)}")
    return ", ".join(parts)


def lines(fact: Fact, width: int, *, brief: bool = False) -> list[str]:
    """Return a fact as lines of at most ``width``: the numbers of a small array, else its statistics.

    Args:
        fact: what to write.
        width: how long a line may be.
        brief: of arrays that need lines of their own, say only between which numbers they lie.
    """
    if any(isinstance(part, str) for part in fact.parts):
        return wrapped(f"{fact.label}: {''.join(str(part) for part in fact.parts)}", width)
    arrays = [part for part in fact.parts if isinstance(part, Snapshot)]
    short = ["none yet" if part is None else inline(part) for part in fact.parts if not isinstance(part, str)]
    if all(short):
        joined = f"{fact.label}: {_joined(short)}"
        broken = joined.replace(" + ", "\n  + ").replace(" -> ", "\n  -> ").split("\n")
        if len(joined) <= width or max(map(len, broken)) <= width:
            return [joined] if len(joined) <= width else broken
    if len(fact.parts) == 1:
        return _array_lines(fact.label, arrays[0], width, brief)
    shapes = ["none yet" if part is None else str(part.shape) for part in fact.parts if not isinstance(part, str)]
    made = wrapped(f"{fact.label}: {_joined(shapes)}", width)
    if fact.parts[0] is not None:  # else the contribution, which stands above, is the whole
        for label, array in (("before", arrays[0]), ("after", arrays[2])):
            made += _indented(_array_lines(label, array, width - 2, brief))
    return made


def inline(snapshot: Snapshot) -> str:
    """Return the numbers of a short row in full, as ``[1.0, 2.5]``; nothing for other arrays.

    >>> inline(Snapshot.of([1.0, 2.5])), inline(Snapshot.of([[1.0], [2.0]]))
    ('[1.0, 2.5]', '')
    """
    array = snapshot.array
    if array is None or not 0 < array.size <= LARGEST or (array.ndim > 1 and array.size > 1):
        return ""
    return f"[{', '.join(map(_exact, array.ravel()))}]"


def table(snapshot: Snapshot, width: int) -> tuple[list[str], str]:
    """Return the numbers of a small array as aligned rows, and how they are rounded to fit; no rows if they do not.

    >>> table(Snapshot.of([[1.0, -0.25], [2.0, 30.0]]), 20)
    (['1.0  -0.25', '2.0  30.0'], '')
    """
    array = snapshot.array
    if array is None or not array.size or array.shape[-1:] > (LARGEST,):
        return [], ""
    array = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    if len(array) > LARGEST:
        return [], ""
    for digits in (0, 6, 4, 3):
        cells = [[number(float(value), digits) if digits else _exact(value) for value in row] for row in array]
        rows = ["  ".join(row).rstrip() for row in zip(*map(_aligned, zip(*cells, strict=True)), strict=True)]
        if max(map(len, rows)) <= width:
            return rows, f"rounded to {digits} digits" if digits else ""
    return [], ""


def _aligned(column: Sequence[str]) -> list[str]:
    """Return numbers with their decimal points below one another."""
    points = [len(re.split("[.e]", cell)[0]) for cell in column]
    cells = [" " * (max(points) - point) + cell for point, cell in zip(points, column, strict=True)]
    width = max(map(len, cells))
    return [cell.ljust(width) for cell in cells]


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """Return a text as lines of at most ``width``; all but the first are indented."""
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, max(width, 8), subsequent_indent=indent, drop_whitespace=True, tabsize=4)


def plain(trace: Trace) -> Iterator[str]:
    """Yield every step as plain text: no colours, lines of at most 80 characters, the same for the same trace."""
    replay, count = Replay(trace), len(trace)
    phases = ", ".join(f"{phase} {stop - start:,}" for phase, start, stop in stretches(trace))
    yield f"{count:,} steps over {len(trace.graph.nodes):,} nodes: {phases}\n"
    for index, step in enumerate(trace.steps):
        made = [f"step {index + 1} of {count}, {step.phase}"]
        made += _indented(wrapped(trace.sentence(index), WIDTH - 2))
        mathematics, source = rule(trace, step)
        if mathematics:
            made += _indented(wrapped(f"mathematics: {mathematics}", WIDTH - 2))
        made += _indented(_source(source))
        for fact in facts(trace, replay, index):
            made += _indented(lines(fact, WIDTH - 2))
        where = place(trace, step)
        if where:
            made += _indented(wrapped(f"from: {where}", WIDTH - 2))
        yield "\n" + "\n".join(made) + "\n"


def _source(source: str) -> list[str]:
    if "\n" not in source:
        return wrapped(f"rule: {source}", WIDTH - 2) if source else []
    made = ["rule:"]
    for line in source.split("\n"):
        indent = "  " + line[: len(line) - len(line.lstrip())]
        made += wrapped(indent + line.lstrip(), WIDTH - 2, indent + "    ")
    return made


def _indented(texts: list[str]) -> list[str]:
    return ["  " + text for text in texts]


def _array_lines(label: str, array: Snapshot, width: int, brief: bool) -> list[str]:
    """Return an array under its label: its rows, or its statistics."""
    short = inline(array)
    if short and len(label) + 2 + len(short) <= width:
        return [f"{label}: {short}"]
    if brief:
        return wrapped(f"{label}: {array.shape} {_range(array)}", width)
    rows, rounded = table(array, width - 2)
    what = f"{label}: {array.shape} {array.dtype}"
    if rows:
        return [*wrapped(f"{what}, {rounded}" if rounded else what, width), *_indented(rows)]
    summary = array.summary
    pairs = [f"{name} {value}".strip() for name, value in statistics(summary)]
    if summary.norm is not None:
        pairs.append(f"norm {number(summary.norm, 3)}")
    return wrapped(f"{what}, {', '.join(pairs)}", width)


def _range(array: Snapshot) -> str:
    summary = array.summary
    if summary.not_a_number or summary.infinite or summary.minimum is None or summary.maximum is None:
        return ", ".join(
            f"{name} {value}".strip() for name, value in statistics(summary) if name not in ("min", "mean")
        )
    return f"from {number(summary.minimum, 3)} to {number(summary.maximum, 3)}"


def _joined(parts: list[str]) -> str:
    return f"{parts[0]} + {parts[1]} -> {parts[2]}" if len(parts) == 3 else parts[0]


def _exact(value: Any) -> str:
    """Return a NumPy scalar with the fewest digits that tell it from every other number of its dtype."""
    return str(value + 0.0 if value.dtype.kind == "f" else value)  # -0.0 reads 0.0


def _arguments(trace: Trace, replay: Replay, index: int, names: set[str]) -> list[Fact]:
    """Return the operation's own value and its arguments, those that the names name, as the rule calls them."""
    node = trace.steps[index].node
    known = [("out", node)] if "out" in names else []
    for edge in trace.graph.arguments[node]:
        name = edge.argument or f"argument {edge.position + 1}"
        if name in names:
            known.append((name, edge.source))
    made = []
    for name, id in known:
        label, value = trace.labels[id], replay.value(id, index)
        if value is not None and trace.graph.index[id].kind != "constant":
            made.append(Fact(label if label == name else f"{name}, here {label}", (value,)))
        elif value is not None:
            made.append(Fact(name, (value,)))
    return made


def _needed(trace: Trace, step: ContributionStep) -> set[str]:
    """Return the names that the right side of a rule's formula speaks of."""
    mathematics, source = rule(trace, step)
    text = mathematics.partition("=")[2] if mathematics else source.partition(":")[2]
    names = {edge.argument: edge.position for edge in trace.graph.arguments[step.node] if edge.argument} | {"out": -1}

    def speaks_of(name: str) -> bool:
        # remarks after a semicolon name the receiver, whose value the rule does not need
        said = text.partition(";")[0] if names[name] == step.position else text
        # letters beside it are part of another word, an index or a power of it is not
        return re.search(rf"(?<![A-Za-z_]){re.escape(name)}(?![A-Za-z_])", said) is not None

    return set(filter(speaks_of, names))


def _receiver(trace: Trace, step: ContributionStep) -> list[Fact]:
    """Say what the rule calls the node that the contribution is for, where that is another word."""
    names = {edge.position: edge.argument for edge in trace.graph.arguments[step.node]}
    name, label = names.get(step.position), trace.labels[step.parent]
    return [Fact("receiver", (f"{label}, which the rule calls {name}",))] if name and name != label else []


def _reason(trace: Trace, step: SumStep) -> str:
    name = trace.labels[step.parent]
    if not step.axes:
        return f"{name} is {step.gradient.dtype}, and so is its gradient"
    return f"{name} was repeated along {_axes(step.axes)}, so its gradient is the sum over the copies"


def _summing(step: SumStep) -> str:
    if not step.axes:
        return f"{step.raw.shape} {step.raw.dtype} -> converted -> {step.gradient.dtype}"
    return f"{step.raw.shape} -> sum over {_axes(step.axes)} -> {step.gradient.shape}"


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"


def _fitting(trace: Trace, step: ContributionStep) -> str:
    """Say why the sum that follows is needed."""
    parent = trace.graph.index[step.parent]
    name = trace.labels[step.parent]
    if parent.shape == step.raw.shape:
        return f"{name} is {parent.dtype}, so the next step converts it"
    return f"{name} has the shape {parent.shape} and was broadcast, so the next step sums it"
