"""The loss of a real model around where its parameters are: over a plane, and along a line to another solution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.checks import check_integer, check_non_negative
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.nn.module import Module
from minigrad.viz.axes import COLORS, INK, Array, add_legend, make_axes
from minigrad.viz.contours import contours
from minigrad.viz.planes import Place, Plane, hessian_plane, path_plane, random_plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DIRECTIONS = ("random", "hessian", "path")
_MARGIN = 0.2  # of a path's extent, around it
_ROUNDING = 1e-6  # of the largest loss: what is below is no barrier


def landscape(
    model: Module | list[Tensor],
    loss: Callable[[], Any],
    *,
    directions: str = "random",
    path: Iterable[Mapping[str, Any] | Any] | None = None,
    radius: float | None = None,
    resolution: int = 31,
    rng: np.random.Generator | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the loss over a plane through a model's present parameters.

    With ``"random"`` the plane is spanned by two random directions, in which each row of a weight is as long as the
    weight's own, and biases and scales stay where they are (H. Li et al., "Visualizing the loss landscape of neural
    nets", 2018, section 4). With ``"hessian"`` by the eigenvectors of the two largest eigenvalues in magnitude. With
    ``"path"`` by the two leading principal components of a training path, which is drawn too (section 7).

    Nothing is changed: parameters, gradients, buffers and modes are afterwards what they were, also after an exception.
    Buffers do not move with the parameters, so a model with batch normalisation shows how its running statistics fit
    one place alone; put it in evaluation mode with ``model.eval()``, as one with dropout.

    Args:
        model: a module, whose parameters that require a gradient are moved; or a list of tensors.
        loss: computes the scalar loss anew from the parameters' present values, such as
            ``lambda: criterion(model(X), y)``; it is called ``resolution**2`` times.
        directions: ``"random"``, ``"hessian"`` or ``"path"``.
        path: for ``"path"``, at least 3 points of the training: each a state dict, or all parameters in one array of
            shape ``(size,)``.
        radius: how far the picture reaches to each side: for ``"random"`` in lengths of each filter, else as a distance
            between parameters. By default 1, or for ``"path"`` as far as the path goes.
        resolution: how many places along each side the loss is computed at.
        rng: draws the random directions; the default generator if None.
        ax: matplotlib axes to draw on.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        ArgumentError: when ``directions`` is another word, ``path`` is missing, too short or not asked for, a number is
            out of range, or a parameter is not finite.
        DtypeError: when the loss needs arguments, as a criterion does.
        ShapeError: when the loss is no scalar, or a point of the path has not the model's shapes.
        StateDictError: when a point of the path lacks a parameter.
        MissingExtraError: when matplotlib is not installed, or scipy, for ``"hessian"``.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> mg.seed(0)
    >>> model, X, y = nn.MLP([2, 8, 1]), mg.tensor(np.eye(2)), mg.tensor([[0.0], [1.0]])
    >>> figure = landscape(model, lambda: nn.MSELoss()(model(X), y), resolution=5)
    >>> figure.axes[0].get_xlabel()
    'direction 1 (filter norms)'
    """
    place = Place("landscape", model, loss)
    resolution = check_integer("landscape: resolution", resolution, least=3, most=10_000)
    plane = _plane(place, directions, path, rng)
    sides = _sides(plane, radius, resolution)
    figure, (axes,) = make_axes(1, ax)
    one, other = plane.directions
    # the first is where the model is: the grid has no place there if its resolution is even
    found = place.losses(
        place.here + a * one + b * other for a, b in [(0.0, 0.0)] + [(a, b) for b in sides[1] for a in sides[0]]
    )
    contours(axes, sides[0], sides[1], found[1:].reshape(resolution, resolution), label="loss")
    axes.set(xlabel=plane.names[0], ylabel=plane.names[1], title=plane.title)
    if plane.path is not None:
        axes.plot(*plane.path.T, "-o", color=COLORS[1], markersize=4, markeredgecolor="white", label="training path")
        axes.plot(*plane.path[0], "o", markersize=9, markerfacecolor="none", markeredgecolor=INK, label="its start")
    centre: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 2.0, "zorder": 5, "clip_on": False}
    axes.plot(0, 0, "+", markersize=12, label=f"present parameters: loss {found[0]:.4g}", **centre)
    add_legend(axes, below=ax is None)
    return figure


