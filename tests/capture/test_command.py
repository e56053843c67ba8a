"""What is written and told after a script has run."""

import sys
from pathlib import Path

from minigrad import cli
from minigrad.capture import observer
from tests.capture.helpers import TRAIN, captured, side_by_side, without_last_line, written


def test_the_wanted_backward_is_captured(here, traces, capsys):
    code, _ = captured(here, TRAIN, "--backward=3")
    assert code == 0
    out, err = capsys.readouterr()
    assert out == "step 0 5.0\nstep 1 0.0\nstep 2 0.0\n"
    assert err == "minigrad: train.py, backward() 3: written to page.html\n"
    assert traces[0][2] == "train.py, backward() 3"
    assert traces[0][0].values[traces[0][0].graph.output].array == 0.0


def test_a_backward_that_never_came_is_told(here, traces, capsys):
    code, _ = captured(here, TRAIN, "--backward", "5")
    assert code == 1
    assert capsys.readouterr().err == "minigrad: train.py called backward() 3 times; --backward 5 is beyond that\n"
    assert captured(here, "import minigrad as mg\nx = mg.tensor(1.0, requires_grad=True)\nmg.grad(x * x, x)")[0] == 1
    said = "train.py ended without calling backward(), so there is nothing to show (what calls mg.grad(), or runs in"
    assert said in capsys.readouterr().err
    assert captured(here, "raise SystemExit(4)")[0] == 4
    assert capsys.readouterr().err == "minigrad: train.py stopped before there was a backward() to show\n"
    assert not traces


def test_where_there_is_no_stderr_nothing_is_told(here, traces, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    assert captured(here, TRAIN)[0] == 0
    assert captured(here, "raise SystemExit(4)")[0] == 4
    assert len(traces) == 1
    assert capsys.readouterr().out == "step 0 5.0\nstep 1 0.0\nstep 2 0.0\n"


def test_a_picture_that_fails_leaves_the_script_alone(here, monkeypatch, capsys):
    (here / "page.html").mkdir()
    monkeypatch.setattr("minigrad.capture.command.write", lambda trace, path, title: path.write_text("x"))
    code, _ = captured(here, TRAIN)
    assert code == 1
    out, err = capsys.readouterr()
    assert out.count("step") == 3
    assert err == "minigrad: train.py, backward() 1: page.html could not be written: Is a directory\n"
    assert captured(here, TRAIN + "raise SystemExit(9)")[0] == 9


def test_a_picture_without_graphviz_says_how_to_get_it(here, monkeypatch, capsys):
    monkeypatch.setattr("minigrad.viz.render._renderers", lambda format: [])
    written(here, TRAIN)
    assert cli.main(["draw", "train.py", "-o", "graph.png"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("minigrad: train.py, backward() 1: a picture needs Graphviz")
    assert "graph.dot, as DOT" in err
    assert err.count("\n") == 1


def test_a_fault_of_the_recording_is_told_after_the_script(here, monkeypatch, capsys):
    monkeypatch.setattr(observer.Recorder, "record", lambda self, step: 1 / 0)
    code, names = captured(here, TRAIN)
    assert code == 1
    assert names["step"] == 2
    err = capsys.readouterr().err
    assert "this is a fault of minigrad, please report it\nTraceback" in err
    assert "ZeroDivisionError" in err


def test_a_suffix_that_cannot_be_written_is_refused_before_the_script_runs(here, capsys):
    written(here, "raise AssertionError")
    assert cli.main(["draw", "train.py", "-o", "graph.gif"]) == 2
    assert capsys.readouterr().err == (
        "minigrad: -o writes .svg, .png, .pdf, .dot or .html, by the suffix; got 'graph.gif' "
        "(a script's own -o goes after --)\n"
    )


def test_the_file_is_where_it_was_meant_though_the_script_goes_elsewhere(here, traces):
    (here / "sub").mkdir()
    captured(here, TRAIN.replace("import minigrad as mg", "import os, minigrad as mg\nos.chdir('sub')"))
    assert traces[0][1] == here / "page.html"


def test_the_terminal_steps_once_the_script_has_ended(here, traces, monkeypatch, capsys):
    terminal = type(sys)("minigrad.viz.terminal.stepper")
    terminal.show = lambda trace: print("stepping through", len(trace), "steps")
    monkeypatch.setitem(sys.modules, "minigrad.viz.terminal.stepper", terminal)
    written(here, TRAIN)
    assert cli.main(["step", "train.py", "--terminal"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-2:] == ["step 2 0.0", "stepping through 7 steps"]
    assert err == ""
    assert not traces  # no file was asked for
    assert cli.main(["step", "train.py", "--terminal", "-o", "page.html"]) == 0
    assert len(traces) == 1


def test_without_a_display_the_path_is_told_and_with_a_browser_the_page_is_shown(tmp_path):
    written(tmp_path, TRAIN)
    nothing = dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "CI"), "")
    nothing["TMPDIR"] = str(tmp_path)
    _, drawn = side_by_side(tmp_path, ["train.py"], ours=[], environment=nothing)
    said = without_last_line(drawn[2])[1]
    path = Path(said.removeprefix("train.py, backward() 1: written to "))
    assert path.name == "train.svg"
    assert b"<svg" in path.read_bytes()
    note = f'{sys.executable} -c \'import sys;print(sys.argv[1],file=open("shown","w"))\' %s'
    _, drawn = side_by_side(tmp_path, ["train.py"], ours=[], environment={**nothing, "BROWSER": note})
    said = without_last_line(drawn[2])[1]
    path = Path(said.removeprefix("train.py, backward() 1: shown in the browser "))
    assert (tmp_path / "shown").read_text() == path.as_uri() + "\n"
