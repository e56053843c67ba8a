"""Training curves and decision boundaries, with matplotlib and without its global state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minigrad.calls import call, kind_of
from minigrad.checks import check_integer
from minigrad.engine.creation import tensor
from minigrad.engine.mode import no_grad
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.nn.module import Module
from minigrad.viz.axes import COLORS, MARKERS, Array, make_axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = {"train": (COLORS[0], "-", "o"), "validation": (COLORS[1], "--", "s")}


class HistoryLike(Protocol):
    """What ``fit`` returns, as far as a picture needs it: one number an epoch in each list."""

    train_loss: list[float]
    validation_loss: list[float]
    metrics: dict[str, list[float]]


def history(h: HistoryLike, *, ax: Axes | Sequence[Axes] | None = None) -> Figure:
    """Plot a training run: the loss, and beside it each metric, over the epochs.

    Args:
        h: what ``mg.fit`` returned.
        ax: matplotlib axes to draw on: one for the loss alone, or one for each panel.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        MissingExtraError: when matplotlib is not installed.
        ArgumentError: when the number of axes does not fit.
        DtypeError: when this is no history.

    >>> from types import SimpleNamespace
    >>> run = SimpleNamespace(train_loss=[2.1, 0.9], validation_loss=[], metrics={"train_accuracy": [0.4, 0.8]})
    >>> [axes.get_ylabel() for axes in history(run).axes]
    ['loss', 'accuracy']
    """
    if not all(hasattr(h, name) for name in ("train_loss", "validation_loss", "metrics")):
        raise DtypeError(f"history() draws what mg.fit(...) returned, got {kind_of(h)}")
    panels = _panels(h)
    figure, axes = make_axes(len(panels), ax)
    for panel, (name, curves) in zip(axes, panels.items(), strict=False):
        _curves(panel, name, curves)
    return figure


def decision_boundary(
    model: Callable[[Any], Any], X: Any, y: Any, *, ax: Axes | None = None, resolution: int = 200
) -> Figure:
    """Plot which class a classifier of points in the plane chooses where, and the points themselves.

    The model runs in evaluation mode and records nothing; afterwards it is in the mode it was in.

    Args:
        model: a module, or any function from points ``(M, 2)`` to logits ``(M, C)``; for two classes
            also one logit, ``(M, 1)`` or ``(M,)``, whose sign decides.
        X: the points, ``(N, 2)``.
        y: the class of each, ``(N,)``.
        ax: matplotlib axes to draw on.
        resolution: how many points along each side the model is asked at.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        ShapeError: when the points, the classes or the logits have other shapes.
        DtypeError: when the model cannot be called, or what it is given or returns is no number.
        ArgumentError: when the resolution is less than 2, or a point is not finite.
        MissingExtraError: when matplotlib is not installed.

    >>> import numpy as np
    >>> figure = decision_boundary(lambda points: points.sum(axis=1), np.eye(2), [0, 1], resolution=20)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('x1', 'x2')
    """
    if not callable(model) or isinstance(model, type):
        raise DtypeError(
            f"decision_boundary: model must be a module or a function of points (M, 2), got {kind_of(model)}"
        )
    points, labels = plain(X), plain(y)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"decision_boundary() draws points in the plane: X must have shape (N, 2), got {points.shape}")
    if labels.shape == (len(points), 1):
        labels = labels[:, 0]
    if labels.shape != (len(points),):
        raise ShapeError(f"y must have one class for each of the {len(points)} points, got shape {labels.shape}")
    resolution = check_integer("resolution", resolution, least=2, most=10_000)
    if not np.isfinite(points).all():
        raise ArgumentError("X must be finite, it contains NaN or infinity; drop these points")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.12 * (high - low), 1.0)
    sides = [np.linspace(a, b, resolution) for a, b in zip(low - margin, high + margin, strict=True)]
    across, up = np.meshgrid(*sides)
    grid = np.stack([across.ravel(), up.ravel()], axis=1).astype(points.dtype)
    with _evaluating(model), no_grad():
        logits = plain(call("decision_boundary: model must be a function of points (M, 2)", model, tensor(grid)))
    figure, (axes,) = make_axes(1, ax)
    _regions(axes, across, up, _scores(logits, len(grid)))
    for position, label in enumerate(np.unique(labels)):
        chosen = points[labels == label]
        color, marker = COLORS[_style(label, position) % 8], MARKERS[_style(label, position) % 8]
        style: dict[str, Any] = {"s": 24, "linewidths": 0.7, "edgecolors": "white", "zorder": 3}
        axes.scatter(chosen[:, 0], chosen[:, 1], c=color, marker=marker, label=f"class {label:g}", **style)
    axes.set(xlabel="x1", ylabel="x2", xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])
    axes.legend(loc="best", framealpha=0.9)
    return figure


def _panels(h: HistoryLike) -> dict[str, dict[str, list[float]]]:
    """Return what to plot: for each panel its curves, ``{"loss": {"train": [...]}}``."""
    panels = {"loss": {"train": h.train_loss, "validation": h.validation_loss}}
    for key, values in h.metrics.items():
        part, _, name = key.partition("_")
        part, name = (part, name) if part in CURVES and name else ("train", key)
        panels.setdefault(name, {})[part] = values
    return panels


def _curves(axes: Axes, name: str, curves: dict[str, list[float]]) -> None:
    from matplotlib.ticker import MaxNLocator

    for part, values in curves.items():
        if len(values):
            color, line, marker = CURVES[part]
            every = max(1, len(values) // 12)
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, line, color=color, marker=marker, markersize=4, markevery=every, label=part)
    axes.set(xlabel="epoch", ylabel=name.replace("_", " "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    if any(map(len, curves.values())):
        axes.legend(frameon=False)
    else:
        axes.text(0.5, 0.5, "no epoch was finished", ha="center", va="center", transform=axes.transAxes)


def _regions(axes: Axes, across: Array, up: Array, scores: Array) -> None:
    """Fill the region of each class: where its score exceeds every other."""
    for label in range(scores.shape[1]):
        others = np.delete(scores, label, axis=1).max(axis=1)
        lead = (scores[:, label] - others).reshape(across.shape)
        top = np.nanmax(lead, initial=0.0)
        if top > 0:
            axes.contourf(across, up, lead, levels=[0, top], colors=[COLORS[label % 8]], alpha=0.18)
        if np.nanmin(lead, initial=0.0) < 0 < top:
            axes.contour(across, up, lead, levels=[0], colors="#1b2733", linewidths=1.0)


def _scores(logits: Array, count: int) -> Array:
    """Return one finite score for each point and class; a single logit speaks for class 1, against class 0."""
    scores = np.clip(np.nan_to_num(logits.astype(np.float64)), -1e300, 1e300)
    if logits.shape in ((count,), (count, 1)):
        return np.stack([-scores.reshape(count), scores.reshape(count)], axis=1) / 2
    if logits.ndim == 2 and len(logits) == count:
        return scores / 2
    raise ShapeError(
        f"the model must return logits of shape ({count}, classes), or one for each point; it returned {logits.shape}"
    )


def _style(label: Any, position: int) -> int:
    """Return the number of a class's colour: the class itself, if it is a number from 0."""
    return int(label) if float(label).is_integer() and label >= 0 else position


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    if not isinstance(model, Module):
        yield
        return
    with model.keeping_modes():
        model.eval()
        yield
