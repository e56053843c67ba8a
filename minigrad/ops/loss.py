"""Losses that are one function, not a chain of others: exact for logits of any size.

Half precision is computed in single, and rounded once, at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.activation import sigmoid
from minigrad.ops.define import primitive
from minigrad.ops.elementwise import by_convention
from minigrad.ops.indexing import scatter
from minigrad.ops.softmax import log_softmax, shifted, softmax, total_of

_LEAST_VARIANCE = 1e-12  # what the derivative of the binary cross-entropy divides by, at least


@primitive(in_single=True)
def nll_loss(log_probabilities: Any, targets: Any, label_smoothing: float = 0.0, reduction: str = "none") -> Any:
    """Return ``-sum(target * log_probability)`` of each row.

    Args:
        log_probabilities: ``(N, C)``, such as ``log_softmax`` gives.
        targets: class indices ``(N,)``, or probabilities ``(N, C)``.
        label_smoothing: the share of the target that is spread evenly over the classes
            (Szegedy et al., "Rethinking the Inception architecture", 2016, section 7).
        reduction: ``"none"`` for ``(N,)``, or the ``"mean"`` or ``"sum"`` of these.

    >>> import minigrad as mg
    >>> mg.ops.loss.nll_loss(mg.tensor([[-0.5, -1.0], [-2.0, -0.25]]), mg.tensor([1, 0]))
    tensor([1., 2.])
    """
    rows = log_probabilities
    if targets.ndim == 1 and not label_smoothing:
        losses = -rows[np.arange(len(targets)), targets]
    else:
        losses = -_weighted(_distribution(rows, rows.shape[1], targets, label_smoothing), rows).sum(axis=1)
    return _reduced(losses, reduction)


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return np.add.reduce(losses) / (len(losses) if reduction == "mean" else 1)


def _distribution(like: Any, classes: int, targets: Any, label_smoothing: float) -> Any:
    """Return the targets as probabilities, class indices in the dtype of ``like``."""
    if targets.ndim == 1:
        targets = (targets[:, None] == np.arange(classes)).astype(like.dtype)
    return targets * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else targets


def _weighted(weight: Any, value: Any) -> Any:
    """Return the product, in which a weight of 0 wins over an infinite value."""
    return weight * np.where(weight == 0, 0, value)


def _of_each_row(g: Any, targets: Any, reduction: str) -> Any:
    """Return the gradient of each row's loss, so that it broadcasts against the rows."""
    return g[:, None] if reduction == "none" else g * (1 / len(targets)) if reduction == "mean" else g


def _nll_loss_log_probabilities(
    g: Any, log_probabilities_shape: Any, targets: Any, label_smoothing: float, reduction: str
) -> Any:
    if targets.ndim == 1 and not label_smoothing:
        share = -g * (1 / len(targets)) if reduction == "mean" else -g
        place = np.arange(len(targets)), targets
        return scatter.dispatch(share, index=place, shape=log_probabilities_shape, unique=True)
    target = _distribution(g, log_probabilities_shape[1], targets, label_smoothing)
    return -_of_each_row(g, targets, reduction) * target


def _nll_loss_targets(g: Any, log_probabilities: Any, label_smoothing: float, reduction: str) -> Any:
    return -_of_each_row(g, log_probabilities, reduction) * ((1 - label_smoothing) * log_probabilities)


nll_loss.derivatives(_nll_loss_log_probabilities, _nll_loss_targets)


