"""Random programs: leaves, and steps that take what is there already, in the library's words and in the oracle's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad.ops import loss
from tests.engine import oracle
from tests.engine.oracle import Dual, UnsafeError
from tests.engine.program_options import (
    Options,
    Rng,
    arrays,
    axes,
    axes_of_deviation,
    broadcasting,
    conditions,
    indices,
    joins,
    labels,
    new_shape,
    nothing,
    number,
    of_dot,
    of_layer,
    of_matrices,
    of_one_einsum,
    of_two_einsum,
    one_axis,
    pads,
    permutation,
    places_along,
    shares,
    stacks,
    wider_shape,
)

MOST_ELEMENTS = 60


class Operation(NamedTuple):
    """A function on tensors and on dual numbers, and how its options are drawn: None where the shapes do not fit."""

    tensors: Callable[..., Any]
    duals: Callable[..., Dual]
    operands: int
    options: Callable[..., Options | None]


class Step(NamedTuple):
    """An operation by its name, the places of its operands among all results so far, and its options."""

    name: str
    places: list[int]
    options: Options


class Program(NamedTuple):
    """What one seed stands for; ``watched`` are the places of the leaves that require a gradient."""

    seed: int
    leaves: list[np.ndarray]
    watched: list[int]
    steps: list[Step]
    weights: dict[int, np.ndarray]
    directions: list[np.ndarray]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: python -m tests.engine.test_random_programs {self.seed}"]
        lines += [f"v{k} = leaf{leaf.shape}, watched: {k in self.watched}" for k, leaf in enumerate(self.leaves)]
        for k, step in enumerate(self.steps, len(self.leaves)):
            words = [f"v{place}" for place in step.places] + [f"{key}={value!r}" for key, value in step.options.items()]
            lines.append(f"v{k} = {step.name}({', '.join(words)})".replace("\n", ""))
        return "\n".join([*lines, f"the weighted sum of {', '.join(f'v{place}' for place in self.weights)}"])


# --- the operations


def one(tensors: Any, duals: Any, options: Any = nothing) -> Operation:
    return Operation(tensors, duals, 1, options)


def two(tensors: Any, duals: Any, options: Any = broadcasting) -> Operation:
    return Operation(tensors, duals, 2, options)


def moved(function: Callable[..., Any]) -> Callable[..., Dual]:
    """Return the rule of a function that only moves numbers: NumPy's own, applied to the value and to each tangent."""
    return lambda x, **options: oracle.linear(lambda value: function(value, **options))(x)


def piece_of(module: Any) -> Callable[..., Any]:
    return lambda x, axis: module.split(x, [1], axis=axis)[0]


