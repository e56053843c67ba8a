"""Optimizers on a test surface: their ways down, drawn over its contours, with the loss beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.analysis.descent import Path, descend
from minigrad.analysis.surface import Surface
from minigrad.checks import check_integer, is_iterable
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.viz.animation import TrajectoryAnimation
from minigrad.viz.axes import INK, Array, add_legend, make_axes, style
from minigrad.viz.contours import contours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MakeOptimizer = Callable[[Any], Any]
Entry = MakeOptimizer | tuple[str, MakeOptimizer] | Path
Optimizers = Mapping[str, MakeOptimizer | Path] | Iterable[Entry]

_RESOLUTION = 201
_APART, _MARKERS = 0.05, 16  # markers of a path: at least so far apart, of the diagonal, and about so many
_LONG = 12.0  # diagonals: a path that zig-zags
_FAR = 50.0  # sizes of the picture from its middle, beyond which a path is cut off
_ROUNDING = 1e-16  # of the loss at the start: what is below counts as zero, on a logarithmic axis


def trajectory(
    optimizers: Optimizers,
    surface: Surface,
    *,
    steps: int = 100,
    start: Any = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw the ways of optimizers down a surface of one or two dimensions, and the loss over the steps beside them.

    A path that diverges is cut off outside of the picture, and the legend says so.

    Args:
        optimizers: functions that make an optimizer of a list of parameters, in a list, which are called by what they
            make (``"SGD lr=0.1"``); or by name, in a dict or as pairs ``(name, function)``. A ``Path`` that
            ``analysis.descend`` returned is drawn as it is. Of several by the same name, the later ones are numbered.
        surface: what they descend, from ``analysis.surfaces``.
        steps: how many steps each of them makes.
        start: the point that all begin at, ``(d,)``; by default the surface's own.
        ax: matplotlib axes to draw on: one for the surface alone, or two.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        ArgumentError: when the surface has more than two dimensions, there are no optimizers, the number of steps or of
            axes does not fit, or the start or its loss is not finite.
        ShapeError: when the start is no point of the surface.
        DtypeError: when an entry is no such function, or the surface is none.
        MissingExtraError: when matplotlib is not installed.

    >>> from minigrad import analysis, optim
    >>> makers = [lambda p: optim.SGD(p, lr=0.02), lambda p: optim.SGD(p, lr=0.02, momentum=0.9)]
    >>> figure = trajectory(makers, analysis.surfaces.quadratic_bowl(50.0), steps=30)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['SGD lr=0.02', 'SGD lr=0.02 momentum=0.9', 'start', 'minimum']
    """
    return _draw(_paths("trajectory", optimizers, surface, steps, start), surface, ax).figure


def animate_trajectory(
    optimizers: Optimizers, surface: Surface, *, steps: int = 100, start: Any = None, frames: int = 40
) -> TrajectoryAnimation:
    """Draw the ways of optimizers down a surface as an animation: a page that needs nothing else.

    Args:
        optimizers: as ``trajectory`` takes them.
        surface: what they descend, from ``analysis.surfaces``.
        steps: how many steps each of them makes.
        start: the point that all begin at, ``(d,)``; by default the surface's own.
        frames: how many pictures there are at most, evenly spread over the steps; each takes a few kB.

    Returns:
        The animation, which shows itself in a notebook and has ``.save("path.html")``.

    Raises:
        ArgumentError: as ``trajectory``, and when there are fewer than two frames.
        DtypeError: when an entry is no function that makes an optimizer, or the surface is none.
        MissingExtraError: when matplotlib is not installed.

    >>> from minigrad import analysis, optim
    >>> animation = animate_trajectory([lambda p: optim.SGD(p, lr=0.1)], analysis.surfaces.saddle(), steps=9, frames=4)
    >>> animation.steps
    (0, 3, 6, 9)
    """
    frames = check_integer("animate_trajectory: frames", frames, least=2)
    paths = _paths("animate_trajectory", optimizers, surface, steps, start)
    drawn = _draw(paths, surface, None)
    longest = max(path.steps for path in paths)
    shown = np.unique(np.linspace(0, longest, min(frames, longest + 1)).round().astype(int)).tolist()
    return TrajectoryAnimation.of(drawn.figure, drawn.curves, shown, title=f"Optimizers on: {surface.name}")


@dataclass(frozen=True)
class _Drawn:
    figure: Figure
    curves: list[tuple[Line2D, Array]]  # each line with its points, one for each step


