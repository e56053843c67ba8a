"""Every step as plain text."""

import io
import json
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim, viz
from minigrad.errors import ArgumentError, DtypeError, GraphError
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.terminal.state import Stepper
from minigrad.viz.terminal.stepper import show
from minigrad.viz.terminal.text import inline, plain, table
from tests.viz.terminal.terminals import draw, leaf, network, parabola, press, text_of


@pytest.fixture(scope="module")
def small():
    return parabola()


@pytest.fixture(scope="module")
def mlp():
    return network()


def test_plain_text_of_a_step(small):
    text = text_of(small)
    assert text.startswith("7 steps over 3 nodes: forward 2, seed 1, backward 4\n\nstep 1 of 7, forward\n")
    step = text.split("\n\n")[6]
    lines = [line.strip() for line in step.splitlines()]
    assert lines[:2] == ["step 6 of 7, backward", "multiply sends 2 to x: 1 + 2 = 3."]
    assert "mathematics: ∂L/∂x = g · y" in lines
    assert "rule: lambda g, y: g * y" in lines
    assert lines[4:8] == [
        "upstream g: [1.0]",
        "y, here x: [2.0]",
        "contribution: [2.0]",
        "grad: [1.0] + [2.0] -> [3.0]",
    ]
    assert lines[8].startswith("from: terminals.py line ")


def test_plain_text_says_what_is_summed_and_updated(mlp):
    text = text_of(mlp)
    assert "shapes: (8, 4) -> sum over axis 0 -> (4,)" in text
    assert "0.bias was repeated along axis 0" in text
    for label in ("optimizer: SGD(", "before: ", "change: ", "after: "):
        assert f"\n  {label}" in text
    assert text.count("\n\nstep ") == len(mlp)


def test_plain_text_is_narrow_stable_and_without_control_codes(small, mlp):
    for trace in (small, mlp):
        text = text_of(trace)
        assert max(map(len, text.split("\n"))) <= 80
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        assert not re.search(" +$", text, re.MULTILINE)
        assert text == text_of(trace)


def test_a_changed_dtype_is_a_step_of_its_own():
    x = mg.tensor(np.float32([2.0, 3.0]), requires_grad=True, name="x")
    text = text_of(viz.trace(x * np.float64([1.0, 2.0])))
    assert "then: x is float32, so the next step converts it" in text
    assert "shapes: (2,) float64 -> converted -> float32" in text
    assert "what is differentiated is the sum of its elements" in text


def test_numbers_are_in_full_where_there_is_room():
    exact = Snapshot.of(np.float32([[0.1, 1 / 3], [-2.0, 1e-7]]))
    assert table(exact, 16) == ([" 0.1  0.33333334", "-2.0  1e-07"], "")
    assert table(exact, 15) == ([" 0.1  0.333333", "-2    1e-07"], "rounded to 6 digits")
    assert table(exact, 13)[1] == "rounded to 4 digits"
    assert table(exact, 5) == ([], "")
    assert table(Snapshot.of(np.zeros((9, 2))), 80) == ([], "")
    assert table(Snapshot.of(np.zeros((2, 9))), 80) == ([], "")
    assert table(Snapshot.of(np.zeros((0, 2))), 80) == ([], "")
    assert len(table(Snapshot.of(np.zeros((2, 2, 2))), 80)[0]) == 4
    assert inline(Snapshot.of(-0.0)) == "[0.0]"
    assert inline(Snapshot.of(np.array([True, False]))) == "[True, False]"
    assert inline(Snapshot.of(np.zeros((1, 1)))) == "[0.0]"
    assert inline(Snapshot.of(np.zeros(9))) == ""


def test_a_trace_from_a_file_shows_the_same(mlp):
    again = viz.Trace.from_json(mlp.to_json())
    assert text_of(again) == text_of(mlp)
    assert draw(press(again, "end")) == draw(press(mlp, "end"))


def test_large_arrays_of_a_file_have_their_statistics():
    x = leaf(np.linspace(0, 1, 300).reshape(3, 100), "x")
    trace = viz.Trace.from_json(viz.trace((x * x).sum()).to_json())
    assert re.search(r"contribution: \(3, 100\) float64, min 0, mean 0\.5, max 1, norm 10", text_of(trace))


def test_a_graph_of_five_thousand_nodes_prints():
    x = h = leaf(1.0, "x")
    for _ in range(2500):
        h = h * x + 1.0
    trace = viz.trace(h)
    assert sum(len(text) for text in plain(trace)) > 1e6
    assert "step 1 of 12,501" in draw(Stepper(trace))


def test_an_encoding_without_unicode_gets_stand_ins(small):
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    show(small, output=stream)
    text = buffer.getvalue().decode("ascii")
    assert "mathematics: dL/dx = g * y" in text
    assert "grad: [1.0] + [2.0] -> [3.0]" in text


def test_step_takes_what_trace_takes(capsys):
    x = leaf([1.0, 2.0], "x")
    viz.step(x * x, gradient=[1.0, 10.0], optimizer=optim.SGD([x], lr=0.1))
    text = capsys.readouterr().out
    assert "grad: [1.0, 20.0] + [1.0, 20.0] -> [2.0, 40.0]" in text
    assert "after: " in text
    assert x.grad is None
    assert x.numpy().tolist() == [1.0, 2.0]


def test_step_says_what_is_wrong():
    with pytest.raises(DtypeError):
        viz.step(3.0)
    with pytest.raises(GraphError):
        viz.step(mg.tensor(1.0))
    with pytest.raises(ArgumentError):
        viz.step(leaf(1.0) * 2.0, optimizer=optim.SGD([leaf(1.0)], lr=0.1))


def test_what_a_file_does_not_tell_is_left_out():
    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    whole = json.loads(viz.trace(x * y).to_json())
    del whole["rules"][0], next(node for node in whole["nodes"] if node["name"] == "x")["value"]
    steps = text_of(viz.Trace.from_json(json.dumps(whole))).split("\n\n")
    assert steps[1].splitlines()[2:] == ["  mathematics: out = x · y", "  y: [3.0]", "  value: [6.0]"]
    assert steps[3].splitlines()[1:] == [
        "  multiply sends 3 to x.",
        "  upstream g: [1.0]",
        "  contribution: [3.0]",
        "  grad: none yet + [3.0] -> [3.0]",
    ]


def test_a_function_of_the_users_own_has_its_rule_and_no_mathematics():
    @mg.primitive
    def cube(x):
        return x * x * x

    cube.derivatives(lambda g, x: 3 * g * x * x)
    text = text_of(viz.trace(cube(leaf(2.0, "x"))))
    assert "mathematics" not in text
    assert "rule: lambda g, x: 3 * g * x * x" in text


def test_of_a_long_sum_each_part_that_fits_stands_on_one_line():
    x = leaf(np.ones(6), "x")
    text = text_of(viz.trace((x * (np.ones(6) / 3)).sum() + x.sum()))
    before, after = text.rpartition("  grad: (6,) + (6,) -> (6,)\n")[2].split("    after: ")
    assert before == "    before: [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]\n"
    assert after.startswith("(6,) float64, rounded to 6 digits\n")
