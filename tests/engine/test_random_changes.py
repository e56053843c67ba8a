"""Random programs whose arrays somebody gets on the way, and changes before the backward pass: no gradient differs.

python -m tests.engine.test_random_changes SEED
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.engine.programs import OPERATIONS, Program, draw
from tests.engine.test_in_place import WAYS
from tests.engine.test_random_programs import weighted
from tests.slow import slow_after

BLOCK = 100
PROGRAMS = 800
# a copy of a result is refused, a number has no part [1:], and only what lies without gaps has a buffer
WAYS_TO_ANY = [
    way for way in WAYS if way.__name__ not in ("through_a_shallow_copy", "through_a_view", "through_memoryview")
]


def had(rng: np.random.Generator, results: list[Any]) -> list[np.ndarray]:
    """Return the array of one of the results, or a view of it, as somebody may get it."""
    tensor = results[rng.integers(len(results))]
    way = WAYS_TO_ANY[rng.integers(len(WAYS_TO_ANY))]
    return [way(tensor)] if tensor.ndim and tensor.size else [tensor.data]


def gradients(program: Program, changes: bool) -> np.ndarray:
    """Return the gradients of all leaves, with or without changes of what was had before, on the way and after."""
    rng = np.random.default_rng(program.seed)
    leaves = [mg.tensor(leaf, requires_grad=place in program.watched) for place, leaf in enumerate(program.leaves)]
    results: list[Any] = list(leaves)
    arrays: list[np.ndarray] = []
    for step in program.steps:
        if changes and rng.random() < 0.5:
            arrays += had(rng, results)
        operands = [results[place] for place in step.places]
        results.append(OPERATIONS[step.name].tensors(*operands, **step.options))
    output = weighted(program, results)
    if changes:
        arrays += had(rng, results)
        for array in [array for array in arrays if array.flags.writeable]:  # a broadcast view is not
            array[...] = rng.uniform(-9, 9)
    output.backward()
    return np.concatenate([leaf.grad.data.ravel() for leaf in leaves if leaf.grad is not None])


def check(seed: int) -> None:
    program = draw(seed)
    expected, found = gradients(program, changes=False), gradients(program, changes=True)
    # a copy may be laid out otherwise, and be summed in another order
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11 * abs(expected).max(), err_msg=str(program))


@pytest.mark.parametrize("start", slow_after(3, range(0, PROGRAMS, BLOCK)))
def test_what_is_changed_on_the_way_changes_no_gradient(start: int) -> None:
    for seed in range(start, start + BLOCK):
        check(seed)


if __name__ == "__main__":
    check(int(sys.argv[1]))
    print("changes nothing")
