"""Kill training runs at random moments, resume them, and compare their ends with that of a run nobody killed.

Run: python -m tests.training.checkpoint.kill --trials 200
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import minigrad as mg

from .runs import make, outcome

ROOT = Path(__file__).parents[3]
CALLS = ("write", "fsync", "replace", "open")  # what saving asks of the system


def train(folder, result, die_at):
    """Be the process that is killed: train with a checkpoint after each update, and write down how it ended."""
    calls = listen(die_at)
    arguments = make(seed=int.from_bytes(os.urandom(2), "little") if any(folder.glob("step*")) else 0)
    print("ready", flush=True)
    history = mg.fit(**arguments, checkpoint=mg.Checkpoint(folder, every=1), resume=True)
    digest = hashlib.sha256(repr(sorted(outcome(arguments, history).items())).encode()).hexdigest()
    result.write_text(f"{digest} {len(calls)}")


def listen(die_at):
    """Count the calls of the system that saving makes, and die in one of them: half-way through, before or after it."""
    calls = []

    def listening(name, function):
        def call(*arguments, **options):
            calls.append(name)
            if len(calls) == die_at and name == "write":
                function(arguments[0], arguments[1][: len(arguments[1]) // 2])
            elif len(calls) == die_at and random.random() < 0.5:
                function(*arguments, **options)
            if len(calls) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, listening(name, getattr(os, name)))
    return calls


def start(folder, result, die_at=0):
    command = [sys.executable, "-m", "tests.training.checkpoint.kill", "--child", folder, result, "--die-at", die_at]
    child = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n", "the child did not begin"
    return child


def reference(folder):
    """Return how an uninterrupted run ends, how many seconds it takes once it is ready, and how many calls it makes."""
    child = start(folder / "run", folder / "result")
    began = time.perf_counter()
    assert child.wait() == 0
    digest, calls = (folder / "result").read_text().split()
    return digest, time.perf_counter() - began, int(calls)


def trial(folder, rng, seconds, calls):
    """Kill a run several times and let it end; return its digest, and how often what killed it."""
    killed, newest = {"clock": 0, "call": 0}, 0
    run, result = folder / "run", folder / "result"
    for _ in range(rng.randint(1, 4)):
        how = rng.choice(("clock", "call"))
        child = start(run, result, rng.randint(1, calls) if how == "call" else 0)
        if how == "clock":
            time.sleep(rng.uniform(0, seconds))
            child.kill()
        killed[how] += child.wait() == -signal.SIGKILL
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # one that is damaged would be passed over with a warning
            saved = mg.Checkpoint(run).load()
        step = 0 if saved is None else saved.fit["steps"]
        assert step >= newest, f"a checkpoint of step {newest} is lost, the newest is {step}"
        newest = step
    assert start(run, result).wait() == 0
    left = sorted(path.name for path in run.iterdir())
    assert [name[:5] for name in left] == ["step-"] * 2, f"left behind: {left}"
    return result.read_text().split()[0], killed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--die-at", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        train(*options.child, options.die_at)
        return
    rng, totals, different = random.Random(options.seed), {"clock": 0, "call": 0}, 0
    with tempfile.TemporaryDirectory() as home:
        places = [Path(home, str(number)) for number in range(options.trials + 1)]
        for place in places:
            place.mkdir()
        expected, seconds, calls = reference(places[0])
        for number, place in enumerate(places[1:], start=1):
            digest, killed = trial(place, rng, seconds, calls)
            different += digest != expected
            totals = {how: count + killed[how] for how, count in totals.items()}
            if number % 20 == 0:
                print(f"{number} trials ...", flush=True)
    kills = f"{sum(totals.values())} kills ({totals['clock']} by a clock, {totals['call']} in a call of saving)"
    print(f"{options.trials} runs, {kills}: {different} ended differently, no checkpoint lost")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
