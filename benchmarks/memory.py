"""The memory that training takes at its peak, beyond what the imports took."""

from __future__ import annotations

import gc
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.problem import CASES
from benchmarks.serve import PeerError, fresh
from benchmarks.training_step import PEERS

NAMES = ("NumPy, preallocated", "NumPy, plain", "minigrad", "PyTorch")
STEPS = 20


def measure(cases: Sequence[str], names: Sequence[str], threads: int, errors: list[str]) -> dict[str, dict[str, float]]:
    """Return for each case and peer the MiB, each in a fresh process."""
    names = [name for name in names if PEERS[name].installed()]
    found: dict[str, dict[str, float]] = {}
    for case in cases:
        found[case] = {}
        for name in names:
            try:
                found[case][name] = fresh("benchmarks.memory", name, case, threads=threads)
            except PeerError as problem:
                errors.append(f"{name}, memory of {case}: {problem}")
    return found


def train(name: str, case: str) -> float:
    """Return the MiB of the peak of some steps, less what the process had before it made the model and its data."""
    tiny = PEERS[name].make((2, 2, 2), 2)
    for _ in range(2):
        tiny.run()  # whatever is imported late is here now
    del tiny
    gc.collect()
    before = resident("VmRSS")
    work = PEERS[name].make(*CASES[case])
    gc.collect()
    forget_peak()
    for _ in range(STEPS):
        work.run()
    return max(resident("VmHWM") - before, 0.0)


def forget_peak() -> None:
    """Let the peak begin anew, where Linux allows it: making a model needs more than its training does."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def resident(field: str) -> float:
    """Return a field of Linux's status in MiB; elsewhere the peak since the process began."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        resource = importlib.import_module("resource")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2 ** (20 if sys.platform == "darwin" else 10)
    return next(float(line.split()[1]) for line in lines if line.startswith(field + ":")) / 1024


if __name__ == "__main__":
    print(json.dumps(train(*sys.argv[1:3])))