@primitive(keeps=True, in_single=True)
def cross_entropy(logits: Any, targets: Any, label_smoothing: float = 0.0, reduction: str = "none") -> Any:
    """Return ``nll_loss(log_softmax(logits), targets)`` as one function, whose derivative is a difference.

    Args:
        logits: ``(N, C)``, of any size.
        targets: class indices ``(N,)``, or probabilities ``(N, C)``.
        label_smoothing: as in ``nll_loss``.
        reduction: likewise.

    >>> import minigrad as mg
    >>> mg.ops.loss.cross_entropy(mg.tensor([[0.0, 0.0], [0.0, 10000.0]]), mg.tensor([1, 0]))
    tensor([6.9315e-01, 1.0000e+04])
    """
    value = shifted(logits, -1)
    weights = np.exp(value)
    total = total_of(weights, -1)
    if targets.ndim == 1 and not label_smoothing:
        losses = np.log(total[:, 0]) - value[np.arange(len(targets)), targets]
    else:
        losses = nll_loss.forward(value - np.log(total), targets, label_smoothing)
    return _reduced(losses, reduction), weights / total


def _cross_entropy_logits(g: Any, logits: Any, targets: Any, kept: Any, label_smoothing: float, reduction: str) -> Any:
    probabilities = softmax.dispatch(logits) if kept is None else kept
    if targets.ndim == 1 and not label_smoothing:
        difference = probabilities - (targets[:, None] == np.arange(logits.shape[1]))
    else:
        target = _distribution(logits, logits.shape[1], targets, label_smoothing)
        difference = probabilities * np.sum(target, axis=1, keepdims=True) - target
    return difference * _of_each_row(g, targets, reduction)


def _cross_entropy_targets(g: Any, logits: Any, label_smoothing: float, reduction: str) -> Any:
    return _nll_loss_targets(g, log_softmax.dispatch(logits), label_smoothing, reduction)


cross_entropy.derivatives(_cross_entropy_logits, _cross_entropy_targets)


@primitive(broadcasts=True)
def sigmoid_cross_entropy(logits: Any, targets: Any) -> Any:
    """Return the binary cross-entropy of each logit with its target, a probability.

    Computed as ``max(x, 0) - x * target + log(1 + exp(-abs(x)))``, which does not overflow.

    >>> import minigrad as mg
    >>> mg.ops.loss.sigmoid_cross_entropy(mg.tensor([0.0, 10000.0]), mg.tensor([1.0, 1.0]))
    tensor([0.6931, 0.    ])
    """
    positive = _weighted(1 - targets, np.maximum(logits, 0))
    negative = _weighted(targets, np.minimum(logits, 0))
    return positive - negative + np.log1p(np.exp(-np.abs(logits)))


sigmoid_cross_entropy.derivatives(
    lambda g, logits, targets: g * (sigmoid.dispatch(logits) - targets),
    lambda g, logits: -g * logits,
)


@primitive(broadcasts=True, in_single=True)
def binary_cross_entropy(probability: Any, target: Any) -> Any:
    """Return the binary cross-entropy of each probability with its target, logarithms clamped at -100 as PyTorch's.

    >>> import minigrad as mg
    >>> mg.ops.loss.binary_cross_entropy(mg.tensor([0.5, 0.0]), mg.tensor([1.0, 1.0]))
    tensor([  0.6931, 100.    ])
    """
    hit, miss = _limited_logs(probability)
    return -target * hit - (1 - target) * miss


def _limited_logs(probability: Any) -> tuple[Any, Any]:
    with np.errstate(divide="ignore"):  # log(0) is -inf, and limited
        return np.maximum(np.log(probability), -100), np.maximum(np.log1p(-probability), -100)


def _binary_cross_entropy_probability(g: Any, probability: Any, target: Any) -> Any:
    variance = probability * (1 - probability)
    quotient = (probability - target) / np.maximum(variance, _LEAST_VARIANCE)
    return g * by_convention.dispatch(quotient, variance < _LEAST_VARIANCE)


def _binary_cross_entropy_target(g: Any, probability: Any) -> Any:
    hit, miss = _limited_logs(probability)
    # near 1 the derivative of the other logarithm is infinite, and says so itself
    return g * by_convention.dispatch(miss - hit, probability < _LEAST_VARIANCE)


binary_cross_entropy.derivatives(_binary_cross_entropy_probability, _binary_cross_entropy_target)
