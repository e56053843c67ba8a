"""Functions that rearrange elements: each derivative undoes the rearrangement."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.checks import axis_number, is_iterable
from minigrad.engine.arrays import as_array
from minigrad.engine.creation import tensor
from minigrad.engine.numpy_protocol import implements
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import sum_to_shape
from minigrad.errors import DtypeError, OutOfRangeError, ShapeError, UnsupportedError
from minigrad.ops.define import primitive


@primitive(numpy=np.reshape)
def reshape(x: Any, shape: int | tuple[int, ...]) -> Any:
    """Return the elements in another shape; one length may be -1, and is then computed.

    >>> import minigrad as mg
    >>> mg.reshape(mg.arange(6), (2, -1)).shape
    (2, 3)
    """
    return np.reshape(x, shape)


reshape.derivatives(lambda g, x_shape: g.reshape(x_shape))


@primitive(numpy=np.ravel)
def ravel(x: Any) -> Any:
    """Return the flattened tensor.

    >>> import minigrad as mg
    >>> mg.ravel(mg.eye(2))
    tensor([1., 0., 0., 1.])
    """
    return np.reshape(x, -1)


ravel.derivatives(lambda g, x_shape: g.reshape(x_shape))


@primitive(numpy=np.transpose)
def transpose(x: Any, axes: tuple[int, ...] | None = None) -> Any:
    """Return the axes in another order; reversed, if ``axes`` is None.

    >>> import minigrad as mg
    >>> mg.transpose(mg.zeros((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    return np.transpose(x, axes)


def _transpose_rule(g: Any, axes: tuple[int, ...] | None) -> Any:
    if axes is None:
        return g.T
    return np.transpose(g, tuple(int(a) for a in np.argsort([axis % g.ndim for axis in axes])))


transpose.derivatives(_transpose_rule)


@primitive(numpy=np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Return two axes exchanged.

    >>> import minigrad as mg
    >>> mg.swapaxes(mg.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return np.swapaxes(x, axis1, axis2)


swapaxes.derivatives(lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))


@primitive(numpy=np.moveaxis)
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Return some axes moved to other places, the others in their order.

    >>> import minigrad as mg
    >>> mg.moveaxis(mg.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return np.moveaxis(x, source, destination)


moveaxis.derivatives(lambda g, source, destination: np.moveaxis(g, destination, source))


@primitive(numpy=np.expand_dims)
def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    """Return with new axes of length 1 at the places ``axis`` of the result.

    >>> import minigrad as mg
    >>> mg.expand_dims(mg.zeros((2, 3)), 1).shape
    (2, 1, 3)
    """
    return np.expand_dims(x, axis)


expand_dims.derivatives(lambda g, x_shape: g.reshape(x_shape))


@primitive(numpy=np.squeeze)
def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Return without axes of length 1: those in ``axis``, or all.

    >>> import minigrad as mg
    >>> mg.squeeze(mg.zeros((1, 3, 1)), 0).shape
    (3, 1)
    """
    return np.squeeze(x, axis)


squeeze.derivatives(lambda g, x_shape: g.reshape(x_shape))


@primitive(numpy=np.broadcast_to)
def broadcast_to(x: Any, shape: int | tuple[int, ...]) -> Any:
    """Return repeated along axes, without copying, to fill ``shape``.

    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    return np.broadcast_to(x, shape)


broadcast_to.derivatives(lambda g, x_shape: sum_to_shape(g, x_shape))


@primitive(numpy=np.flip)
def flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Return with the order reversed along ``axis``; along all axes, if None.

    >>> import minigrad as mg
    >>> mg.flip(mg.arange(3))
    tensor([2, 1, 0])
    """
    return np.flip(x, axis)


flip.derivatives(lambda g, axis: np.flip(g, axis))


@primitive()
def _pad(x: Any, pad_width: tuple[tuple[int, int], ...], constant_values: float) -> Any:
    return np.pad(x, pad_width, constant_values=constant_values)


_pad.derivatives(
    lambda g, x_shape, pad_width: g[
        tuple(slice(before, before + size) for (before, _), size in zip(pad_width, x_shape, strict=True))
    ],
)


@implements(np.pad)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Tensor:
    """Return with a border of a constant value.

    Args:
        x: a tensor.
        pad_width: how many elements to add: one number, ``(before, after)``, or one pair for each axis.
        mode: ``"constant"``, the only one supported.
        constant_values: the value of the border.

    Raises:
        UnsupportedError: for another mode.
        ShapeError: when ``pad_width`` does not fit the axes.

    >>> import minigrad as mg
    >>> mg.pad(mg.tensor([1.0, 2.0]), (1, 2))
    tensor([0., 1., 2., 0., 0.])
    """
    if not isinstance(mode, str) or mode != "constant":
        raise UnsupportedError(f"pad: only mode='constant' is supported, got {mode!r}; concatenate slices for others")
    shape = x.shape if isinstance(x, Tensor) else as_array(x).shape
    try:
        widths = np.broadcast_to(pad_width, (len(shape), 2))
    except ValueError:
        raise ShapeError(f"pad: pad_width {pad_width!r} does not fit a tensor of shape {shape}") from None
    if widths.dtype.kind not in "iu":
        raise DtypeError(f"pad: pad_width counts elements and must be made of integers, got {pad_width!r}")
    pairs = tuple((int(before), int(after)) for before, after in widths)
    return _pad(x, pad_width=pairs, constant_values=constant_values)


# --- several inputs


@primitive()
def _concatenate(*arrays: Any, axis: int) -> Any:
    return np.concatenate(arrays, axis=axis)


def _concatenate_rule(g: Any, position: int, arrays_shape: Any, axis: int) -> Any:
    start = builtins.sum(shape[axis] for shape in arrays_shape[:position])
    index = [slice(None)] * g.ndim
    index[axis] = slice(start, start + arrays_shape[position][axis])
    return g[tuple(index)]


_concatenate.derivatives(_concatenate_rule)


@primitive()
def _stack(*arrays: Any, axis: int) -> Any:
    return np.stack(arrays, axis=axis)


def _stack_rule(g: Any, position: int, axis: int) -> Any:
    index: list[Any] = [slice(None)] * g.ndim
    index[axis] = position
    return g[tuple(index)]


_stack.derivatives(_stack_rule)


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Return tensors joined along an axis that they have; None joins them flattened.

    Raises:
        ShapeError: when there are none, or they differ in another axis.

    >>> import minigrad as mg
    >>> mg.concatenate([mg.ones(2), mg.zeros(1)])
    tensor([1., 1., 0.])
    """
    several = _several("concatenate", arrays)
    if axis is None:
        return _concatenate(*[ravel(array) for array in several], axis=0)
    return _concatenate(*several, axis=axis)


@implements(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Tensor:
    """Return tensors of one shape joined along a new axis.

    Raises:
        ShapeError: when there are none, or their shapes differ.

    >>> import minigrad as mg
    >>> mg.stack([mg.ones(2), mg.zeros(2)], axis=1)
    tensor([[1., 0.],
            [1., 0.]])
    """
    return _stack(*_several("stack", arrays), axis=axis)


def _several(name: str, arrays: Any) -> list[Any]:
    if isinstance(arrays, Tensor) or not is_iterable(arrays):
        raise DtypeError(f"{name}: expects a list of tensors, got {type(arrays).__name__}; write {name}([a, b])")
    made = list(arrays)
    if not made:
        raise ShapeError(f"{name}: expects at least one tensor, got an empty list")
    return made


@implements(np.split)
def split(x: Tensor, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Return the pieces of a tensor: n of equal length, or cut before each of several indices.

    Raises:
        ShapeError: when the axis cannot be divided into so many equal pieces.
        OutOfRangeError: when there is no such axis.
        DtypeError: when the indices are not integers.

    >>> import minigrad as mg
    >>> mg.split(mg.arange(4), 2)
    [tensor([0, 1]), tensor([2, 3])]
    """
    x = x if isinstance(x, Tensor) else tensor(x)
    axis = axis_number("split", "axis", axis)
    if not -x.ndim <= axis < x.ndim:
        raise OutOfRangeError(f"split: there is no axis {axis} in {x.describe()}")
    size = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if indices_or_sections < 1 or size % indices_or_sections:
            raise ShapeError(
                f"split: {size} elements along axis {axis} do not divide into {indices_or_sections} pieces"
            )
        step = size // int(indices_or_sections)
        cuts = list(range(step, size, step)) if step else [0] * (int(indices_or_sections) - 1)
    else:
        try:
            cuts = [operator.index(cut) for cut in indices_or_sections]
        except TypeError:
            raise DtypeError(
                f"split: expects a number of pieces, or a list of the indices to cut at, got {indices_or_sections!r}"
            ) from None
    before = (slice(None),) * (axis % x.ndim)
    edges = zip([0, *cuts], [*cuts, size], strict=True)
    return [x[(*before, slice(start, stop))] for start, stop in edges]
