"""Snapshots: statistics as plain NumPy's, for every kind of array, without a warning."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim, viz
from minigrad.viz.recording.snapshot import Snapshot
from tests.viz.recording.programs import leaf, same_bits

ARRAYS = {
    "numbers": np.array([1.0, -2.0, 4.0]),
    "float32": np.linspace(-1, 1, 30, dtype=np.float32).reshape(5, 6),
    "float16": np.array([60000.0, 60000.0, -60000.0], np.float16),
    "0-d": np.array(2.5),
    "a NumPy number": np.float32(0.1),
    "a number": 0.1,
    "an integer": 7,
    "a huge integer": 2**100,
    "True": True,
    "int64": np.arange(-3, 5),
    "uint8": np.array([250, 255], np.uint8),
    "uint64": np.array([2**64 - 1, 1], np.uint64),
    "bool": np.array([True, False, True]),
    "empty": np.zeros((0, 3), np.float32),
    "NaN": np.array([1.0, np.nan, 3.0]),
    "all NaN": np.array([np.nan, np.nan]),
    "infinite": np.array([np.inf, 2.0, -np.inf]),
    "only infinite": np.array([np.inf, -np.inf, np.nan]),
    "the sum overflows": np.array([1e308, 1e308, 1e308]),
    "the square overflows": np.array([1e200, -1e200]),
    "the square vanishes": np.array([1e-200, 3e-200]),
    "a square vanishes beside another": np.array([1.0, 1e-200, 1e-300]),
    "denormal": np.array([5e-324, 0.0]),
    "zeros": np.array([0.0, -0.0]),
    "longdouble": np.array([1.5, 2.5], np.longdouble),
    "big-endian": np.array([1.5, 2.5], ">f4"),
    "not contiguous": np.arange(12.0).reshape(3, 4).T[::2],
    "64 elements": np.arange(64.0),
    "65 elements": np.arange(65.0),
    "512 elements": np.random.default_rng(0).normal(size=512).astype(np.float32),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_statistics_are_those_of_plain_numpy(name: str) -> None:
    array = np.asarray(ARRAYS[name])
    if array.dtype == object:
        array = array.astype(np.float64)
    with np.errstate(all="raise"):
        snapshot = Snapshot.of(ARRAYS[name])
        summary = snapshot.summary
    assert snapshot.shape == array.shape
    assert snapshot.array is not None
    np.testing.assert_array_equal(snapshot.array, array)
    finite = [float(number) for number in array.ravel() if np.isfinite(number)]
    assert summary.not_a_number == np.isnan(array).sum()
    assert summary.infinite == np.isinf(array).sum()
    if finite:
        assert (summary.minimum, summary.maximum) == (array[np.isfinite(array)].min(), array[np.isfinite(array)].max())
        assert summary.mean == pytest.approx(math.fsum(x / len(finite) for x in finite), rel=1e-12, abs=0)
        assert summary.norm == pytest.approx(math.hypot(*finite), rel=1e-12, abs=0)
        assert {type(number) for number in (summary.mean, summary.norm)} == {float}
    else:
        assert summary.minimum is summary.mean is summary.maximum is summary.norm is None
    assert (summary.numbers is None) == (array.size > 64)
    assert summary.numbers is None or same_bits(summary.numbers, snapshot.array)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_pass_that_overflows_is_shown_and_not_warned_of(dtype: str) -> None:
    x = leaf([0.0, -1.0, 1.0], "x", dtype)
    with np.errstate(all="ignore"):
        y = mg.sqrt(x) * mg.log(x) + mg.exp(x * 30000)
    with np.errstate(all="raise"):  # a user may have set so
        trace = viz.trace(y.sum(), optimizer=optim.SGD([x], lr=0.1))
        text = trace.to_json()
        assert viz.Trace.from_json(text).to_json() == text
        assert viz.Trace.from_json(text).diff(trace, tolerance=0.5) is None
    gradient = trace.gradients["n0"].summary
    assert gradient.not_a_number + gradient.infinite >= 2
    assert str(trace)


def test_constants_of_any_kind() -> None:
    x = leaf([1.0, 2.0], "x", np.float64)
    output = (x * 2**100 + np.float32(0.5) - True + np.longdouble(1) * np.array([1, 2]) + [3, 4]).sum()
    trace = viz.trace(output)
    replayed_only = {node.kind for node in trace.graph.nodes}
    assert replayed_only == {"parameter", "constant", "operation", "output", "input"}
    assert "1.268e+30" in trace.sentence(0) or "1.26765e+30" in trace.sentence(0)
    assert viz.Trace.from_json(trace.to_json()).diff(trace) is None
