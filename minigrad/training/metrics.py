"""Metrics: numbers that say how good a batch of outputs is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.checks import is_iterable
from minigrad.engine.arrays import as_array
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, MinigradError, ShapeError

Metric = Callable[[Any, Any], Any]


def accuracy(output: Any, targets: Any) -> float:
    """Return the share of samples whose highest output is the target class.

    Args:
        output: logits or probabilities, ``(N, C)``.
        targets: class indices ``(N,)``, or one-hot rows or probabilities ``(N, C)``.

    Raises:
        ShapeError: when these are not classes: regression has no accuracy.
        DtypeError: when they are no numbers.

    >>> from minigrad.training import accuracy
    >>> import minigrad as mg
    >>> accuracy(mg.tensor([[2.0, 0.0], [2.0, 0.0]]), mg.tensor([0, 1]))
    0.5
    """
    scores, labels = _plain(output), _plain(targets)
    if not are_classes(scores, labels):
        raise ShapeError(
            f"accuracy: needs outputs of shape (N, C) and integer targets of shape (N,), or one-hot rows; got "
            f"{scores.shape} and {labels.dtype} of shape {labels.shape}; for regression pass metrics=()"
        )
    if labels.ndim == 2:
        labels = labels.argmax(axis=1)
    return float((scores.argmax(axis=1) == labels).mean())


def are_classes(output: Any, targets: Any) -> bool:
    """Whether the targets are classes, which outputs of this shape can score."""
    try:
        scores, labels = _plain(output), _plain(targets)
    except MinigradError:  # several outputs, for a loss of the user's own
        return False
    if scores.ndim != 2 or scores.shape[1] < 2:
        return False
    if labels.shape == scores.shape:
        return bool(labels.min() >= 0 and np.allclose(labels.sum(axis=1), 1, atol=1e-3))
    return labels.shape == scores.shape[:1] and labels.dtype.kind in "iu"


def named_metrics(metrics: Sequence[str | Metric]) -> dict[str, Metric]:
    """Return each metric under its name; a string names one of the library's own.

    Raises:
        ArgumentError: when there is none of that name.
    """
    known: dict[str, Metric] = {"accuracy": accuracy}
    if isinstance(metrics, str) or not is_iterable(metrics):
        raise ArgumentError(f"metrics is a list of names and functions, such as ['accuracy']; got {metrics!r}")
    named: dict[str, Metric] = {}
    for metric in metrics:
        if callable(metric):
            named[getattr(metric, "__name__", type(metric).__name__)] = metric
        elif isinstance(metric, str) and metric in known:
            named[metric] = known[metric]
        else:
            raise ArgumentError(
                f"there is no metric {metric!r}; known: {', '.join(known)}; or pass a function of (output, targets)"
            )
    return named


def _plain(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else as_array(value)
