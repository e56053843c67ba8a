"""What an analysis measured, as pictures: gradient flow, the batch-size study, the spectrum of a Hessian."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.analysis import BatchSizeStudy, Curvature, GradientFlow, Spectrum
from minigrad.analysis import gradient_flow as measure_flow
from minigrad.errors import ArgumentError, DtypeError
from minigrad.nn.module import Module
from minigrad.viz.axes import COLORS, INK, Array, add_legend, make_axes, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED_LAYERS = 8  # of more, so many at most are named
_CHARACTER, _GAP = 0.09, 0.12  # inches: the width of a digit, and at least between two numbers
_ZERO = 1e-9  # what rounding leaves of a batch's distance from all samples
_DECADES = 2.2  # of a logarithmic axis, at least: what hardly changes looks flat
_DEPTH, _FAINT = 1e-8, 1e-2  # how far down a spectrum is shown: of the highest density, and of the least bell


def gradient_flow(
    flow: GradientFlow | Module,
    batches: Iterable[Any] | None = None,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    optimizer: Any = None,
    steps: int | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw how large activations and gradients are in each layer, at the first and the last step.

    Logarithmic, so that what vanishes or explodes is a straight slope; what is exactly zero is a cross at the bottom.
    The diagnosis is the figure's title, or below that of the first panel, if the axes are yours.

    Args:
        flow: what ``analysis.gradient_flow`` returned, or a module to measure now.
        batches: for a module, ``(inputs, targets)`` each, as ``analysis.gradient_flow`` takes them.
        loss: for a module, a function of ``(output, targets)`` that returns a scalar.
        optimizer: for a module, steps after each batch, if given.
        steps: for a module, how many batches to take.
        ax: matplotlib axes to draw on: one for the activations alone, or three.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        DtypeError: when the first argument is neither.
        ArgumentError: when batches or the loss are missing, or given for what is measured already, or the number of
            axes does not fit; and what ``analysis.gradient_flow`` raises.
        MissingExtraError: when matplotlib is not installed.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad import analysis, nn
    >>> rng = np.random.default_rng(0)
    >>> model = analysis.deep_network(8, 16, "relu", "he", rng=rng)
    >>> batch = mg.tensor(rng.normal(size=(16, 16))), mg.tensor(rng.normal(size=(16, 16)))
    >>> [axes.get_ylabel() for axes in gradient_flow(model, [batch], nn.MSELoss()).axes]
    ['root mean square', 'root mean square', 'norm']
    """
    measured = _measured(flow, batches, loss, optimizer, steps)
    figure, axes = make_axes(3, ax)
    panels = (
        ("activations", "root mean square", measured.activations),
        ("gradients of the activations", "root mean square", measured.activation_gradients),
        ("gradients of the weights", "norm", measured.weight_gradients),
    )
    for panel, (title, unit, table) in zip(axes, panels, strict=False):
        _layers(panel, measured.layers, table)
        panel.set(title=title, ylabel=unit)
    if ax is None:
        figure.suptitle(textwrap.fill(measured.diagnosis, 130), fontsize=11)
    else:
        axes[0].set_title(f"{panels[0][0]}\n{textwrap.fill(measured.diagnosis, 55)}", fontsize=9)
    add_legend(*axes, below=ax is None)
    return figure


def batch_sizes(study: BatchSizeStudy, *, ax: Axes | Sequence[Axes] | None = None) -> Figure:
    """Draw a batch-size study: a panel for each of what was measured, against the batch size.

    The size is on a logarithmic axis, where those too close to the next have a mark without a number, and so is what
    spans more than a factor of ten. A training that diverged leaves a
    gap, and the title of the losses says so.

    Args:
        study: what ``analysis.batch_size_study`` returned.
        ax: matplotlib axes to draw on: one for the seconds an epoch alone, or one for each panel.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        DtypeError: when the study is none.
        ArgumentError: when the number of axes does not fit.
        MissingExtraError: when matplotlib is not installed.

    >>> from minigrad import analysis, data, nn
    >>> study = analysis.batch_size_study(lambda: nn.MLP([2, 8, 2]), data.xor(), [1, 2, "full"], epochs=2)
    >>> [axes.get_title() for axes in batch_sizes(study).axes]
    ['time of an epoch', 'gradient noise', 'final loss', 'sharpness']
    """
    if not isinstance(study, BatchSizeStudy):
        raise DtypeError(
            f"batch_sizes() draws what analysis.batch_size_study() returned, got {type(study).__name__}; run it first"
        )
    panels = _study_panels(study)
    figure, axes = make_axes(len(panels), ax, columns=2 if len(panels) == 4 else 3)
    sizes = [row.batch_size for row in study.rows]
    order = np.argsort(sizes, kind="stable")
    for panel, (title, unit, curves) in zip(axes, panels, strict=False):
        for position, (label, values) in enumerate(curves.items()):
            _curve(panel, np.array(sizes)[order], values[order], position, label)
        panel.set_xscale("log")
        _name_sizes(panel, sorted(set(sizes)))
        panel.set(title=title, xlabel="batch size (samples)", ylabel=unit)
        panel.grid(alpha=0.25)
        if len(panel.get_legend_handles_labels()[1]) > 1:
            panel.legend(frameon=False, fontsize=9)
    return figure


