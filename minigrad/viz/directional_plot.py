"""The directional derivative at a point of the plane: against the angle, and as arrows on the function's contours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis import directional_derivative, directional_derivatives
from minigrad.checks import check_non_negative
from minigrad.engine.mode import no_grad
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError
from minigrad.viz.axes import COLORS, INK, add_legend, make_axes, plain
from minigrad.viz.contours import contours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

_RESOLUTION = 41
_ARROW = 0.55  # of the radius
_MARGIN = 15  # degrees, beside the angles from 0 to 360: a marker at their ends is whole


def directional(
    f: Callable[[Tensor], Tensor], x: Any, *, radius: float = 1.0, ax: Axes | Sequence[Axes] | None = None
) -> Figure:
    """Draw how fast a function of two numbers changes in each direction, and where the gradient points.

    On the left are the function's contours around the point, with the directions of steepest ascent and descent and
    those of no change; on the right the directional derivative against the angle: the gradient's length times the
    cosine of the angle between.

    Args:
        f: takes a tensor of shape ``(2,)`` and returns a scalar tensor; a ``Surface`` is one.
        x: the point, ``(2,)``.
        radius: how far the contours reach around the point.
        ax: matplotlib axes to draw on: one for the contours alone, or two.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        ShapeError: when the point has another shape.
        DtypeError: when ``f`` is no function, or returns no tensor.
        GraphError: when ``f`` does not return a scalar.
        ArgumentError: when the point, the radius or the gradient is not finite, or the number of axes does not fit.
        MissingExtraError: when matplotlib is not installed.

    >>> figure = directional(lambda p: p[0] ** 2 + 3 * p[1], [1.0, 0.0])
    >>> figure.axes[0].get_title()
    'gradient (2, 3), length 3.61'
    """
    point = plain(x).astype(np.float64)
    if point.shape != (2,):
        raise ShapeError(f"directional() draws functions of the plane: x must have shape (2,), got {point.shape}")
    if not callable(f):
        raise DtypeError(f"directional: f must be a function of a tensor of shape (2,), got {type(f).__name__}")
    if not np.isfinite(point).all():
        raise ArgumentError(f"directional: x must be finite, got {point.tolist()}")
    if check_non_negative("directional: radius", radius) == 0:
        raise ArgumentError("directional: radius must be above 0; 1 is usual")
    # along the axes, where no cosine is rounded; 0.0 makes 0 of -0
    gradient = np.array([directional_derivative(f, Tensor(point), axis).item() for axis in np.eye(2)]) + 0.0
    figure, axes = make_axes(2, ax)
    _around(axes[0], f, point, gradient, radius)
    if len(axes) > 1:
        _against_angle(axes[1], f, point, gradient)
    add_legend(axes[0], below=ax is None)
    return figure


def _around(axes: Axes, f: Callable[[Tensor], Tensor], point: Floats, gradient: Floats, radius: float) -> None:
    across, up = (np.linspace(centre - radius, centre + radius, _RESOLUTION) for centre in point)
    with no_grad(), np.errstate(all="ignore"):
        values = np.array([[_scalar(f(Tensor(np.array([a, b])))) for a in across] for b in up])
    contours(axes, across, up, values, label="f")
    length = float(np.linalg.norm(gradient))
    axes.plot(*point, "o", color=INK, markersize=6, label="x", zorder=5)
    # equal units, else a right angle is none in the picture
    axes.set(xlabel="x[0]", ylabel="x[1]", aspect="equal")
    if length == 0:
        axes.set_title("the gradient is 0: no direction is steepest")
        return
    unit = gradient / length
    across_it = np.array([-unit[1], unit[0]])
    reach = _ARROW * radius
    for sign, color, line, label in ((1, COLORS[3], "-", "gradient"), (-1, COLORS[0], "--", "steepest descent")):
        tip = point + sign * reach * unit
        arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 2, "linestyle": line, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", tuple(tip), tuple(point), arrowprops=arrow, zorder=4)
        axes.plot([], [], color=color, linestyle=line, linewidth=2, label=label)
    level = np.array([point - reach * across_it, point + reach * across_it])
    axes.plot(*level.T, ":", color=INK, linewidth=1.6, label="no change")
    axes.set_title(f"gradient ({gradient[0]:.3g}, {gradient[1]:.3g}), length {length:.3g}")


def _against_angle(axes: Axes, f: Callable[[Tensor], Tensor], point: Floats, gradient: Floats) -> None:
    degrees = np.linspace(0, 360, 181)
    derivatives = directional_derivatives(f, Tensor(point), np.radians(degrees))
    axes.plot(degrees, derivatives, color=INK, linewidth=1.5)
    axes.axhline(0, color=INK, linewidth=0.6, alpha=0.6)
    if gradient.any():
        steepest = float(np.degrees(np.arctan2(gradient[1], gradient[0]))) % 360
        length = float(np.linalg.norm(gradient))
        axes.axvline(steepest, color=COLORS[3], linewidth=1.2)
        axes.plot(steepest, length, "^", color=COLORS[3], markersize=8)
        axes.axvline((steepest + 180) % 360, color=COLORS[0], linewidth=1.2, linestyle="--")
        axes.plot((steepest + 180) % 360, -length, "v", color=COLORS[0], markersize=8)
        axes.set_title(f"greatest along the gradient, at {steepest:.0f}°")
    axes.set(xlabel="angle of the direction (degrees)", ylabel="directional derivative", xlim=(-_MARGIN, 360 + _MARGIN))
    axes.set_xticks(range(0, 361, 60))
    axes.grid(alpha=0.25)


def _scalar(value: Any) -> float:
    if not isinstance(value, Tensor):
        raise DtypeError(f"directional: f must return a tensor, it returned {type(value).__name__}")
    if value.size != 1:
        raise GraphError(f"directional: f must return a scalar, it returned shape {value.shape}")
    return float(value.item())
