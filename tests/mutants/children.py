"""Tests run in a child process, forked from one that has loaded what they need but for minigrad itself."""

from __future__ import annotations

import compileall
import importlib
import math
import os
import py_compile
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy
import numpy.testing  # noqa: F401
import pytest

NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "runs", "notebooks", "*.egg-info")
OUTPUT = Path("output.txt")
HANGS = -signal.SIGALRM
WITHOUT_SHRINKING = (hypothesis.Phase.explicit, hypothesis.Phase.generate)


def enter_copy(tree: Path, copy: Path) -> None:
    """Let this process work in a copy of the tree: edits of the tree itself do not matter any more."""
    shutil.copytree(tree, copy, ignore=NOT_COPIED)
    os.chdir(copy)


def prepare(root: Path, copies: Path) -> None:
    """Let this process test mutants in a copy of its own, with the copy's modules and no others."""
    copy = copies / str(os.getpid())
    enter_copy(copies / "unchanged", copy)
    # a mutated file may be as long and as old as the one before: compiled files are told apart by their text
    compileall.compile_dir(copy, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    sys.dont_write_bytecode = True
    sys.path[:] = [str(copy), *(place for place in sys.path if place not in ("", str(root)))]
    os.environ["PYTHONPATH"] = str(copy)  # for programs that a test starts
    hypothesis.settings.register_profile(
        "mutants", max_examples=20, derandomize=True, database=None, deadline=None, phases=WITHOUT_SHRINKING
    )
    hypothesis.settings.load_profile("mutants")


def in_child(work: Callable[[], int], seconds: float, gibibytes: float = math.inf) -> int:
    """Return the exit status of ``work`` in a forked process, or minus its signal: ``HANGS`` at the time limit."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            os.setsid()
            signal.alarm(math.ceil(seconds))  # nobody catches it: the kernel ends the process, whatever it does
            if gibibytes < math.inf:
                resource.setrlimit(resource.RLIMIT_AS, (int(gibibytes * 2**30),) * 2)
            output = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
                del sys.modules[name]  # this file's own package: the copy has its own
            status = int(work())
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what its tests started and left
    return os.waitstatus_to_exitcode(status)


def run_tests(paths: Sequence[str], *options: str, plugin: Any) -> int:
    importlib.import_module("minigrad")  # as a whole: pytest would import a module with doctests by its path
    quick = ["-m", "not slow"]  # the slow ones repeat the same with more numbers
    arguments = [
        "--tb=no",
        "-rfE",
        "--assert=plain",
        "--basetemp=temporary",
        "-p",
        "no:cacheprovider",
        *quick,
        *options,
    ]
    return pytest.main([*arguments, *paths], plugins=[plugin])


class Chosen:
    """A plugin: of the files that are collected, only some tests run, in the order of the files."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = set(tests)
        self.collected = {
            "::".join(parts[:length]) for parts in map(parts_of, tests) for length in range(1, len(parts) + 1)
        }

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
        return None if f"{collector.nodeid}::{name}" in self.collected else []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.tests]


def parts_of(test: str) -> list[str]:
    """Split ``file::class::function[case]`` into file, class and function."""
    return test.partition("[")[0].split("::")


def passes(tests: Sequence[str], seconds: float, gibibytes: float) -> int:
    """Return 0 if none of these tests fails; else an exit status of pytest, or minus a signal."""
    status = in_child(lambda: run_tests(files_of(tests), "-x", plugin=Chosen(tests)), seconds, gibibytes)
    return 0 if status == pytest.ExitCode.NO_TESTS_COLLECTED else status  # a mutant may change the tests' names


def files_of(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))
