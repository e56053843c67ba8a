"""Texts that are no traces, or damaged ones: an error that says so, or a trace that can be shown; nothing else."""

from __future__ import annotations

import copy
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import viz
from minigrad.errors import DataError
from minigrad.viz.recording.snapshot import Snapshot
from tests.viz.recording.programs import strict, varied


def shown(trace: viz.Trace) -> None:
    """Do with a trace what players do: none of it may fail once it has been read."""
    assert str(trace).count("\n") == max(0, len(trace) - 1)
    assert trace.labels
    assert trace.gradients.keys() <= trace.graph.index.keys()
    assert trace.diff(trace, tolerance=0.1) is None
    assert strict(trace.to_json())["format"] == "minigrad.trace"


def paths(plain: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Iterate over the places of a JSON value, the whole first."""
    yield path
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in pairs:
        yield from paths(value, (*path, key))


def at(plain: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        plain = plain[key]
    return plain


PLAIN = json.loads(varied().to_json())
TEXT = json.dumps(PLAIN)
PATHS = list(paths(PLAIN))[1:]


def one_of_each() -> list[tuple[Any, ...]]:
    """Return a path to each key of each kind of node and step, and of one array: what is alike is tried once."""
    found: dict[Any, tuple[Any, ...]] = {}
    for path in PATHS:
        entry = PLAIN[path[0]][path[1]] if len(path) > 1 else {}
        kind = entry.get("kind") if isinstance(entry, dict) else None
        inside = len(path) > 3 and "digest" in at(PLAIN, path[:3])
        found.setdefault(("array", *path[3:4], len(path)) if inside else (kind, *path[:1], *path[2:]), path)
    return list(found.values())


def changed(path: tuple[Any, ...], value: Any) -> str:
    """Return the text with another value in one place."""
    parent, kept = at(PLAIN, path[:-1]), at(PLAIN, path)
    parent[path[-1]] = copy.deepcopy(value)  # it may be a part of the whole
    text = json.dumps(PLAIN)
    parent[path[-1]] = kept
    return text


def without(path: tuple[Any, ...]) -> str:
    plain = copy.deepcopy(PLAIN)
    del at(plain, path[:-1])[path[-1]]
    return json.dumps(plain)


def read(text: Any) -> bool:
    """Return whether a text is accepted; if not, it must be by a DataError, and if so, it must be of use."""
    try:
        trace = viz.Trace.from_json(text)
    except DataError:
        return False
    shown(trace)
    return True


NULLABLE = {"name": str, "before": dict, "total": dict}
STATISTICS = ("min", "mean", "max", "norm")


@pytest.mark.slow
def test_a_wrong_type_at_any_key_is_an_error() -> None:
    assert read(TEXT)
    for path in one_of_each():
        value = at(PLAIN, path)
        for wrong in (3, "3", True, None, [], {}, {"a": 1}, 1.5, -1, 10**400, "\ud800"):
            kind = NULLABLE[path[-1]] if value is None else type(value)
            number = {type(wrong), kind} <= {int, float, str} and "numbers" in path
            statistic = path[-1] in STATISTICS and type(wrong) in (int, float)
            if type(wrong) is kind or number or statistic or (wrong is None and path[-1] in NULLABLE):
                read(changed(path, wrong))
            else:
                assert not read(changed(path, wrong)), (path, wrong)


def test_a_missing_key_is_an_error_unless_it_may_be_missing() -> None:
    optional = {"line", "value", "nan", "infinite", "numbers", *STATISTICS}
    for path in one_of_each():
        accepted = read(without(path))
        if isinstance(path[-1], str) and "options" not in path[:-1]:
            step = path[0] == "steps" and len(path) == 3
            assert accepted == (path[-1] in optional and not step), path


def test_unknown_keys_are_ignored() -> None:
    plain = copy.deepcopy(PLAIN)
    for path in [(), *PATHS]:
        if isinstance(at(PLAIN, path), dict) and "options" not in path:
            at(plain, path)["something new"] = {"a": [None]}
    assert viz.Trace.from_json(json.dumps(plain)).diff(varied()) is None


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, [1], 10**50])
def test_another_version_is_an_error(version: Any) -> None:
    with pytest.raises(DataError, match=r"this trace has version .*reads version 1"):
        viz.Trace.from_json(changed(("version",), version))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trace.json",
        "{",
        "null",
        "3",
        "[]",
        "{}",
        '{"format": "another"}',
        "\ufeff{}",
        "NaN",
        "[" * 100_000,
        b"\xff",
        3,
        None,
    ],
)
def test_what_is_no_trace_is_an_error(text: Any) -> None:
    with pytest.raises(DataError, match="a trace is"):
        viz.Trace.from_json(text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TEXT)))
def test_a_text_that_was_cut_short_is_an_error(length: int) -> None:
    assert read(TEXT[:length]) == (length == len(TEXT))


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(
    st.integers(0, len(TEXT) - 1),
    st.integers(0, 3),
    st.text(max_size=2) | st.sampled_from(list('0123456789-.e{}[],:"n')),
)
def test_a_mutated_text_is_an_error_or_a_trace(place: int, cut: int, put: str) -> None:
    read(TEXT[:place] + put + TEXT[place + cut :])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["n0", "n99", "NaN"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["shape", "dtype", "kind"]), inner),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), JSON, st.sampled_from(PATHS), st.sampled_from(PATHS))
def test_another_value_anywhere_is_an_error_or_a_trace(path: Any, value: Any, source: Any, target: Any) -> None:
    read(changed(path, value))
    read(changed(target, at(PLAIN, source)))
    read(without(path))


def test_contradictions_are_errors() -> None:
    contribution = next(k for k, step in enumerate(PLAIN["steps"]) if step["kind"] == "contribution")
    wide = next(k for k, node in enumerate(PLAIN["nodes"]) if node["name"] == "x")
    constant = next(k for k, node in enumerate(PLAIN["nodes"]) if node["kind"] == "constant")
    for path, value, words in [
        (("nodes", 1, "id"), "n0", "id must be"),
        (("nodes", 0, "kind"), "module", "no kind of node"),
        (("nodes", wide, "value", "numbers", 0, 0), 7.0, "not those that its digest was made of"),
        (("nodes", constant, "shape"), [2], "not the shape of its node"),
        (("edges", 0, "source"), PLAIN["output"], "does not lead from a node to a later one"),
        (("edges", 0, "target"), "n99", "does not lead"),
        (("edges", 0, "position"), -1, "must not be negative"),
        (("steps", 0, "node"), "n99", "is no node"),
        (("steps", 0, "kind"), "jump", "of no step"),
        (("steps", 0, "phase"), "seed", "of no step"),
        (("steps", contribution, "position"), 5, "along an edge that is not there"),
        (("steps", contribution, "parent"), "n99", "along an edge that is not there"),
        (("steps", contribution, "raw", "dtype"), "object", "dtype"),
        (("steps", contribution, "raw", "dtype"), "<f4", "dtype"),
        (("steps", contribution, "raw", "numbers"), [1.0], "nested as the shape"),
        (("output",), "n99", "output"),
        (("rules", 0, "position"), 9, "rule"),
    ]:
        with pytest.raises(DataError, match=words):
            viz.Trace.from_json(changed(path, value))


def test_a_constant_is_one_number() -> None:
    constant = next(k for k, node in enumerate(PLAIN["nodes"]) if node["kind"] == "constant")
    plain = json.loads(without(("nodes", constant, "value")))
    assert read(json.dumps(plain))
    plain["nodes"][constant]["shape"] = [2]
    with pytest.raises(DataError, match="is a constant, and no single number"):
        viz.Trace.from_json(json.dumps(plain))


@pytest.mark.parametrize("shape", [[10**9, 10**9], [10**30], [2**62, 2], [1] * 1000, [10**18, 0], [0, 10**30]])
def test_huge_shapes_allocate_nothing(shape: list[int]) -> None:
    plain = {"shape": shape, "dtype": "float64", "digest": Snapshot.of(np.zeros(0)).digest}
    text = changed(("steps", 0, "value"), plain)
    tracemalloc.start()
    read(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    with pytest.raises(DataError):
        viz.Trace.from_json(changed(("steps", 0, "value"), plain | {"numbers": [0.0]}))


def test_deep_nesting_and_endless_numbers_are_errors() -> None:
    numbers = next(path for path in PATHS if path[-1] == "numbers")
    mark = changed(numbers, "MARK")
    for put in ("[" * 900 + "]" * 900, "[" * 50_000 + "]" * 50_000, "1" * 5000, "1e999", "NaN", "Infinity", "[1e999]"):
        assert not read(mark.replace('"MARK"', put))


def test_errors_say_where() -> None:
    with pytest.raises(DataError, match=r"this trace is damaged: nodes\[0\]\.name must be text, got 3"):
        viz.Trace.from_json(changed(("nodes", 0, "name"), 3))
    with pytest.raises(DataError, match=r"edges\[1\] has no 'argument'"):
        viz.Trace.from_json(without(("edges", 1, "argument")))
    with pytest.raises(DataError) as caught:
        viz.Trace.from_json(changed(("steps", 0, "value", "shape"), [10**400] * 100))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("id", ['n1 [image="/etc/hostname"]; INJ', "8 x", "node-1", "n01", ""])
def test_ids_are_those_that_are_written(id: str) -> None:
    text = trace_of_two_nodes().to_json()
    with pytest.raises(DataError, match=r"nodes\[1\]\.id must be 'n1'"):
        viz.Trace.from_json(text.replace('"n1"', json.dumps(id)))


def trace_of_two_nodes() -> viz.Trace:
    x = mg.tensor(3.0, requires_grad=True, name="x")
    return viz.trace(x * x)
