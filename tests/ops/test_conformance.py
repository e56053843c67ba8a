"""Every primitive, operand, dtype, shape and layout, to first and second order: driven by the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.node import backward_order
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


def unaligned(x: Array) -> Array:
    """Copy to memory that begins one byte past where a number may begin."""
    memory = np.empty(x.nbytes + 1, np.uint8)[1:]
    made = np.ndarray(x.shape, x.dtype, memory)
    made[...] = x
    return made


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C order": lambda x: x.copy("C"),
    "Fortran order": lambda x: x.copy("F"),
    "transposed": lambda x: x.T.copy("C").T,
    "negative strides": lambda x: np.flip(np.flip(x).copy())[...],
    "every second": lambda x: np.repeat(x[..., None], 2, axis=-1)[..., 0],
    "broadcast view": lambda x: np.broadcast_to(x[:1], x.shape) if x.ndim and x.shape[0] > 1 else x.copy(),
    "unaligned": unaligned,
    "writable": lambda x: x.copy(),
}
DTYPES: list[tuple[Any, float]] = [(np.float64, 1e-12), (np.float32, 1e-4)]


def laid_out(case: Case, dtype: Any, layout: str) -> list[Any]:
    """Return the inputs as tensors that require a gradient; their arrays are read-only, but where they shall not be."""
    made: list[Any] = []
    for value in case.inputs:
        if differentiated(value):
            array = LAYOUTS[layout](value.astype(dtype))
            value = mg.Tensor(array if layout == "writable" else freeze(array))
            value.requires_grad = True
        made.append(value)
    return made


def same_numbers(case: Case, layout: str) -> Case:
    """Return the case of the numbers that a layout leaves: a broadcast view repeats one of them."""
    inputs = [LAYOUTS[layout](value).copy() if differentiated(value) else value for value in case.inputs]
    return case._replace(inputs=tuple(inputs))


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
            output = called(case, laid_out(case, np.float64, "C order"))
            if output.requires_grad:
                for step in mg.backprop(output, np.ones(output.shape)):
                    reached |= {(step.node.primitive, sent.position) for sent in step.contributions}
    for name, primitive in primitives.items():
        operands = range(2) if primitive.variadic else range(len(primitive.rules))
        for position in operands:
            if primitive.rules[0 if primitive.variadic else position] is not None:
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


# where all numbers are equal, as a broadcast view's are, the deviation has no derivative
TABLE = [
    pytest.param(
        parameter.values[0],
        [
            layout
            for layout in LAYOUTS
            if layout != "broadcast view" or not str(parameter.id).startswith("reduction.std")
        ],
        id=parameter.id,
    )
    for parameter in REAL
]


def test_the_table_has_five_thousand_rows() -> None:
    """A row is a primitive, an operand, a dtype, a shape, a layout and an order of the derivative."""
    operands = [len(layouts) * sum(map(differentiated, case.inputs)) for case, layouts in (row.values for row in TABLE)]
    assert sum(operands) * len(DTYPES) * 2 + sum(operands) * len([np.float16, np.float32]) > 5_000


@pytest.mark.parametrize(("case", "layouts"), TABLE)
def test_dtype_and_layout_change_nothing(case: Case, layouts: list[str]) -> None:
    for layout in layouts:
        exact = list(gradients(same_numbers(case, layout), np.float64, "C order"))
        for dtype, tolerance in DTYPES:
            found = list(gradients(case, dtype, layout))
            assert len(found) == len(exact), layout
            for (order, x, gradient), (_, _, reference) in zip(found, exact, strict=True):
                where = f"{order}, {layout}"
                assert gradient.shape == x.shape, where
                assert gradient.dtype == dtype, where
                scale = np.abs(reference).max(initial=1e-3)
                np.testing.assert_allclose(gradient, reference, rtol=tolerance, atol=tolerance * scale, err_msg=where)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("case", "layouts"), TABLE)
def test_rules_return_the_dtype_of_their_input(case: Case, layouts: list[str], dtype: Any) -> None:
    precision = 16 * np.finfo(dtype).eps
    for layout in layouts:
        output = called(case, laid_out(case, dtype, layout))
        assert output.dtype == dtype, layout
        exact = called(case, laid_out(same_numbers(case, layout), np.float64, "C order")).numpy()
        scale = np.abs(exact).max(initial=1)
        np.testing.assert_allclose(output.numpy(), exact, rtol=precision, atol=precision * scale, err_msg=layout)
        if not output.requires_grad:
            continue
        for step in mg.backprop(output, upstream(output.shape, dtype)):
            for sent in step.contributions:
                where = f"{step.node}, argument {sent.position}, {layout}"
                single = step.node.primitive.in_single and dtype is np.float16  # rounded once, after the rule
                assert sent.raw.dtype == (np.float32 if single else dtype), f"{where}: {sent.raw.dtype}"
                assert sent.gradient.dtype == dtype, where
                assert sent.gradient.shape == sent.parent.shape, where


@pytest.mark.parametrize("case", REAL)
def test_saved_values_and_inputs_are_never_written(case: Case) -> None:
    inputs = laid_out(case, np.float64, "C order")
    output = called(case, inputs)
    if not output.requires_grad:
        return
    for node in backward_order([output.node]):
        for saved in (node.saved or {}).values():
            freeze(saved)
    for step in mg.backprop(output, upstream(output.shape, np.float64)):
        freeze(step.gradient)
        for sent in step.contributions:
            freeze(sent.total)
