"""What became of the mutants, and which survivors nobody has explained."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.mutants.trial import INCOMPETENT, KILLED, SURVIVED, TIMED_OUT, Result

EXPLAINED = Path(__file__).with_name("survivors.md")
HEADING = re.compile(r"^### (\S+?)(?:, `(.*)`)?$")

# file, function, and the changed lines without the space around them: it survives an edit elsewhere in the file
Key = tuple[str, str, tuple[str, ...]]


def key_of(result: Result) -> Key:
    return result.mutation.module, result.mutation.function, stripped(result.diff.splitlines())


def stripped(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(line[0] + line[1:].strip() for line in lines if line.strip())


def explanations(text: str) -> Counter[Key]:
    """Read which survivors are explained: below a heading, the diffs of one or more mutants and then words."""
    found: Counter[Key] = Counter()
    for section in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
        heading = HEADING.match(section.partition("\n")[0])
        blocks = re.findall(r"^```diff\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
        words = re.sub(r"<!--.*?-->", "", re.split(r"^```$", section, flags=re.MULTILINE)[-1], flags=re.DOTALL)
        if heading and words.strip():
            found.update((heading[1], heading[2] or "", stripped(block.splitlines())) for block in blocks)
    return found


def unexplained(results: Iterable[Result], explained: Counter[Key]) -> list[Result]:
    """Return the survivors that have no explanation; two mutants that read the same need two."""
    left = Counter(explained)
    found = []
    for result in results:
        if result.outcome == SURVIVED:
            left[key_of(result)] -= 1
            if left[key_of(result)] < 0:
                found.append(result)
    return found


def per_cent(counts: Counter[str]) -> float:
    """Return how many of the mutants that could run were noticed; one that hangs is noticed."""
    ran = counts[KILLED] + counts[TIMED_OUT] + counts[SURVIVED]
    return 100.0 if ran == 0 else 100.0 * (ran - counts[SURVIVED]) / ran


def table(results: Iterable[Result]) -> str:
    """Return the counts of each file and of all."""
    files: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        files[result.mutation.module][result.outcome] += 1
    total = sum(files.values(), Counter())
    outcomes = (KILLED, TIMED_OUT, SURVIVED, INCOMPETENT)
    lines = [f"{'file':36}" + "".join(f"{name:>12}" for name in (*outcomes, "% killed"))]
    for file, counts in [*sorted(files.items()), ("all", total)]:
        lines.append(f"{file:36}" + "".join(f"{counts[name]:12}" for name in outcomes) + f"{per_cent(counts):12.1f}")
    return "\n".join(lines)


def listing(results: Iterable[Result]) -> str:
    """Return survivors as survivors.md has them, but for the words, with their line and operator."""
    return "\n".join(
        f"### {result.mutation.module}"
        + (f", `{result.mutation.function}`" if result.mutation.function else "")
        + f"\n\n```diff\n{result.diff}\n```\n\n<!-- line {result.mutation.line}, {result.mutation.operator} -->\n"
        for result in results
    )
