"""Contours of a function over a rectangle, whose levels suit both bowls and narrow valleys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minigrad.viz.axes import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOW, _HIGH = "#b4c9dd", "#ffffff"  # valleys dark, heights light: paths of any colour stand out
_UNKNOWN = {"facecolor": "#f4ede4", "edgecolor": "#a39a8c", "hatch": "////"}
_LEVELS = 16
_CLOSE = 0.05  # of the distance to the next level: how exact the name of one is
_WIDE = 30.0  # the range over that of the lowest tenth, from which levels are spaced logarithmically


def contours(axes: Axes, across: Array, up: Array, values: Array, *, label: str, lowest: float | None = None) -> None:
    """Fill an axes with the contours of values on a grid, and put a colour bar beside it.

    Where values are not finite, the ground is hatched, and a note says so.

    Args:
        axes: where to draw.
        across: the grid's coordinates along x, ``(columns,)``.
        up: those along y, ``(rows,)``.
        values: ``(rows, columns)``.
        label: what the values are; the colour bar's name.
        lowest: the least value that there can be, if it is known; else that of the grid.
    """
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    axes.locator_params(nbins=6)
    finite = values[np.isfinite(values)]
    if len(finite) < values.size:
        axes.patch.set(**_UNKNOWN)
        note = f"hatched: not finite ({1 - len(finite) / values.size:.0%})"
        axes.text(0.02, 0.02, note, fontsize=8, transform=axes.transAxes, zorder=6, backgroundcolor="#ffffffd0")
    steps = levels(finite, lowest)
    if steps is None:
        return
    grid = np.ma.masked_invalid(values)
    shades = LinearSegmentedColormap.from_list("valleys", [_LOW, _HIGH])
    filled = axes.contourf(across, up, grid, steps, cmap=shades, norm=BoundaryNorm(steps, shades.N), zorder=0)
    axes.contour(across, up, grid, steps, colors="#5b6875", linestyles="solid", linewidths=0.5, alpha=0.8, zorder=1)
    bar = axes.figure.colorbar(filled, ax=axes)
    marked = steps[:: max(1, len(steps) // 6)]
    bar.set_ticks(list(marked), labels=_names(marked))
    bar.minorticks_off()
    bar.ax.set_title(label, fontsize=9)


def _names(ticks: Array) -> list[str]:
    """Return the numbers at ticks, each with as many digits as it takes to tell it from its neighbours."""
    gaps = np.diff(ticks)
    nearest = np.minimum(np.append(gaps, np.inf), np.insert(gaps, 0, np.inf))
    return [_rounded(float(tick), float(gap)) for tick, gap in zip(ticks, nearest, strict=True)]


def _rounded(value: float, gap: float) -> str:
    if abs(value) < 1e-6 * gap:
        return "0"  # what rounding makes of it
    near = (digits for digits in range(2, 17) if abs(float(f"{value:.{digits}g}") - value) <= _CLOSE * gap)
    digits = next(near, 17)
    return f"{float(f'{value:.{digits}g}'):.{max(6, digits)}g}"


def levels(finite: Array, lowest: float | None = None) -> Array | None:
    """Return where to draw contours, ascending; None if the values are all the same.

    Evenly spaced at round numbers, but logarithmically above the lowest value where the range is large.

    >>> levels(np.linspace(0.0, 15.0, 400))[:3]
    array([0., 1., 2.])
    >>> above = levels(np.geomspace(1e-3, 1e3, 400))[1:] - 1e-3
    >>> bool(np.ptp(above[1:] / above[:-1]) < 1e-6)
    True
    >>> levels(np.ones(4)) is None
    True
    """
    from matplotlib.ticker import MaxNLocator

    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if lowest is not None and np.isfinite(lowest):
        low = min(low, lowest)
    if not high - low > 1e-12 * max(abs(high), abs(low)):
        return None
    first, tenth = np.quantile(finite - low, [0.005, 0.1])
    if first > 0 and high - low > _WIDE * tenth:
        return np.concatenate([[low], low + np.geomspace(first, high - low, _LEVELS)])
    return np.asarray(MaxNLocator(_LEVELS).tick_values(low, high))
