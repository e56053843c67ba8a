"""Every example runs as its first lines say, says what it does, and stays short."""

import re

import pytest

from tests.scripts import ROOT, run_script

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# what each prints, among other things
PRINTS = {
    "custom_primitive.py": r"both orders agree",
    "digits_by_hand.py": r"test accuracy 9[6-9]\.\d\d%",
    "digits_with_fit.py": r"validation_accuracy 0\.9[6-9]",
    "draw_a_graph.py": r"loss = power.*gradient 1\n",
    "moons.py": r"accuracy 9[7-9]\.\d% of 400 points",
    "regression.py": r"epoch 150  mean squared error 0\.01",
    "resume.py": r"killed by signal 9 in update 130 of 225; .*-000000100\.safetensors\n(.*\n)+.*last bit: True",
    "step_through.py": r"7  backward  multiply sends 3 to x: 4 \+ 3 = 7",
    "xor.py": r"  1   1    0\.0\d\d     0",
}


def test_there_is_an_expectation_for_each():
    assert {path.name for path in EXAMPLES} == set(PRINTS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path, tmp_path):
    assert len(path.read_text().splitlines()) < 80
    printed = run_script(path, tmp_path)
    assert re.search(PRINTS[path.name], printed), printed
