"""Every operation, on tensors whose arrays were read and on arrays of the user's: writes change no derivative."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.recompute import values_of
from tests.engine.programs import OPERATIONS

DRAWS = 12
# what an operand is: leaves and constants whose array is read before, or only to write into it
KINDS = ["leaf", "leaf, read", "constant", "constant, read", "array"]


def arrays_in(option: Any) -> list[Any]:
    if isinstance(option, (tuple, list)):
        return [array for part in option for array in arrays_in(part)]
    return [option] if isinstance(option, np.ndarray) and option.flags.writeable else []


def results(name: str, values: list[Any], options: dict[str, Any], kinds: list[str], write: bool) -> list[Any]:
    """Return the result, its gradients and second derivatives; with writes after each, or without."""
    options = copy.deepcopy(options)
    operands = [
        value.copy() if kind == "array" else mg.tensor(value, requires_grad=kind.startswith("leaf"))
        for value, kind in zip(values, kinds, strict=True)
    ]
    held = [operand.data for operand, kind in zip(operands, kinds, strict=True) if write and kind.endswith("read")]
    leaves = [operand for operand in operands if isinstance(operand, mg.Tensor) and operand.requires_grad]

    def change() -> None:
        if write:
            arrays = [operand.data if isinstance(operand, mg.Tensor) else operand for operand in operands]
            for array in [*held, *arrays]:
                array[...] = 0.37
            for array in arrays_in(list(options.values())):
                array[...] = 0

    result = OPERATIONS[name].tensors(*operands, **options)
    found = [result.tolist()]
    change()
    assert result.tolist() == found[0]
    if not result.requires_grad:
        return found
    output = (result * result).sum()
    assert values_of(output.node)[output.node] == output.item()
    result.data[...] = 0.37
    first = mg.grad(output, leaves, create_graph=True, allow_unused=True)
    found += [None if gradient is None else gradient.tolist() for gradient in first]
    change()
    slopes = [(gradient * gradient).sum() for gradient in first if gradient is not None and gradient.requires_grad]
    if slopes:
        second = mg.grad(sum(slopes), leaves, allow_unused=True)
        found += [None if gradient is None else gradient.tolist() for gradient in second]
    return found


def draw(name: str, rng: np.random.Generator) -> tuple[list[Any], dict[str, Any], list[str]]:
    """Draw operands and options that fit, and what each operand is; one of them at least is a leaf."""
    operation = OPERATIONS[name]
    while True:
        shape = tuple(rng.integers(1, 4, rng.integers(4)))
        shapes = [shape] + [shape if rng.random() < 0.7 else shape[1:] for _ in range(operation.operands - 1)]
        if name == "linear":
            shapes = [(2, 3), (4, 3), (4,)]
        values = [np.asarray(rng.uniform(0.2, 1.4, each)) for each in shapes]
        options = operation.options(rng, *shapes)
        if options is not None:
            kinds = ["leaf, read" if rng.random() < 0.7 else "leaf"]
            kinds += [KINDS[rng.integers(len(KINDS))] for _ in shapes[1:]]
            return values, options, [kinds[place] for place in rng.permutation(len(kinds))]


@pytest.mark.parametrize("name", OPERATIONS)
def test_writes_change_no_derivative(name: str) -> None:
    rng = np.random.default_rng(list(OPERATIONS).index(name))
    for _ in range(DRAWS):
        values, options, kinds = draw(name, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # outside of a function's domain it is nan, both times
            expected = results(name, values, options, kinds, write=False)
            found = results(name, values, options, kinds, write=True)
        for each, right in zip(found, expected, strict=True):
            assert (each is None) == (right is None)
            if right is not None:
                message = f"{name} of {kinds}, shapes {[value.shape for value in values]}, options {options}"
                np.testing.assert_allclose(each, right, rtol=1e-10, atol=1e-11, err_msg=message)
