"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import itertools
import string
from typing import Any

import numpy as np

from minigrad.engine.arrays import as_array
from minigrad.engine.numpy_protocol import implements
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.ops.define import primitive

# --- matmul


@primitive(broadcasts=True, numpy=np.matmul)
def matmul(x: Any, y: Any) -> Any:
    """Return the matrix product ``x @ y``; leading axes broadcast, vectors count as rows and columns.

    >>> import minigrad as mg
    >>> mg.matmul(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    return np.matmul(x, y)


def _matmul_left(g: Any, x_shape: tuple[int, ...], y: Any) -> Any:
    # vectors get the axis back that matmul drops: x as a row, y as a column
    if y.ndim == 1:
        y, g = np.expand_dims(y, 1), np.expand_dims(g, -1)
    if len(x_shape) > 1:
        return g @ y.swapaxes(-1, -2)
    return np.squeeze(np.expand_dims(g, -2) @ y.swapaxes(-1, -2), -2)


def _matmul_right(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if x.ndim == 1:
        x, g = np.expand_dims(x, 0), np.expand_dims(g, -2 if len(y_shape) > 1 else -1)
    if len(y_shape) > 1:
        return x.swapaxes(-1, -2) @ g
    return np.squeeze(x.swapaxes(-1, -2) @ np.expand_dims(g, -1), -1)


matmul.derivatives(_matmul_left, _matmul_right)

# --- linear: the layer's product and sum as the one function that it is


@primitive(broadcasts=True)
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return ``x @ weight.T + bias``, with the weight in PyTorch's layout ``(out_features, in_features)``.

    Args:
        x: ``(..., in_features)``.
        weight: ``(out_features, in_features)``.
        bias: ``(out_features,)``, or None.

    Raises:
        ShapeError: when the last axis of ``x`` is not ``in_features``, or the weight is not a matrix.

    >>> import minigrad as mg
    >>> mg.linear(mg.tensor([[1.0, 2.0]]), mg.tensor([[1.0, 1.0], [0.0, 1.0], [2.0, 0.0]]))
    tensor([[3., 2., 2.]])
    """
    if not (isinstance(x, np.ndarray) and isinstance(weight, np.ndarray) and weight.ndim == 2 and x.ndim):
        raise ShapeError(
            "linear: needs x of shape (..., in_features) and a weight of shape (out_features, in_features), got "
            f"{np.shape(x)} and {np.shape(weight)}"
        )
    product = x.dot(weight.T)  # for matrices the same as @, and quicker
    if bias is None:
        return product
    if isinstance(bias, np.ndarray) and bias.dtype is product.dtype and bias.shape == product.shape[-1:]:
        product += bias  # the product is new, and nobody else's
        return product
    return product + bias


def _linear_weight(g: Any, x: Any) -> Any:
    if g.ndim == 2:
        return g.T.dot(x)
    return g.reshape(-1, g.shape[-1]).T.dot(x.reshape(-1, x.shape[-1]))


linear.derivatives(
    lambda g, weight: g.dot(weight),
    _linear_weight,
    lambda g: g,
)

# --- dot


