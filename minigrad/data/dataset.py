"""Datasets: whatever has a length and gives a sample for an index; the usual kind is made of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from minigrad.engine.arrays import as_array
from minigrad.engine.tensor import Tensor, wrapped
from minigrad.errors import ArgumentError, DtypeError, GraphError, OutOfRangeError, ShapeError

Indices = npt.NDArray[np.intp]


@runtime_checkable
class Dataset(Protocol):
    """What a ``DataLoader`` needs: a length, and a sample for each index from 0.

    A sample is a tuple of, or one of: tensor, array, number.
    """

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """Return one sample."""
        ...


class TensorDataset:
    """Samples that are the rows of some arrays: ``dataset[i]`` is ``(arrays[0][i], arrays[1][i], ...)``.

    Args:
        arrays: arrays, tensors or nested lists with the same first length. Arrays keep their dtype and are not
            copied, so that what is written into them later changes the samples; Python floats become float32.

    Attributes:
        tensors: the arrays, as tensors.

    Raises:
        ArgumentError: when there are no arrays.
        ShapeError: when the first lengths differ, or an array has no axis.
        DtypeError: when an array does not hold real numbers.
        GraphError: when a tensor requires a gradient, which batches would not carry.

    >>> from minigrad import data
    >>> dataset = data.TensorDataset([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [0, 1, 0])
    >>> len(dataset)
    3
    >>> dataset[1]
    (tensor([2., 3.]), tensor(1))
    >>> dataset[:2]
    (tensor([[0., 1.],
           [2., 3.]]), tensor([0, 1]))
    """

    def __init__(self, *arrays: Any) -> None:
        if not arrays:
            raise ArgumentError("TensorDataset needs at least one array, such as TensorDataset(X, y)")
        self.tensors: tuple[Tensor, ...] = tuple(_as_tensor(array) for array in arrays)
        shapes = [tensor.shape for tensor in self.tensors]
        if () in shapes:
            raise ShapeError(f"TensorDataset: each array needs an axis of samples, array {shapes.index(())} has none")
        if len({shape[0] for shape in shapes}) > 1:
            lengths = ", ".join(str(shape[0]) for shape in shapes)
            raise ShapeError(
                f"TensorDataset: the arrays need the same first length, got {lengths} "
                f"(shapes {', '.join(map(str, shapes))})"
            )

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        """Return one sample (an int), or several stacked (a slice, an integer array or list, a boolean mask).

        Raises:
            OutOfRangeError: when there is no such sample.
            DtypeError: when the index is of another kind.
        """
        checked = check_index(index, len(self))
        # the ellipsis keeps what an int selects an array, of no axes for labels
        return tuple(Tensor(tensor._array[checked, ...]) for tensor in self.tensors)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        columns = ", ".join(f"{tensor.shape[1:]} {tensor.dtype}" for tensor in self.tensors)
        return f"TensorDataset({len(self)} samples of {columns})"


def _as_tensor(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        return wrapped(as_array(value))
    if value.requires_grad:
        raise GraphError(
            f"TensorDataset: {value.describe()} requires a gradient, which batches would not carry; use .detach()"
        )
    return value


def check_index(index: Any, length: int) -> int | slice | Indices:
    """Return an index into ``length`` samples: an int, a slice or an integer array.

    Raises:
        OutOfRangeError: when there is no such sample.
        DtypeError: when the index is of another kind.
    """
    if isinstance(index, slice):
        return index
    wanted = "a dataset is indexed by an int, a slice, an array of integers or a boolean mask"
    if index is None or isinstance(index, (bool, np.bool_, str, tuple)):
        raise DtypeError(f"{wanted}, got {index!r}")
    array = index._array if isinstance(index, Tensor) else as_array(index)
    if array.ndim == 0 and array.dtype.kind in "iu":
        _check_range(array.reshape(1), length)
        return int(array)
    return check_indices(array, length, wanted)


def check_indices(array: npt.NDArray[Any], length: int, wanted: str) -> Indices:
    """Return an integer array, or a boolean mask, of one axis as non-negative indices.

    Raises:
        OutOfRangeError: when there is no such sample.
        DtypeError: when the array is of another kind; the message begins with ``wanted``.
    """
    if array.ndim != 1:
        raise DtypeError(f"{wanted}, of one axis; got shape {array.shape}")
    if array.size == 0:
        return np.zeros(0, np.intp)  # an empty list has no dtype of its own
    if array.dtype.kind == "b":
        if len(array) != length:
            raise OutOfRangeError(f"a boolean mask of {len(array)} does not fit a dataset of {length} samples")
        return np.flatnonzero(array)
    if array.dtype.kind not in "iu":
        raise DtypeError(f"{wanted}, got {array.dtype}")
    _check_range(array, length)
    indices = array.astype(np.intp)
    return np.where(indices < 0, indices + length, indices)


def _check_range(indices: npt.NDArray[Any], length: int) -> None:
    outside = indices[(indices < -length) | (indices >= length)]
    if outside.size:
        raise OutOfRangeError(f"there is no sample {outside[0]} in a dataset of {length} samples")


def describe(dataset: Dataset) -> str:
    """Return a few words that show what a dataset is, not what is in it."""
    if type(dataset).__module__.startswith("minigrad.data"):
        return repr(dataset)
    return f"{type(dataset).__name__} of {len(dataset)} samples"


def as_dataset(value: Any, what: str) -> Dataset:
    """Return a dataset; a tuple, or a list of arrays, becomes a ``TensorDataset``, another list holds samples.

    Raises:
        DtypeError: when the value cannot be indexed; the message begins with ``what``.
    """
    if isinstance(value, tuple) or (
        isinstance(value, list) and value and all(isinstance(part, (np.ndarray, Tensor)) for part in value)
    ):
        return TensorDataset(*value)
    if isinstance(value, np.ndarray):
        return wrapped(as_array(value))
    if isinstance(value, (Mapping, str, bytes, type)) or not isinstance(value, Dataset):
        raise DtypeError(
            f"{what} needs a dataset with len() and indexing, or a tuple of arrays such as (X, y), "
            f"got {type(value).__name__}"
        )
    return value
