"""What the matplotlib pictures share: where they are drawn, and colours and markers that are legible in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.creation import tensor
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]

# Colour, line and marker differ together, and neighbouring colours differ in lightness: legible in grey too.
COLORS = ("#1f4e79", "#d9822b", "#3c7d53", "#a8380f", "#7456a8", "#5b6875", "#8a6d00", "#00707f")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (8, 2)), (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (3, 2)))
INK = "#1b2733"


def style(position: int) -> dict[str, Any]:
    """Return the colour, line and marker of the curve at a position, as ``Axes.plot`` takes them.

    >>> style(1)
    {'color': '#d9822b', 'linestyle': '--', 'marker': 's'}
    """
    return {
        "color": COLORS[position % len(COLORS)],
        "linestyle": LINES[position % len(LINES)],
        "marker": MARKERS[position % len(MARKERS)],
    }


def make_axes(count: int, given: Any, *, columns: int | None = None) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels: those that the user gave, or new ones.

    Args:
        count: how many panels there are to draw.
        given: what the user passed as ``ax``: one axes, for the first panel alone, or one for each; None for new ones.
        columns: how many new panels stand in a row; all of them by default.

    Raises:
        MissingExtraError: when matplotlib is not installed.
        ArgumentError: when the number of axes does not fit.
        DtypeError: when what was given are no axes.
    """
    try:
        from matplotlib.axes import Axes

        from minigrad.viz.figure import NotebookFigure
    except ImportError as problem:
        raise MissingExtraError(f"plots need matplotlib: pip install minigrad[plot] ({problem})") from None
    if given is None:
        across = min(columns or count, count)
        down = -(-count // across)
        figure = NotebookFigure(figsize=(5.2 * across, (4.2 if down == 1 else 3.4) * down), layout="constrained")
        return figure, [figure.add_subplot(down, across, position + 1) for position in range(count)]
    axes = list(np.ravel(np.array(given, dtype=object)))
    if len(axes) not in (1, count):
        wanted = f"one matplotlib axes, or {count}, one for each panel" if count > 1 else "one matplotlib axes"
        raise ArgumentError(f"ax must be {wanted}; got {len(axes)}")
    for one in axes:
        if not isinstance(one, Axes):
            raise DtypeError(f"ax must be matplotlib axes, such as figure.add_subplot() returns, got {one!r}")
    return axes[0].figure, axes


def add_legend(*axes: Axes, below: bool) -> None:
    """Explain what is drawn on axes: under the whole figure, where it covers nothing, or on the first, if a user's."""
    pairs = [pair for one in axes for pair in zip(*one.get_legend_handles_labels(), strict=True)]
    named = {label: handle for handle, label in reversed(pairs)}  # of each name the first
    labels = list(dict.fromkeys(label for _, label in pairs))
    handles = [named[label] for label in labels]
    if below:
        figure: Any = axes[0].figure
        columns = min(len(labels), 4 if figure.get_figwidth() > 8 else 2)
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    else:
        axes[0].legend(handles, labels, loc="best", framealpha=0.9, fontsize=8)


def plain(value: Any) -> Array:
    """Return an array of what a user passed.

    Raises:
        DtypeError: when it holds no numbers.
    """
    array: Array = value.data if isinstance(value, Tensor) else tensor(value).data
    return array
