"""What a person waits for: the player with a large graph, the same in the terminal, and Ctrl-C there."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.serve import fresh

NODES = 5_000
VIEWS: dict[str, list[str]] = {"graph": [], "table": ["t"], "unfolded": ["c"], "predict": ["p"]}
STARTS = (0, 190, 4_990, 9_980)  # the table turns its page at 200; at 4,999 the backward pass begins
# what is measured, and how a table calls it
NAMES = {
    "open": "the player opens",
    "unfold": "the player unfolds",
    "step": "a step in the player",
    "print": "every step is printed",
    "frame": "the terminal's first frame",
    "interrupt": "from Ctrl-C to the end",
}

UNFOLD = """
    const began = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "c", bubbles: true}));
    document.body.getBoundingClientRect();
    return performance.now() - began"""
STEPS = """
    const spent = [];
    for (let n = 0; n < 20; n++) {
      const began = performance.now();
      document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
      document.body.getBoundingClientRect();
      document.querySelector("#graph>g").getBoundingClientRect();
      spent.push(performance.now() - began);
    }
    return spent;"""
LARGE_IN_A_TERMINAL = f"""
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C is a signal
from minigrad import viz
from tests.viz.browser.traces import chain
viz.terminal.stepper.show(chain({NODES}))
"""

Times = dict[str, float | None]


def in_the_browser(folder: Path) -> Times:
    """Return the milliseconds that the player takes; those of a step are of the slowest view and place."""
    from minigrad.viz.browser.player import Player
    from tests.viz.browser.traces import chain
    from tests.viz.browser.window import NoBrowserError, Window, start_browser

    try:
        driver = start_browser(folder / "profile")
    except NoBrowserError as problem:
        print(problem, file=sys.stderr)
        return dict.fromkeys(("open", "unfold", "step"))
    try:
        window, large = Window(driver, folder), Player(chain(NODES))
        window.open(large)
        opened = window.run("return performance.getEntriesByType('navigation')[0].loadEventEnd")
        unfolded = window.run(UNFOLD)
        steps = []
        for keys in VIEWS.values():
            window.open(large)
            window.press(*keys)
            for start in STARTS:
                window.visit(start)
                steps.append(statistics.median(window.run(STEPS)))
    finally:
        driver.quit()
    return {"open": opened, "unfold": unfolded, "step": max(steps)}


def in_the_terminal() -> Times:
    """Return the milliseconds that printing, drawing and Ctrl-C take."""
    from minigrad.viz.terminal.state import Stepper
    from minigrad.viz.terminal.text import plain
    from tests.viz.browser.traces import chain
    from tests.viz.terminal.terminals import Terminal, draw

    trace = chain(NODES)
    times: Times = {}
    start = time.perf_counter()
    for _ in plain(trace):
        pass
    times["print"] = (time.perf_counter() - start) * 1e3
    start = time.perf_counter()
    draw(Stepper(trace))
    times["frame"] = (time.perf_counter() - start) * 1e3
    with Terminal(LARGE_IN_A_TERMINAL) as terminal:
        terminal.wait("step 1 of")
        start = time.perf_counter()
        terminal.type("\x03")
        terminal.end()
        times["interrupt"] = (time.perf_counter() - start) * 1e3
    return times


def one_round() -> Times:
    with tempfile.TemporaryDirectory() as folder:
        return {**in_the_browser(Path(folder)), **in_the_terminal()}


def measure(rounds: int, threads: int) -> Times:
    """Return the medians of the milliseconds, None where there is no browser."""
    found = [fresh("benchmarks.interaction", threads=threads) for _ in range(rounds)]
    return {
        name: None if None in (times := [run[name] for run in found]) else statistics.median(times) for name in NAMES
    }


if __name__ == "__main__":
    print(json.dumps(one_round()))