SMOOTH = """
    exp expm1 log log1p sin cos tan arctan sinh cosh tanh sqrt square sigmoid softplus silu relu sign
"""
OPERATIONS: dict[str, Operation] = {
    **{name: one(getattr(mg, name), getattr(oracle, name)) for name in SMOOTH.split()},
    "negative": one(lambda x: -x, lambda x: oracle.affine(x, -1.0)),
    "abs": one(mg.abs, oracle.absolute),
    "leaky_relu": one(mg.leaky_relu, oracle.leaky_relu, number(0.01, 0.3, 1.4, name="negative_slope")),
    "elu": one(mg.elu, oracle.elu, number(1.0, 0.7, name="alpha")),
    "gelu": one(mg.gelu, oracle.gelu, number("none", "tanh", name="approximate")),
    "clip": one(lambda x, low: mg.clip(x, low, 0.9), lambda x, low: oracle.clip(x, low, 0.9), number(-0.5, name="low")),
    "number to x": one(lambda x, base: base**x, lambda x, base: oracle.exp(oracle.affine(x, np.log(base))),
                       number(2.0, 0.5, 3, name="base")),
    "x to number": one(lambda x, exponent: x**exponent, oracle.to_the,
                       number(0, 1, 2, 3, -1, 0.5, -1.5, 2.0, name="exponent")),
    "scale": one(lambda x, scale: 1 - scale * x, lambda x, scale: oracle.affine(x, -scale, 1.0),
                 number(2, 0.25, -1.5, name="scale")),
    "number over x": one(lambda x, top: top / x, lambda x, top: oracle.affine(oracle.reciprocal(x), top),
                         number(1, -2.5, name="top")),
    "array times x": one(lambda x, array: array * x, lambda x, array: oracle.scaled(x, array), arrays),
    "array minus x": one(lambda x, array: array - x,
                         lambda x, array: Dual(array - x.value, oracle.along(x, lambda t: -t + 0 * array)), arrays),
    "identity": one(mg.identity, lambda x: x),
    "astype": one(lambda x: x.astype(np.float64), lambda x: x),
    "add": two(mg.add, oracle.add),
    "subtract": two(lambda x, y: x - y, oracle.subtract),
    "multiply": two(lambda x, y: x * y, oracle.multiply),
    "divide": two(lambda x, y: x / y, oracle.divide),
    "power": two(mg.power, oracle.power),
    "remainder": two(mg.remainder, oracle.remainder),
    "maximum": two(mg.maximum, oracle.maximum),
    "minimum": two(mg.minimum, oracle.minimum),
    "clip from": two(mg.clip, oracle.maximum),
    "clip between": Operation(lambda x, low, high: mg.clip(x, low, high),
                              lambda x, low, high: oracle.minimum(oracle.maximum(x, low), high), 3, broadcasting),
    "where": two(lambda x, y, condition: mg.where(condition, x, y), oracle.where, conditions),
    "matmul": two(lambda x, y: x @ y, oracle.matmul, of_matrices),
    "dot": two(mg.dot, oracle.dot, of_dot),
    "outer": two(mg.outer, oracle.outer, nothing),
    "linear": Operation(mg.linear, oracle.affine_layer, 3, of_layer),
    "einsum of one": one(lambda x, subscripts: mg.einsum(subscripts, x), oracle.einsum, of_one_einsum),
    "einsum": two(lambda x, y, subscripts: mg.einsum(subscripts, x, y), oracle.einsum, of_two_einsum),
    "sum": one(mg.sum, oracle.total, axes),
    "mean": one(mg.mean, oracle.mean, axes),
    "max": one(mg.max, oracle.largest, axes),
    "min": one(mg.min, oracle.smallest, axes),
    "prod": one(mg.prod, oracle.product, axes),
    "var": one(mg.var, oracle.variance, axes),
    "std": one(mg.std, oracle.deviation, axes_of_deviation),
    "norm": one(mg.norm, oracle.norm, axes),
    "logsumexp": one(mg.logsumexp, oracle.logsumexp, axes),
    "cumsum": one(mg.cumsum, oracle.cumsum, one_axis),
    "softmax": one(mg.softmax, oracle.softmax, one_axis),
    "log_softmax": one(mg.log_softmax, oracle.log_softmax, one_axis),
    "nll_loss": one(loss.nll_loss, oracle.nll_loss, labels),
    "cross_entropy": one(loss.cross_entropy, oracle.cross_entropy, labels),
    "nll_loss of shares": two(loss.nll_loss, oracle.nll_loss, shares),
    "cross_entropy of shares": two(loss.cross_entropy, oracle.cross_entropy, shares),
    "sigmoid_cross_entropy": two(loss.sigmoid_cross_entropy, oracle.sigmoid_cross_entropy),
    "binary_cross_entropy": two(lambda x, y: loss.binary_cross_entropy(mg.sigmoid(x), y), oracle.binary_cross_entropy),
    "getitem": one(lambda x, index: x[index], moved(lambda value, index: value[index]), indices),
    "take_along_axis": one(mg.take_along_axis, moved(np.take_along_axis), places_along),
    "transpose": one(mg.transpose, moved(np.transpose), permutation),
    "swapaxes": one(lambda x, axis: mg.swapaxes(x, axis, 0), moved(lambda x, axis: np.swapaxes(x, axis, 0)), one_axis),
    "moveaxis": one(lambda x, axis: mg.moveaxis(x, axis, 0), moved(lambda x, axis: np.moveaxis(x, axis, 0)), one_axis),
    "T": one(lambda x: x.T, moved(lambda value: value.T)),
    "reshape": one(mg.reshape, moved(lambda value, shape: value.reshape(shape)), new_shape),
    "ravel": one(mg.ravel, moved(np.ravel)),
    "squeeze": one(mg.squeeze, moved(np.squeeze)),
    "expand_dims": one(mg.expand_dims, moved(np.expand_dims), one_axis),
    "broadcast_to": one(mg.broadcast_to, moved(np.broadcast_to), wider_shape),
    "flip": one(mg.flip, moved(np.flip), one_axis),
    "pad": one(mg.pad, oracle.pad, pads),
    "split": one(piece_of(mg), moved(piece_of(np)), one_axis),
    "concatenate": two(lambda x, y, axis: mg.concatenate([x, y, x], axis=axis),
                       lambda x, y, axis: oracle.joined(lambda parts: np.concatenate(parts, axis), x, y, x), joins),
    "stack": two(lambda x, y, axis: mg.stack([x, y], axis=axis),
                 lambda x, y, axis: oracle.joined(lambda parts: np.stack(parts, axis), x, y), stacks),
}  # fmt: skip
NAMES = list(OPERATIONS)


