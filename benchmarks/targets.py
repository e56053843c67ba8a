"""What the library is held to, and whether the measurements keep it; no test asserts them, machines differ."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks import loader
from benchmarks.problem import LARGE, MIDDLE, SMALL, TINY
from benchmarks.rounds import ratio

THREADS = "2"
Results = dict[str, Any]
Measured = Callable[[Results], float | None]


class Target(NamedTuple):
    """A number that shall not be above its limit."""

    name: str
    limit: float
    measured: Measured
    unit: str = ""


def training(case: str, peer: str, reference: str) -> Measured:
    """Return how to read a ratio of two peers' training steps from the results."""

    def measured(results: Results) -> float | None:
        found = results["training"][THREADS]["cases"].get(case, {})
        return ratio(found, peer, reference)

    return measured


def chain_cost(results: Results, length: int) -> list[float]:
    """Return forward and backward together, in microseconds an operation, for each round."""
    stages = results["chain"]["rounds"][str(length)]
    return [a + b for a, b in zip(stages["forward"], stages["backward"], strict=True)]


def growth(results: Results) -> float:
    """Return what an operation costs among a million by what it costs among ten thousand."""
    costs = zip(chain_cost(results, 1_000_000), chain_cost(results, 10_000), strict=True)
    return statistics.median(long / short for long, short in costs)


def loading(results: Results) -> float | None:
    (found,) = results["loader"].values()
    return ratio(found["cases"][loader.CASE], "minigrad", loader.LOOP)


def memory(results: Results) -> float:
    found = results["memory"]["cases"][LARGE]
    return found["minigrad"] / found["PyTorch"]


PYTORCH, JAX = "PyTorch", "JAX jit"
TARGETS = (
    Target(f"{TINY}: minigrad by PyTorch", 0.42, training(TINY, "minigrad", PYTORCH)),
    Target(f"{SMALL}: minigrad by PyTorch", 0.42, training(SMALL, "minigrad", PYTORCH)),
    Target(f"{TINY}: minigrad by JAX jit", 1.00, training(TINY, "minigrad", JAX)),
    Target(f"{SMALL}: minigrad by JAX jit", 1.00, training(SMALL, "minigrad", JAX)),
    Target(f"{MIDDLE}: minigrad by PyTorch", 1.00, training(MIDDLE, "minigrad", PYTORCH)),
    Target(f"{LARGE}: minigrad by PyTorch", 1.10, training(LARGE, "minigrad", PYTORCH)),
    Target(
        "chain of 1,000,000: an operation, forward and backward",
        5.0,
        lambda results: statistics.median(chain_cost(results, 1_000_000)),
        "us",
    ),
    Target("chain: an operation among 1,000,000 by one among 10,000", 1.30, growth),
    Target("import beyond NumPy's", 40.0, lambda results: results["import"]["beyond"], "ms"),
    Target("an epoch of DataLoader by NumPy's loop", 1.30, loading),
    Target(f"{LARGE}: peak memory by PyTorch's", 1.00, memory),
    Target("the player opens 5,000 nodes", 2_000, lambda results: results["interaction"]["open"], "ms"),
    Target("the player unfolds 5,000 nodes", 2_000, lambda results: results["interaction"]["unfold"], "ms"),
    Target("a step in the player, of 5,000 nodes", 50, lambda results: results["interaction"]["step"], "ms"),
    Target("every step of 5,000 nodes printed", 5_000, lambda results: results["interaction"]["print"], "ms"),
    Target("the terminal's first frame of 5,000 nodes", 2_000, lambda results: results["interaction"]["frame"], "ms"),
    Target("Ctrl-C in the terminal, to the end", 1_000, lambda results: results["interaction"]["interrupt"], "ms"),
)


def judge(results: Results) -> list[dict[str, Any]]:
    """Return each target with what was measured, None where it was not, and whether it is kept."""
    verdicts = []
    for target in TARGETS:
        try:
            measured = target.measured(results)
        except (KeyError, ZeroDivisionError):
            measured = None
        kept = None if measured is None else measured <= target.limit
        verdicts.append(
            {"name": target.name, "limit": target.limit, "unit": target.unit, "measured": measured, "kept": kept}
        )
    return verdicts
