"""Scripts as a user runs them: in an empty folder, with warnings as errors."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def unmeasured():
    """Return the environment without what makes coverage measure a process: examples take twice as long with it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def run_script(path, folder):
    """Run an example and return what it prints; it must end well, and write each file under runs/ that it names."""
    assert f"python {path.relative_to(ROOT)}" in path.read_text()
    environment = {**unmeasured(), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-W", "error", path], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for written in re.findall(r"(runs/\S+)", run.stdout):
        assert (folder / written).stat().st_size > 1000
    return run.stdout
