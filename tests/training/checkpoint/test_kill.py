"""Runs that are really killed; `python -m tests.training.checkpoint.kill --trials 200` does it at length."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_no_checkpoint_is_lost_and_no_run_ends_differently():
    command = [sys.executable, "-W", "error", "-m", "tests.training.checkpoint.kill", "--trials", "4", "--seed", "1"]
    run = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "0 ended differently, no checkpoint lost" in run.stdout
