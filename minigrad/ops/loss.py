"""Losses that are one function, not a chain of others: exact for logits of any size."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.ops.activation import sigmoid
from minigrad.ops.softmax import log_softmax, shifted, softmax


@primitive
def softmax_cross_entropy(logits: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    """Return the cross-entropy of each row of logits with its target: ``-sum(target * log_softmax(logits))``.

    Args:
        logits: ``(N, C)``.
        targets: class indices ``(N,)``, or probabilities ``(N, C)``.
        label_smoothing: the share of the target that is spread evenly over the classes
            (Szegedy et al., "Rethinking the Inception architecture", 2016, section 7).

    >>> import minigrad as mg
    >>> mg.ops.loss.softmax_cross_entropy(mg.tensor([[0.0, 0.0]]), mg.tensor([1]))
    tensor([0.6931])
    """
    if targets.ndim == 1 and not label_smoothing:
        value = shifted(logits, -1)
        return np.log(np.add.reduce(np.exp(value), axis=-1)) - value[np.arange(len(targets)), targets]
    return -_weighted(_distribution(logits, targets, label_smoothing), log_softmax.forward(logits)).sum(axis=-1)


def _distribution(logits: Any, targets: Any, label_smoothing: float) -> Any:
    """Return the targets as probabilities."""
    classes = logits.shape[-1]
    if targets.ndim == 1:
        targets = targets[:, None] == np.arange(classes)
        targets = targets.astype(logits.dtype) if label_smoothing else targets
    return targets * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else targets


def _weighted(weight: Any, value: Any) -> Any:
    """Return the product, in which a weight of 0 wins over an infinite value."""
    return weight * np.where(weight == 0, 0, value)


def _cross_entropy_logits(g: Any, out: Any, logits: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    target = _distribution(logits, targets, label_smoothing)
    probabilities = softmax.dispatch(logits)
    if targets.ndim == 2:
        probabilities = probabilities * np.sum(target, axis=-1, keepdims=True)
    return (probabilities - target) * g[:, None]


def _cross_entropy_targets(g: Any, out: Any, logits: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    value = log_softmax.dispatch(logits)
    if label_smoothing:
        value = value * (1 - label_smoothing)
    return -value * g[:, None]


softmax_cross_entropy.derivatives(_cross_entropy_logits, _cross_entropy_targets)


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
    lambda g, out, probability, target: g * (probability - target) / np.maximum(probability * (1 - probability), 1e-12),
    _binary_cross_entropy_target,
)
