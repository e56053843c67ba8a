"""A captured script's tensors are called what its variables are called."""

import sys

import numpy as np

import minigrad as mg
from minigrad.capture.names import variable_names
from minigrad.capture.observer import Capture
from minigrad.engine.mode import observing

scale = mg.tensor(2.0, requires_grad=True)


def captured(run):
    traces = []
    capture = Capture(1, traces.append)
    with observing(capture):
        run()
    capture.complete()
    assert capture.problem is None
    return traces[0]


def test_variables_name_leaves_arrays_and_results():
    X = np.ones((2, 3), np.float32)

    def script():
        weights = mg.tensor(np.ones((3, 1), np.float32), requires_grad=True)
        hidden = mg.tanh(mg.matmul(X_inside, weights) * scale)
        hidden.sum().backward()

    X_inside = X
    labels = set(captured(script).labels.values())
    assert {"X_inside", "weights", "hidden", "scale", "sum"} <= labels


def test_a_name_of_ones_own_stays():
    def script():
        w = mg.tensor(1.0, requires_grad=True, name="weight")
        _hidden = w * 3.0
        loss = _hidden * w
        loss.backward()
        assert loss.name is None, "the script's own tensors are as they were"

    assert set(captured(script).labels.values()) == {"weight", "multiply", "loss", "3"}


def test_the_first_of_two_variables_counts_and_locals_before_globals():
    def script():
        first = scale
        (first * first).backward()

    assert "first" in captured(script).labels.values()


def test_no_frame_no_names():
    x = mg.tensor(1.0, requires_grad=True)
    y = x * x
    assert variable_names(y.node, None) == {}
    assert variable_names(y.node, sys._getframe()) == {x.node: "x", y.node: "y"}


def test_the_dictionary_of_a_script_that_calls_locals_stays():
    def script():
        x = mg.tensor(1.0, requires_grad=True)
        variables = locals()
        (x * x).backward()
        assert variables["x"] is x

    assert "x" in captured(script).labels.values()
