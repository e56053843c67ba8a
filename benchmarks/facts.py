"""What was measured, and where: versions, BLAS, processor."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = {
    "minigrad": "minigrad",
    "PyTorch": "torch",
    "JAX": "jax",
    "MyGrad": "mygrad",
    "HIPS autograd": "autograd",
    "scikit-learn": "scikit-learn",
}


def gather() -> dict[str, Any]:
    """Return the versions of everything that is installed, the processor and its cores."""
    versions = {"Python": platform.python_version(), "NumPy": np.__version__, "BLAS": blas()}
    for name, package in PACKAGES.items():
        try:
            versions[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "processor": processor(), "cores": os.cpu_count(), "system": platform.system()}


def blas() -> str:
    """Return the name and version of the linear algebra that NumPy calls."""
    found = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def processor() -> str:
    """Return the processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    try:
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return platform.processor() or platform.machine()


def sentence(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"{versions}; {facts['processor']}, {facts['cores']} cores, {facts['system']}."
