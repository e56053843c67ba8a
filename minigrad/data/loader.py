"""DataLoader: batches of a dataset, in a new order each epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.checks import check_flag, check_integer
from minigrad.data.dataset import Dataset, Indices, as_dataset, describe
from minigrad.data.split import arrays_of, rows
from minigrad.engine.arrays import as_array
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError, StateDictError
from minigrad.pytorch_names import AdvisesOnArguments


class DataLoader(AdvisesOnArguments):
    """Batches of a dataset: each iteration is one epoch.

    A batch is what a sample is, with an axis of samples in front: a tuple of tensors where samples are tuples, as
    those of a ``TensorDataset`` are. The order depends on the seed and the epoch alone, so that two loaders of the
    same seed agree, an epoch can be repeated with ``set_epoch``, and iterators do not disturb each other.

    Args:
        dataset: a dataset, or the arrays of one: ``(X, y)``.
        batch_size: the number of samples in a batch; the last may have fewer.
        shuffle: whether each epoch has an order of its own.
        drop_last: whether to leave out a last batch that is short.
        seed: what orders come from; if None, one is drawn from the default generator, now.

    Attributes:
        epoch: the number of epochs begun, which is the number of the next epoch, counted from 0.

    Raises:
        ArgumentError: when the batch size is no positive integer, or the dataset is empty.
        DtypeError: when the dataset cannot be indexed.

    >>> from minigrad import data
    >>> loader = data.DataLoader(data.xor(), batch_size=3)
    >>> len(loader)
    2
    >>> for X, y in loader:
    ...     print(X.shape, y)
    (3, 2) tensor([0, 1, 1])
    (1, 2) tensor([0])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | None = None,
    ) -> None:
        self.dataset: Dataset = as_dataset(dataset, "DataLoader")
        if len(self.dataset) == 0:
            raise ArgumentError("DataLoader: the dataset is empty, there is nothing to load")
        self.batch_size = check_integer("DataLoader: batch_size", batch_size, least=1)
        self.shuffle = check_flag("DataLoader: shuffle", shuffle)
        self.drop_last = check_flag("DataLoader: drop_last", drop_last)
        drawn = generator().integers(2**63) if seed is None else seed
        self.seed = check_integer("DataLoader: seed", drawn, least=0)
        self.epoch = 0

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def set_epoch(self, n: int) -> None:
        """Make the next iteration epoch ``n``: its order is the one that epoch has.

        Raises:
            ArgumentError: when ``n`` is not a non-negative integer.

        >>> from minigrad import data
        >>> loader = data.DataLoader(data.xor(), shuffle=True, seed=0)
        >>> first = [y.item() for X, y in loader]
        >>> loader.set_epoch(0)
        >>> first == [y.item() for X, y in loader]
        True
        """
        self.epoch = check_integer("DataLoader: the epoch", n, least=0)

    def __iter__(self) -> Iterator[Any]:
        return self.batches()

    def batches(self, start: int = 0) -> Iterator[Any]:
        """Begin the next epoch, at any of its batches; those before it are neither gathered nor looked at.

        Args:
            start: the number of the first batch, counted from 0; ``len(loader)`` or more gives none.

        Raises:
            ArgumentError: when ``start`` is not a non-negative integer.

        >>> from minigrad import data
        >>> loader = data.DataLoader(data.xor(), batch_size=2, shuffle=True, seed=0)
        >>> whole = [y.tolist() for X, y in loader]
        >>> loader.set_epoch(0)
        >>> [y.tolist() for X, y in loader.batches(start=1)] == whole[1:]
        True
        """
        start = check_integer("DataLoader: start", start, least=0)
        size = len(self.dataset)
        epoch, self.epoch = self.epoch, self.epoch + 1
        order = np.arange(size)
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(size)
        starts = range(0, len(self) * self.batch_size, self.batch_size)[start:]
        dataset, order = rows(self.dataset, order)
        arrays = arrays_of(dataset)
        if arrays is None:
            return (_collate(dataset, order[start : start + self.batch_size]) for start in starts)
        if dataset is self.dataset and not self.shuffle:
            return _slices(arrays, starts, self.batch_size)
        return _gathered(arrays, order, starts, self.batch_size)

    # --- state

    def state_dict(self) -> dict[str, Any]:
        """Return what the order of the coming epochs depends on: the seed, the epoch, and how the data are divided.

        >>> from minigrad import data
        >>> data.DataLoader(data.xor(), batch_size=2, shuffle=True, seed=7).state_dict()["seed"]
        7
        """
        return {"seed": self.seed, "epoch": self.epoch, **self._division()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the seed and the epoch that ``state_dict`` returned.

        Raises:
            StateDictError: when the data are divided differently, so that batches would be others; lists every
                problem, and nothing has been changed then.
        """
        if not isinstance(state_dict, dict):
            raise StateDictError(f"DataLoader: expected a dict, got {type(state_dict).__name__}")
        own = self.state_dict()
        problems = [f"{name} is missing" for name in own if name not in state_dict]
        problems += [f"{name} is unknown" for name in state_dict if name not in own]
        for name in ("seed", "epoch"):
            value = state_dict.get(name, 0)
            if type(value) is not int or value < 0:
                problems.append(f"{name}: expected a non-negative integer, got {value!r}")
        for name, value in self._division().items():
            if name in state_dict and (type(state_dict[name]) is not type(value) or state_dict[name] != value):
                problems.append(f"{name}: expected {value!r}, got {state_dict[name]!r}")
        if problems:
            listed = "\n".join(f"  - {problem}" for problem in problems)
            raise StateDictError(f"DataLoader: the state dict does not fit:\n{listed}")
        self.seed, self.epoch = state_dict["seed"], state_dict["epoch"]

    def _division(self) -> dict[str, Any]:
        """Return what else decides which samples are in a batch; the samples themselves are not looked at."""
        dataset, order = rows(self.dataset, np.arange(len(self.dataset)))
        chosen = hashlib.sha256(order.astype("<i8").tobytes()).hexdigest()[:16] if dataset is not self.dataset else ""
        options = {"batch_size": self.batch_size, "shuffle": self.shuffle, "drop_last": self.drop_last}
        return {"samples": len(self.dataset), "subset": chosen, **options}

    def __repr__(self) -> str:
        options = f"batch_size={self.batch_size}, shuffle={self.shuffle}"
        options += ", drop_last=True" if self.drop_last else ""
        options += f", seed={self.seed}" if self.shuffle else ""
        return (
            f"DataLoader({describe(self.dataset)}, {options}; {len(self)} {'batch' if len(self) == 1 else 'batches'})"
        )


def _slices(arrays: tuple[Any, ...], starts: range, batch_size: int) -> Iterator[tuple[Tensor, ...]]:
    for start in starts:
        yield tuple([Tensor(array[start : start + batch_size]) for array in arrays])


def _gathered(arrays: tuple[Any, ...], order: Indices, starts: range, batch_size: int) -> Iterator[tuple[Tensor, ...]]:
    for start in starts:
        batch = order[start : start + batch_size]
        # np.take is the faster one, but copies the whole of an array that is not contiguous
        yield tuple([Tensor(a.take(batch, axis=0) if a.flags.c_contiguous else a[batch], None) for a in arrays])


def _collate(dataset: Dataset, batch: Indices) -> Any:
    indices = [int(index) for index in batch]
    samples = [dataset[index] for index in indices]
    lengths = [len(sample) if isinstance(sample, (tuple, list)) else 0 for sample in samples]
    if not any(lengths):
        return _stack(samples, indices, "samples")
    if len(set(lengths)) > 1:
        odd = next(place for place, length in enumerate(lengths) if length != lengths[0])
        raise ShapeError(
            f"samples must have the same number of parts: sample {indices[0]} has {lengths[0] or 'none'}, "
            f"sample {indices[odd]} has {lengths[odd] or 'none'}"
        )
    return tuple(
        _stack(parts, indices, f"part {place} of samples") for place, parts in enumerate(zip(*samples, strict=True))
    )


def _stack(parts: Any, indices: list[int], what: str) -> Tensor:
    arrays = []
    for index, part in zip(indices, parts, strict=True):
        if part is None or isinstance(part, (str, bytes, dict)):
            raise DtypeError(f"{what} must be tensors, arrays or numbers, sample {index} gives {type(part).__name__}")
        arrays.append(as_array(part))
    for index, array in zip(indices, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise ShapeError(
                f"{what} must have the same shape to make a batch: sample {indices[0]} has {arrays[0].shape}, "
                f"sample {index} has {array.shape}"
            )
    return Tensor(np.stack(arrays), None)
