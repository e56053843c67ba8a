"""Every example runs as its first lines say, says what it does, and stays short."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# what each prints, among other things
PRINTS = {
    "compiled_step.py": r"to the last bit: True",
    "custom_primitive.py": r"both orders agree",
    "digits_by_hand.py": r"test accuracy 9[6-9]\.\d\d%",
    "digits_with_fit.py": r"validation_accuracy 0\.9[6-9]",
    "draw_a_graph.py": r"loss = power.*gradient 1\n",
    "moons.py": r"accuracy 9[7-9]\.\d% of 400 points",
    "regression.py": r"epoch 150  mean squared error 0\.01",
    "step_through.py": r"7  backward  multiply sends 3 to x: 4 \+ 3 = 7",
    "xor.py": r"  1   1    0\.0\d\d     0",
}


def test_there_is_an_expectation_for_each():
    assert {path.name for path in EXAMPLES} == set(PRINTS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path, tmp_path):
    text = path.read_text()
    assert len(text.splitlines()) < 80
    assert f"python examples/{path.name}" in text
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-W", "error", path], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert re.search(PRINTS[path.name], run.stdout), run.stdout
    for written in re.findall(r"(runs/\S+)", run.stdout):
        assert (tmp_path / written).stat().st_size > 1000
