"""Every primitive, every operand, both dtypes, every layout, first and second order: driven by the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import primitives
from minigrad.testing import gradcheck
from tests.ops.cases import CASES, COMPOSED, Array, Case

EVERYTHING = [
    pytest.param(case, id=f"{name}[{number}] {case}")
    for name, cases in (CASES | COMPOSED).items()
    for number, case in enumerate(cases)
]


def differentiated(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


REAL = [
    parameter
    for parameter in EVERYTHING
    if any(map(differentiated, parameter.values[0].inputs)) and parameter.values[0].call not in (mg.argmax, mg.argmin)
    and not str(parameter.id).startswith("comparison.")
]  # fmt: skip

LAYOUTS = {
    "contiguous": lambda x: np.ascontiguousarray(x).reshape(x.shape),
    "transposed": lambda x: np.ascontiguousarray(x.T).T.reshape(x.shape),
    "reversed": lambda x: np.flip(np.flip(x).copy())[...],
    "strided": lambda x: np.repeat(x[..., None], 2, axis=-1)[..., 0],
}


def laid_out(case: Case, dtype: Any, layout: str) -> list[Any]:
    """Return the inputs as tensors that require a gradient; their arrays are read-only."""
    made: list[Any] = []
    for value in case.inputs:
        if differentiated(value):
            value = mg.Tensor(freeze(LAYOUTS[layout](value.astype(dtype))))
            value.requires_grad = True
        made.append(value)
    return made


def called(case: Case, inputs: list[Any]) -> Any:
    options = dict(case.options)
    if "dtype" in options:
        options["dtype"] = next(x.dtype for x in inputs if isinstance(x, mg.Tensor))
    return case.call(*inputs, **options)


def freeze(array: Any) -> Any:
    """Let every write to this memory raise; NumPy's scalars cannot be written anyway."""
    if isinstance(array, np.ndarray):
        array.flags.writeable = False
    return array


def upstream(shape: tuple[int, ...], dtype: Any) -> Array:
    return freeze(np.asarray(np.random.default_rng(7).uniform(0.5, 1.5, shape)).astype(dtype))


def test_every_primitive_has_cases() -> None:
    assert set(CASES) == set(primitives), "add the cases of a new primitive to tests/ops/cases.py"
    assert all(CASES.values())


def test_the_cases_reach_every_operand_and_every_primitive() -> None:
    reached = set()
    for cases in CASES.values():
        for case in cases:
            output = called(case, laid_out(case, np.float64, "contiguous"))
            if output.requires_grad:
                for step in mg.backprop(output, np.ones(output.shape)):
                    reached |= {(step.node.primitive, sent.position) for sent in step.contributions}
    for name, primitive in primitives.items():
        operands = range(2) if primitive.variadic else range(len(primitive.rules))
        for position in operands:
            if primitive.rules[position] is not None:
                assert (primitive, position) in reached, f"no case differentiates argument {position} of {name}"


@pytest.mark.parametrize("case", EVERYTHING)
def test_value_is_numpys(case: Case) -> None:
    arrays = [np.array(value) if isinstance(value, np.ndarray) else value for value in case.inputs]
    expected = np.asarray(case.reference(*arrays, **case.options))
    output = case.call(*[mg.Tensor(a) if isinstance(a, np.ndarray) else a for a in arrays], **case.options)
    assert isinstance(output, mg.Tensor)
    assert output.shape == expected.shape
    assert output.dtype == expected.dtype
    np.testing.assert_allclose(output.numpy(), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("case", REAL)
def test_gradient_agrees_with_finite_differences_to_second_order(case: Case) -> None:
    real = [position for position, value in enumerate(case.inputs) if differentiated(value)]

    def call(*tensors: Any) -> Any:
        inputs: list[Any] = list(case.inputs)
        for position, value in zip(real, tensors, strict=True):
            inputs[position] = value
        return case.call(*inputs, **case.options)

    gradcheck(call, *[case.inputs[position] for position in real], order=2, tolerance=1e-8)


def gradients(case: Case, dtype: Any, layout: str) -> Iterator[tuple[str, Array, Array]]:
    """Yield the gradient of each input, and of each gradient's gradient, with the input."""
    inputs = laid_out(case, dtype, layout)
    tensors = [value for value in inputs if isinstance(value, mg.Tensor)]
    output = called(case, inputs)
    assert output.dtype == dtype
    start = upstream(output.shape, dtype)
    if not output.requires_grad:
        return
    first = mg.grad(output, tensors, gradient=start, create_graph=True, allow_unused=True)
    for x, gradient in zip(tensors, first, strict=True):
        yield "first", x.numpy(), gradient.numpy()
    for gradient in first:
        if gradient.requires_grad:
            second = mg.grad(
                gradient, tensors, gradient=upstream(gradient.shape, dtype), retain_graph=True, allow_unused=True
            )
            for x, part in zip(tensors, second, strict=True):
                yield "second", x.numpy(), np.zeros(x.shape, dtype) if part is None else part.numpy()


@pytest.mark.parametrize("case", REAL)
def test_dtype_and_layout_change_nothing(case: Case) -> None:
    exact = list(gradients(case, np.float64, "contiguous"))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-4)):
        for layout in LAYOUTS:
            found = list(gradients(case, dtype, layout))
            assert len(found) == len(exact)
            for (order, x, gradient), (_, _, reference) in zip(found, exact, strict=True):
                assert gradient.shape == x.shape, order
                assert gradient.dtype == dtype, order
                scale = np.abs(reference).max(initial=1e-3)
                np.testing.assert_allclose(gradient, reference, rtol=tolerance, atol=tolerance * scale, err_msg=order)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("case", REAL)
def test_rules_return_the_dtype_of_their_input(case: Case, dtype: Any) -> None:
    output = called(case, laid_out(case, dtype, "contiguous"))
    assert output.dtype == dtype
    if not output.requires_grad:
        return
    for step in mg.backprop(output, upstream(output.shape, dtype)):
        for sent in step.contributions:
            assert sent.raw.dtype == dtype, f"{step.node} returned {sent.raw.dtype} for argument {sent.position}"
            assert sent.gradient.shape == sent.parent.shape


@pytest.mark.parametrize("case", REAL)
def test_saved_values_and_inputs_are_never_written(case: Case) -> None:
    inputs = laid_out(case, np.float64, "contiguous")
    output = called(case, inputs)
    if not output.requires_grad:
        return
    for node in mg.engine.walk.topological_order([output.node]):
        for saved in node.saved or ():
            freeze(saved)
    for step in mg.backprop(output, upstream(output.shape, np.float64)):
        freeze(step.gradient)
        for sent in step.contributions:
            freeze(sent.total)