# --- drawing


def draw(seed: int) -> Program:
    """Draw a program; its steps are tried on dual numbers, so that none is near a kink or outside a domain."""
    rng = np.random.default_rng(seed)
    leaves = [rng.uniform(-1.5, 1.5, rng.integers(1, 4, rng.integers(4))) for _ in range(rng.integers(1, 5))]
    leaves = [np.asarray(leaf) for leaf in leaves]
    watched = [place for place in range(len(leaves)) if place == 0 or rng.random() < 0.85]
    program = Program(seed, leaves, watched, [], {}, directions_of(rng, leaves, watched))
    results = duals_of(program)
    for _ in range(rng.integers(1, 13)):
        for _ in range(40):  # tries
            step = draw_step(rng, results)
            try:
                made = step and oracle.bounded(applied(step, results))
            except UnsafeError:
                continue
            if made and made.value.size <= MOST_ELEMENTS and made.value.ndim <= 4:
                program.steps.append(step)
                results.append(made)
                break
    used = {place for step in program.steps for place in step.places}
    for place in range(len(results)):
        if place not in used or rng.random() < 0.2:
            program.weights[place] = rng.uniform(-1, 1, results[place].shape)
    return program


def draw_step(rng: Rng, results: list[Dual]) -> Step | None:
    name = NAMES[rng.integers(len(NAMES))]
    operation = OPERATIONS[name]
    for _ in range(8):  # tries
        places = [int(place) for place in rng.integers(0, len(results), operation.operands)]
        options = operation.options(rng, *[results[place].shape for place in places])
        if options is not None:
            return Step(name, places, options)
    return None


def directions_of(rng: Rng, leaves: list[np.ndarray], watched: list[int]) -> list[np.ndarray]:
    """Return for each leaf its part of the directions: every basis vector for few numbers, else four random vectors."""
    sizes = [leaf.size if place in watched else 0 for place, leaf in enumerate(leaves)]
    flat = np.eye(sum(sizes)) if sum(sizes) <= 8 else rng.normal(size=(4, sum(sizes)))
    parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
    return [
        part.reshape(-1, *leaf.shape) if part.size else np.zeros((len(flat), *leaf.shape))
        for part, leaf in zip(parts, leaves, strict=True)
    ]


def applied(step: Step, results: list[Dual]) -> Dual:
    return OPERATIONS[step.name].duals(*[results[place] for place in step.places], **step.options)


def duals_of(program: Program, shifts: list[Any] | None = None) -> list[Dual]:
    """Return every result as a dual number; ``shifts`` are added to the leaves."""
    results = [
        Dual(leaf if shifts is None else leaf + shifts[place], program.directions[place])
        for place, leaf in enumerate(program.leaves)
    ]
    for step in program.steps:
        results.append(applied(step, results))
    return results


def tensors_of(program: Program, leaves: list[Any]) -> list[Any]:
    """Return every result as a tensor."""
    results = list(leaves)
    for step in program.steps:
        results.append(OPERATIONS[step.name].tensors(*[results[place] for place in step.places], **step.options))
    return results
