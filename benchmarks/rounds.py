"""All peers of a subject, side by side: they take turns, round by round, so that the machine's moods meet all alike."""

from __future__ import annotations

import contextlib
import importlib
import math
import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.serve import Peer, PeerError, Server

TOLERANCE = 1e-3
PAUSE = 0.05  # seconds between turns: the idle threads of OpenBLAS keep a core busy for some 30 ms before they sleep
Rounds = dict[str, list[float]]  # the microseconds of each peer, round by round


def compare(subject: str, threads: int, rounds: int, seconds: float, *, slow: bool = True) -> dict[str, Any]:
    """Return for each case the microseconds of every peer in every round, and what went wrong.

    Args:
        subject: a module of the benchmarks with PEERS, CASES and STEPS.
        threads: of each peer.
        rounds: of all peers, for each case.
        seconds: of each peer's turn.
        slow: whether the peers that take long to get ready are among them.
    """
    module = importlib.import_module(f"benchmarks.{subject}")
    peers = {name: peer for name, peer in module.PEERS.items() if (slow or not peer.slow) and peer.installed()}
    found: dict[str, Any] = {"cases": {}, "errors": [], "absent": absent(module.PEERS)}
    found["left_out"] = [name for name, peer in module.PEERS.items() if peer.slow and not slow and peer.installed()]
    with servers(subject, list(peers), threads) as running:
        for case in module.CASES:
            incomparable = {name for name, at in getattr(module, "INCOMPARABLE", {}) if at == case}
            found["cases"][case] = take_turns(case, running, rounds, seconds, incomparable, found["errors"])
    return found


def absent(peers: dict[str, Peer]) -> list[str]:
    """Return the peers whose framework is not installed."""
    return [name for name, peer in peers.items() if not peer.needs.startswith("minigrad") and not peer.installed()]


@contextlib.contextmanager
def servers(subject: str, names: list[str], threads: int) -> Iterator[dict[str, Server]]:
    with contextlib.ExitStack() as stack:
        running = {}
        for name in names:
            running[name] = Server(subject, name, threads)
            stack.callback(running[name].close)
        yield running


def take_turns(
    case: str, running: dict[str, Server], rounds: int, seconds: float, incomparable: set[str], errors: list[str]
) -> Rounds:
    """Return the microseconds of each peer in each round; a peer that fails is left out of the case."""
    series: Rounds = {}
    checks = {}
    for name, server in running.items():
        with noted(errors, name, case):
            checks[name] = server.ask(do="prepare", case=case)
            series[name] = []
    for name, problem in disagreements(checks, incomparable).items():
        errors.append(f"{name}, {case}: {problem}")
        del series[name]
    for _ in range(rounds):
        for name in list(series):
            time.sleep(PAUSE)
            with noted(errors, name, case, series):
                series[name].append(running[name].ask(do="turn", case=case, seconds=seconds)["microseconds"])
    for name in checks:
        with contextlib.suppress(PeerError):
            running[name].ask(do="forget", case=case)
    return series


@contextlib.contextmanager
def noted(errors: list[str], name: str, case: str, series: Rounds | None = None) -> Iterator[None]:
    """Write down a peer's failure, and go on without the peer."""
    try:
        yield
    except PeerError as problem:
        errors.append(f"{name}, {case}: {problem}")
        if series is not None:
            del series[name]


def disagreements(checks: dict[str, dict[str, Any]], incomparable: set[str]) -> dict[str, str]:
    """Return what is wrong with the peers that computed in another dtype than float32, or came to another value."""
    values = [answer["value"] for name, answer in checks.items() if name not in incomparable]
    usual = statistics.median(values) if values else math.nan
    wrong = {}
    for name, answer in checks.items():
        if answer["dtype"] != "float32":
            wrong[name] = f"computes in {answer['dtype']}, not in float32"
        elif name not in incomparable and not math.isclose(answer["value"], usual, rel_tol=TOLERANCE):
            wrong[name] = f"computes something else: {answer['value']:g}, where the peers' median is {usual:g}"
    return wrong


def ratio(series: Rounds, peer: str, reference: str) -> float | None:
    """Return the median over the rounds of a peer's time by the reference's; None where one of them is missing."""
    if peer not in series or reference not in series:
        return None
    return statistics.median(a / b for a, b in zip(series[peer], series[reference], strict=True))
