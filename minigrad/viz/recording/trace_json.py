"""Traces as JSON: what ``docs/trace.md`` describes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import asdict, fields, replace
from typing import Any, get_args

from minigrad.errors import DataError
from minigrad.viz.folding.groups import group
from minigrad.viz.graph import Graph, GraphEdge, GraphNode, Kind, ScriptLine
from minigrad.viz.recording import snapshot
from minigrad.viz.recording.parts import Parts
from minigrad.viz.recording.rules import RuleText
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import ContributionStep, ForwardStep, SeedStep, SumStep, TraceStep, UpdateStep
from minigrad.viz.summary import Summary
from minigrad.viz.text import shorten

FORMAT, VERSION = "minigrad.trace", 1

KINDS: dict[str, type[TraceStep]] = {
    step.kind: step for step in (ForwardStep, SeedStep, ContributionStep, SumStep, UpdateStep)
}
_NODE = ("id", "kind", "name", "operation", "options", "shape", "dtype", "scope", "requires_grad")


def to_text(trace: Parts, indent: int | None) -> str:
    """Return a trace as JSON."""
    text = json.dumps(to_plain(trace), indent=indent, ensure_ascii=False, allow_nan=False)
    # half a pair of surrogates can stand in a Python string, and in no file
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def from_text(text: str) -> Parts:
    """Return the parts of the trace that a text holds.

    Raises:
        DataError: when the text is no trace, or one of another version.
    """
    try:
        plain = json.loads(text, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError) as problem:
        raise DataError(f"a trace is JSON, as to_json() writes it; this cannot be read: {problem}") from None
    if type(plain) is not dict or plain.get("format") != FORMAT:
        raise DataError(f'a trace is a JSON object with "format": "{FORMAT}"; this is something else')
    version = plain.get("version")
    if type(version) is not int or version != VERSION:
        found = shorten(repr(version), 60)
        raise DataError(f"this trace has version {found}, and this minigrad reads version {VERSION}")
    try:
        return _from_plain(plain)
    except (ValueError, OverflowError) as problem:
        raise DataError(f"this trace is damaged: {shorten(str(problem), 300)}") from problem


def _refuse(constant: str) -> None:
    raise ValueError(f'{constant} is no number of JSON; a trace has "NaN", "Infinity" and "-Infinity" as text')


# --- writing


def to_plain(trace: Parts) -> dict[str, Any]:
    """Return a trace as dicts, lists, strings and numbers."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "output": trace.graph.output,
        "summed": trace.graph.summed,
        "nodes": [_plain_node(node, trace.values.get(node.id)) for node in trace.graph.nodes],
        "edges": [asdict(edge) for edge in trace.graph.edges],
        "rules": [
            {"node": node, "position": position, "source": text.source, "mathematics": text.mathematics}
            for (node, position), text in trace.rules.items()
        ],
        "steps": [
            {"phase": step.phase, "kind": step.kind} | {name: _plain_value(value) for name, value in vars(step).items()}
            for step in trace.steps
        ],
    }


def _plain_node(node: GraphNode, value: Snapshot | None) -> dict[str, Any]:
    plain = {name: _plain_value(getattr(node, name)) for name in _NODE}
    if node.line is not None:
        plain["line"] = asdict(node.line)
    if value is not None:
        plain["value"] = snapshot.to_plain(value)
    return plain


def _plain_value(value: Any) -> Any:
    if isinstance(value, Snapshot):
        return snapshot.to_plain(value)
    return list(value) if isinstance(value, tuple) else value


# --- reading: every part is checked, so that what has been read can also be shown


