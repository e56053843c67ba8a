"""Scripts to run, beside Python or in this process."""

import os
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import minigrad as mg
from minigrad import cli

TRAIN = """
import minigrad as mg
w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
optimizer = mg.optim.SGD([w], lr=0.5)
for step in range(3):
    optimizer.zero_grad()
    loss = (w * w).sum()
    loss.backward()
    optimizer.step()
    print("step", step, loss.item())
"""


def written(folder, text, name="train.py"):
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def side_by_side(folder, arguments, *, flags=(), given=b"", ours=("-o", "graph.dot"), environment=(), read=True):
    """Run `python SCRIPT ...` and `python -m minigrad draw SCRIPT ...` at once; return code, stdout, stderr of each."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    end, stdout = None, subprocess.PIPE
    if not read:
        end, stdout = os.pipe()
        os.close(end)
    start = partial(
        subprocess.Popen,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**kept, "PYTHONPATH": str(Path(mg.__file__).parents[1]), **dict(environment)},
    )
    python = [sys.executable, *flags]
    runs = [start([*python, *arguments]), start([*python, "-m", "minigrad", "draw", *ours, *arguments])]
    if not read:
        os.close(stdout)
    answers = [run.communicate(given, timeout=60) for run in runs]
    return [(run.returncode, *answer) for run, answer in zip(runs, answers, strict=True)]


def without_last_line(text):
    """Split what minigrad itself says off what the script wrote to stderr."""
    kept, _, last = text.rstrip(b"\n").rpartition(b"minigrad: ")
    assert b"\n" not in last
    return kept, last.decode()


def captured(folder, source, *options, name="train.py"):
    """Run a script under `minigrad step`; return its exit code and its names."""
    written(folder, source, name)
    code = cli.main(["step", "-o", "page.html", name, *options])
    return code, vars(sys.modules["__main__"])
