"""Losses that are one function, not a chain of others: exact for logits of any size.

Half precision is computed in single, and rounded once, at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.ops.activation import sigmoid
from minigrad.ops.indexing import scatter
from minigrad.ops.reduction import in_single, narrowed, widened
from minigrad.ops.softmax import log_softmax, shifted, softmax, total_of


@primitive
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
    rows = widened(log_probabilities)
    if targets.ndim == 1 and not label_smoothing:
        losses = -rows[np.arange(len(targets)), targets]
    else:
        losses = -_weighted(_distribution(rows, targets, label_smoothing), rows).sum(axis=-1)
    return narrowed(_reduced(losses, reduction), _decides(log_probabilities, targets))


def _decides(scores: Any, targets: Any) -> Any:
    """Return the one of a loss's inputs whose precision the loss has: single or double targets count too."""
    return targets if targets.dtype.char in "fd" else scores


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return np.add.reduce(losses) / (len(losses) if reduction == "mean" else 1)


def _distribution(log_probabilities: Any, targets: Any, label_smoothing: float) -> Any:
    """Return the targets as probabilities."""
    classes = log_probabilities.shape[-1]
    if targets.ndim == 1:
        targets = (targets[:, None] == np.arange(classes)).astype(log_probabilities.dtype)
    targets = widened(targets)
    return targets * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else targets


def _weighted(weight: Any, value: Any) -> Any:
    """Return the product, in which a weight of 0 wins over an infinite value."""
    return weight * np.where(weight == 0, 0, value)


def _of_each_row(g: Any, rows: Any, reduction: str) -> Any:
    """Return the gradient of each row's loss, so that it broadcasts against the rows."""
    return g[:, None] if reduction == "none" else g * (1 / len(rows)) if reduction == "mean" else g


def _nll_loss_log_probabilities(
    g: Any, out: Any, log_probabilities: Any, targets: Any, label_smoothing: float = 0.0, reduction: str = "none"
) -> Any:
    if targets.ndim == 1 and not label_smoothing:
        share = -g * (1 / len(targets)) if reduction == "mean" else -g
        place = np.arange(len(targets)), targets
        return scatter.dispatch(share, index=place, shape=log_probabilities.shape, unique=True)
    target = _distribution(log_probabilities, targets, label_smoothing)
    return -_of_each_row(g, log_probabilities, reduction) * target


def _nll_loss_targets(
    g: Any, out: Any, log_probabilities: Any, targets: Any, label_smoothing: float = 0.0, reduction: str = "none"
) -> Any:
    return -_of_each_row(g, log_probabilities, reduction) * ((1 - label_smoothing) * log_probabilities)


nll_loss.derivatives(in_single(_nll_loss_log_probabilities), in_single(_nll_loss_targets))


@primitive(keeps=True)
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
    value = shifted(widened(logits), -1)
    weights = np.exp(value)
    total = total_of(weights, -1)
    if targets.ndim == 1 and not label_smoothing:
        losses = np.log(total[:, 0]) - value[np.arange(len(targets)), targets]
    else:
        losses = nll_loss.forward(value - np.log(total), targets, label_smoothing)
    return narrowed(_reduced(losses, reduction), _decides(logits, targets)), weights / total


def _cross_entropy_logits(
    g: Any, out: Any, logits: Any, targets: Any, kept: Any, label_smoothing: float = 0.0, reduction: str = "none"
) -> Any:
    probabilities = softmax.dispatch(logits) if kept is None else kept
    if targets.ndim == 1 and not label_smoothing:
        difference = probabilities - (targets[:, None] == np.arange(logits.shape[1]))
    else:
        target = _distribution(logits, targets, label_smoothing)
        difference = probabilities * np.sum(target, axis=1, keepdims=True) - target
    return difference * _of_each_row(g, logits, reduction)


def _cross_entropy_targets(
    g: Any, out: Any, logits: Any, targets: Any, kept: Any, label_smoothing: float = 0.0, reduction: str = "none"
) -> Any:
    return _nll_loss_targets(g, out, log_softmax.dispatch(logits), targets, label_smoothing, reduction)


cross_entropy.derivatives(in_single(_cross_entropy_logits), in_single(_cross_entropy_targets))


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
    lambda g, out, logits, targets: g * (sigmoid.dispatch(logits) - targets),
    lambda g, out, logits, targets: -g * logits,
)


@primitive(broadcasts=True)
def binary_cross_entropy(probability: Any, target: Any) -> Any:
    """Return the binary cross-entropy of each probability with its target; logarithms end at -100, as PyTorch's.

    >>> import minigrad as mg
    >>> mg.ops.loss.binary_cross_entropy(mg.tensor([0.5, 0.0]), mg.tensor([1.0, 1.0]))
    tensor([  0.6931, 100.    ])
    """
    hit, miss = _limited_logs(probability)
    return -target * hit - (1 - target) * miss


def _limited_logs(probability: Any) -> tuple[Any, Any]:
    with np.errstate(divide="ignore"):  # log(0) is -inf, and limited
        return np.maximum(np.log(probability), -100), np.maximum(np.log1p(-probability), -100)


def _binary_cross_entropy_target(g: Any, out: Any, probability: Any, target: Any) -> Any:
    hit, miss = _limited_logs(probability)
    return g * (miss - hit)


binary_cross_entropy.derivatives(
    in_single(  # in half precision the limit of 1e-12 would be 0
        lambda g, out, probability, target: (
            g * (probability - target) / np.maximum(probability * (1 - probability), 1e-12)
        )
    ),
    _binary_cross_entropy_target,
)
