"""Which tests run which lines: recorded once for each file of tests, and kept until a source changes."""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.children import files_of, in_child, run_tests

LONGEST = 1800.0  # seconds for the tests of one file, traced
QUICK = 1.0  # seconds of a file that is collected for the first stage

Lines = dict[int, set[str]]


def test_files(places: Iterable[str]) -> list[str]:
    """Return the files of tests in some folders, and the modules with doctests."""
    found = []
    for place in map(Path, places):
        files = [place] if place.is_file() else sorted(place.rglob("*.py"))
        found += [str(file) for file in files if file.name.startswith("test_") or file.parts[0] != "tests"]
    return found


def digests(files: Sequence[str]) -> dict[str, str]:
    """Return of each file of tests a digest of what decides which lines it runs: itself, the library, the helpers."""
    shared = hashlib.sha256()
    for path in sorted([*Path("minigrad").rglob("*.py"), *Path("tests").rglob("*.py")]):
        if not path.name.startswith("test_") and "mutants" not in path.parts:
            shared.update(path.read_bytes())
    return {
        file: hashlib.sha256(shared.digest() + file.encode() + Path(file).read_bytes()).hexdigest() for file in files
    }


class Recorder:
    """A plugin: which lines each test runs, and how long it takes, and how long it takes to collect them."""

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.start = time.perf_counter()
        self.collecting = 0.0
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_collection_finish(self) -> None:
        self.collecting = time.perf_counter() - self.start

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        start = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - start
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.failed.add(report.nodeid)


def record(job: tuple[str, Path, list[str], float]) -> tuple[str, int]:
    """Write to a file which lines of some folders the tests of one file run; return the file and how many pass."""
    tests, destination, folders, gibibytes = job
    in_child(lambda: trace(tests, destination, folders), LONGEST, gibibytes)
    return tests, len(json.loads(destination.read_text())["seconds"]) if destination.exists() else 0


def trace(tests: str, destination: Path, folders: list[str]) -> int:
    import coverage

    tracer = coverage.Coverage(data_file=None, config_file=False, include=[f"{folder}/*" for folder in folders])
    recorder = Recorder(tracer)
    for folder in folders:  # what runs at import is no test's: not that of the one that asks for a module first
        for file in sorted(Path(folder).rglob("*.py")):
            importlib.import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
    tracer.start()
    status = run_tests([tests], plugin=recorder)
    tracer.stop()
    passed = [test for test in recorder.seconds if test not in recorder.failed]
    number = {test: index for index, test in enumerate(passed)}
    data = tracer.get_data()
    lines = {
        str(Path(file).relative_to(Path.cwd())): {
            line: [number[test] for test in contexts if test in number]
            for line, contexts in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    seconds = {test: recorder.seconds[test] for test in passed}
    content = {"collecting": recorder.collecting, "failed": sorted(recorder.failed), "seconds": seconds, "lines": lines}
    destination.write_text(json.dumps(content))
    return status


class Reach:
    """Which tests run a line."""

    def __init__(self, recorded: dict[str, Path], signatures: Iterable[str] = ()) -> None:
        self.seconds: dict[str, float] = {}
        self.collecting: dict[str, float] = {}
        self.lines: dict[str, Lines] = defaultdict(lambda: defaultdict(set))
        self.failed: list[str] = []
        for file, path in recorded.items():
            content = json.loads(path.read_text())
            tests = list(content["seconds"])
            self.seconds |= content["seconds"]
            self.collecting[file] = content["collecting"]
            self.failed += content["failed"]
            for module, lines in content["lines"].items():
                for line, numbers in lines.items():
                    self.lines[module][int(line)].update(tests[number] for number in numbers)
        files = set(test_files(signatures))
        self.signatures = {test for test in self.seconds if test.partition("::")[0] in files}

    def tests_of(self, module: str, line: int, own: Sequence[str] = ()) -> set[str]:
        """Return the tests that run a line, or else its block: a default, a decorator or a constant runs at import.

        Then also those of the module's own files: they may look at what there is, and run nothing.
        """
        lines = self.lines[module]
        if found := lines.get(line):
            return found
        for first, last in blocks_around(Path(module).read_text(encoding="utf-8"), line):
            if found := set().union(*(lines.get(number, ()) for number in range(first, last + 1))):
                return found | self.signatures | {test for test in self.seconds if test.partition("::")[0] in own}
        return set(self.seconds)  # nothing in this module runs later than at import

    def stages(self, tests: Iterable[str], own: Sequence[str], first: int, seconds: float) -> list[list[str]]:
        """Return the tests to try first, and those for what survives them: from each file in turn its quickest.

        Args:
            tests: those that reach the mutant.
            own: the files with the tests of its module, which come before all others.
            first: how many tests come first.
            seconds: of all tests and their collection together.
        """
        files: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            files[test.partition("::")[0]].append(test)
        turns = [
            (file not in own, turn, self.collecting[file], test)
            for file, tests in files.items()
            for turn, test in enumerate(tests)
        ]
        begin, rest, collected = [], [], set()
        for _, _, collecting, test in sorted(turns):
            file = test.partition("::")[0]
            cost = self.seconds[test] + (0 if file in collected else collecting)
            if cost > seconds:
                continue
            seconds -= cost
            collected.add(file)
            (begin if len(begin) < first and collecting < QUICK else rest).append(test)
        return [stage for stage in (begin, rest) if stage]

    def seconds_of(self, tests: Iterable[str]) -> float:
        """Return how long some tests take, traced: with their collection."""
        tests = list(tests)
        return sum(map(self.seconds.__getitem__, tests)) + sum(self.collecting[file] for file in files_of(tests))


def blocks_around(source: str, line: int) -> list[tuple[int, int]]:
    """Return the first and last lines of the statements, functions and classes around a line, the smallest first."""
    tree = ast.parse(source)
    blocks = [(1, len(source.splitlines()))]
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.Lambda)):
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
            if first <= line <= (node.end_lineno or first):
                blocks.append((first, node.end_lineno or first))
    return sorted(blocks, key=lambda block: block[1] - block[0])
