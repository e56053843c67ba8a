"""Sentences: the exact words of each kind of step, and labels that can be told apart."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import optim, viz
from minigrad.viz.recording.sentences import amount
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import SumStep
from tests.viz.recording.programs import leaf


def test_the_sentence_of_each_kind_of_step() -> None:
    x, w = leaf([[1.0, 2.0], [3.0, 4.0]], "x"), leaf([0.5, 0.25], "w")
    b, double = leaf(2.0, "b"), leaf(3.0, "double", np.float64)
    z = x * w + w
    trace = viz.trace((z.sum() * b * double).sum(), optimizer=optim.SGD([w, b], lr=0.5))
    assert str(trace).splitlines() == [
        " 1  forward   multiply 1 of x and w gives an array (2, 2).",
        " 2  forward   add of multiply 1 and w gives an array (2, 2).",
        " 3  forward   sum 1 of add gives 5.",
        " 4  forward   multiply 2 of sum 1 and b gives 10.",
        " 5  forward   multiply 3 of multiply 2 and double gives 30.",
        " 6  forward   sum 2 of multiply 3 gives 30.",
        " 7  seed      The backward pass starts at sum 2 with 1.",
        " 8  backward  sum 2 sends 1 to multiply 3.",
        " 9  backward  multiply 3 computes 3 for multiply 2.",
        "10  backward  multiply 3 sends 3 to multiply 2, as float32.",
        "11  backward  multiply 3 sends 10 to double.",
        "12  backward  multiply 2 sends 6 to sum 1.",
        "13  backward  multiply 2 sends 15 to b.",
        "14  backward  sum 1 sends an array (2, 2) to add.",
        "15  backward  add sends an array (2, 2) to multiply 1.",
        "16  backward  add computes an array (2, 2) for w.",
        "17  backward  add sends an array (2,) to w, summed over axis 0.",
        "18  backward  multiply 1 sends an array (2, 2) to x.",
        "19  backward  multiply 1 computes an array (2, 2) for w.",
        "20  backward  multiply 1 sends an array (2,) to w, summed over axis 0, added to what had arrived.",
        "21  update    w changes by an array (2,).",
        "22  update    b changes by -7.5: 2 becomes -5.5.",
    ]
    assert trace.sentence(21) == "b changes by -7.5: 2 becomes -5.5."
    assert repr(trace) == "<Trace of 22 steps over 10 nodes>"


def test_the_sentence_of_a_sum_to_a_scalar() -> None:
    x, y = leaf(np.ones((2, 3)), "x"), leaf(2.0, "y")
    trace = viz.trace((x * y * y).sum())
    sums = [trace.sentence(index) for index, step in enumerate(trace.steps) if isinstance(step, SumStep)]
    assert sums == [
        "multiply 2 sends 12 to y, summed over axes 0 and 1.",
        "multiply 1 sends 12 to y, summed over axes 0 and 1: 12 + 12 = 24.",
    ]
    deep = viz.trace((leaf(np.ones((2, 3, 4)), "x") * leaf(2.0, "y")).sum())
    assert deep.sentence(-1) == "multiply sends 24 to y, summed over axes 0, 1 and 2."


def test_three_arguments_one_and_numbers() -> None:
    x = leaf([0.123456789], "x")
    assert viz.trace(mg.concatenate([x, x, -x])).sentence(1) == "concatenate of x, x and negative gives an array (3,)."
    assert viz.trace(-x).sentence(0) == "negative of x gives -0.1235."
    assert amount(Snapshot.of(np.float16("nan"))) == "nan"
    assert amount(Snapshot.of(-0.0)) == "0"
    assert amount(Snapshot.of(np.zeros((0,)))) == "an array (0,)"
    assert amount(Snapshot.of(True)) == "True"


def test_labels_are_unique_whatever_tensors_are_called() -> None:
    x = leaf(3.0, "multiply 1")
    y = x * x
    y.name = "multiply 2"
    z = y * y * y
    z.name = "multiply 2 1"
    again, other = z * x, leaf(1.0, "multiply 2")
    again.name = "multiply 2"
    trace = viz.trace(mg.tanh(again * other * 1.0))
    shown = [label for id, label in trace.labels.items() if trace.graph.index[id].kind != "constant"]
    assert len(set(shown)) == len(shown) == 9
    assert trace.labels["n0"] in shown
    assert trace.labels == viz.trace(mg.tanh(again * other * 1.0)).labels


def test_names_of_any_kind_stay_on_one_line() -> None:
    names = [
        "a\nb",
        "\r\n",
        "a\u2028b",
        "\x1b[31mred",
        "‮gnp",
        "</script>",
        "x" * 500,
        "a\x00",
        "\ud800",
        "  ",
        "نمی‌شود",
        "{0}%s",
    ]
    output: Any = leaf(1.0)
    for name in names:
        factor = leaf(2.0, name)
        output = output * factor
        output.name = name
    trace = viz.trace(output)
    lines = str(trace).split("\n")
    assert len(lines) == len(str(trace).splitlines()) == len(trace)
    for line in lines:
        assert len(line) < 400
        assert all(character.isprintable() or character == "\u200c" for character in line)
    assert viz.Trace.from_json(trace.to_json()).labels == trace.labels