def _from_plain(plain: dict[str, Any]) -> Parts:
    nodes, values = [], {}
    for index, entry in enumerate(_take(plain, "nodes", _list, "trace")):
        node, value = _node(entry, f"nodes[{index}]")
        if node.id != f"n{index}":
            raise ValueError(f"nodes[{index}].id must be 'n{index}', got {node.id!r}")
        nodes.append(node)
        if value is not None:
            values[node.id] = value
    place = {node.id: index for index, node in enumerate(nodes)}
    edges = [
        GraphEdge(**_fields(GraphEdge, e, f"edges[{k}]")) for k, e in enumerate(_take(plain, "edges", _list, "trace"))
    ]
    for index, edge in enumerate(edges):
        if place.get(edge.source, len(nodes)) >= place.get(edge.target, -1):
            raise ValueError(f"edges[{index}] does not lead from a node to a later one")
    arguments = {(edge.target, edge.position): edge.source for edge in edges}
    steps = []
    slopes: dict[str, Summary] = {}
    for index, entry in enumerate(_take(plain, "steps", _list, "trace")):
        step = _step(entry, f"steps[{index}]")
        if step.node not in place:
            raise ValueError(f"steps[{index}].node is no node: {step.node!r}")
        if isinstance(step, SeedStep):
            slopes[step.node] = step.gradient.summary
        if isinstance(step, (ContributionStep, SumStep)):
            if arguments.get((step.node, step.position)) != step.parent:
                raise ValueError(f"steps[{index}] sends along an edge that is not there")
            if step.total is not None:
                slopes[step.parent] = step.total.summary
        steps.append(step)
    rules = [_rule(entry, f"rules[{index}]") for index, entry in enumerate(_take(plain, "rules", _list, "trace"))]
    output = _take(plain, "output", _text, "trace")
    if output not in place or any(key not in arguments for key, _ in rules):
        raise ValueError("the output or a rule is that of a node that is not there")
    graph = Graph(
        nodes=tuple(replace(node, gradient=slopes.get(node.id)) for node in nodes),
        edges=tuple(edges),
        groups=group((node.id, node.scope) for node in nodes),
        output=output,
        summed=_take(plain, "summed", _flag, "trace"),
    )
    return Parts(graph, tuple(steps), values, dict(rules))


def _node(plain: Any, where: str) -> tuple[GraphNode, Snapshot | None]:
    known = _fields(GraphNode, plain, where, _NODE)
    value = None if "value" not in plain else _array(plain["value"], f"{where}.value")
    if value is not None and value.shape != known["shape"]:
        raise ValueError(f"{where}.value has not the shape of its node")
    if known["kind"] == "constant" and known["shape"]:
        raise ValueError(f"{where} is a constant, and no single number")
    line = None if "line" not in plain else ScriptLine(**_fields(ScriptLine, plain["line"], f"{where}.line"))
    return GraphNode(**known, line=line, value=None if value is None else value.summary), value


def _step(plain: Any, where: str) -> TraceStep:
    made = KINDS.get(_take(plain, "kind", _text, where))
    if made is None or _take(plain, "phase", _text, where) != made.phase:
        raise ValueError(f"{where}.kind and .phase are those of no step: {plain['kind']!r}, {plain.get('phase')!r}")
    return made(**_fields(made, plain, where))


def _rule(plain: Any, where: str) -> tuple[tuple[str, int], RuleText]:
    key = _take(plain, "node", _text, where), _take(plain, "position", _count, where)
    return key, RuleText(_take(plain, "source", _text, where), _take(plain, "mathematics", _text, where))


def _fields(made: type[Any], plain: Any, where: str, names: Collection[str] | None = None) -> dict[str, Any]:
    """Return what a dataclass's fields are, each read as its annotation says."""
    kinds = {field.name: str(field.type) for field in fields(made) if names is None or field.name in names}
    return {name: _take(plain, name, _READERS[kind], where) for name, kind in kinds.items()}


def _take(plain: Any, name: str, read: Callable[[Any, str], Any], where: str) -> Any:
    if type(plain) is not dict or name not in plain:
        raise ValueError(f"{where} has no {name!r}")
    return read(plain[name], f"{where}.{name}")


def _reader(kind: type, what: str) -> Callable[[Any, str], Any]:
    def read(value: Any, where: str) -> Any:
        if type(value) is not kind:  # True is no number here
            raise ValueError(f"{where} must be {what}, got {shorten(repr(value), 60)}")
        return value

    return read


_text, _flag, _list = _reader(str, "text"), _reader(bool, "true or false"), _reader(list, "a list")
_whole, _dict = _reader(int, "a whole number"), _reader(dict, "an object")


def _count(value: Any, where: str) -> int:
    if _whole(value, where) < 0:
        raise ValueError(f"{where} must not be negative, got {value}")
    return int(value)


def _kind(value: Any, where: str) -> str:
    if value not in get_args(Kind) or value == "module":
        raise ValueError(f"{where} is no kind of node: {value!r}")
    return str(value)


def _array(value: Any, where: str) -> Snapshot:
    try:
        return snapshot.from_plain(value)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{where}: {problem}") from problem


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "str": _text,
    "int": _count,
    "bool": _flag,
    "Kind": _kind,
    "Snapshot": _array,
    "str | None": lambda value, where: None if value is None else _text(value, where),
    "Snapshot | None": lambda value, where: None if value is None else _array(value, where),
    "tuple[int, ...]": lambda value, where: tuple(_count(item, where) for item in _list(value, where)),
    "dict[str, str]": lambda value, where: {key: _text(item, where) for key, item in _dict(value, where).items()},
}
