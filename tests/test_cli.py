"""The command line, as a user meets it."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

import minigrad as mg
from minigrad import cli, demo, nn


def test_the_demo_trains_writes_and_tells(tmp_path, capsys):
    assert cli.main(["demo", "-o", str(tmp_path / "out"), "--epochs", "12"]) == 0
    out = capsys.readouterr().out
    accuracy = float(out.split("Test accuracy ")[1].split("%")[0])
    assert accuracy > 96
    for name, start in {"graph.svg": b"<?xml", "graph.png": b"\x89PNG", "history.svg": b"<?xml"}.items():
        assert name in out
        assert (tmp_path / "out" / name).read_bytes().startswith(start)
    drawing = (tmp_path / "out" / "graph.svg").read_text()
    for word in ("images", "labels", "0.weight", "relu", "loss", "gradient", "MLP", "(32, 64)"):
        assert word in drawing
    model = nn.MLP([64, 64, 10])
    model.load_state_dict(load_file(tmp_path / "out" / "weights.safetensors"))
    test = mg.data.random_split(mg.data.digits(), [0.8, 0.2], rng=np.random.default_rng(0))[1]
    found = mg.evaluate(model, mg.data.DataLoader(test, 100))["accuracy"]
    assert round(found * 100, 2) == accuracy


def test_the_demo_reaches_97_per_cent_over_five_seeds(capsys):
    accuracies = []
    for seed in range(5):
        model, _, test = demo.train(epochs=30, seed=seed)
        accuracies.append(mg.evaluate(model, test)["accuracy"])
    assert np.mean(accuracies) >= 0.97


@pytest.mark.parametrize("command", [[sys.executable, "-m", "minigrad"]])
def test_help_and_version(command):
    run = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "demo" in run.stdout
    run = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"minigrad {mg.__version__}\n"


def test_a_missing_or_unknown_command_says_what_there_is(capsys):
    for arguments in ([], ["dmeo"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 2
        assert "COMMAND" in capsys.readouterr().err


def test_errors_of_the_library_are_one_line(capsys):
    assert cli.main(["demo", "--epochs", "0"]) == 1
    assert capsys.readouterr().err == "minigrad: fit: epochs must be a positive integer, got 0\n"


def test_ctrl_c_is_said(monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "minigrad: interrupted\n"
