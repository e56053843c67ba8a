"""What the last bits of a computation depend on, beyond the program: versions, processor, threads."""

from __future__ import annotations

import functools
import os
import platform
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import CheckpointWarning

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")


def environment() -> dict[str, str]:
    """Return, as texts, what must be the same for a resumed run to be exact."""
    return {**_fixed(), "threads": _threads()}


@functools.cache
def _fixed() -> dict[str, str]:
    from minigrad import __version__

    options: Any = np.show_config(mode="dicts")
    blas = options.get("Build Dependencies", {}).get("blas", {})
    return {
        "minigrad": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _threads() -> str:
    """Return how many threads BLAS may use: what the environment says, or a thread a core."""
    for name in THREADS:
        if os.environ.get(name):
            return os.environ[name]
    if hasattr(os, "sched_getaffinity"):
        return str(len(os.sched_getaffinity(0)))
    return str(os.cpu_count())


def warn_of_differences(path: Path, saved: dict[str, Any]) -> None:
    """Warn when a run goes on elsewhere than where it was saved."""
    different = differences(saved)
    if different:
        warnings.warn(
            f"{path} was saved with {different}: the run goes on, but its last bits may differ from those that an "
            "uninterrupted one would have had",
            CheckpointWarning,
            stacklevel=5,
        )


def differences(saved: dict[str, Any]) -> str:
    """Return what differs here from where a checkpoint was saved, as a sentence's part; empty if nothing does."""
    here = environment()
    names = [*here, *(name for name in saved if name not in here)]
    return ", ".join(
        f"{name} {saved.get(name, 'unknown')} (here {here.get(name, 'unknown')})"
        for name in names
        if saved.get(name) != here.get(name)
    )
