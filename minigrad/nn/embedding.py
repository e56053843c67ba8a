"""Embedding: a table of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.arrays import check_dtype
from minigrad.engine.tensor import Tensor
from minigrad.nn import functional, init
from minigrad.nn.checks import positive_integer
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class Embedding(Module):
    """A learned vector for each integer from 0 to ``num_embeddings - 1``; they start standard normal.

    Args:
        num_embeddings: how many vectors.
        embedding_dim: how long each is.
        dtype: of the vectors.
        rng: draws the initial values; the default generator if None.

    Raises:
        ArgumentError: when a size is not a positive integer.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Embedding(10, 4)(mg.tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        dtype: npt.DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.num_embeddings = positive_integer("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = positive_integer("Embedding", "embedding_dim", embedding_dim)
        self.weight = init.normal_(Parameter(np.empty((num_embeddings, embedding_dim), check_dtype(dtype))), rng=rng)

    def forward(self, indices: Any) -> Tensor:
        """Return the vector of each index: shape ``(*indices.shape, embedding_dim)``."""
        return functional.embedding(indices, self.weight)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}"
