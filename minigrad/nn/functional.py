"""Each layer and loss as a function: ``import minigrad.nn.functional as F``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.checks import axis_number, check_flag
from minigrad.engine.arrays import as_array
from minigrad.engine.half import widened
from minigrad.engine.random import uniform
from minigrad.engine.tensor import Tensor, plain_index
from minigrad.errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError
from minigrad.nn.checks import axis_lengths, number_between
from minigrad.nn.loss_functions import binary_cross_entropy as binary_cross_entropy
from minigrad.nn.loss_functions import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from minigrad.nn.loss_functions import cross_entropy as cross_entropy
from minigrad.nn.loss_functions import huber_loss as huber_loss
from minigrad.nn.loss_functions import l1_loss as l1_loss
from minigrad.nn.loss_functions import mse_loss as mse_loss
from minigrad.nn.loss_functions import nll_loss as nll_loss
from minigrad.ops import activation, elementwise, indexing, reduction, shape
from minigrad.ops.activation import elu as elu
from minigrad.ops.activation import gelu as gelu
from minigrad.ops.activation import leaky_relu as leaky_relu
from minigrad.ops.activation import relu as relu
from minigrad.ops.activation import sigmoid as sigmoid
from minigrad.ops.activation import silu as silu
from minigrad.ops.elementwise import tanh as tanh
from minigrad.ops.linalg import linear as linear
from minigrad.ops.softmax import log_softmax as log_softmax
from minigrad.ops.softmax import softmax as softmax
from minigrad.pytorch_names import unknown_name as _unknown_name

if TYPE_CHECKING:  # NumPy imports its generators when they are first asked for
    Rng = np.random.Generator | None


def tensor_of(value: Any) -> Tensor:
    """Return the value as a tensor, itself if it is one."""
    return value if isinstance(value, Tensor) else Tensor(as_array(value))


def softplus(x: Any, beta: float = 1.0) -> Tensor:
    """Return ``log(1 + exp(beta * x)) / beta``, exact for ``x`` of any size.

    Raises:
        ArgumentError: when ``beta`` is no positive number.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.softplus(mg.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.    ])
    """
    beta = number_between("softplus", "beta", beta, 1e-30)
    return activation.softplus(x) if beta == 1 else activation.softplus(tensor_of(x) * beta) / beta


def dropout(x: Any, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """Set each element to 0 with probability ``p`` and scale the others by ``1 / (1 - p)`` (Srivastava et al., 2014).

    Args:
        x: a tensor.
        p: the probability, from 0 to 1.
        training: if False, ``x`` is returned as it is.
        rng: draws the elements; the default generator if None.

    Raises:
        ArgumentError: when ``p`` is no probability.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.dropout(mg.tensor([1.0, 2.0]), p=0.5, training=False)
    tensor([1., 2.])
    """
    p = number_between("dropout", "p", p, 0, 1)
    values = tensor_of(x)
    if not check_flag("dropout: training", training) or p == 0:
        return values
    kept = uniform(values.shape, rng) >= p
    scale = kept.astype(values.dtype) / (1 - p) if p < 1 else np.zeros(values.shape, values.dtype)
    return elementwise.multiply(values, Tensor(scale, None))


def flatten(x: Any, start_axis: int = 1, end_axis: int = -1) -> Tensor:
    """Return with the axes from ``start_axis`` to ``end_axis``, both included, made one.

    Raises:
        OutOfRangeError: when there are no such axes.
        DtypeError: when an axis is no integer.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.flatten(mg.zeros((5, 8, 8))).shape
    (5, 64)
    """
    x = tensor_of(x)
    start_axis = axis_number("flatten", "start_axis", start_axis)
    end_axis = axis_number("flatten", "end_axis", end_axis)
    sizes, rank = x.shape, x.ndim
    if not (-rank <= start_axis < rank and -rank <= end_axis < rank and start_axis % rank <= end_axis % rank):
        raise OutOfRangeError(f"flatten: there are no axes from {start_axis} to {end_axis} in shape {sizes}")
    first, last = start_axis % rank, end_axis % rank
    middle = math.prod(sizes[first : last + 1])
    return shape.reshape(x, (*sizes[:first], middle, *sizes[last + 1 :]))


def embedding(indices: Any, weight: Tensor) -> Tensor:
    """Return the row of ``weight`` for each index.

    Args:
        indices: integers, of any shape.
        weight: ``(num_embeddings, embedding_dim)``.

    Raises:
        DtypeError: when the indices are not integers.
        OutOfRangeError: when an index has no row.
        ShapeError: when the weight is no matrix.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.embedding(mg.tensor([1, 1]), mg.tensor([[0.0, 1.0], [2.0, 3.0]]))
    tensor([[2., 3.],
            [2., 3.]])
    """
    weight, rows = tensor_of(weight), as_array(plain_index(indices))
    if weight.ndim != 2:
        raise ShapeError(
            f"embedding: weight must have the shape (num_embeddings, embedding_dim), got {weight.describe()}"
        )
    if rows.dtype.kind not in "iu":
        raise DtypeError(f"embedding: indices must be integers, got {rows.dtype}; convert with .astype(np.int64)")
    if rows.size and not 0 <= rows.min() <= rows.max() < len(weight):
        raise OutOfRangeError(
            f"embedding: indices must be from 0 to {len(weight) - 1}, got from {rows.min()} to {rows.max()}"
        )
    return indexing.getitem(weight, rows)


def batch_norm(
    x: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel to mean 0 and variance 1 over the batch (Ioffe and Szegedy, 2015).

    Args:
        x: ``(N, C)`` or ``(N, C, L)``.
        running_mean: ``(C,)``, updated in training and used in evaluation; None uses the batch always.
        running_var: likewise, of the unbiased variance.
        weight: ``(C,)``, multiplied afterwards.
        bias: ``(C,)``, added afterwards.
        training: whether to use the batch's own statistics.
        momentum: the share of the batch in the running statistics.
        eps: added to the variance.

    Raises:
        ShapeError: when ``x`` has other axes, the batch has one value a channel in training, or another number of
            channels than what is given for each.
        DtypeError: when a running statistic is no tensor, whose data could be updated.
        ArgumentError: when there is one running statistic without the other, or a number is none, or out of range.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.batch_norm(mg.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.],
            [ 1.]])
    """
    x = tensor_of(x)
    if x.ndim not in (2, 3):
        raise ShapeError(f"batch_norm: expected (N, C) or (N, C, L), got shape {x.shape}")
    eps = number_between("batch_norm", "eps", eps, 0)
    _check_running(running_mean, running_var, x)
    weight, bias = _of_channels("weight", weight, x), _of_channels("bias", bias, x)
    axes, across = ((0,), (1, -1)) if x.ndim == 2 else ((0, 2), (1, -1, 1))
    half = x.dtype.char == "e"
    x = widened(x) if half else x  # all in single, and rounded once
    training = check_flag("batch_norm: training", training)
    if training or running_mean is None or running_var is None:
        count = math.prod(x.shape[axis] for axis in axes)
        if count < 2:
            raise ShapeError(
                f"batch_norm: training needs more than one value for each channel, got shape {x.shape}; "
                "use a larger batch (drop_last=True in the loader), or model.eval()"
            )
        mean, variance = reduction.mean(x, axis=axes), reduction.var(x, axis=axes)
        if training and running_mean is not None and running_var is not None:
            unbiased = variance._array * (count / (count - 1))
            share: Any = number_between("batch_norm", "momentum", momentum, 0, 1)
            share = np.float32(share) if half else share  # NumPy's own number takes halves into single
            running_mean.data = running_mean._array * (1 - share) + mean._array * share
            running_var.data = running_var._array * (1 - share) + unbiased * share
    else:
        mean, variance = running_mean, widened(running_var) if half else running_var
    normal = (x - mean.reshape(across)) / elementwise.sqrt(variance + eps).reshape(across)
    out = _scale_and_shift(normal, weight, bias, across)
    return _rounded(out, weight, bias) if half else out


