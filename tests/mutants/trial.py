"""One mutant: it is written into the copy of the tree, meets its tests, and is taken out again."""

from __future__ import annotations

import difflib
import hashlib
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.mutating import use_mutation

from tests.mutants.children import HANGS, OUTPUT, passes
from tests.mutants.mutations import Mutation, operator_named

MOST_RECENT = 10
# of each module, the tests that killed its last mutants, the last one first: they often kill the next one too
recent: dict[str, list[str]] = defaultdict(list)

KILLED, TIMED_OUT, SURVIVED, INCOMPETENT = "killed", "timed out", "survived", "incompetent"


class Stage(NamedTuple):
    """Tests that a mutant meets together, and the seconds and memory that they may take."""

    tests: list[str]
    seconds: float
    gibibytes: float


class Result(NamedTuple):
    """What became of a mutant."""

    mutation: Mutation
    digest: str  # of the module's text: the result holds for no other
    outcome: str
    diff: str
    tried: int  # tests, at most
    seconds: float
    output: str


def attempt(job: tuple[Mutation, list[Stage]]) -> Result:
    """Let a mutant meet its tests, stage by stage, until one fails."""
    mutation, stages = job
    start = time.perf_counter()
    path = Path(mutation.module)
    outcome, tried, output = SURVIVED, 0, ""
    likely = [test for test in recent[mutation.module] if any(test in stage.tests for stage in stages)]
    if likely:
        stages = [stages[0]._replace(tests=likely), *stages]
    with use_mutation(path, operator_named(mutation.operator), mutation.occurrence) as (before, after):
        if not compiles(after):
            outcome, stages, output = INCOMPETENT, [], "no Python"
        for stage in stages:
            status = passes(*stage)
            tried += len(stage.tests)
            output = OUTPUT.read_text(errors="replace")[-500:]
            if status != 0:
                outcome = TIMED_OUT if status == HANGS else KILLED
                remember(mutation.module, output)
                break
    diff = changed_lines(before, after)
    return Result(mutation, digest(before), outcome, diff, tried, time.perf_counter() - start, output)


def remember(module: str, output: str) -> None:
    """Put the test that failed before the others of its module."""
    if failed := re.search(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", output, flags=re.MULTILINE):
        others = [test for test in recent[module] if test != failed[1]]
        recent[module] = [failed[1], *others][:MOST_RECENT]


def compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def changed_lines(before: str, after: str) -> str:
    """Return the lines that differ, each after a - or a +, without blank ones."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    return "\n".join(line.rstrip() for line in lines if not line.startswith("@@") and line[1:].strip())


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()
