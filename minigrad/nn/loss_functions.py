"""Losses as functions: what a model's output and its target are worth, as one number to make small.

``reduction`` is ``"mean"``, ``"sum"`` or ``"none"`` (one loss for each element or sample).
Nothing broadcasts: a prediction and a target of different shapes are an error. Half precision is computed in single,
and the loss and the gradients come back in half.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.checks import one_of
from minigrad.engine.arrays import as_array
from minigrad.engine.tensor import Tensor
from minigrad.errors import DtypeError, OutOfRangeError, ShapeError
from minigrad.nn.checks import number_between
from minigrad.ops import elementwise, loss, piecewise
from minigrad.ops import reduction as reductions

REDUCTIONS = ("mean", "sum", "none")


def _reduce(losses: Tensor, how: str, dtype: Any) -> Tensor:
    """Return the mean, the sum or the losses themselves, in the dtype that the user's tensors have."""
    if how != "none":
        losses = reductions.mean(losses) if how == "mean" else reductions.sum(losses)
    return losses if losses.dtype == dtype else losses.astype(dtype)


# --- classification


def cross_entropy(logits: Any, targets: Any, label_smoothing: float = 0.0, reduction: str = "mean") -> Tensor:
    """Return the cross-entropy of logits with class indices, one-hot rows or probabilities.

    Args:
        logits: ``(N, C)``, ``(C,)`` or ``(N, C, ...)``, before any softmax.
        targets: class indices from 0 to ``C - 1`` without the class axis, or one-hot rows or
            probabilities of the logits' shape.
        label_smoothing: the share of the target that is spread evenly over the classes, from 0 to 1.
        reduction: ``"mean"`` over the samples, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: when the shapes do not fit, or the batch is empty.
        DtypeError: when class indices are not integers.
        OutOfRangeError: when a label is not a class.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.cross_entropy(mg.tensor([[2.0, 0.0], [0.0, 2.0]]), mg.tensor([0, 1]))
    tensor(0.1269)
    """
    if type(label_smoothing) is not float or label_smoothing:
        label_smoothing = number_between("cross_entropy", "label_smoothing", label_smoothing, 0, 1)
    one_of("cross_entropy", "reduction", reduction, REDUCTIONS)
    rows, labels, batch = _rows_of_classes("cross_entropy", logits, targets)
    options = {"label_smoothing": label_smoothing} if label_smoothing else {}
    losses = loss.cross_entropy(rows, labels, reduction=reduction, **options)
    return losses if reduction != "none" or losses.shape == batch else losses.reshape(batch)


def nll_loss(log_probabilities: Any, targets: Any, reduction: str = "mean") -> Tensor:
    """Return the negative log-likelihood: the target class's log-probability, negated.

    Args:
        log_probabilities: ``(N, C)``, ``(C,)`` or ``(N, C, ...)``, such as ``log_softmax`` gives.
        targets: class indices from 0 to ``C - 1``, without the class axis.
        reduction: ``"mean"`` over the samples, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: when the shapes do not fit, or the batch is empty.
        DtypeError: when class indices are not integers.
        OutOfRangeError: when a label is not a class.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.nll_loss(mg.tensor([[-0.5, -1.0]]), mg.tensor([1]))
    tensor(1.)
    """
    one_of("nll_loss", "reduction", reduction, REDUCTIONS)
    rows, labels, batch = _rows_of_classes("nll_loss", log_probabilities, targets)
    if labels.ndim != 1:
        raise ShapeError(f"nll_loss: targets are class indices without the class axis, got shape {np.shape(targets)}")
    losses = loss.nll_loss(rows, labels, reduction=reduction)
    return losses if reduction != "none" or losses.shape == batch else losses.reshape(batch)


