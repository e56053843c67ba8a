"""A long chain of operations on one number: what an operation costs by itself, however many there are."""

from __future__ import annotations

import gc
import json
import statistics
import time
from itertools import pairwise

from benchmarks.serve import fresh

LENGTHS = (10_000, 100_000, 1_000_000)
STAGES = ("forward", "backward", "freed")


def chain(length: int) -> list[float]:
    """Return the microseconds an operation to build the chain, to go back through it, and to free it."""
    import minigrad as mg

    now = time.perf_counter
    x = mg.tensor(1.0, requires_grad=True)
    gc.collect()
    times = [now()]
    y = x
    for _ in range(length // 2):
        y = y * 1.000001
        y = y + 0.000001
    times.append(now())
    y.backward()
    times.append(now())
    del y
    times.append(now())
    return [(b - a) / length * 1e6 for a, b in pairwise(times)]


def one_round() -> dict[str, dict[str, float]]:
    """Return the cost of every stage for each length; the short ones are repeated and their median taken."""
    chain(1000)
    found = {}
    for length in LENGTHS:
        runs = [chain(length) for _ in range({10_000: 9, 100_000: 2}.get(length, 1))]
        medians = [statistics.median(times) for times in zip(*runs, strict=True)]
        found[str(length)] = dict(zip(STAGES, medians, strict=True))
    return found


def measure(rounds: int, threads: int) -> dict[str, dict[str, list[float]]]:
    """Return for each length and stage the microseconds an operation in each round, a process a round."""
    found = [fresh("benchmarks.chain", threads=threads) for _ in range(rounds)]
    return {
        str(length): {stage: [a_round[str(length)][stage] for a_round in found] for stage in STAGES}
        for length in LENGTHS
    }


if __name__ == "__main__":
    print(json.dumps(one_round()))
