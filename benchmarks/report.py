"""The results as Markdown: tables of ratios, what could not be measured, and the targets."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import facts, interaction
from benchmarks.rounds import Rounds, ratio

BEGIN, END = "<!-- benchmark:begin -->", "<!-- benchmark:end -->"
UNSTEADY = 3  # a round is so many times as slow as another: something else was running
MODULES = {"training": "training_step", "optimizers": "optimizers", "hessian": "hessian", "loader": "loader"}
Results = dict[str, Any]


class MarkersMissingError(Exception):
    """A text has no lines between which the tables belong."""


def markdown(results: Results) -> str:
    """Return everything but the targets."""
    return "\n\n".join(sections(results)) + "\n"


def readme(results: Results) -> str:
    """Return the same, with everything after the first table of training behind a line that unfolds it."""
    facts_line, *rest = sections({**results, "training": dict(reversed(results.get("training", {}).items()))})
    first, others = rest[:1], rest[1:]
    fold = ["<details><summary>One thread, optimizers, memory, and more</summary>", *others, "</details>"]
    return "\n\n".join([*first, facts_line, *(fold if others else [])]) + "\n"


def sections(results: Results) -> list[str]:
    """Return the facts and each table as Markdown."""
    parts = [facts.sentence(results["facts"])]
    for subject, module in MODULES.items():
        for threads, found in results.get(subject, {}).items():
            parts.append("\n".join(comparison(module, threads, found)))
    for section, write in (
        ("chain", chain),
        ("import", importing),
        ("memory", memory),
        ("draw", drawing),
        ("interaction", waiting),
    ):
        if section in results:
            parts.append("\n".join(write(results[section])))
    return parts


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Return the lines of a table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def comparison(module_name: str, threads: str, found: Results) -> Iterator[str]:
    """Yield the table of a subject: a row for each peer, a column for each case, ratios of time."""
    module = importlib.import_module(f"benchmarks.{module_name}")
    cases = found["cases"]
    reference = next((name for name in module.REFERENCES if any(name in series for series in cases.values())), "")
    yield f"**{module.TITLE}**, {threads} {'thread' if threads == '1' else 'threads'}, time by {reference}'s"
    yield ""
    names = [name for name in module.PEERS if any(name in series for series in cases.values())]
    notes: list[str] = []
    rows = []
    for name in names:
        marks = {case: why for (peer, case), why in getattr(module, "INCOMPARABLE", {}).items() if peer == name}
        notes += [f"\\* {name} {why}." for case, why in marks.items() if case in cases]
        rows.append([name, *(cell(cases[case], name, reference) + "\\*" * (case in marks) for case in cases)])
    yield from table(["", *cases], rows)
    yield from remarks([*notes, *unsteady(cases)], found)


def unsteady(cases: dict[str, Rounds]) -> Iterator[str]:
    """Yield a sentence that names the peers whose rounds differ too much to be believed."""
    names = [
        f"{name} ({case})"
        for case, series in cases.items()
        for name, times in series.items()
        if max(times) > UNSTEADY * statistics.median(times) or statistics.median(times) > UNSTEADY * min(times)
    ]
    if names:
        yield f"Unsteady, some rounds being {UNSTEADY} times as slow as others: {', '.join(names)}."


def cell(series: Rounds, name: str, reference: str) -> str:
    """Return a ratio; for the reference its own microseconds too; where there is no reference, microseconds alone."""
    value = ratio(series, name, reference)
    if name not in series:
        return "failed"
    microseconds = f"{statistics.median(series[name]):,.0f} us"
    if value is None:
        return microseconds
    return f"1 ({microseconds})" if name == reference else f"{value:.2f}"


def remarks(notes: list[str], found: Results) -> Iterator[str]:
    """Yield what is to be said under a table."""
    missing = ", ".join(found.get("absent", []))
    left_out = ", ".join(found.get("left_out", []))
    notes = [*notes, *([f"Not installed: {missing}."] if missing else [])]
    notes += [f"Left out, being slow to start: {left_out}."] if left_out else []
    for note in [*notes, *(f"Failed: {error}" for error in found.get("errors", []))]:
        yield ""
        yield note


def chain(found: Results) -> Iterator[str]:
    yield "**A chain of operations on one number**, microseconds an operation"
    yield ""
    rows = []
    for length, stages in found["rounds"].items():
        medians = [statistics.median(times) for times in stages.values()]
        rows.append([f"{int(length):,}", *(f"{median:.2f}" for median in (*medians, sum(medians)))])
    yield from table(["operations", *next(iter(found["rounds"].values())), "all"], rows)


def importing(found: Results) -> Iterator[str]:
    yield "**Import**, milliseconds of a fresh process"
    yield ""
    names = {"numpy": "`import numpy`", "minigrad": "`import minigrad`", "beyond": "beyond NumPy's"}
    yield from table(list(names.values()), [[f"{found[key]:.0f}" for key in names]])


def memory(found: Results) -> Iterator[str]:
    yield "**Peak memory of training**, MiB beyond import"
    yield ""
    cases = found["cases"]
    names = list(dict.fromkeys(name for case in cases.values() for name in case))
    rows = [[name, *(f"{case[name]:,.1f}" if name in case else "failed" for case in cases.values())] for name in names]
    yield from table(["", *cases], rows)
    yield from remarks([], found)


def drawing(found: list[Results]) -> Iterator[str]:
    yield "**`viz.draw`**, milliseconds; large graphs are folded, and then laid out by Graphviz"
    yield ""
    rows = []
    for run in found:
        picture = "no Graphviz" if run["svg"] is None else f"{run['svg']:,.0f}"
        rows.append([f"{run['nodes']:,}", f"{run['shown']:,}", f"{run['dot']:,.0f}", picture])
    yield from table(["nodes", "shown", "as DOT", "from DOT to SVG"], rows)


def waiting(found: dict[str, float | None]) -> Iterator[str]:
    yield f"**What a person waits for**, milliseconds, with {interaction.NODES:,} operations"
    yield ""
    rows = [
        [name, "no browser" if found[key] is None else f"{found[key]:,.0f}"] for key, name in interaction.NAMES.items()
    ]
    yield from table(["", "ms"], rows)


def targets(verdicts: list[Results]) -> str:
    """Return the targets as a table: measured, target, and whether it is kept."""
    rows = []
    for verdict in verdicts:
        unit = f" {verdict['unit']}" if verdict["unit"] else ""
        measured = "not measured" if verdict["measured"] is None else f"{verdict['measured']:.2f}{unit}"
        kept = {True: "yes", False: "no", None: "-"}[verdict["kept"]]
        rows.append([verdict["name"], measured, f"{verdict['limit']:.2f}{unit}", kept])
    return "\n".join(["**Targets**", "", *table(["", "measured", "at most", "kept"], rows)]) + "\n"


def insert(text: str, path: Path) -> None:
    """Replace the lines between the markers of a file; raise MarkersMissingError where there are none."""
    content = path.read_text(encoding="utf-8")
    start, end = content.find(BEGIN), content.find(END)
    if start < 0 or end < start:
        raise MarkersMissingError(f"{path.name} has no line {BEGIN} with a line {END} after it; nothing was written")
    path.write_text(content[: start + len(BEGIN)] + f"\n\n{text.strip()}\n\n" + content[end:], encoding="utf-8")