def _rows_of_classes(name: str, scores: Any, targets: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """Return the scores as ``(rows, classes)``, the targets to match, and the shape of the batch.

    Targets are labels without the class axis, which is the second (the only one, of a single
    sample); or, in the scores' own shape, one-hot rows or probabilities.
    """
    scores = scores if isinstance(scores, Tensor) else Tensor(as_array(scores))
    targets = targets if isinstance(targets, Tensor) else as_array(targets)
    shape, given = scores._array.shape, targets.shape
    if len(shape) == 2 and given == shape[:1] and given[0]:  # the usual case
        _check_labels(name, targets, shape[1])
        return scores, targets, given
    if not shape:
        raise ShapeError(f"{name}: scores need a class axis, got a single number; expected shape (N, C)")
    class_axis = min(1, len(shape) - 1)
    batch = shape[:class_axis] + shape[class_axis + 1 :]
    if 0 in shape:
        raise ShapeError(f"{name}: the batch is empty: scores of shape {shape}")
    if given == shape:
        targets = _in_dtype(targets, scores.dtype)
    elif given == batch:
        _check_labels(name, targets, shape[class_axis])
    else:
        raise ShapeError(
            f"{name}: for scores{_named(scores)} of shape {shape}, targets{_named(targets)} are class indices of shape "
            f"{batch} or probabilities of shape {shape}; got shape {given}"
        )
    if len(shape) == 2:
        return scores, targets, batch
    rows = (-1, shape[class_axis])
    if given == shape:
        return (
            np.moveaxis(scores, class_axis, -1).reshape(rows),
            np.moveaxis(targets, class_axis, -1).reshape(rows),
            batch,
        )
    return np.moveaxis(scores, class_axis, -1).reshape(rows), targets.reshape(-1), batch


_UNSIGNED: dict[int, Any] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def _check_labels(name: str, targets: Any, classes: int) -> None:
    """Raise unless every label is a class."""
    labels = targets._array if isinstance(targets, Tensor) else targets
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            f"{name}: targets of shape {labels.shape} must be integer class indices, got {labels.dtype}; convert with "
            ".astype(np.int64), or pass probabilities in the scores' shape"
        )
    # as unsigned numbers, negative labels are large: one pass finds both kinds
    if np.maximum.reduce(labels.view(_UNSIGNED[labels.itemsize]), axis=None) >= classes:
        lowest, highest = labels.min(), labels.max()
        raise OutOfRangeError(
            f"{name}: labels must be from 0 to {classes - 1} for {classes} classes, got "
            f"{lowest if lowest < 0 else highest}"
        )


# --- regression


def _same_shape(name: str, prediction: Any, target: Any, called: str = "prediction") -> tuple[Tensor, Any, Any]:
    """Return both, half precision widened, and the dtype of the result, if their shapes agree.

    Broadcasting inside a loss is almost always a mistake. ``called`` is what the user knows the prediction as.
    """
    prediction = prediction if isinstance(prediction, Tensor) else Tensor(as_array(prediction))
    target = target if isinstance(target, Tensor) else as_array(target)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{name}: the {called}{_named(prediction)} {'have' if called == 'logits' else 'has'} shape "
            f"{prediction.shape} and the target{_named(target)} "
            f"{target.shape}; they must be equal, and are never broadcast: "
            + _how_to_fit(prediction.shape, target.shape, called)
        )
    if prediction.size == 0:
        raise ShapeError(f"{name}: the batch is empty: shape {prediction.shape}")
    if prediction.dtype.kind != "f":
        prediction = prediction.astype(np.float32)
    target = _in_dtype(target, prediction.dtype)
    dtype = prediction.dtype if target.dtype == prediction.dtype else np.result_type(prediction.dtype, target.dtype)
    if dtype == np.float16:
        prediction, target = prediction.astype(np.float32), target.astype(np.float32)
    return prediction, target, dtype


def _how_to_fit(shape: tuple[int, ...], given: tuple[int, ...], called: str) -> str:
    """Say which of a prediction and a target of different shapes is to change, and by which call."""
    without_ones = [size for size in shape if size != 1] == [size for size in given if size != 1]
    if without_ones or (shape[:1] == given[:1] and math.prod(shape) == math.prod(given)):
        # -1 for the batch, so that the call fits a last batch of another size too
        wanted = ", ".join(map(str, (-1, *shape[1:]) if shape and shape[0] else shape)) or "()"
        return f"reshape the target with target.reshape({wanted})"
    if given == shape[:-1]:
        return (
            f"the target needs one number for each of the {shape[-1]} outputs of a sample; for class labels use "
            "cross_entropy"
        )
    if _stretches(given, shape):
        return f"if each sample has this target, write mg.broadcast_to(target, {shape})"
    if _stretches(shape, given):
        return (
            f"the {called} has fewer elements than the target: let the model return shape {given}, or write "
            f"mg.broadcast_to({called}, {given})"
        )
    return f"neither can be reshaped to the other, with {math.prod(shape)} and {math.prod(given)} elements"