def layer_norm(
    x: Any, normalized_shape: int | tuple[int, ...], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Normalise each sample to mean 0 and variance 1 over its last axes (Ba et al., 2016).

    Args:
        x: ``(..., *normalized_shape)``.
        normalized_shape: the lengths of the last axes.
        weight: of ``normalized_shape``, multiplied afterwards.
        bias: likewise, added afterwards.
        eps: added to the variance.

    Raises:
        ShapeError: when the last axes of ``x``, or the axes of ``weight`` or ``bias``, are others.
        ArgumentError: when ``normalized_shape`` is none, or ``eps`` no number of at least 0.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.layer_norm(mg.tensor([[1.0, 3.0]]), 2)
    tensor([[-1.,  1.]])
    """
    x, lengths = tensor_of(x), axis_lengths("layer_norm", "normalized_shape", normalized_shape)
    eps = number_between("layer_norm", "eps", eps, 0)
    if x.shape[-len(lengths) :] != lengths:
        raise ShapeError(f"layer_norm: the last axes must be {lengths}, got shape {x.shape}")
    weight, bias = _of_shape("weight", weight, lengths), _of_shape("bias", bias, lengths)
    axes = tuple(range(-len(lengths), 0))
    half = x.dtype.char == "e"
    x = widened(x) if half else x  # all in single, and rounded once
    centred = x - reduction.mean(x, axis=axes, keepdims=True)
    normal = centred / elementwise.sqrt(reduction.var(x, axis=axes, keepdims=True) + eps)
    out = _scale_and_shift(normal, weight, bias, lengths)
    return _rounded(out, weight, bias) if half else out


def _of_channels(name: str, value: Any, x: Tensor) -> Tensor | None:
    """Return what is given for each channel as a tensor."""
    if value is None:
        return None
    tensor = tensor_of(value)
    if tensor.shape != (x.shape[1],):
        raise ShapeError(
            f"batch_norm: {name} is for {tensor.size} channels, the input has {x.shape[1]}: {x.describe()}; "
            f"expected (N, {tensor.size})"
        )
    return tensor


def _check_running(mean: Any, variance: Any, x: Tensor) -> None:
    if (mean is None) != (variance is None):
        raise ArgumentError("batch_norm: running_mean and running_var belong together: give both, or None for both")
    for name, statistic in (("running_mean", mean), ("running_var", variance)):
        if statistic is not None and not isinstance(statistic, Tensor):
            raise DtypeError(
                f"batch_norm: {name} must be a tensor, which training updates; got {type(statistic).__name__}"
            )
        _of_channels(name, statistic, x)


def _of_shape(name: str, value: Any, lengths: tuple[int, ...]) -> Tensor | None:
    """Return what is given for each element of a sample as a tensor."""
    tensor = None if value is None else tensor_of(value)
    if tensor is not None and tensor.shape != lengths:
        raise ShapeError(f"layer_norm: {name} must have the shape {lengths}, got {tensor.shape}")
    return tensor


def _rounded(out: Tensor, *learned: Any) -> Tensor:
    """Return what came of half precision in half, unless what it was scaled or shifted with has more."""
    wider = any(given is not None and given.dtype.char != "e" for given in learned)
    return out if wider else elementwise.astype(out, np.float16)


def _scale_and_shift(normal: Any, weight: Any, bias: Any, across: tuple[int, ...]) -> Tensor:
    scaled = normal if weight is None else normal * weight.reshape(across)
    return scaled if bias is None else scaled + bias.reshape(across)  # type: ignore[no-any-return]


if not TYPE_CHECKING:  # a type checker shall see only what there is
    __getattr__ = _unknown_name(__name__)
