"""Ten thousand random programs against forward-mode differentiation that shares no code with the library.

The suite runs the first 1,500; ``MINIGRAD_PROGRAMS=10000`` in the environment sets another number. One program:

    python -m tests.engine.test_random_programs SEED
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.engine.oracle import Dual
from tests.engine.programs import OPERATIONS, Program, draw, duals_of, tensors_of
from tests.slow import slow_after

PROGRAMS = int(os.environ.get("MINIGRAD_PROGRAMS", "1500"))
BLOCK = 100
STEP = 1e-20
TOLERANCE = 1e-9


def weighted(program: Program, results: list[Any]) -> Any:
    """Return the scalar that is differentiated."""
    return sum((results[place] * weight).sum() for place, weight in program.weights.items())


def slopes(program: Program, duals: list[Dual]) -> tuple[np.ndarray, float]:
    """Return the scalar's derivative along each direction, and the sum of its terms' sizes."""
    parts = [
        (duals[place].tangents * weight).reshape(len(duals[place].tangents), -1)
        for place, weight in program.weights.items()
    ]
    terms = np.concatenate(parts, axis=1)
    return terms.sum(axis=1), float(abs(terms).sum())


def along_directions(program: Program, gradients: list[np.ndarray]) -> np.ndarray:
    """Return the gradients' components along the directions."""
    parts = [
        (program.directions[place] * gradient).reshape(len(program.directions[place]), -1).sum(axis=1)
        for place, gradient in zip(program.watched, gradients, strict=True)
    ]
    return np.sum(parts, axis=0)


def agree(program: Program, what: str, found: Any, expected: Any, scale: float) -> None:
    np.testing.assert_allclose(
        found, expected, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, scale), err_msg=f"{what}\n{program}"
    )


def check_gradients(program: Program) -> None:
    duals = duals_of(program)
    leaves = [
        mg.tensor(leaf, requires_grad=place in program.watched, name=f"v{place}")
        for place, leaf in enumerate(program.leaves)
    ]
    results = tensors_of(program, leaves)
    for place, (result, dual) in enumerate(zip(results, duals, strict=True)):
        assert result.shape == dual.shape, f"the shape of v{place}\n{program}"
        assert result.dtype == np.float64, f"the dtype of v{place}\n{program}"
        np.testing.assert_allclose(
            result.numpy(), dual.value, rtol=1e-11, atol=1e-11, err_msg=f"the value of v{place}\n{program}"
        )
    weighted(program, results).backward()
    for leaf, value in zip(leaves, program.leaves, strict=True):
        np.testing.assert_array_equal(leaf.numpy(), value, err_msg=f"a leaf was written to\n{program}")
    watched = [leaves[place] for place in program.watched]
    gradients = [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy() for leaf in watched]
    expected, scale = slopes(program, duals)
    agree(program, "the gradient", along_directions(program, gradients), expected, scale)


def of_watched(program: Program, only: int | None = None) -> Any:
    """Return the program as a function of its watched leaves: the scalar, or one of its results."""

    def function(*values: Any) -> Any:
        leaves: list[Any] = list(program.leaves)
        for place, value in zip(program.watched, values, strict=True):
            leaves[place] = value
        results = tensors_of(program, [leaf if isinstance(leaf, mg.Tensor) else mg.Tensor(leaf) for leaf in leaves])
        return weighted(program, results) if only is None else results[only]

    return function


def check_jacobian_vector_products(program: Program) -> None:
    duals = duals_of(program)
    points = tuple(program.leaves[place] for place in program.watched)
    directions = tuple(program.directions[place][-1] for place in program.watched)
    value, tangent = mg.jvp(of_watched(program, only=-1), points, directions)
    agree(program, "jvp's value", value.numpy(), duals[-1].value, 1.0)
    agree(program, "jvp", tangent.numpy(), duals[-1].tangents[-1], abs(duals[-1].tangents).max())


def check_hessian_vector_products(program: Program) -> None:
    """Compare with the derivatives of the oracle's derivatives, by a step into the complex numbers."""
    points = tuple(program.leaves[place] for place in program.watched)
    rng = np.random.default_rng(program.seed)
    vectors = tuple(rng.uniform(-1, 1, point.shape) for point in points)
    products = mg.hvp(of_watched(program), points, vectors)
    shifts: list[Any] = [0.0] * len(program.leaves)
    for place, vector in zip(program.watched, vectors, strict=True):
        shifts[place] = 1j * STEP * vector
    duals = [Dual(dual.value, dual.tangents.imag / STEP) for dual in duals_of(program, shifts)]
    expected, scale = slopes(program, duals)
    found = along_directions(program, [product.numpy() for product in products])
    agree(program, "the Hessian-vector product", found, expected, scale)


def check(seed: int) -> Program:
    program = draw(seed)
    check_gradients(program)
    if seed % 4 == 1:
        check_jacobian_vector_products(program)
    if seed % 4 == 3:
        check_hessian_vector_products(program)
    return program


@pytest.mark.parametrize("start", slow_after(4, range(0, PROGRAMS, BLOCK)))
def test_random_programs_agree_with_the_oracle(start: int) -> None:
    for seed in range(start, min(start + BLOCK, PROGRAMS)):
        check(seed)


def test_the_programs_use_every_operation_and_share_results() -> None:
    programs = [draw(seed) for seed in range(400)]
    steps = [step for program in programs for step in program.steps]
    counted = Counter(step.name for step in steps)
    assert set(counted) == set(OPERATIONS)
    shared = [Counter(place for step in program.steps for place in step.places) for program in programs]
    assert sum(max(count.values(), default=0) > 1 for count in shared) > 200
    assert len(steps) > 5 * len(programs)


if __name__ == "__main__":
    print(check(int(sys.argv[1])))
    print("agrees with the oracle")
