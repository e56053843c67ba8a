"""Traces as JSON: written and read again bit for bit, and as ``docs/trace.md`` says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.viz.recording import snapshot
from minigrad.viz.recording.snapshot import Snapshot
from tests.slow import slow_after
from tests.viz.recording.programs import leaf, program, same_bits, strict, varied

ROOT = Path(__file__).parents[3]


def assert_the_same(trace: viz.Trace, read: viz.Trace) -> None:
    assert trace.diff(read) is None
    assert read.diff(trace) is None
    assert read.to_json() == trace.to_json()
    assert read.rules == trace.rules
    assert read.labels == trace.labels
    assert read.values.keys() == trace.values.keys()
    for id, value in trace.values.items():
        again = read.values[id]
        assert (again.shape, again.dtype, again.digest) == (value.shape, value.dtype, value.digest)
        assert value.array is not None
        assert (again.array is None) == (value.array.size > 64)
        if again.array is not None:
            nan = np.isnan(value.array)
            assert same_bits(np.where(nan, 0, again.array), np.where(nan, 0, value.array))
            assert not again.array.flags.writeable
    for node, other in zip(trace.graph.nodes, read.graph.nodes, strict=True):
        assert (other.id, other.kind, other.name, other.line) == (node.id, node.kind, node.name, node.line)
        for one, another in ((node.value, other.value), (node.gradient, other.gradient)):
            assert (one is None) == (another is None)
            if one is not None and another is not None:
                assert repr(one) == repr(another)
    assert read.graph.edges == trace.graph.edges
    assert read.graph.groups == trace.graph.groups
    assert (read.graph.output, read.graph.summed) == (trace.graph.output, trace.graph.summed)


@pytest.mark.parametrize("start", slow_after(1, range(0, 100, 25)))
def test_what_is_written_is_read_again(start: int) -> None:
    for seed in range(start, start + 25):
        trace = viz.trace(program(seed)[0])
        strict(trace.to_json())
        assert_the_same(trace, viz.Trace.from_json(trace.to_json()))


def test_updates_modules_lines_and_large_arrays_are_read_again() -> None:
    mg.seed(0)
    model = nn.MLP([20, 8, 3])
    with mg.source_lines():
        loss = nn.functional.cross_entropy(model(mg.ones((16, 20))), np.arange(16) % 3)
    trace = viz.trace(loss, optimizer=optim.Adam(model.parameters()))
    assert_the_same(trace, viz.Trace.from_json(trace.to_json(indent=2)))
    assert_the_same(varied(), viz.Trace.from_json(varied().to_json()))
    assert str(viz.Trace.from_json(varied().to_json())) == str(varied())


FLOATS = st.floats(width=16) | st.floats(width=32) | st.floats(width=64)


@settings(max_examples=300, deadline=None)
@given(st.lists(FLOATS, max_size=5), st.sampled_from(["float16", "float32", "float64"]))
def test_numbers_keep_their_bits(values: list[float], dtype: str) -> None:
    with np.errstate(all="ignore"):
        array = np.array(values, dtype)
    plain = json.loads(json.dumps(snapshot.to_plain(Snapshot.of(array)), allow_nan=False))
    again = snapshot.from_plain(plain)
    assert again.array is not None
    nan = np.isnan(array)
    assert same_bits(np.where(nan, 0, again.array), np.where(nan, 0, array))
    assert again.digest == plain["digest"]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_float32_keeps_its_bits(bits: int) -> None:
    number = np.array(bits, np.uint32).view(np.float32)
    again = snapshot.from_plain(json.loads(json.dumps(snapshot.to_plain(Snapshot.of(number)))))
    assert np.isnan(number) or same_bits(again.array, number)
    assert again.same_as(Snapshot.of(number))


def test_numbers_are_short_and_those_beyond_json_are_words() -> None:
    def numbers(*values: Any, dtype: Any = np.float32) -> str:
        return json.dumps(snapshot.to_plain(Snapshot.of(np.array(values, dtype)))["numbers"])

    assert numbers(0.1, 1 / 3, -0.0, 1e-45, 16777216) == "[0.1, 0.33333334, -0.0, 1e-45, 16777216.0]"
    assert numbers(0.1, 65504, dtype=np.float16) == "[0.1, 65500.0]"
    assert numbers(0.1, 1 / 3, dtype=np.float64) == "[0.1, 0.3333333333333333]"
    assert numbers(np.nan, -np.nan, np.inf, -np.inf) == '["NaN", "NaN", "Infinity", "-Infinity"]'
    assert numbers(True, False, dtype=bool) == "[1, 0]"
    assert numbers(2**63 - 1, -(2**63), dtype=np.int64) == "[9223372036854775807, -9223372036854775808]"
    assert snapshot.to_plain(Snapshot.of(np.zeros((3, 0)))).keys() == {"shape", "dtype", "digest"}
    assert snapshot.to_plain(Snapshot.of(np.array([[1, 2]])))["numbers"] == [[1, 2]]


def test_every_nan_is_the_same_and_zero_has_a_sign() -> None:
    bits = np.array([0x7FC00000, 0xFFC00000, 0x7F800001], np.uint32).view(np.float32)
    assert len({Snapshot.of(number).digest for number in bits}) == 1
    assert Snapshot.of(np.float32(0.0)).digest != Snapshot.of(np.float32(-0.0)).digest


@pytest.mark.parametrize("name", ["\ud800", "a\udfff\ud800b", "\u2028", '"\\', "نمی‌شود", "\x00", "😀", "</script>"])
def test_names_of_any_kind_are_read_again(name: str) -> None:
    x = leaf(1.0, name)
    trace = viz.trace(x * 2)
    text = trace.to_json()
    assert strict(text.encode("utf-8").decode("utf-8"))["nodes"][0]["name"] == name
    assert viz.Trace.from_json(text).graph.nodes[0].name == name


SCRIPT = """
import hashlib
from minigrad import viz
from tests.viz.recording.programs import program, varied
texts = [viz.trace(program(seed)[0]).to_json() for seed in range(20)] + [varied().to_json()]
print(hashlib.sha256("".join(texts).encode()).hexdigest())
"""


def test_the_text_does_not_depend_on_the_hash_seed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={**environment, "PYTHONHASHSEED": seed}, capture_output=True, text=True
        )
        for seed in ("0", "1", "4711")
    ]
    assert [run.stderr for run in runs] == [""] * 3
    assert len({run.stdout for run in runs}) == 1


def test_no_folder_and_no_address_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "square.py"
    path.write_text("def square(x, primitive):\n    return primitive(x, how=object())\n")

    @mg.primitive
    def squared(x: Any, how: Any = None) -> Any:
        return x * x

    squared.derivatives(lambda g, x: 2 * g * x)
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    with mg.source_lines():
        text = viz.trace(space["square"](leaf(3.0), squared)).to_json()
    plain = strict(text)
    assert plain["nodes"][1]["line"] == {
        "file": "square.py",
        "number": 2,
        "function": "square",
        "text": "return primitive(x, how=object())",
    }
    assert plain["nodes"][1]["options"] == {"how": "<object object>"}
    for folder in (str(tmp_path), str(ROOT), os.sep + "site-packages", "0x"):
        assert folder not in text


# --- as docs/trace.md says

DOCUMENT = (ROOT / "docs" / "trace.md").read_text(encoding="utf-8")


def tables() -> dict[str, dict[str, str]]:
    """Return what each key holds, by the heading that its table stands under."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in DOCUMENT.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").strip("`")
        elif line.startswith("| `"):
            key, holds, _ = (cell.strip() for cell in line.strip("|").split(" | ", 2))
            found.setdefault(heading, {})[key.strip("`")] = holds.strip()
    return found