def spectrum(
    spectrum: Spectrum | Curvature,
    *,
    width: float | None = None,
    rng: np.random.Generator | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the density of a Hessian's eigenvalues on a logarithmic scale, and the points that it was estimated from.

    Each point is drawn as a bell, since an estimate says no more exactly where eigenvalues are; the picture ends where
    the least of the bells has fallen to a hundredth. The title counts as below zero only what is so by more than a
    bell's width: nearer to it, an estimate cannot tell what is zero from what is a little below.

    Args:
        spectrum: what ``Curvature.spectrum`` returned, or a ``Curvature``, whose spectrum is then estimated.
        width: the standard deviation of the bell at each point; a hundredth of their range if None.
        rng: for a ``Curvature``, draws the starts; the default generator if None.
        ax: matplotlib axes to draw on.

    Returns:
        The matplotlib figure, which shows itself in a notebook and has ``.savefig(path)``.

    Raises:
        DtypeError: when the first argument is neither.
        ArgumentError: when the width is not a positive finite number.
        MissingExtraError: when matplotlib is not installed.

    >>> import minigrad as mg
    >>> from minigrad.analysis import Curvature
    >>> w = mg.tensor([1.0, 1.0, -2.0], requires_grad=True)
    >>> figure = spectrum(Curvature([w], lambda: (w ** 3).sum()))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_yscale()
    ('eigenvalue', 'log')
    """
    found = spectrum.spectrum(rng=rng) if isinstance(spectrum, Curvature) else spectrum
    if not isinstance(found, Spectrum):
        raise DtypeError(
            "spectrum() draws what Curvature(...).spectrum() returned, or a Curvature, "
            f"got {type(found).__name__}; use analysis.Curvature(model, loss)"
        )
    width = _bell_width(found) if width is None else width
    peaks = found.density(found.nodes, width)
    floor = max(_FAINT * float(peaks.min()), _DEPTH * float(peaks.max()))
    reach = 6.5 * width  # below the floor, even of the highest bell
    grid = np.linspace(found.nodes.min() - reach, found.nodes.max() + reach, 4001)
    density = found.density(grid, width)
    density[density < floor] = np.nan
    seen = grid[np.isfinite(density)][[0, -1]]
    figure, (axes,) = make_axes(1, ax)
    axes.fill_between(grid, floor, density, color=COLORS[0], alpha=0.2)
    axes.plot(grid, density, color=COLORS[0], linewidth=1.3, label=f"density (bells of width {width:.2g})")
    bottom: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": COLORS[3]}
    axes.plot(found.nodes, np.full(len(found.nodes), 0.02), "|", markersize=9, label="nodes of the estimate", **bottom)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    margin = 0.03 * np.ptp(seen)
    axes.set(yscale="log", ylim=(floor, 3 * peaks.max()), xlim=(seen[0] - margin, seen[1] + margin))
    axes.set(xlabel="eigenvalue", ylabel="density (share per unit of eigenvalue)")
    below = float(found.weights[found.nodes < -width].sum())
    share = f"{below:.1%} of the eigenvalues are clearly below zero"
    axes.set_title(f"{share}\n(by more than a bell's width, {width:.2g})", fontsize=11)
    axes.grid(alpha=0.25)
    add_legend(axes, below=ax is None)
    return figure


def _bell_width(spectrum: Spectrum) -> float:
    """Return the width that ``Spectrum.density`` takes by default."""
    low, high = float(spectrum.nodes.min()), float(spectrum.nodes.max())
    return (high - low or abs(high) or 1.0) / 100


def _measured(flow: Any, batches: Any, loss: Any, optimizer: Any, steps: Any) -> GradientFlow:
    if isinstance(flow, GradientFlow):
        if any(value is not None for value in (batches, loss, optimizer, steps)):
            raise ArgumentError(
                "gradient_flow: batches, loss, optimizer and steps are for a module to be measured; the first argument "
                "is a GradientFlow, which is measured already: pass it alone"
            )
        return flow
    if not isinstance(flow, Module):
        raise DtypeError(
            "gradient_flow: the first argument must be what analysis.gradient_flow() returned, or a module, "
            f"got {type(flow).__name__}"
        )
    if batches is None or loss is None:
        raise ArgumentError("gradient_flow: to measure a module, pass batches and loss too, as gradient_flow(m, b, l)")
    return measure_flow(flow, batches, loss, optimizer=optimizer, steps=steps)


def _layers(axes: Axes, names: Sequence[str], table: Array) -> None:
    """Draw the first and the last step of a table ``(steps, layers)``, layer by layer."""
    numbers = np.arange(1, len(names) + 1)
    shown = {"first step": table[0], "last step": table[-1]} if len(table) > 1 else {"one step": table[0]}
    axes.set_yscale("log")
    for position, (label, values) in enumerate(shown.items()):
        usable = np.isfinite(values) & (values > 0)
        axes.plot(numbers, np.where(usable, values, np.nan), **style(position), markersize=5, label=label)
        zeros = numbers[values == 0]
        if len(zeros):
            bottom: dict[str, Any] = {
                "transform": axes.get_xaxis_transform(),
                "color": COLORS[position],
                "clip_on": False,
            }
            axes.plot(zeros, np.full(len(zeros), 0.02), "x", label=f"zero, {label}", **bottom)
    if len(names) <= _NAMED_LAYERS:
        axes.set_xlabel("layer")
    else:
        axes.set_xlabel("layer (its name in the model)")
    shown_names = _spread(len(names))
    rotation = 30 if max(map(len, names)) > 4 else 0
    axes.set_xticks(numbers[shown_names], [names[place] for place in shown_names], rotation=rotation)
    low, high = axes.get_ylim()
    missing = max(0.0, _DECADES - np.log10(high / low)) / 2
    axes.set(xlim=(0.5, len(names) + 0.5), ylim=(low / 10**missing, high * 10**missing))
    axes.grid(alpha=0.25)


def _spread(count: int) -> Array:
    """Return the places of the layers that are named: the first, the last, and some evenly between if that is so."""
    if count <= _NAMED_LAYERS:
        return np.arange(count)
    even = (named for named in range(_NAMED_LAYERS, 3, -1) if (count - 1) % (named - 1) == 0)
    return np.linspace(0, count - 1, next(even, _NAMED_LAYERS)).round().astype(int)


def _name_sizes(axes: Axes, sizes: list[int]) -> None:
    """Mark each size on a logarithmic axis, and name those that are not too close to the next that is named."""
    inches = axes.get_window_extent().width / axes.figure.dpi
    places = np.log(sizes) / max(np.ptp(np.log(sizes)), 1e-9) * 0.9 * inches  # 0.9: without the margins

    def apart(one: int, other: int) -> bool:
        room = _CHARACTER * (len(str(sizes[one])) + len(str(sizes[other]))) / 2 + _GAP
        return bool(abs(places[one] - places[other]) >= room)

    last = len(sizes) - 1
    named = [0]
    for place in range(1, last):
        if apart(place, named[-1]) and apart(place, last):
            named.append(place)
    named.append(last)
    axes.set_xticks(sizes, [str(size) if place in named else "" for place, size in enumerate(sizes)])
    axes.xaxis.minorticks_off()


def _study_panels(study: BatchSizeStudy) -> list[tuple[str, str, dict[str, Array]]]:
    """Return what to plot: for each panel its title, its unit and its curves; what was not measured is left out."""

    def column(name: str) -> Array:
        values = [getattr(row, name) for row in study.rows]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def curves(**names: str) -> dict[str, Array]:
        measured = [name for name in names.values() if any(getattr(row, name) is not None for row in study.rows)]
        return {label: column(name) for label, name in names.items() if name in measured}

    panels = [
        ("time of an epoch", "seconds", curves(seconds="seconds_an_epoch")),
        ("gradient noise", "|g_batch − g_all|² / |g_all|²", curves(noise="gradient_noise")),
        ("final loss", "loss", curves(train="train_loss", test="test_loss")),
        ("test accuracy", "share of the samples", curves(accuracy="test_accuracy")),
        ("sharpness", "greatest eigenvalue of the Hessian", curves(sharpness="sharpness")),
    ]
    diverged = [str(row.batch_size) for row in study.rows if row.diverged]
    if diverged:
        panels[2] = (f"final loss (diverged: batch size {', '.join(diverged)})", *panels[2][1:])
    return [panel for panel in panels if panel[2]]


def _curve(axes: Axes, sizes: Array, values: Array, position: int, label: str) -> None:
    """Draw one curve, on a logarithmic axis if it spans more than a decade; what is zero to rounding is a cross."""
    zero = np.abs(values) < _ZERO
    axes.plot(sizes, np.where(zero, np.nan, values), **style(position), markersize=5, label=label)
    positive = values[values >= _ZERO]
    if len(positive) and positive.max() > 10 * positive.min() and not (values <= -_ZERO).any():
        axes.set_yscale("log")
    if zero.any():
        bottom: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": COLORS[position], "clip_on": False}
        axes.plot(sizes[zero], np.full(zero.sum(), 0.02), "x", label="zero, to rounding", **bottom)
