"""Peers in processes of their own: each waits for its turn, and answers in JSON, a line for a line."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from benchmarks.problem import Work

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0  # seconds for an answer; the process is ended after them
SETTLING, LEAST = 0.02, 2  # seconds of a turn before the clock counts, and runs that it counts at least


class Peer(NamedTuple):
    """Makes a case's work; ``needs`` is the module that must be there."""

    make: Callable[..., Work]
    needs: str = ""
    slow: bool = False

    def installed(self) -> bool:
        """Return whether there is what the peer needs."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None


class PeerError(Exception):
    """A peer could not do its work; the message says why."""


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that shall use so many threads."""
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NPROC")
    changed = {**os.environ, **dict.fromkeys(counts, str(threads)), "PYTHONWARNINGS": "ignore"}
    if threads == 1:  # XLA takes other counts from NPROC
        changed["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return changed


class Server:
    """A peer's process, seen from the outside."""

    def __init__(self, subject: str, peer: str, threads: int) -> None:
        self.complaints = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serve", subject, peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        )

    def ask(self, **question: Any) -> dict[str, Any]:
        """Return the answer to a question; raise PeerError if the peer failed or ended."""
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            print(json.dumps(question), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise PeerError(f"its process ended: {last_line(self.complaints)}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def close(self) -> None:
        """Let the process end, or end it."""
        try:
            self.process.communicate(timeout=10)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()
        self.complaints.close()


def fresh(module: str, *arguments: str, threads: int) -> Any:
    """Return what a module of the benchmarks prints last, run in a fresh process; raise PeerError if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=environment(threads), timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"took more than {PATIENCE:g} seconds") from None
    if done.returncode:
        raise PeerError((done.stderr.strip() or f"ended with code {done.returncode}").splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def last_line(file: IO[str]) -> str:
    file.seek(0)
    return (file.read().strip() or "it took too long, or was killed").splitlines()[-1]


# --- the peer's side


def prepare(work: Work, steps: int) -> dict[str, Any]:
    """Return what comes out after so many steps from the start, then let the peer get warm."""
    for _ in range(steps):
        result = work.run()
    state = work.state()
    value = result if isinstance(result, float) else float(state.sum())
    start = time.perf_counter()
    while time.perf_counter() - start < SETTLING:
        work.run()
    return {"value": value, "dtype": str(state.dtype).removeprefix("torch.")}


def turn(work: Work, seconds: float) -> dict[str, Any]:
    """Return the median microseconds of as many runs as fit into the time."""
    now = time.perf_counter
    start = now()
    while now() - start < SETTLING:
        work.run()
    times: list[float] = []
    start = now()
    while len(times) < LEAST or now() - start < seconds:
        before = now()
        work.run()
        times.append(now() - before)
    return {"microseconds": statistics.median(times) * 1e6}


def serve(subject: str, peer: str, answers: IO[str]) -> None:
    """Answer the questions of standard input until it ends."""
    module = importlib.import_module(f"benchmarks.{subject}")
    framework = module.PEERS[peer].needs.partition(".")[0]
    with contextlib.suppress(Exception):  # early, while other peers load theirs; the first question meets what is wrong
        importlib.import_module(framework or "numpy")
    works: dict[str, Work] = {}
    for line in sys.stdin:
        question = json.loads(line)
        case = question["case"]
        try:
            if question["do"] == "prepare":
                works[case] = module.PEERS[peer].make(*module.CASES[case])
                answer = prepare(works[case], module.STEPS)
            elif question["do"] == "forget":
                del works[case]
                answer = {}
            else:
                answer = turn(works[case], question["seconds"])
        except Exception as problem:
            first = (str(problem).strip() or "no message").splitlines()[0]
            answer = {"error": f"{type(problem).__name__}: {first}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a framework prints shall not come between the answers
    serve(*sys.argv[1:3], pipe)
