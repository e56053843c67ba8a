"""Parts of a dataset, chosen by index or at random."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.data.dataset import Dataset, Indices, TensorDataset, as_dataset, check_index, check_indices, describe
from minigrad.engine.arrays import as_array
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError


class Subset:
    """The samples of a dataset at some indices, in their order.

    Args:
        dataset: any dataset, or a tuple of arrays.
        indices: which samples: integers (negative ones count from the end), or a boolean mask.

    Attributes:
        dataset: the whole dataset.
        indices: an array of non-negative integers.

    Raises:
        OutOfRangeError: when there is no such sample.
        DtypeError: when the indices are no integers.

    >>> from minigrad import data
    >>> part = data.Subset(data.xor(), [3, 0])
    >>> len(part), part[0]
    (2, (tensor([1., 1.]), tensor(0)))
    """

    def __init__(self, dataset: Any, indices: Any) -> None:
        self.dataset: Dataset = as_dataset(dataset, "Subset")
        array = indices._array if isinstance(indices, Tensor) else as_array(indices)
        self.indices: Indices = check_indices(array, len(self.dataset), "Subset: indices must be integers")

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        """Return what the whole dataset gives for the index, or the indices, that are meant here.

        Raises:
            OutOfRangeError: when there is no such sample.
            DtypeError: when the index is of another kind.
        """
        chosen: Any = self.indices[check_index(index, len(self))]
        chosen = chosen if isinstance(chosen, np.ndarray) else int(chosen)
        return self.dataset[chosen]

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {describe(self.dataset)})"


def rows(dataset: Dataset, order: Indices) -> tuple[Dataset, Indices]:
    """Return the dataset at the bottom of nested subsets, and the order in its own indices."""
    while isinstance(dataset, Subset):
        if type(dataset).__getitem__ is not Subset.__getitem__:
            break  # a class of the user's own may choose differently
        order, dataset = dataset.indices[order], dataset.dataset
    return dataset, order


def arrays_of(dataset: Dataset) -> tuple[Any, ...] | None:
    """Return the arrays whose rows are the samples, or None where samples are made one by one."""
    # a class of the user's own may make its samples differently
    if isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__:
        return tuple(tensor._array for tensor in dataset.tensors)
    return None


def random_split(dataset: Any, lengths: Sequence[float], *, rng: np.random.Generator | None = None) -> list[Subset]:
    """Split a dataset at random into parts that do not overlap and together are the whole.

    Args:
        dataset: any dataset, or a tuple of arrays.
        lengths: the parts' sizes: integers that sum to ``len(dataset)``, or fractions that sum to 1. Fractions are
            rounded down, and the samples left over go to the parts in turn, from the first (PyTorch's rule).
        rng: where the order comes from; the default generator if None.

    Raises:
        ArgumentError: when the lengths do not sum up, or one is negative.

    >>> import numpy as np
    >>> from minigrad import data
    >>> train, test = data.random_split(data.digits(), [0.8, 0.2], rng=np.random.default_rng(0))
    >>> len(train), len(test)
    (1438, 359)
    """
    whole = as_dataset(dataset, "random_split")
    sizes = _sizes(lengths, len(whole))
    order = generator(rng).permutation(len(whole))
    return [Subset(whole, part) for part in np.split(order, np.cumsum(sizes)[:-1])]


def _sizes(lengths: Any, total: int) -> list[int]:
    several = isinstance(lengths, Sequence) or (isinstance(lengths, np.ndarray) and lengths.ndim > 0)
    if isinstance(lengths, (str, bytes)) or not several or len(lengths) == 0:
        raise ArgumentError(f"random_split: lengths must be a list such as [0.8, 0.2], got {lengths!r}")
    numbers = [part.item() if isinstance(part, np.generic) else part for part in lengths]
    for part in numbers:
        if isinstance(part, bool) or not isinstance(part, (int, float)):
            raise DtypeError(f"random_split: lengths must be integers or fractions, got {part!r}")
        if not part >= 0:
            raise ArgumentError(f"random_split: a length cannot be {part}")
    if all(isinstance(part, int) for part in numbers):
        if sum(numbers) != total:
            raise ArgumentError(
                f"random_split: lengths must sum to the dataset's {total} samples, or be fractions that sum to 1; "
                f"{numbers} sum to {sum(numbers)}"
            )
        return numbers
    if not math.isclose(sum(numbers), 1):
        raise ArgumentError(
            f"random_split: fractions must sum to 1, or all lengths be integers that sum to {total}; "
            f"{numbers} sum to {sum(numbers):g}"
        )
    sizes = [math.floor(total * part) for part in numbers]
    for turn in range(total - sum(sizes)):
        sizes[turn % len(sizes)] += 1
    return sizes