def _stretches(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether broadcasting makes one shape of the other."""
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def _in_dtype(target: Any, dtype: Any) -> Any:
    """Return a target in the prediction's dtype, which decides; one that requires a gradient keeps its own."""
    kept = target.dtype == dtype or (isinstance(target, Tensor) and target.requires_grad)
    return target if kept else target.astype(dtype)


def _named(value: Any) -> str:
    name = value.name if isinstance(value, Tensor) else None
    return f" {name!r}" if name else ""


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Return the squared error ``(prediction - target)**2``.

    Raises:
        ShapeError: when the shapes differ, or the batch is empty.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.mse_loss(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
    tensor(2.)
    """
    one_of("mse_loss", "reduction", reduction, REDUCTIONS)
    prediction, target, dtype = _same_shape("mse_loss", prediction, target)
    return _reduce(elementwise.square(prediction - target), reduction, dtype)


def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Return the absolute error ``abs(prediction - target)``.

    Raises:
        ShapeError: when the shapes differ, or the batch is empty.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.l1_loss(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
    tensor(1.)
    """
    one_of("l1_loss", "reduction", reduction, REDUCTIONS)
    prediction, target, dtype = _same_shape("l1_loss", prediction, target)
    return _reduce(piecewise.abs(prediction - target), reduction, dtype)


def huber_loss(prediction: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Return the squared error (halved) up to ``delta``, and the absolute error beyond (Huber, 1964).

    Raises:
        ShapeError: when the shapes differ, or the batch is empty.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.huber_loss(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]), reduction="none")
    tensor([0.125, 2.5  ])
    """
    one_of("huber_loss", "reduction", reduction, REDUCTIONS)
    number_between("huber_loss", "delta", delta, 1e-30)
    prediction, target, dtype = _same_shape("huber_loss", prediction, target)
    error = prediction - target
    inside = piecewise.clip(error, -delta, delta)  # its slope is that of the loss, on both sides
    return _reduce(inside * (error - 0.5 * inside), reduction, dtype)


# --- two classes


def binary_cross_entropy(probability: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Return ``-target * log(probability) - (1 - target) * log(1 - probability)``.

    Logarithms are limited to -100 from below, as PyTorch's, so that a probability of 0 or 1 has a
    finite loss. Where logits are at hand ``binary_cross_entropy_with_logits`` is exact.

    Args:
        probability: from 0 to 1, such as a sigmoid gives.
        target: from 0 to 1, of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: when the shapes differ, or the batch is empty.
        OutOfRangeError: when a probability is outside of 0 to 1.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.binary_cross_entropy(mg.tensor([0.5]), mg.tensor([1.0]))
    tensor(0.6931)
    """
    one_of("binary_cross_entropy", "reduction", reduction, REDUCTIONS)
    probability, target, dtype = _same_shape("binary_cross_entropy", probability, target, "probability")
    values = probability._array
    if values.min() < 0 or values.max() > 1:
        raise OutOfRangeError(
            f"binary_cross_entropy: probabilities must be from 0 to 1, got from {values.min():g} to {values.max():g}; "
            "for logits use binary_cross_entropy_with_logits"
        )
    return _reduce(loss.binary_cross_entropy(probability, target), reduction, dtype)


def binary_cross_entropy_with_logits(logits: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Return the binary cross-entropy of ``sigmoid(logits)`` with the target, exact for logits of any size.

    Raises:
        ShapeError: when the shapes differ, or the batch is empty.

    >>> import minigrad as mg
    >>> import minigrad.nn.functional as F
    >>> F.binary_cross_entropy_with_logits(mg.tensor([0.0, 10000.0]), mg.tensor([1.0, 1.0]), reduction="none")
    tensor([0.6931, 0.    ])
    """
    one_of("binary_cross_entropy_with_logits", "reduction", reduction, REDUCTIONS)
    logits, target, dtype = _same_shape("binary_cross_entropy_with_logits", logits, target, "logits")
    return _reduce(loss.sigmoid_cross_entropy(logits, target), reduction, dtype)
