"""Change one place of the library's code at a time, and see that a test fails.

    python -m tests.mutants --only minigrad/ops/activation.py

The end is an exit code: 0, or 1 when too many changes go unnoticed, or one that survivors.md does not explain.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

from tests.mutants import report
from tests.mutants.children import enter_copy, prepare
from tests.mutants.mutations import Mutation, mutations
from tests.mutants.reach import Reach, digests, record, test_files
from tests.mutants.trial import SURVIVED, Result, Stage, attempt, digest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "runs" / "mutants"
RESULTS = FOLDER / "results.jsonl"
CONFIGURATION = Path(__file__).with_name("mutants.toml")


def recorded(pool: Pool, configuration: dict[str, Any]) -> Reach:
    """Return which tests run which lines; only files of tests that changed run anew."""
    folder = FOLDER / "reach"
    folder.mkdir(parents=True, exist_ok=True)
    places = {file: folder / f"{name}.json" for file, name in digests(test_files(configuration["tests"])).items()}
    missing = [
        (file, place, configuration["mutated"], configuration["limits"]["memory"])
        for file, place in places.items()
        if not place.exists()
    ]
    missing.sort(key=lambda job: "conformance" not in job[0])  # the longest first
    for count, (file, tests) in enumerate(pool.imap_unordered(record, missing), 1):
        print(f"{count} of {len(missing)} files of tests: {tests} of {file} pass", flush=True)
    for place in set(folder.iterdir()) - set(places.values()):
        place.unlink()
    reach = Reach(places, configuration["signatures"])
    for test in reach.failed:
        print(f"not used, for it does not pass: {test}")
    return reach


def stages(reach: Reach, configuration: dict[str, Any], mutation: Mutation) -> list[Stage]:
    limits = configuration["limits"]
    own = test_files(configuration["own"].get(mutation.module, ()))
    tests = reach.tests_of(mutation.module, mutation.line, own)
    chosen = reach.stages(tests, own, limits["first"], limits["seconds"])
    return [Stage(own, limits["patience"] + 3 * reach.seconds_of(own), limits["memory"]) for own in chosen]


def known_results() -> dict[Mutation, Result]:
    """Return the results of earlier runs that still hold: those of modules that have not changed."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    results = [Result(Mutation(*mutation), *rest) for mutation, *rest in map(json.loads, lines)]
    modules = {result.mutation.module for result in results}
    now = {module: digest(Path(module).read_text(encoding="utf-8")) for module in modules if Path(module).exists()}
    return {result.mutation: result for result in results if now.get(result.mutation.module) == result.digest}


def jobs_for(reach: Reach, configuration: dict[str, Any], modules: list[str]) -> list[tuple[Mutation, list[Stage]]]:
    return [
        (mutation, stages(reach, configuration, mutation))
        for module in modules
        for mutation in mutations(module, configuration["operators"], configuration["kept_decorators"])
    ]


def check_unchanged(pool: Pool, reach: Reach, configuration: dict[str, Any], modules: list[str]) -> None:
    """Let every module, unchanged, meet its first tests: a failure now would count as a kill later."""
    nothing = [Mutation(module, "", "NoOp", 0, 0) for module in modules]
    jobs = [(mutation, stages(reach, configuration, mutation)[:1]) for mutation in nothing]
    for result in pool.imap_unordered(attempt, jobs):
        if result.outcome != SURVIVED:
            sys.exit(f"{result.mutation.module} is unchanged, and tests fail:\n{result.output}")


def try_all(pool: Pool, jobs: list[tuple[Mutation, list[Stage]]]) -> Iterable[Result]:
    """Yield the results as they come, and write them down: a run that is cut short can go on."""
    start, survivors = time.perf_counter(), 0
    with RESULTS.open("a", encoding="utf-8") as file:
        for count, result in enumerate(pool.imap_unordered(attempt, jobs), 1):
            file.write(json.dumps(result) + "\n")
            file.flush()
            survivors += result.outcome == SURVIVED
            if count % 50 == 0 or count == len(jobs):
                minutes = (time.perf_counter() - start) / 60
                print(f"{count} of {len(jobs)} mutants in {minutes:.0f} minutes, {survivors} survived", flush=True)
            yield result


def explained() -> Counter[report.Key]:
    return report.explanations(report.EXPLAINED.read_text(encoding="utf-8"))


def conclude(results: list[Result], least: float) -> int:
    """Print the report, write the unexplained survivors to a file, and return the exit code."""
    print(report.table(results))
    unexplained = report.unexplained(results, explained())
    destination = FOLDER / "unexplained.md"
    destination.write_text(report.listing(unexplained), encoding="utf-8")
    if unexplained:
        print(f"{len(unexplained)} survivors are not explained in {report.EXPLAINED.name}: see {destination}")
    gone = explained() - Counter(report.key_of(result) for result in results if result.outcome == SURVIVED)
    for module, function, lines in gone:
        if module in {result.mutation.module for result in results}:
            print(f"explained, but no survivor: {module}, {function}: {' '.join(lines)}")
    killed = report.per_cent(Counter(result.outcome for result in results))
    return int(bool(unexplained) or killed < least)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="PATH", help="mutate these modules or folders alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (as many as the machine has)")
    parser.add_argument("--resume", action="store_true", help="keep the results of modules that have not changed")
    parser.add_argument("--survivors", action="store_true", help="the same, and try unexplained survivors again")
    options = parser.parse_args()
    copies = FOLDER / "copies"
    shutil.rmtree(copies, ignore_errors=True)
    enter_copy(ROOT, copies / "unchanged")
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    configuration = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))
    places = map(Path, options.only or configuration["mutated"])
    modules = [str(file) for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    kept = known_results()
    if not options.resume:
        again = {result.mutation for result in report.unexplained(kept.values(), explained())}
        kept = {
            mutation: result
            for mutation, result in kept.items()
            if mutation.module not in modules or (options.survivors and mutation not in again)
        }
    with multiprocessing.get_context("spawn").Pool(options.jobs, prepare, (ROOT, copies)) as pool:
        reach = recorded(pool, configuration)
        check_unchanged(pool, reach, configuration, modules)
        RESULTS.write_text("".join(json.dumps(result) + "\n" for result in kept.values()), encoding="utf-8")
        jobs = jobs_for(reach, configuration, modules)
        new = try_all(pool, [job for job in jobs if job[0] not in kept])
        results = [*new, *(kept[mutation] for mutation, _ in jobs if mutation in kept)]
    shutil.rmtree(copies)
    return conclude(results, configuration["limits"]["killed"])


if __name__ == "__main__":
    sys.exit(main())
