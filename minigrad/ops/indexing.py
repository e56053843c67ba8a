"""Picking elements out, and its opposite: adding elements into zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.checks import axis_number
from minigrad.engine.arrays import as_array
from minigrad.engine.creation import tensor
from minigrad.engine.numpy_protocol import implements
from minigrad.engine.tensor import Tensor, plain_index
from minigrad.errors import DtypeError, OutOfRangeError
from minigrad.ops.define import primitive


@primitive()
def _getitem(x: Any, index: Any) -> Any:
    return x[index]


@primitive(broadcasts=True, in_single=True)
def scatter(values: Any, index: Any, shape: tuple[int, ...], unique: bool = False) -> Any:
    """Return zeros of ``shape`` with ``values`` added at ``index``, as often as a place occurs.

    ``unique`` promises that no place occurs twice, which is faster.

    >>> import minigrad as mg
    >>> mg.ops.indexing.scatter(mg.tensor([1.0, 2.0, 4.0]), index=[0, 2, 2], shape=(4,))
    tensor([1., 0., 6., 0.])
    """
    out = np.zeros_like(values, shape=shape)
    if unique or _is_basic(index):
        out[index] = values
    else:
        np.add.at(out, index, values)
    return out


_getitem.derivatives(lambda g, x_shape, index: scatter.dispatch(g, index=index, shape=x_shape))
scatter.derivatives(lambda g, index: g[index])


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or isinstance(part, (int, np.integer, slice)) for part in parts)


def getitem(x: Tensor, index: Any) -> Tensor:
    """Return ``x[index]``, for any index that NumPy takes: integers, slices, ``...``, None, arrays, masks.

    >>> import minigrad as mg
    >>> mg.arange(10)[2:8:3]
    tensor([2, 5])
    """
    index = plain_index(index)
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if isinstance(part, (float, str)) or (isinstance(part, np.ndarray) and part.dtype.kind == "f"):
            raise DtypeError(
                f"cannot index with {part!r}: use integers, slices, ..., None, or integer and boolean arrays"
            )
    if isinstance(index, list):
        index = as_array(index) if index else np.zeros(0, np.intp)
    return _getitem(x, index=index)


@implements(np.take_along_axis)
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Tensor:
    """Return the elements of ``x`` at ``indices`` along an axis; PyTorch's ``gather``.

    Args:
        x: a tensor.
        indices: integers, of as many axes as ``x``; the other axes broadcast.
        axis: along which to pick; None picks from the flattened tensor.

    Raises:
        OutOfRangeError: when an index does not exist.
        DtypeError: when the indices are not integers.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> mg.take_along_axis(x, [[1], [0]], axis=1)
    tensor([[2.],
            [3.]])
    """
    x = x if isinstance(x, Tensor) else tensor(x)
    picked = as_array(plain_index(indices))
    if picked.dtype.kind not in "iu":
        raise DtypeError(f"take_along_axis: indices must be integers, got {picked.dtype}")
    if axis is None:
        return getitem(x.ravel(), picked)
    axis = axis_number("take_along_axis", "axis", axis)
    if picked.ndim != x.ndim or not -x.ndim <= axis < x.ndim:
        raise OutOfRangeError(
            f"take_along_axis: indices of shape {picked.shape} along axis {axis} do not fit {x.describe()}: "
            "they need as many axes, and the axis must exist"
        )
    grid: list[Any] = list(np.ogrid[tuple(slice(size) for size in x.shape)])
    grid[axis] = picked
    try:
        return getitem(x, tuple(grid))
    except OutOfRangeError as problem:
        raise OutOfRangeError(f"take_along_axis: {problem}") from None
