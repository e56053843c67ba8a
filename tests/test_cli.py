"""The command line, as a user meets it."""

import importlib
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
    for name, start in {
        "backprop.html": b"<!DOCTYPE html>",
        "graph.svg": b"<?xml",
        "graph.png": b"\x89PNG",
        "history.svg": b"<?xml",
    }.items():
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


def test_outside_of_a_clone_the_demo_speaks_of_no_file_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    demo.run(tmp_path, epochs=1)
    assert capsys.readouterr().out.endswith("backprop.html in a browser and press the right arrow key.\n")


def test_a_tool_that_imports_every_module_starts_no_command(capsys):
    importlib.import_module("minigrad.__main__")
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
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


SPLITS = {
    "train.py": ([], "train.py", []),
    "train.py --epochs 3 -h": ([], "train.py", ["--epochs", "3", "-h"]),
    "-o a.svg --stop train.py x": (["-o", "a.svg", "--stop"], "train.py", ["x"]),
    "train.py x -o a.svg --lr 1 --backward=3": (["-o", "a.svg", "--backward=3"], "train.py", ["x", "--lr", "1"]),
    "train.py --stop -- -o w.npz --stop -- y": (["--stop"], "train.py", ["-o", "w.npz", "--stop", "--", "y"]),
    "--backward 2 -- train.py -o w.npz": (["--backward", "2"], "train.py", ["-o", "w.npz"]),
    "train.py --out x --back 2 --stop=1 -ox": ([], "train.py", ["--out", "x", "--back", "2", "--stop=1", "-ox"]),
    "--what train.py --what": (["--what"], "train.py", ["--what"]),
    "-oa.svg -h train.py": (["-oa.svg", "-h"], "train.py", []),
    "train.py -o": (["-o"], "train.py", []),
    "--": ([], None, []),
    "--stop": (["--stop"], None, []),
}


@pytest.mark.parametrize("line", SPLITS)
def test_a_line_is_split_between_minigrad_and_the_script(line):
    assert cli.split(line.split(), cli.VALUED, ["--stop"]) == SPLITS[line]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("draw", "minigrad draw: error: which script? Give its path, as to python"),
        ("draw --stop --", "which script?"),
        ("draw train.py -o", "argument -o/--output: expected one argument"),
        ("draw --outp x.svg train.py", "unrecognized arguments: --outp"),
        ("draw --terminal train.py", "unrecognized arguments: --terminal"),
        ("step --backward 0 train.py", "argument --backward: expected a whole number from 1 on, got '0'"),
        ("step --backward first train.py", "expected a whole number from 1 on, got 'first'"),
    ],
)
def test_a_wrong_line_is_refused_before_any_script_runs(capsys, line, said):
    with pytest.raises(SystemExit) as stop:
        cli.main(line.split())
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_draw_and_step_explain_themselves(capsys):
    for command, words in {"draw": ["train.py -- -o weights.npz", "--stop"], "step": ["--terminal", ".html"]}.items():
        with pytest.raises(SystemExit) as stop:
            cli.main([command, "-h"])
        assert stop.value.code == 0
        out = capsys.readouterr().out
        assert f"usage: minigrad {command} [options] SCRIPT [the script's arguments]" in out
        assert all(word in out for word in words)
        assert all(len(line) <= 100 for line in out.splitlines())


def test_after_ctrl_c_in_a_script_the_process_ends_by_the_signal(monkeypatch):
    def interrupted(*arguments, **options):
        raise cli.capture.ScriptInterrupted

    monkeypatch.setattr(cli.capture, "run", interrupted)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(KeyboardInterrupt) as stop:
        cli.main(["draw", "train.py"])
    assert type(stop.value) is KeyboardInterrupt  # of its own kind alone does Python make the signal
    assert sys.excepthook(*sys.exc_info()) is None