TABLES = tables()
RECORDS = {
    "line": "A line",
    "array": "An array",
    "list of nodes": "A node",
    "list of edges": "An edge",
    "list of rules": "A rule",
}


def check_numbers(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            check_numbers(item)
    else:
        assert type(value) in (int, float) or value in ("NaN", "Infinity", "-Infinity")


def check(value: Any, holds: str) -> None:
    """Assert that a value is what the document says in a few words."""
    if holds.startswith("`"):
        words = {word.strip("` ") for word in holds.replace(" or ", ", ").split(",")}
        if json.dumps(value) not in words:  # of an array's dtype, a range
            assert value in {"bool", "float16", "float32", "float64", "int64", "int32"}
            assert holds.startswith("`bool`")
    elif holds.endswith(" or null"):
        if value is not None:
            check(value, holds.removesuffix(" or null"))
    elif holds.startswith("list of "):
        assert type(value) is list
        for item in value:
            if holds == "list of steps":
                check_record(item, item["kind"])
            elif holds in RECORDS:
                check_record(item, RECORDS[holds])
            else:
                check(item, holds.removeprefix("list of ").removesuffix("s"))
    elif holds in RECORDS:
        check_record(value, RECORDS[holds])
    elif holds == "texts by name":
        assert all(type(item) is str for pair in value.items() for item in pair)
    elif holds == "number":
        assert type(value) in (int, float) or value == "Infinity"
    elif holds == "numbers":
        check_numbers(value)
    else:
        assert type(value) is {"text": str, "true or false": bool, "whole number": int}[holds]


def check_record(plain: Any, heading: str) -> None:
    """Assert that an object has the keys of a table: all of them but those that may be missing, and no other."""
    table = TABLES[heading]
    assert type(plain) is dict
    assert plain.keys() <= table.keys(), heading
    for key, holds in table.items():
        if key in plain:
            check(plain[key], holds.removesuffix(", may be missing"))
        else:
            assert holds.endswith(", may be missing"), (heading, key)


def objects(plain: Any) -> Iterator[Any]:
    """Iterate over everything inside."""
    yield plain
    for part in plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ():
        yield from objects(part)


def test_document_and_code_have_the_same_keys() -> None:
    assert len(TABLES) == 11
    seen: set[tuple[str, ...]] = set()
    for trace in [varied(), *(viz.trace(program(seed)[0]) for seed in range(30))]:
        plain = strict(trace.to_json())
        check_record(plain, "The trace")
        seen |= {(str(part.get("kind")), *part) for part in objects(plain) if isinstance(part, dict)}
    keys = {key for kind_and_keys in seen for key in kind_and_keys[1:]}
    documented = {key for table in TABLES.values() for key in table}
    assert keys - documented == {"axis", "keepdims", "index", "dtype", "shape"} & (keys - documented)  # options
    assert documented <= keys  # each of them has been seen
    kinds = {kind for kind, *_ in seen}
    assert kinds >= {"parameter", "input", "constant", "operation", "output", "forward", "seed", "sum", "update"}


def blocks(language: str) -> list[str]:
    return [block.partition("```")[0] for block in DOCUMENT.split(f"```{language}\n")[1:]]


def test_the_digest_is_made_as_the_document_says() -> None:
    space: dict[str, Any] = {}
    exec(next(block for block in blocks("python") if "def digest" in block), space)
    for array in (
        np.arange(6.0).reshape(2, 3).T,
        np.array([np.nan, -np.nan], ">f4"),
        np.array([True, False]),
        np.int8(3),
    ):
        assert space["digest"](np.array(array)) == Snapshot.of(array).digest
    assert Snapshot.of(np.float64(1.0)).digest == base64.urlsafe_b64encode(
        hashlib.sha256(b"\0\0\0\0\0\0\xf0\x3f").digest()[:12]
    ).decode("ascii")


def test_the_example_is_what_its_script_prints(tmp_path: Path) -> None:
    script = tmp_path / "square.py"
    script.write_text(next(block for block in blocks("python") if "source_lines" in block))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert run.stderr == ""

    def part_of(written: Any, whole: Any) -> None:
        if isinstance(written, dict):
            assert written.keys() <= whole.keys()
            assert "numbers" in written or written.keys() == whole.keys()  # only arrays are abbreviated
            for key, value in written.items():
                part_of(value, whole[key])
        elif isinstance(written, list):
            for one, other in zip(written, whole, strict=True):
                part_of(one, other)
        else:
            assert written == whole

    (example,) = blocks("json")
    part_of(strict(example), strict(run.stdout))