def _paths(function: str, optimizers: Any, surface: Any, steps: int, start: Any) -> list[Path]:
    if not isinstance(surface, Surface):
        raise DtypeError(
            f"{function}: surface must be a Surface, such as analysis.surfaces.rosenbrock(), "
            f"got {type(surface).__name__}"
        )
    if surface.dimension > 2:
        raise ArgumentError(
            f"{function} draws surfaces of one or two dimensions, {surface.name} has {surface.dimension}; "
            "analysis.descend gives the paths and losses on any"
        )
    if callable(optimizers) or isinstance(optimizers, (str, Path)) or not is_iterable(optimizers):
        raise DtypeError(
            f"{function}: optimizers must be a list or dict of functions such as lambda p: optim.SGD(p, lr=0.1), "
            f"got {optimizers!r}"
        )
    entries: list[Any] = list(optimizers.items() if isinstance(optimizers, Mapping) else optimizers)
    if not entries:
        raise ArgumentError(f"{function}: no optimizers; pass at least one, such as lambda p: optim.SGD(p, lr=0.1)")
    return _told_apart([_path(function, entry, surface, steps, start) for entry in entries])


def _path(function: str, entry: Any, surface: Surface, steps: int, start: Any) -> Path:
    label, made = entry if isinstance(entry, tuple) and len(entry) == 2 else (None, entry)
    if label is not None and not isinstance(label, str):
        raise DtypeError(f"{function}: a pair is (name, function), got {entry!r}")
    if not isinstance(made, Path):
        with _as_errors_of(function):
            made = descend(made, surface, steps, start)
    elif made.points.shape[1] != surface.dimension:
        raise ArgumentError(
            f"{function}: the path of {made.label} has {made.points.shape[1]} dimensions, {surface.name} has "
            f"{surface.dimension}; draw it on its own surface"
        )
    return made if label is None else replace(made, label=label)


@contextmanager
def _as_errors_of(function: str) -> Iterator[None]:
    """Let what ``descend`` refuses be said of the function that the user called, and of its arguments."""
    try:
        yield
    except (ArgumentError, DtypeError, ShapeError) as problem:
        _, ours, said = str(problem).partition("descend: ")
        if not ours:
            raise
        raise type(problem)(f"{function}: {said.replace('make_optimizer', 'an entry of optimizers')}") from None


def _told_apart(paths: list[Path]) -> list[Path]:
    """Return the paths, of which the later ones of the same label are numbered."""
    given, seen, named = {path.label for path in paths}, set[str](), []
    for path in paths:
        label, number = path.label, 1
        while label in seen or (number > 1 and label in given):
            number += 1
            label = f"{path.label} ({number})"
        seen.add(label)
        named.append(replace(path, label=label))
    return named


def _draw(paths: list[Path], surface: Surface, given: Any) -> _Drawn:
    figure, axes = make_axes(2, given)
    starts = np.array([path.points[0] for path in paths])
    low, high = np.array(surface.bounds).T
    low, high = np.minimum(low, starts.min(axis=0)), np.maximum(high, starts.max(axis=0))
    sides = [np.linspace(a, b, _RESOLUTION) for a, b in zip(low, high, strict=True)]
    values = surface.values(np.stack(np.meshgrid(*sides), axis=-1))
    axes[0].set_title(surface.name)
    if surface.dimension == 1:
        curves = _on_curve(axes[0], paths, sides[0], values, (low, high))
    else:
        contours(axes[0], sides[0], sides[1], values, label="loss", lowest=surface.minimum)
        axes[0].set(xlabel="x", ylabel="y")
        curves = _on_plane(axes[0], paths, (low, high))
    _landmarks(axes[0], surface, starts)
    if len(axes) > 1:
        curves += _losses(axes[1], paths, surface, values)
    add_legend(axes[0], below=given is None)
    return _Drawn(figure, curves)


def _on_plane(axes: Axes, paths: list[Path], view: tuple[Array, Array]) -> list[tuple[Line2D, Array]]:
    curves = []
    for position, path in enumerate(paths):
        points = _cut(path.points, *view)
        curves.append(_path_curve(axes, points, position, _said(path, view), view[1] - view[0]))
    return curves


def _on_curve(
    axes: Axes, paths: list[Path], across: Array, values: Array, view: tuple[Array, Array]
) -> list[tuple[Line2D, Array]]:
    axes.plot(across, values, color=INK, linewidth=1.0, alpha=0.6)
    margin = 0.05 * np.ptp(values)
    axes.set(xlabel="x", ylabel="loss", xlim=(across[0], across[-1]))
    axes.set_ylim(values.min() - margin, values.max() + margin)
    axes.grid(alpha=0.25)
    box = np.append(view[0], values.min()), np.append(view[1], values.max())
    curves = []
    for position, path in enumerate(paths):
        points = _cut(np.column_stack([path.points, path.losses]), *box)
        curves.append(_path_curve(axes, points, position, _said(path, view), box[1] - box[0]))
    return curves


