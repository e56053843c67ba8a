"""``Trace.diff``: the first step in which two traces part, whatever parts them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim, viz
from minigrad.errors import ArgumentError, DtypeError
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.trace import Difference
from tests.viz.recording.programs import leaf, program, varied


def made() -> viz.Trace:
    """Return a trace of eight steps: two forward, a seed, three contributions, a sum, an update."""
    x, w = leaf([1.0, 2.0], "x"), leaf(3.0, "w")
    return viz.trace((x * w).sum(), optimizer=optim.SGD([w], lr=0.5))


def having(trace: viz.Trace, *steps: Any) -> viz.Trace:
    return viz.Trace(trace.graph, steps, trace.values, trace.rules)


def other(snapshot: Any) -> Snapshot:
    """Return an array that differs in its last bit."""
    return Snapshot.of(np.nextafter(snapshot.array, np.float32(100)))


def parted(one: viz.Trace, another: viz.Trace, **options: float) -> Any:
    """Return the index of the step and the difference, the same from both sides."""
    difference, back = one.diff(another, **options), another.diff(one, **options)
    assert (difference is None) == (back is None)
    if difference is None or back is None:
        return None
    assert (difference.step, difference.what) == (back.step, back.what)
    assert (difference.mine, difference.other) == (back.other, back.mine)
    return difference.step - 1, difference.what


def test_the_kinds_of_its_steps() -> None:
    kinds = [step.kind for step in made().steps]
    assert kinds == ["forward", "forward", "seed", "contribution", "contribution", "contribution", "sum", "update"]


@pytest.mark.parametrize("tolerance", [0.0, 1e-6])
def test_what_is_the_same_has_no_difference(tolerance: float) -> None:
    assert made().diff(made(), tolerance=tolerance) is None
    assert varied().diff(varied(), tolerance=tolerance) is None
    for seed in range(20):
        assert viz.trace(program(seed)[0]).diff(viz.trace(program(seed)[0]), tolerance=tolerance) is None


FIELDS = [
    (index, name)
    for index, step in enumerate(made().steps)
    for name, value in vars(step).items()
    if isinstance(value, Snapshot)
]


@pytest.mark.parametrize(("index", "name"), FIELDS)
def test_a_changed_array_in_any_step_is_named(index: int, name: str) -> None:
    trace = made()
    steps = list(trace.steps)
    steps[index] = replace(steps[index], **{name: other(getattr(steps[index], name))})
    assert parted(trace, having(trace, *steps)) == (index, name)
    assert parted(trace, having(trace, *steps), tolerance=1e-6) is None
    steps[-1] = replace(steps[-1], node="n0")  # the first difference counts
    assert parted(trace, having(trace, *steps)) == (index, name if index < 7 else "node")


def test_a_field_that_is_missing_on_one_side_is_named() -> None:
    trace = made()
    steps = list(trace.steps)
    steps[3] = replace(steps[3], total=None)
    assert parted(trace, having(trace, *steps), tolerance=0.9) == (3, "total")
    steps = list(trace.steps)
    steps[6] = replace(steps[6], axes=(1,))
    assert parted(trace, having(trace, *steps), tolerance=0.9) == (6, "axes")


def test_another_order_is_named() -> None:
    x = leaf(3.0, "x")
    trace = viz.trace(x * x)
    steps = list(trace.steps)
    assert parted(trace, having(trace, steps[0], steps[1], steps[3], steps[2])) == (2, "position")
    assert parted(trace, having(trace, steps[1], steps[0], *steps[2:])) == (0, "kind")
    chain = viz.trace(mg.negative(-x))
    mixed = having(chain, chain.steps[1], chain.steps[0], *chain.steps[2:])
    assert parted(chain, mixed) == (0, "node")


def test_a_missing_step_is_named() -> None:
    trace = made()
    assert parted(trace, having(trace, *trace.steps[:-1])) == (7, "length")
    assert parted(trace, having(trace, *trace.steps[:4], *trace.steps[5:])) == (4, "parent")
    assert parted(trace, having(trace)) == (0, "length")
    difference = trace.diff(having(trace, *trace.steps[:-1]))
    assert difference == Difference(8, "length", "w changes by -1.5: 3 becomes 1.5.", "(ends)")
    assert str(difference) == "step 8, length: w changes by -1.5: 3 becomes 1.5. / (ends)"


def test_another_operation_with_the_same_numbers_is_named() -> None:
    x = leaf([2.0, 2.0], "x")
    assert parted(viz.trace(x + x), viz.trace(x * x)) == (0, "operation")
    assert parted(viz.trace(mg.relu(x).sum()), viz.trace(mg.abs(x).sum())) == (0, "operation")


def test_another_argument_is_named() -> None:
    x, y = leaf(2.0, "x"), leaf(2.0, "y")
    z = x * y
    assert parted(viz.trace(z * x), viz.trace(z * y)) == (1, "arguments")


def test_a_leaf_of_which_no_step_tells_is_named() -> None:
    assert parted(viz.trace(mg.relu(leaf([-1.0, 1.0]))), viz.trace(mg.relu(leaf([-2.0, 1.0])))) == (0, "arguments")
    assert parted(viz.trace(leaf(1.0)), viz.trace(leaf(2.0))) == (0, "arguments")
    x = mg.tensor([0.0, 5.0])
    w = leaf([1.0, 1.0])
    assert parted(viz.trace(w * x), viz.trace(leaf([2.0, 1.0]) * x)) == (0, "arguments")


def test_names_lines_and_the_optimizers_words_do_not_count() -> None:
    def trace(name: str, lr: float) -> viz.Trace:
        x = leaf(0.0, name)
        return viz.trace(x * x, optimizer=optim.SGD([x], lr=lr))

    with mg.source_lines():
        one = trace("x", 0.1)
    assert one.graph.nodes[0].line is not None
    assert one.diff(trace("another", 0.2)) is None


def test_another_gradient_to_start_from() -> None:
    x = leaf([1.0, 2.0])
    assert parted(viz.trace(x * x), viz.trace(x * x, gradient=[1.0, 2.0])) == (1, "gradient")


def test_another_shape_or_dtype() -> None:
    x, double, row = leaf([1.0, 2.0]), leaf([1.0, 2.0], dtype=np.float64), leaf([[1.0, 2.0]])
    assert parted(viz.trace(x * x), viz.trace(double * double)) == (0, "value")
    assert parted(viz.trace(x * x), viz.trace(double * double), tolerance=1e-6) is None
    assert parted(viz.trace(x * x), viz.trace(row * row), tolerance=0.9) == (0, "value")


def same(one: Any, another: Any, tolerance: float) -> bool:
    left, right = Snapshot.of(one), Snapshot.of(another)
    with np.errstate(all="raise"):
        assert left.same_as(right, tolerance) == right.same_as(left, tolerance)
    return left.same_as(right, tolerance)


def test_the_tolerance_is_relative_to_the_larger_number_and_to_one() -> None:
    assert same(1000.0, 1001.0, 1e-3)
    assert not same(1000.0, 1001.1, 1e-3)
    assert same(0.0, 0.9e-3, 1e-3)
    assert not same(0.0, 1.1e-3, 1e-3)
    assert not same([0.0, 1.0], [0.0, 1.1], 1e-3)
    assert same(1e308, 1e308 * (1 + 1e-10), 1e-9)
    assert not same(1.7e308, -1.7e308, 0.5)
    assert same(np.float16(60000), np.float16(59968), 1e-3)
    assert same(0.0, -0.0, 1e-12)
    assert not same(0.0, -0.0, 0)
    assert same(7, 7.0, 1e-12)
    assert not same(7, 7.0, 0)
    assert same(np.zeros((0, 3)), np.zeros((0, 3)), 0)
    assert not same(np.zeros((0, 3)), np.zeros((3, 0)), 1.0)


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_nan_and_infinity(tolerance: float) -> None:
    assert same(np.nan, -np.nan, tolerance)
    assert same([np.inf, np.nan, -np.inf], [np.inf, np.nan, -np.inf], tolerance)
    assert not same([np.inf, np.nan], [-np.inf, np.nan], tolerance)
    assert same([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.01], tolerance) == (tolerance > 0)
    assert not same(np.nan, 1.0, tolerance)
    assert not same(np.inf, 1e308, tolerance)
    assert not same([np.nan, 1.0], [1.0, np.nan], tolerance)


def test_a_pass_with_nan_equals_itself() -> None:
    x = leaf([np.nan, -np.nan, np.inf])
    with np.errstate(invalid="ignore"):
        trace = viz.trace((x * 0.0).sum())
    assert parted(trace, viz.Trace.from_json(trace.to_json())) is None
    assert parted(trace, viz.Trace.from_json(trace.to_json()), tolerance=1e-3) is None


def written(array: Any) -> viz.Trace:
    trace = viz.trace(leaf(array, dtype=np.float64) * 1.0)
    return viz.Trace.from_json(trace.to_json())


def test_large_arrays_that_were_read_are_compared_by_their_digest_else_their_statistics() -> None:
    array = np.linspace(1.0, 2.0, 512)
    live = viz.trace(leaf(array, dtype=np.float64) * 1.0)
    assert parted(live, written(array)) is None
    bumped = array.copy()
    bumped[7] += 1e-9
    assert parted(live, written(bumped)) == (0, "value")
    assert parted(written(array), written(bumped)) == (0, "value")
    assert parted(live, written(bumped), tolerance=1e-6) is None
    assert parted(written(array), written(bumped * 1.01), tolerance=1e-3) == (0, "value")
    for odd in (np.nan, np.inf):
        broken = array.copy()
        broken[7] = odd  # the mean of the others is hardly another
        assert parted(written(array), written(broken), tolerance=0.1) == (0, "value")
        assert parted(live, written(broken), tolerance=0.1) == (0, "value")


@pytest.mark.parametrize("wrong", [None, 3, "trace", made().to_json(), made().graph, made().steps])
def test_what_is_no_trace(wrong: Any) -> None:
    with pytest.raises(DtypeError, match=r"diff\(\) compares with another trace, got "):
        made().diff(wrong)


def test_what_is_no_tolerance() -> None:
    for wrong in (-1e-9, np.nan, np.inf, -np.inf):
        with pytest.raises(ArgumentError, match="tolerance must be a finite number of at least 0"):
            made().diff(made(), tolerance=wrong)
    for other_type in ("1e-3", None, True, [1e-3]):
        with pytest.raises(DtypeError, match="tolerance must be a number"):
            made().diff(made(), tolerance=other_type)  # type: ignore[arg-type]
    assert made().diff(made(), tolerance=np.float32(1e-3)) is None  # type: ignore[arg-type]
    assert made().diff(made(), tolerance=0) is None