def landscape_line(
    model: Module | list[Tensor],
    loss: Callable[[], Any],
    other_state: Mapping[str, Any] | Any,
    *,
    points: int = 51,
    margin: float = 0.25,
    ax: Axes | None = None,
) -> Figure:
    """Draw the loss along the straight line from a model's present parameters to another solution, and beyond.

    From I. Goodfellow, O. Vinyals and A. Saxe, "Qualitatively characterizing neural network optimization problems",
    2015. The title has the barrier: how far the loss between the two rises, at its highest, above the line from one
    end's loss to the other's, which is drawn too (R. Entezari et al., "The role of permutation invariance in linear
    mode connectivity of neural networks", 2022, section 2). Nothing is changed, as by ``landscape``; buffers stay the
    model's own.

    Args:
        model: a module, or a list of tensors.
        loss: computes the scalar loss anew from the parameters' present values.
        other_state: the other solution: a state dict, or all parameters in one array of shape ``(size,)``.
        points: how many places the loss is computed at, both ends besides.
        margin: how far the picture goes on beyond each end, as a share of the distance between them.
        ax: matplotlib axes to draw on.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        ArgumentError: when ``points`` or ``margin`` is out of range, or both solutions are the same.
        ShapeError: when the loss is no scalar, or the other solution has not the model's shapes.
        StateDictError: when the other solution lacks a parameter.
        DtypeError: when the loss needs arguments, or the other solution is a module.
        MissingExtraError: when matplotlib is not installed.

    >>> import minigrad as mg
    >>> w = mg.tensor([-1.0], requires_grad=True)
    >>> figure = landscape_line([w], lambda: ((w * w - 1) ** 2).sum(), [1.0])
    >>> figure.axes[0].get_title().splitlines()
    ['loss between two solutions', 'barrier 1 above the line between the ends']
    """
    place = Place("landscape_line", model, loss)
    points = check_integer("landscape_line: points", points, least=3, most=1_000_000)
    margin = check_non_negative("landscape_line: margin", margin)
    other = place.vector(other_state, "other_state")
    distance = float(np.linalg.norm(other - place.here))
    if distance == 0:
        raise ArgumentError("landscape_line: other_state is where the model is; pass another solution")
    shares = np.union1d(np.linspace(-margin, 1 + margin, points), [0.0, 1.0])
    losses = place.losses(place.here + share * (other - place.here) for share in shares)
    figure, (axes,) = make_axes(1, ax)
    axes.plot(shares, losses, color=COLORS[0])
    ends = losses[(shares == 0) | (shares == 1)]
    axes.plot([0.0, 1.0], ends, ":", color=INK, linewidth=1.2, label="line between the ends")
    for share, label, marker in ((0.0, "present parameters", "o"), (1.0, "other solution", "s")):
        value = losses[shares == share].item()
        axes.plot(share, value, marker, color=COLORS[1], markeredgecolor=INK, label=f"{label}: loss {value:.4g}")
    axes.set(xlabel=f"share of the way (distance {distance:.3g})", ylabel="loss")
    axes.set_title(f"loss between two solutions\n{_barrier(shares, losses)}")
    axes.grid(alpha=0.25)
    axes.legend(framealpha=0.9, fontsize=8)
    return figure


def _plane(place: Place, directions: Any, path: Any, rng: np.random.Generator | None) -> Plane:
    if not isinstance(directions, str) or directions not in _DIRECTIONS:
        raise ArgumentError(f"landscape: directions must be {', '.join(map(repr, _DIRECTIONS))}, got {directions!r}")
    if (path is not None) != (directions == "path"):
        raise ArgumentError(
            f"landscape: path and directions='path' belong together, got directions={directions!r} "
            f"{'without' if path is None else 'with'} a path"
        )
    if place.size < 2:
        raise ArgumentError("landscape: one parameter spans no plane; use landscape_line(), or plot the loss itself")
    if directions == "random":
        return random_plane(place, rng)
    return hessian_plane(place) if directions == "hessian" else path_plane(place, path)


def _sides(plane: Plane, radius: Any, resolution: int) -> list[Array]:
    """Return the coordinates of the grid along each direction."""
    if radius is not None and check_non_negative("landscape: radius", radius) == 0:
        raise ArgumentError("landscape: radius must be above 0; 1 is usual")
    if radius is None and plane.path is not None:
        shown = np.vstack([plane.path, [0.0, 0.0]])
        low, high = shown.min(axis=0), shown.max(axis=0)
        extent = _MARGIN * (high - low)
        return [np.linspace(a, b, resolution) for a, b in zip(low - extent, high + extent, strict=True)]
    reach = 1.0 if radius is None else float(radius)
    return [np.linspace(-reach, reach, resolution)] * 2


def _barrier(shares: Array, losses: Array) -> str:
    inside = (shares >= 0) & (shares <= 1)
    share, between = shares[inside], losses[inside]
    if not np.isfinite(between).all():
        return "not finite everywhere between them"
    line = (1 - share) * between[0] + share * between[-1]
    barrier = float(np.max(between - line))
    if barrier < _ROUNDING * np.abs(between).max():
        barrier = 0.0
    return f"barrier {barrier:.3g} above the line between the ends"