def _losses(axes: Axes, paths: list[Path], surface: Surface, values: Array) -> list[tuple[Line2D, Array]]:
    """Draw the loss against the step: above the minimum and logarithmic, if there is a minimum."""
    from matplotlib.ticker import MaxNLocator

    bounded = bool(np.isfinite(surface.minimum))
    top = max(np.nanmax(values[np.isfinite(values)], initial=-np.inf), *(path.losses[0] for path in paths))
    axes.set(xlabel="step", title="loss at each step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    if bounded:
        floor = _ROUNDING * max(1e-290, top - surface.minimum)
        axes.set(yscale="log", ylabel="loss − minimum")
    else:
        bottom = min(np.nanmin(values[np.isfinite(values)], initial=np.inf), *(path.losses[0] for path in paths))
        axes.set(ylabel="loss", ylim=(bottom - 0.05 * (top - bottom), top + 0.05 * (top - bottom)))
    highest = 1e3 * (top - surface.minimum if bounded else top - bottom)
    curves = []
    for position, path in enumerate(paths):
        height = np.maximum(path.losses - surface.minimum, floor) if bounded else path.losses
        height = np.clip(height, -highest, highest)  # what diverges leaves the panel
        curves.append(_curve(axes, np.column_stack([np.arange(len(height)), height]), position, path.label))
    if bounded:
        axes.set_ylim(top=min(axes.get_ylim()[1], highest / 2))
    if bounded and any((path.losses - surface.minimum <= floor).any() for path in paths):
        axes.axhline(floor, color=INK, linewidth=0.8, alpha=0.6)
        axes.text(0.98, floor * 1.6, "zero, to rounding", ha="right", fontsize=8, transform=axes.get_yaxis_transform())
    axes.set_xlim(0, max(path.steps for path in paths))
    return curves


def _curve(axes: Axes, points: Array, position: int, label: str) -> tuple[Line2D, Array]:
    line = axes.plot(
        *points.T, **style(position), label=label, linewidth=1.4, markersize=4.5, markevery=max(1, len(points) // 12),
        markeredgecolor="white", markeredgewidth=0.5, zorder=3,
    )[0]  # fmt: skip
    return line, points


def _path_curve(axes: Axes, points: Array, position: int, label: str, size: Array) -> tuple[Line2D, Array]:
    """Draw a path with its markers evenly apart, and a thin line if it is so long that it would cover the picture."""
    curve = _curve(axes, points, position, label)
    length = float(np.sum(np.linalg.norm(np.diff(points, axis=0) / size, axis=1))) / np.sqrt(2)
    curve[0].set_markevery(max(_APART, min(length, _FAR) / _MARKERS))
    curve[0].set_linewidth(1.4 if length < _LONG else 0.7)
    return curve


def _landmarks(axes: Axes, surface: Surface, starts: Array) -> None:
    """Mark where the paths begin, and what is known of the surface."""

    def mark(points: Any, label: str, marker: str, size: float, **options: Any) -> None:
        if len(points):
            places = np.array(points, np.float64)
            heights = surface.values(places) if surface.dimension == 1 else places[:, 1]
            several = "" if len(points) == 1 else {"minimum": "minima"}.get(label, f"{label}s")
            axes.plot(places[:, 0], heights, marker, label=several or label, markersize=size, zorder=4, **options)

    mark(np.unique(starts, axis=0), "start", "o", 9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.6)
    edge = {"markeredgecolor": INK, "markeredgewidth": 0.8}
    mark(surface.minima, "minimum", "*", 14, markerfacecolor="#f4d35e", **edge)
    mark(surface.local_minima, "local minimum", "*", 12, markerfacecolor="white", **edge)
    mark(surface.saddles, "saddle", "x", 8, markeredgecolor=INK, markeredgewidth=1.8)


def _said(path: Path, view: tuple[Array, Array]) -> str:
    outside = bool(np.any((path.points[-1] < view[0]) | (path.points[-1] > view[1])))
    return path.label + (": diverges" if path.diverged else ": leaves the picture" if outside else "")


def _cut(points: Array, low: Array, high: Array) -> Array:
    """Return the points up to where the path goes far outside for good; those far outside are drawn in, to be drawn."""
    middle, size = (low + high) / 2, high - low
    away = np.max(np.abs((points - middle) / size), axis=1)
    last = int(np.flatnonzero(away <= _FAR)[-1]) + 2  # the step that leads out is in the picture
    drawn: Array = middle + (points - middle)[:last] * (_FAR / np.maximum(away, _FAR))[:last, None]
    return drawn
