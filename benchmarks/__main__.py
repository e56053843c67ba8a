"""Measure minigrad beside other frameworks, and write the tables.

Peers that are not installed are left out. `make bench BENCH_PYTHON=...` takes another Python, which has them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import chain, drawing, facts, importing, interaction, memory, report, targets
from benchmarks.problem import CASES, LARGE
from benchmarks.rounds import compare
from benchmarks.serve import ROOT, PeerError

SECTIONS = ("training", "optimizers", "hessian", "loader", "chain", "import", "memory", "draw", "interaction")
README = ROOT / "README.md"


def arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="measure these alone")
    parser.add_argument("--threads", nargs="+", type=positive, default=[1, 2], help="of each peer (1 2)")
    parser.add_argument("--rounds", type=positive, help="rounds of all peers for each case (7; quick: 2)")
    parser.add_argument("--seconds", type=float, help="of each peer's turn in a round (0.08; quick: 0.02)")
    parser.add_argument("--quick", action="store_true", help="2 threads, few rounds, without torch.compile")
    default = ROOT / "runs" / "bench" / "results.json"
    parser.add_argument("--json", type=Path, default=default, help="where the results go, the Markdown beside them")
    parser.add_argument("--readme", action="store_true", help="put the tables between the README's markers")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = options.seconds or (0.02 if options.quick else 0.08)
    options.threads = [2] if options.quick else sorted(set(options.threads))
    return options


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a whole number above 0 is expected, got {text!r}")
    return int(text)


def measurements(options: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """Return what measures each section: the training for every number of threads, the others for the greatest."""
    rounds, threads, slow = options.rounds, options.threads[-1], not options.quick
    few = 1 if options.quick else 3

    def compared(subject: str, counts: list[int], rounds: int) -> dict[str, Any]:
        return {str(count): compare(subject, count, rounds, options.seconds, slow=slow) for count in counts}

    def remembered() -> dict[str, Any]:
        cases = [LARGE] if options.quick else list(CASES)
        names = memory.NAMES[2:] if options.quick else memory.NAMES
        errors: list[str] = []
        return {"cases": memory.measure(cases, names, threads, errors), "errors": errors}

    return {
        "training": lambda: compared("training_step", options.threads, rounds),
        "optimizers": lambda: compared("optimizers", [threads], rounds),
        "hessian": lambda: compared("hessian", [threads], rounds),
        "loader": lambda: compared("loader", [threads], few),
        "chain": lambda: {"rounds": chain.measure(few, threads)},
        "import": lambda: importing.measure(5 if options.quick else 15),
        "memory": remembered,
        "draw": lambda: drawing.measure(few, threads),
        "interaction": lambda: interaction.measure(few, threads),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the results of every section; one that fails is said on standard error, and the others go on."""
    results: dict[str, Any] = {"facts": facts.gather()}
    for section, work in measurements(options).items():
        if section in options.only:
            print(f"measuring: {section}", file=sys.stderr, flush=True)
            try:
                results[section] = work()
            except PeerError as problem:
                print(f"{section} failed: {problem}", file=sys.stderr)
    return {**results, "targets": targets.judge(results)}


def warn_if_busy() -> None:
    """Say so when other programs keep the processors busy, and threads wait for one another."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.8:
        print(f"the machine is busy, or just was (load {load:.1f}): the times may say little", file=sys.stderr)


def main() -> int:
    """Measure, print and write; return the exit code."""
    options = arguments()
    if options.readme and report.BEGIN not in README.read_text(encoding="utf-8"):
        print(f"README.md has no line {report.BEGIN}: there is no place for the tables", file=sys.stderr)
        return 1
    warn_if_busy()
    results = measure(options)
    text, verdicts = report.markdown(results), report.targets(results["targets"])
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    options.json.with_suffix(".md").write_text(f"{text}\n{verdicts}", encoding="utf-8")
    print(f"{text}\n{verdicts}")
    print(f"written: {options.json} and {options.json.with_suffix('.md').name}", file=sys.stderr)
    if options.readme:
        report.insert(report.readme(results), README)
    return 0


if __name__ == "__main__":
    sys.exit(main())
