"""``values_of`` for every function and in random programs: what is computed again has the bits of the forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.recompute import values_of
from tests.ops.cases import CASES, Case
from tests.viz.recording.programs import program, same_bits


def operand(value: Any, dtype: Any) -> Any:
    is_real = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return mg.tensor(value.astype(dtype), requires_grad=True) if is_real else value


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_every_function_is_computed_again_to_the_bit(name: str, dtype: Any) -> None:
    case: Case
    for case in CASES[name]:
        with np.errstate(all="ignore"):
            inputs = [operand(value, dtype) for value in case.inputs]
            out = case.call(*inputs, **case.options)
        if out.node is None:
            continue
        values = values_of(out.node)
        assert same_bits(values[out.node], out._array)
        for value in inputs:
            if isinstance(value, mg.Tensor) and value.node is not None:
                assert same_bits(values[value.node], value._array)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_every_tensor_of_a_random_program_has_its_value(start: int) -> None:
    for seed in range(start, start + 50):
        output, tensors = program(seed)
        values = values_of(output.node)
        for tensor in tensors:
            assert same_bits(values[tensor.node], tensor._array)


def test_what_drew_random_numbers_keeps_what_it_drew() -> None:
    rng = np.random.default_rng(0)

    @mg.primitive(random=True)
    def noisy(x: Any) -> Any:
        return x + rng.normal(size=x.shape)

    noisy.derivatives(lambda g: g)
    drawn = noisy(mg.tensor(np.ones(3), requires_grad=True))
    assert same_bits(values_of(drawn.sum().node)[drawn.node], drawn._array)


def test_values_are_those_of_the_forward_pass() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    bias = np.ones(2, np.float32)
    y = x + bias
    root = (y * 3.0).sum().node
    x.data[...] = 7.0
    bias[...] = 7.0
    values = values_of(root)
    assert values[x.node].tolist() == [1.0, 2.0]
    assert values[y.node].tolist() == [2.0, 3.0]


def test_what_a_backward_pass_has_released_is_known_only_where_a_later_operation_holds_it() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    held, other = x * 2.0, x * 3.0
    product, doubled = held * held, other + other
    held.sum().backward()
    other.sum().backward()
    values = values_of(mg.concatenate([product, doubled]).node)
    assert values[held.node].tolist() == [2.0, 4.0]
    assert values[product.node].tolist() == [4.0, 16.0]
    assert not {x.node, other.node, doubled.node} & set(values)


def test_a_number_that_is_stacked_with_tensors_is_computed_in_their_dtype() -> None:
    x = mg.tensor(1.0, requires_grad=True)
    stacked = mg.stack([x, 2.0])
    assert values_of(stacked.sum().node)[stacked.node].dtype == np.float32
