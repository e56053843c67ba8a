"""The grid of writes: ways to reach an array, ways to write into it, graphs, moments, and first and second order.

The oracle computes the same graph from copies of the values at the forward pass, and nothing is written to there. Every
write is repeated on a copy of what the owner of the array holds, so the owner has to show it, and nothing else may.
The fast tests take some of the combinations; ``python -m tests.engine.test_writes`` and the slow tests take all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.recompute import values_of
from tests.engine.writes import (
    CHANGES,
    GRADIENTS,
    GRAPHS,
    INDICES,
    LEAVES,
    RESULTS,
    WAYS,
    WRITES,
    Array,
    Scene,
    contents,
    fresh,
    numbers,
)

EVERY = 89  # the fast tests run one of so many combinations
Write = Callable[[Scene], None]
# when an array is taken, and when it is written into
MOMENTS = {
    "before the forward pass": ("before", "before"),
    "after the forward pass": ("between", "between"),
    "taken before it, written into after it": ("before", "between"),
    "between the backward passes": ("second", "second"),
    "taken before the forward pass, written into between the backward passes": ("before", "second"),
    "after the backward passes": ("after", "after"),
}
WHEN_THERE_IS = {"results": ("between", "second", "after"), "gradients": ("second", "after")}


# --- a case: forward, backward, and backward once more, with something done at one moment


def weighted(gradients: list[Any]) -> Any:
    return sum((g * numbers(7, 3, 3)).sum() for g in gradients if g is not None)


def first_order(scene: Any, outputs: list[mg.Tensor], at: Callable[[str], None]) -> None:
    """Run two backward passes through a graph that is retained."""
    for output in outputs:
        output.backward(retain_graph=True)
    at("second")
    for output in outputs:
        output.backward()


def second_order(scene: Any, outputs: list[mg.Tensor], at: Callable[[str], None]) -> list[Any]:
    """Return the gradients, and the gradients of a weighted sum of them."""
    leaves = [scene.x, scene.w]
    gradients = [mg.grad(output, leaves, create_graph=True, allow_unused=True) for output in outputs]
    found = [each for several in gradients for each in several]
    for name, gradient in zip(LEAVES, found, strict=False):
        if isinstance(scene, Scene) and gradient is not None:
            scene.own(f"gradient of {name}", gradient)
    at("second")
    slope = weighted(found)
    seconds = mg.grad(slope, leaves, allow_unused=True) if slope.requires_grad else [None, None]
    return [None if each is None else contents(each) for each in seconds]


def nothing(moment: str) -> None:
    pass


_answers: dict[Any, list[Any]] = {}


def answers(graph: str, values: dict[str, Array], order: int) -> list[Any]:
    """Return what the graph of copies gives: the gradients of one backward pass, or the second derivatives."""
    key = (graph, order, *[array.tobytes() for array in values.values()])
    if key not in _answers:
        inputs = fresh(values)
        outputs = GRAPHS[graph](inputs)
        if order == 2:
            _answers[key] = second_order(inputs, outputs, nothing)
        else:
            for output in outputs:
                output.backward()
            _answers[key] = [contents(leaf.grad) for leaf in (inputs.x, inputs.w)]
    return _answers[key]


def check_values(outputs: list[mg.Tensor], scene: Scene, values: dict[str, Array], results: list[Array]) -> None:
    """Check that every value shown is the one of the forward pass, whatever was written since."""
    for output in outputs:
        shown = values_of(output.node)
        for name in LEAVES:
            np.testing.assert_array_equal(shown.get(getattr(scene, name).node, values[name]), values[name])
        for result, expected in zip(scene.results, results, strict=True):
            np.testing.assert_array_equal(shown.get(result.node, expected), expected, err_msg="values_of")


def run(graph: str, order: int, exported: bool, write: Callable[[Scene, str], None]) -> None:
    """Run a case; ``write`` is called at each moment. ``exported``: the arrays of all inputs have been read before."""
    scene = Scene()
    if exported:
        assert scene.x.data is not scene.w.data is not scene.c.data
    write(scene, "before")
    scene.check()
    values = scene.values()
    outputs = GRAPHS[graph](scene)
    results = [contents(result) for result in scene.results]
    for place, result in enumerate(scene.results):
        scene.own(f"result {place}", result)
    scene.check()
    write(scene, "between")
    scene.check()
    check_values(outputs, scene, values, results)
    expected = answers(graph, values, order)

    def at(moment: str) -> None:
        if order == 1:
            for name, answer in zip(LEAVES, expected, strict=True):
                gradient = getattr(scene, name).grad
                np.testing.assert_allclose(contents(gradient), answer, rtol=1e-11, atol=1e-11, err_msg=f"d/d{name}")
                scene.own(f"gradient of {name}", gradient)
        write(scene, moment)
        scene.check()

    if order == 2:
        found = second_order(scene, outputs, at)
    else:
        first_order(scene, outputs, at)
        expected = [scene.expected[f"gradient of {name}"] + e for name, e in zip(LEAVES, expected, strict=True)]
        scene.check()  # gradients of the pass before: the second pass has made new ones
        found = [contents(scene.own(f"gradient of {name}", getattr(scene, name).grad)) for name in LEAVES]
    for name, f, e in zip(LEAVES, found, expected, strict=True):
        assert (f is None) == (e is None)
        if e is not None:
            np.testing.assert_allclose(f, e, rtol=1e-11, atol=1e-11, err_msg=f"the derivatives for {name}")
    write(scene, "after")
    scene.check()


# --- writing into arrays


def through_arrays(way: str, write: str, moment: str) -> Callable[[Scene, str], None]:
    """Return what takes the array at its moment, and writes into it at its moment."""
    reach = {**WAYS, **INDICES, **RESULTS, **GRADIENTS}[way]
    taken, written = MOMENTS[moment]
    held: list[Any] = []

    def at(scene: Scene, now: str) -> None:
        if now == taken:
            held.extend(reach(scene))
        if now == written:
            for array in held:  # the array, and its counterpart among the expected values
                WRITES[write](array)

    return at


def arrays_of_the_grid() -> Iterator[tuple[str, str, str, str, int, bool]]:
    def allowed(moments: Any) -> list[str]:
        return [name for name, (taken, _) in MOMENTS.items() if taken in moments]

    later = [name for name, (_, written) in MOMENTS.items() if written != "before"]
    for ways, moments in [
        (WAYS, list(MOMENTS)),
        (INDICES, later),  # before, there would be other classes
        (RESULTS, allowed(WHEN_THERE_IS["results"])),
        (GRADIENTS, allowed(WHEN_THERE_IS["gradients"])),
    ]:
        graphs = ("losses", "picked") if ways is INDICES else GRAPHS
        yield from itertools.product(ways, moments, WRITES, graphs, (1, 2), (False, True))


# --- changing tensors


def through_tensors(change: str, name: str, moment: str) -> Callable[[Scene, str], None]:
    """Return what changes a tensor at its moment, and checks what becomes of an array that was taken before."""
    function, follows = CHANGES[change]
    taken, written = MOMENTS[moment]
    held: list[Array] = []

    def at(scene: Scene, now: str) -> None:
        tensor = scene.owners[name]
        if now == taken and taken != written:
            held.append(tensor.data)
        if now == written:
            old = contents(tensor)
            function(tensor)
            reference = mg.tensor(old)
            function(reference)
            scene.expected[name] = contents(reference)
            for array in held:
                np.testing.assert_array_equal(array, contents(tensor) if follows else old, err_msg="the array held")

    return at


def tensors_of_the_grid() -> Iterator[tuple[str, str, str, str, int, bool]]:
    moments = [name for name, (taken, written) in MOMENTS.items() if written != "after"]
    yield from itertools.product(CHANGES, moments, ("x", "w", "c"), GRAPHS, (1, 2), (False, True))


# --- the tests


def run_all(cases: list[Any], through: Callable[..., Any]) -> None:
    for first, moment, second, graph, order, exported in cases:
        try:
            run(graph, order, exported, through(first, second, moment))
        except Exception as problem:
            read = "all arrays were read before" if exported else "no array was read before"
            problem.add_note(f"{first}; {second}; {moment}; graph {graph!r}, order {order}; {read}")
            raise


def cases_of(grid: Iterator[Any], first: str, every: int) -> list[Any]:
    """Return the cases of a way or a change: one of so many, from another one for each way."""
    cases = [case for case in grid if case[0] == first]
    return cases[len(first) % every :: every]


ALL_WAYS = [*WAYS, *INDICES, *RESULTS, *GRADIENTS]


@pytest.mark.parametrize("way", ALL_WAYS)
def test_writing_into_an_array(way: str) -> None:
    run_all(cases_of(arrays_of_the_grid(), way, EVERY), through_arrays)


@pytest.mark.parametrize("change", CHANGES)
def test_changing_a_tensor(change: str) -> None:
    run_all(cases_of(tensors_of_the_grid(), change, EVERY // 4), through_tensors)


@pytest.mark.slow
@pytest.mark.parametrize("way", ALL_WAYS)
def test_writing_into_an_array_in_every_way(way: str) -> None:
    run_all(cases_of(arrays_of_the_grid(), way, 1), through_arrays)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_changing_a_tensor_in_every_way(change: str) -> None:
    run_all(cases_of(tensors_of_the_grid(), change, 1), through_tensors)


if __name__ == "__main__":
    for kind, grid, through in [
        ("arrays", arrays_of_the_grid(), through_arrays),
        ("tensors", tensors_of_the_grid(), through_tensors),
    ]:
        all_cases = list(grid)
        run_all(all_cases, through)
        print(f"{len(all_cases)} writes to {kind}: every gradient is that of the values at the forward pass")
