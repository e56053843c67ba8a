"""The time that ``import minigrad`` adds to ``import numpy``, in fresh processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.serve import ROOT


def measure(rounds: int) -> dict[str, float]:
    """Return the median milliseconds of a process that imports NumPy or minigrad, and of their difference."""
    seconds("minigrad")  # writes the byte code
    pairs = [(seconds("numpy") * 1e3, seconds("minigrad") * 1e3) for _ in range(rounds)]
    numpy, minigrad = (statistics.median(times) for times in zip(*pairs, strict=True))
    return {"numpy": numpy, "minigrad": minigrad, "beyond": statistics.median(b - a for a, b in pairs)}


def seconds(module: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, cwd=ROOT, env=environment)
    return time.perf_counter() - start
