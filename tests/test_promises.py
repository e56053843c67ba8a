"""The table of promises names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = [line for line in (ROOT / "docs" / "promises.md").read_text().splitlines() if re.match(r"\| [A-Z`]", line)]
NAMED = [name for row in ROWS for name in re.findall(r"`([^` ]*\.py[^`]*)`", row)]


@lru_cache
def functions(path: Path) -> frozenset[str]:
    """Return the names of the tests of a file, those inside classes too."""
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_there_are_promises_and_each_is_held_by_something() -> None:
    assert len(ROWS) >= 15
    for row in ROWS:
        assert re.search(r"`tests/[^` ]*\.py::test_", row), row


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    path, _, test = name.partition("::")
    assert (ROOT / path).is_file(), path
    assert test.startswith("test_")
    assert test in functions(ROOT / path)


def test_no_promise_names_a_test_twice() -> None:
    assert len(set(NAMED)) == len(NAMED)
