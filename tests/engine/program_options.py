"""The options of a random program's steps: each function draws some that fit the operands' shapes, or returns None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Shape = tuple[int, ...]
Options = dict[str, Any]


def nothing(rng: Rng, *shapes: Shape) -> Options | None:
    return {}


def broadcasting(rng: Rng, *shapes: Shape) -> Options | None:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    return {}


def one_axis(rng: Rng, shape: Shape) -> Options | None:
    return {"axis": int(rng.integers(-len(shape), len(shape)))} if shape else None


def axes(rng: Rng, shape: Shape) -> Options | None:
    count = int(rng.integers(len(shape) + 1))
    picked = tuple(int(axis) for axis in rng.permutation(len(shape))[:count])
    axis = None if not picked else picked[0] if count == 1 else picked
    return {"axis": axis, "keepdims": bool(rng.integers(2))}


def axes_of_deviation(rng: Rng, shape: Shape) -> Options | None:
    return axes(rng, shape) if min(shape, default=1) > 1 else None


def of_matrices(rng: Rng, x: Shape, y: Shape) -> Options | None:
    try:
        np.matmul(np.zeros(x), np.zeros(y))
    except ValueError:
        return None
    return {}


def of_dot(rng: Rng, x: Shape, y: Shape) -> Options | None:
    return {} if not x or not y or x[-1] == y[-2 if len(y) > 1 else -1] else None


def of_layer(rng: Rng, x: Shape, weight: Shape, bias: Shape) -> Options | None:
    fits = len(x) > 0 and len(weight) == 2 and weight[1:] == x[-1:] and bias == weight[:1]
    return {} if fits else None


EINSUMS = {1: [("ij->ji", 2), ("ij->", 2), ("ii->i", 2), ("i...->...", 1)], 2: ["ij,jk->ik", "ij,ij->j", "i,j->ji"]}


def of_one_einsum(rng: Rng, x: Shape) -> Options | None:
    subscripts, rank = EINSUMS[1][rng.integers(4)]
    return {"subscripts": subscripts} if len(x) == rank and ("ii" not in subscripts or x[0] == x[1]) else None


def of_two_einsum(rng: Rng, x: Shape, y: Shape) -> Options | None:
    subscripts = EINSUMS[2][rng.integers(3)]
    left, right = subscripts.partition("->")[0].split(",")
    if (len(left), len(right)) != (len(x), len(y)):
        return None
    sizes = dict(zip(left, x, strict=True))
    fits = all(sizes.get(letter, size) == size for letter, size in zip(right, y, strict=True))
    return {"subscripts": subscripts} if fits else None


def permutation(rng: Rng, shape: Shape) -> Options | None:
    return {"axes": tuple(int(axis) for axis in rng.permutation(len(shape)))}


def new_shape(rng: Rng, shape: Shape) -> Options | None:
    size = int(np.prod(shape))
    return {"shape": [(size,), (1, -1), (-1, 1), (size, 1, 1)][rng.integers(4)]}


def wider_shape(rng: Rng, shape: Shape) -> Options | None:
    return {"shape": (int(rng.integers(1, 3)), *(int(rng.integers(1, 4)) if size == 1 else size for size in shape))}


def pads(rng: Rng, shape: Shape) -> Options | None:
    width = tuple((int(a), int(b)) for a, b in rng.integers(0, 2, (len(shape), 2)))
    return {"pad_width": width, "constant_values": float(rng.normal())} if shape else None


def indices(rng: Rng, shape: Shape) -> Options | None:
    """Draw integers, slices, new axes, arrays with repetitions, and masks."""
    if not shape:
        return {"index": [(), None, ...][rng.integers(3)]}
    size = shape[0]
    array = rng.integers(-size, size, 3)
    mask = rng.random(shape) < 0.5
    mask.flat[0] = True
    choices: list[Any] = [
        int(array[0]),
        slice(None, None, -1),
        slice(size // 2, None),
        None,
        array,
        array.reshape(3, 1),
    ]
    choices += [mask, (..., int(rng.integers(shape[-1]))), (..., rng.integers(0, shape[-1], 4))]
    if len(shape) > 1:
        choices += [(array, rng.integers(0, shape[1], 3)), (slice(None), rng.integers(0, shape[1], 2))]
    return {"index": choices[rng.integers(len(choices))]}


def places_along(rng: Rng, shape: Shape) -> Options | None:
    if not shape:
        return None
    axis = int(rng.integers(len(shape)))
    wanted = tuple(2 if k == axis else size for k, size in enumerate(shape))
    return {"indices": rng.integers(0, shape[axis], wanted), "axis": axis}


def joins(rng: Rng, *shapes: Shape) -> Options | None:
    return {"axis": int(rng.integers(len(shapes[0])))} if shapes[0] and len(set(shapes)) == 1 else None


def stacks(rng: Rng, *shapes: Shape) -> Options | None:
    return {"axis": int(rng.integers(len(shapes[0]) + 1))} if len(set(shapes)) == 1 else None


def conditions(rng: Rng, x: Shape, y: Shape) -> Options | None:
    if broadcasting(rng, x, y) is None:
        return None
    return {"condition": rng.random(np.broadcast_shapes(x, y)) < 0.5}


def labels(rng: Rng, shape: Shape) -> Options | None:
    options = shares(rng, shape, shape)
    return options and {"targets": rng.integers(0, shape[1], shape[0]), **options}


def shares(rng: Rng, shape: Shape, targets: Shape) -> Options | None:
    if len(shape) != 2 or shape != targets:
        return None
    reduction = ("none", "mean", "sum")[rng.integers(3)]
    return {"label_smoothing": (0.0, 0.2)[rng.integers(2)], "reduction": reduction}


def arrays(rng: Rng, shape: Shape) -> Options | None:
    """A constant of a shape that broadcasts against the operand."""
    return {"array": rng.normal(size=tuple(1 if rng.random() < 0.3 else size for size in shape)) + 0.0}


def number(*choices: float, name: str) -> Callable[..., Options | None]:
    return lambda rng, shape: {name: choices[rng.integers(len(choices))]}