@primitive(numpy=np.dot)
def dot(x: Any, y: Any) -> Any:
    """Return NumPy's ``dot``: the last axis of ``x`` against the last but one (or only) axis of ``y``.

    For two vectors their inner product, for two matrices the matrix product, and with a number
    the multiple.

    >>> import minigrad as mg
    >>> mg.dot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return np.dot(x, y)


def _dot_labels(x: Any, y: Any) -> tuple[str, str, str]:
    """Write the product as an einsum: the labels of x, of y and of the result."""
    letters = iter(string.ascii_letters)
    left = "".join(itertools.islice(letters, x.ndim))
    right = "".join(itertools.islice(letters, y.ndim))
    if x.ndim and y.ndim:
        summed = left[-1]
        place = max(y.ndim - 2, 0)
        right = right[:place] + summed + right[place + 1 :]
        return left, right, left[:-1] + right[:place] + right[place + 1 :]
    return left, right, left + right


def _dot_left(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return g @ y.T
    left, right, result = _dot_labels(x, y)
    return np.einsum(f"{result},{right}->{left}", g, y)


def _dot_right(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return x.T @ g
    left, right, result = _dot_labels(x, y)
    return np.einsum(f"{left},{result}->{right}", x, g)


dot.derivatives(_dot_left, _dot_right)

# --- outer and einsum


@primitive(numpy=np.outer)
def outer(x: Any, y: Any) -> Any:
    """Return the matrix of all products of an element of ``x`` with one of ``y``; both are flattened first.

    >>> import minigrad as mg
    >>> mg.outer(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return np.outer(x, y)


outer.derivatives(
    lambda g, x_shape, y: (g @ y.ravel()).reshape(x_shape),
    lambda g, x, y_shape: (x.ravel() @ g).reshape(y_shape),
)


@primitive(broadcasts=True, in_single=True)
def _einsum(*operands: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *operands, optimize=len(operands) > 2)


def _einsum_rule(g: Any, position: int, operands: Any, subscripts: str) -> Any:
    """Swap the operand's labels with the result's, and hand the gradient in for the operand.

    A label that the operand alone has was summed: it is spread by ones. A label that the
    operand has twice picked a diagonal: the second gets a new letter, tied by an identity matrix.
    """
    inputs, result = subscripts.split("->")
    labels = inputs.split(",")
    target, shape = labels[position], operands[position].shape
    others = labels[:position] + labels[position + 1 :]
    factors = list(operands[:position] + operands[position + 1 :])
    unused = iter(sorted(set(string.ascii_letters) - set(subscripts)))
    seen = ""
    for label, size in zip(target, shape, strict=True):
        if label in seen:
            new = next(unused)
            others.append(label + new)
            factors.append(np.eye(size, dtype=g.dtype))
            label = new
        elif label not in result and not any(label in other for other in others):
            others.append(label)
            factors.append(np.ones(size, dtype=g.dtype))
        seen += label
    gradient = _einsum.dispatch(g, *factors, subscripts=f"{','.join([result, *others])}->{seen}")
    return np.broadcast_to(gradient, np.broadcast_shapes(gradient.shape, shape))  # a label may have size 1 elsewhere


_einsum.derivatives(_einsum_rule)


@implements(np.einsum)
def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Return the sum of products that Einstein's notation describes, as NumPy's ``einsum``.

    Args:
        subscripts: such as ``"ij,jk->ik"``; repeated labels, ``...`` and an implied result work.
        operands: a tensor for each group of labels.

    Raises:
        ArgumentError: when the subscripts do not fit the operands.

    >>> import minigrad as mg
    >>> mg.einsum("ij,j->i", mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    if not isinstance(subscripts, str):
        raise DtypeError(f"einsum: the first argument is a string such as 'ij,jk->ik', got {type(subscripts).__name__}")
    arrays = [operand if isinstance(operand, Tensor) else as_array(operand) for operand in operands]
    return _einsum(*arrays, subscripts=_explicit(subscripts, [array.ndim for array in arrays]))


def _explicit(subscripts: str, ranks: list[int]) -> str:
    """Return the subscripts with ``...`` spelled out in letters, and the result written down."""
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    labels = inputs.split(",")
    if len(labels) != len(ranks):
        raise ArgumentError(f"einsum: {subscripts!r} describes {len(labels)} operands, {len(ranks)} were given")
    if not all(part.replace("...", "").isalpha() or not part.replace("...", "") for part in [*labels, result]):
        raise ArgumentError(f"einsum: {subscripts!r} may have letters, commas, '...' and '->' alone")
    missing = [rank - len(part.replace("...", "")) for part, rank in zip(labels, ranks, strict=True)]
    for part, rank, count in zip(labels, ranks, missing, strict=True):
        if count < 0 or (count and "..." not in part) or part.count("...") > 1:
            raise ArgumentError(f"einsum: {part!r} in {subscripts!r} does not fit an operand with {rank} axes")
    widest = max([count for part, count in zip(labels, missing, strict=True) if "..." in part], default=0)
    letters = "".join(sorted(set(string.ascii_letters) - set(subscripts)))[:widest]
    spelled = [
        part.replace("...", letters[widest - count :] if count else "")
        for part, count in zip(labels, missing, strict=True)
    ]
    if arrow and widest and "..." not in result:
        raise ArgumentError(f"einsum: the result of {subscripts!r} must have '...' too; or name the axes and sum them")
    if arrow:
        result = result.replace("...", letters)
    else:
        written = inputs.replace(".", "").replace(",", "")
        result = letters + "".join(sorted(label for label in set(written) if written.count(label) == 1))
    return f"{','.join(spelled)}->{result}"
