"""Every experiment of the laboratory runs as its first lines say, and finds that its claim holds."""

import re

import pytest

from tests.laboratory.scripts import LABORATORY
from tests.scripts import run_script

pytestmark = pytest.mark.slow

EXPERIMENTS = sorted(LABORATORY.glob("*.py"))

# what each prints, among other things; what was measured is tested in tests/laboratory
PRINTS = {
    "batch_sizes.py": r"256 +1280 +0\.0\d .*%",
    "conditioning.py": r"gradient descent +6908 +6908 +100%",
    "cross_entropy_by_hand.py": r"cross_entropy\(logits, class\) +2\.47226068",
    "epochs.py": r"\n +8 +13 +13 13 13 13 13 +True +5 +65 ",
    "learning_rates.py": r"0\.2100  just above the bound +\S+  diverges",
    "linear_collapse.py": r"no activation +0\.6931 +0\.6931",
    "local_minimum.py": r"0\.9 +2\.623 +2\.000 +-2\.667",
    "minimum_ratio.py": r"\n +0 +0\.\d\d +0\.7\d .* -0\.9",
    "random_critical_points.py": r"10 +0\.000\d\d ± \S+ +0\.00098 +99\.8",
    "saddle.py": r"Newton, beside it +30 +\( 0\.000,  0\.000\) +0\.000  saddle",
    "vanishing.py": r"sigmoid +xavier .* 0\.2\d +vanishing",
}


def test_there_is_an_expectation_for_each():
    assert {path.name for path in EXPERIMENTS} == set(PRINTS)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_experiment(path, tmp_path):
    assert len(path.read_text().splitlines()) < 100
    printed = run_script(path, tmp_path)
    assert printed.startswith("Claim: ")
    assert "The claim holds: True" in printed, printed
    assert re.search(PRINTS[path.name], printed), printed
