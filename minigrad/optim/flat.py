"""Elementwise updates: small parameters side by side in one array, large ones in blocks.

A call of ``update`` costs about ten calls of NumPy, whatever the size of its arrays. So small parameters lie side by
side in one array, as do their gradients and states. A large one is updated in blocks that the processor's cache holds:
of the passes that an update makes over its arrays, only the first reads them from memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from operator import is_
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.tensor import Tensor
from minigrad.engine.value import read_only
from minigrad.errors import ShapeError
from minigrad.optim.state import State

Update = Callable[..., Any]

SMALL = 16384  # elements: up to here parameters lie side by side
LARGE = 524288  # elements: beyond, they are updated in blocks
BLOCK = 131072  # elements
NUMBERS = (bool, int, float, np.generic)


class Flat:
    """Small parameters side by side, updated as one, and their states; ``spread`` gives each its own state back.

    Args:
        tensors: parameters of one dtype.
        states: the state of each: arrays of its shape under the same names, and numbers that are the same for all.
    """

    def __init__(self, tensors: Sequence[Tensor], states: Sequence[State]) -> None:
        self.tensors, self.states = tensors, states
        self.shapes, self.dtype = [tensor.shape for tensor in tensors], tensors[0].dtype
        bounds = np.cumsum([0, *(tensor.size for tensor in tensors)]).tolist()
        self.parts = [slice(start, stop) for start, stop in pairwise(bounds)]
        self.values = joined([tensor._array for tensor in tensors], self.dtype)
        self.arrays: list[Array] = []  # the parts of ``values`` that the parameters hold, if they do
        self.state: State = {
            name: joined([state[name] for state in states]) if isinstance(value, np.ndarray) else value
            for name, value in states[0].items()
        }

    def step(self, update: Update, options: dict[str, Any]) -> None:
        """Update the parameters and their state."""
        gradients = [tensor._grad._array for tensor in self.tensors]  # type: ignore[union-attr]
        if [gradient.shape for gradient in gradients] != self.shapes:
            pairs = zip(self.tensors, gradients, strict=True)
            raise next(wrong_gradient(tensor, gradient) for tensor, gradient in pairs if gradient.shape != tensor.shape)
        arrays = [tensor._array for tensor in self.tensors]
        if not same(arrays, self.arrays):  # values that were replaced since the last step
            self.values = joined(arrays, self.dtype)
        p, g = self.values, joined(gradients, self.dtype)
        p.flags.writeable = g.flags.writeable = False
        state = self.state.copy()  # an update that fails counts no step
        new = np.array(checked(update(p, g, state, **options), p), self.dtype)  # what it returned may be held
        for name, value in state.items():
            check_shape(name, value, p)
        self.state, self.values, self.arrays = state, new, self.split(new)
        for tensor, array in zip(self.tensors, self.arrays, strict=True):
            tensor.assign(array)

    def split(self, flat: Array) -> list[Array]:
        """Return the part of each parameter, in its shape: views."""
        return [flat[part].reshape(shape) for part, shape in zip(self.parts, self.shapes, strict=True)]

    def spread(self) -> None:
        """Put into the state of each parameter its part of the state."""
        for state in self.states:
            state.clear()
        for name, value in self.state.items():
            parts = self.split(value) if isinstance(value, np.ndarray) else [value] * len(self.states)
            for state, part in zip(self.states, parts, strict=True):
                state[name] = part


def joined(arrays: list[Array], dtype: Any = None) -> Array:
    """Return arrays side by side."""
    return np.concatenate(arrays, axis=None, dtype=dtype, casting="unsafe")


def same(values: list[Any], others: list[Any]) -> bool:
    """Whether two lists hold the same objects."""
    return len(values) == len(others) and all(map(is_, values, others))


def update_alone(update: Update, tensor: Tensor, state: State, options: dict[str, Any], elementwise: bool) -> None:
    """Update one parameter by itself, in its own shape; a large one in blocks, if the algorithm is elementwise."""
    assert tensor._grad is not None
    p, g = tensor.capture(), tensor._grad.capture().astype(tensor.dtype, copy=False)
    if g.shape != p.shape:
        raise wrong_gradient(tensor, g)
    p, g = read_only(p), read_only(g)
    after = state.copy()  # an update that fails counts no step
    if elementwise and p.size > LARGE and is_contiguous(p, state):
        new = in_blocks(update, p, g, after, options)
    else:
        new = checked(update(p, g, after, **options), p)
        if not (elementwise and is_new(new, p, after)):
            result, new = new, np.empty_like(p)
            new[...] = result
    state |= after
    for name in state.keys() - after.keys():
        del state[name]
    tensor.assign(new)


def in_blocks(update: Update, p: Array, g: Array, state: State, options: dict[str, Any]) -> Array:
    """Return the new values of a large parameter; each block begins with the numbers before the step."""
    new = np.empty(p.shape, p.dtype)
    out, p, g = new.reshape(-1), p.reshape(-1), g.reshape(-1)
    before = {name: value.reshape(-1) if isinstance(value, np.ndarray) else value for name, value in state.items()}
    made: State = {}
    for start in range(0, p.size, BLOCK):
        block = slice(start, start + BLOCK)
        given = {name: value[block] if isinstance(value, np.ndarray) else value for name, value in before.items()}
        after = given.copy()
        out[block] = checked(update(p[block], g[block], after, **options), p[block])
        for name, value in after.items():
            if not isinstance(value, np.ndarray):
                made[name] = value
            elif value is not given.get(name):  # a block of a new array
                check_shape(name, value, out[block])
                whole = made.setdefault(name, np.empty(new.shape, value.dtype)) if start == 0 else made[name]
                whole.reshape(-1)[block] = value
    state |= made
    for name in before.keys() - after.keys():
        del state[name]
    return new


def is_contiguous(p: Array, state: State) -> bool:
    """Whether a parameter and its state can be cut into blocks."""
    arrays = [p, *(value for value in state.values() if isinstance(value, np.ndarray))]
    return all(array.flags.c_contiguous and array.shape == p.shape for array in arrays)


def is_new(result: Any, p: Array, state: State) -> bool:
    """Whether ``update`` has returned an array like the parameter that it has just computed."""
    return (
        type(result) is np.ndarray
        and result.base is None
        and result.flags.writeable
        and (result.dtype, result.strides) == (p.dtype, p.strides)
        and not any(result is value for value in state.values())
    )


def checked(result: Any, p: Array) -> Any:
    """Return what ``update`` has returned, if these can be the new values of ``p``."""
    if result is None or np.shape(result) != p.shape:
        what = "None" if result is None else f"shape {np.shape(result)}"
        raise ShapeError(f"update() must return the new values, an array of shape {p.shape}, and returned {what}")
    return result


def check_shape(name: str, value: Any, new: Array) -> None:
    """Raise unless an array of the state has the shape of the values that were updated."""
    if isinstance(value, np.ndarray) and value.shape != new.shape:
        raise ShapeError(
            f"an elementwise update was given values of shape {new.shape}, so its state {name!r} must have that "
            f"shape, got {value.shape}; let its class say elementwise = False"
        )


def wrong_gradient(tensor: Tensor, gradient: Array) -> ShapeError:
    """Return the error of a gradient that does not have the shape of its parameter."""
    return ShapeError(f"the gradient of {tensor.describe()} must have its shape, got {gradient.shape}")


def arranged(tensors: list[Tensor], states: Mapping[Tensor, State]) -> tuple[list[Flat], list[Tensor]]:
    """Return the small parameters side by side, and the others."""
    runs: dict[Any, list[Tensor]] = {}
    sizes: Counter[Any] = Counter()
    for tensor in tensors:
        kind = kind_of(tensor, states[tensor]) or tensor
        sizes[kind] += tensor.size
        runs.setdefault((kind, sizes[kind] // LARGE), []).append(tensor)
    flats = [Flat(run, [states[tensor] for tensor in run]) for run in runs.values() if len(run) > 1]
    return flats, [run[0] for run in runs.values() if len(run) == 1]


def kind_of(tensor: Tensor, state: State) -> Any:
    """Return what parameters that lie side by side have in common, or None for one that is updated by itself."""
    if tensor.size > SMALL:
        return None
    kind: list[Any] = [tensor.dtype]
    for name, value in state.items():
        if isinstance(value, np.ndarray) and value.shape == tensor.shape:
            kind.append((name, value.dtype))
        elif isinstance(value, NUMBERS):
            kind.append((name, type(value), value))
        else:
            return None
    return tuple(kind)
