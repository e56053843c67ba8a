"""Random programs against forward-mode differentiation by dual numbers, which shares no code with the library."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st

import minigrad as mg


class Dual(NamedTuple):
    """A value and its derivative along one direction."""

    value: Any
    slope: Any


class Operation(NamedTuple):
    """A function on tensors, and on dual numbers."""

    name: str
    tensors: Callable[..., Any]
    duals: Callable[..., Dual]


def reduced(x: Dual, axis: int) -> Dual:
    return Dual(x.value.mean(axis=axis, keepdims=True), x.slope.mean(axis=axis, keepdims=True))


def soft(x: Dual) -> Dual:
    value = np.exp(x.value) / np.exp(x.value).sum(axis=-1, keepdims=True)
    return Dual(value, value * (x.slope - (value * x.slope).sum(axis=-1, keepdims=True)))


UNARY = [
    Operation("sin", mg.sin, lambda x: Dual(np.sin(x.value), np.cos(x.value) * x.slope)),
    Operation("tanh", mg.tanh, lambda x: Dual(np.tanh(x.value), x.slope / np.cosh(x.value) ** 2)),
    Operation("negate", lambda x: -x, lambda x: Dual(-x.value, -x.slope)),
    Operation("halve", lambda x: x / 2 + 1, lambda x: Dual(x.value / 2 + 1, x.slope / 2)),
    Operation("transpose", lambda x: x.T, lambda x: Dual(x.value.T, x.slope.T)),
    Operation("flip", lambda x: x[::-1], lambda x: Dual(x.value[::-1], x.slope[::-1])),
    Operation("pick", lambda x: x[:, [0, -1, 0]], lambda x: Dual(x.value[:, [0, -1, 0]], x.slope[:, [0, -1, 0]])),
    Operation("mean 0", lambda x: x.mean(axis=0, keepdims=True), lambda x: reduced(x, 0)),
    Operation("mean 1", lambda x: x.mean(axis=1, keepdims=True), lambda x: reduced(x, 1)),
    Operation("softmax", mg.softmax, soft),
    Operation("logistic", mg.sigmoid, lambda x: Dual(1 / (1 + np.exp(-x.value)), x.slope / (2 + 2 * np.cosh(x.value)))),
]
BINARY = [
    Operation("add", lambda x, y: x + y, lambda x, y: Dual(x.value + y.value, x.slope + y.slope)),
    Operation("subtract", lambda x, y: x - y, lambda x, y: Dual(x.value - y.value, x.slope - y.slope)),
    Operation(
        "multiply", lambda x, y: x * y, lambda x, y: Dual(x.value * y.value, x.slope * y.value + x.value * y.slope)
    ),
    Operation(
        "divide",
        lambda x, y: x / (2 + y * y),
        lambda x, y: Dual(
            x.value / (2 + y.value**2),
            x.slope / (2 + y.value**2) - 2 * x.value * y.value * y.slope / (2 + y.value**2) ** 2,
        ),
    ),
    Operation(
        "gram",
        lambda x, y: mg.tanh(x.T @ y) if x.shape[0] == y.shape[0] else x.sum() * y,
        lambda x, y: (
            Dual(
                np.tanh(x.value.T @ y.value),
                (x.slope.T @ y.value + x.value.T @ y.slope) / np.cosh(x.value.T @ y.value) ** 2,
            )
            if x.value.shape[0] == y.value.shape[0]
            else Dual(x.value.sum() * y.value, x.slope.sum() * y.value + x.value.sum() * y.slope)
        ),
    ),
]


class Program(NamedTuple):
    """Leaves, then steps: each an operation and the positions of its arguments among what is there already."""

    shapes: list[tuple[int, int]]
    steps: list[tuple[Operation, list[int]]]
    seed: int


@st.composite
def programs(draw: Any) -> Program:
    sizes = st.sampled_from([1, 2, 3])
    shapes = draw(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=3))
    steps: list[tuple[Operation, list[int]]] = []
    for count in range(draw(st.integers(1, 12))):
        operation = draw(st.sampled_from(UNARY + BINARY + BINARY))
        arguments = 1 if operation in UNARY else 2
        places = st.integers(0, len(shapes) + count - 1)
        steps.append((operation, draw(st.lists(places, min_size=arguments, max_size=arguments))))
    return Program(shapes, steps, draw(st.integers(0, 2**16)))


def run(program: Program, leaves: list[Any], duals: bool) -> list[Any]:
    """Return every result; a pair of shapes that does not broadcast takes its first argument twice."""
    made = list(leaves)
    for operation, places in program.steps:
        arguments = [made[place] for place in places]
        shapes = [argument.value.shape if duals else argument.shape for argument in arguments]
        if (
            len(shapes) == 2
            and operation.name != "gram"
            and any(a != b and 1 not in (a, b) for a, b in zip(*shapes, strict=True))
        ):
            arguments[1] = arguments[0]
        made.append(operation.duals(*arguments) if duals else operation.tensors(*arguments))
    return made


def describe(program: Program) -> str:
    lines = [f"leaves {program.shapes}, numbers from np.random.default_rng({program.seed})"]
    lines += [f"{k + len(program.shapes)}: {step.name} of {places}" for k, (step, places) in enumerate(program.steps)]
    return "\n".join(lines)


def numbers(program: Program) -> tuple[list[Any], list[Any], np.random.Generator]:
    rng = np.random.default_rng(program.seed)
    points = [rng.uniform(-1, 1, shape) for shape in program.shapes]
    return points, [rng.uniform(-1, 1, shape) for shape in program.shapes], rng


@settings(max_examples=150, deadline=None, print_blob=True)
@given(programs())
def test_gradients_agree_with_dual_numbers(program: Program) -> None:
    note(describe(program))
    points, directions, rng = numbers(program)
    leaves = [mg.tensor(point, requires_grad=True, name=f"leaf {k}") for k, point in enumerate(points)]
    results = run(program, leaves, duals=False)
    weights = [rng.uniform(-1, 1, result.shape) for result in results]
    output: Any = sum((result * weight).sum() for result, weight in zip(results, weights, strict=True))
    output.backward()

    duals = run(program, [Dual(p, d) for p, d in zip(points, directions, strict=True)], duals=True)
    expected = math.fsum(float((dual.slope * weight).sum()) for dual, weight in zip(duals, weights, strict=True))
    found = math.fsum(float((leaf.grad.numpy() * d).sum()) for leaf, d in zip(leaves, directions, strict=True))
    scale = max(1.0, *(float(np.abs(dual.slope).max()) for dual in duals))
    assert abs(found - expected) <= 1e-10 * scale
    for result, dual in zip(results, duals, strict=True):
        np.testing.assert_allclose(result.numpy(), dual.value, rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None, print_blob=True)
@given(programs())
def test_hessian_vector_products_agree_with_differences_of_gradients(program: Program) -> None:
    note(describe(program))
    points, directions, _ = numbers(program)

    def last(*leaves: Any) -> Any:
        return mg.tanh(run(program, list(leaves), duals=False)[-1]).sum()

    def gradient(step: float) -> list[Any]:
        _, pullback = mg.vjp(last, *[p + step * d for p, d in zip(points, directions, strict=True)])
        pulled = pullback(1.0)
        return [g.numpy() for g in (pulled if isinstance(pulled, tuple) else (pulled,))]

    products = mg.hvp(last, tuple(points), tuple(directions))
    near, far = [(gradient(h), gradient(-h)) for h in (1e-3, 2e-3)]
    for k, product in enumerate(products):
        expected = (8 * (near[0][k] - near[1][k]) - (far[0][k] - far[1][k])) / (12 * 1e-3)
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(product.numpy(), expected, rtol=1e-6, atol=1e-6 * scale)


@settings(max_examples=40, deadline=None, print_blob=True)
@given(programs())
def test_jvp_is_the_transpose_of_vjp(program: Program) -> None:
    note(describe(program))
    points, directions, rng = numbers(program)

    def last(*leaves: Any) -> Any:
        return run(program, list(leaves), duals=False)[-1]

    value, tangent = mg.jvp(last, tuple(points), tuple(directions))
    cotangent = rng.uniform(-1, 1, value.shape)
    _, pullback = mg.vjp(last, *points)
    pulled = pullback(cotangent)
    pulled = pulled if isinstance(pulled, tuple) else (pulled,)
    forward = float((tangent.numpy() * cotangent).sum())
    backward = sum(float((g.numpy() * d).sum()) for g, d in zip(pulled, directions, strict=True))
    assert abs(forward - backward) <= 1e-10 * max(1.0, abs(forward))
