"""An optimizer's way down a surface, as data: every point, the loss there, and whether it ran away."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis.surface import Surface
from minigrad.calls import call
from minigrad.checks import check_integer
from minigrad.engine.arrays import as_array
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.nn.parameter import Parameter
from minigrad.optim.optimizer import Optimizer

Floats = npt.NDArray[np.float64]
MakeOptimizer = Callable[[list[Tensor]], Any]

FAR = 10.0  # what ends so many times as far out as the surface's bounds has run away, however low it is


@dataclass(frozen=True, eq=False)
class Path:
    """The points that an optimizer went through on a surface.

    Attributes:
        label: the optimizer's name and options, such as ``"SGD lr=0.1 momentum=0.9"``.
        points: ``(steps + 1, d)``, float64; the first is the start. Fewer where a point or its loss was not finite.
        losses: ``(steps + 1,)``, float64: the surface's value at each point, without the noise of a noisy surface.
        diverged: whether the run came to what is not finite, or ended outside of the surface's bounds with a loss above
            that of the start, or more than ten times as far from the middle of the bounds as they are.

    >>> from minigrad import analysis, optim
    >>> path = analysis.descend(lambda p: optim.SGD(p, lr=1.0), analysis.surfaces.quadratic_bowl(1.0), steps=3)
    >>> path
    <Path of SGD lr=1: 3 steps to [0. 0.], loss 0>
    >>> path.steps, path.losses
    (3, array([3.625, 0.   , 0.   , 0.   ]))
    """

    label: str
    points: Floats
    losses: Floats
    diverged: bool

    @property
    def steps(self) -> int:
        """How many steps were made, all of them to finite points."""
        return len(self.points) - 1

    def steps_to(self, loss: float) -> int | None:
        """Return after how many steps the loss was first at most ``loss``; None if it never was.

        Args:
            loss: the value to reach, in the surface's units.

        >>> import numpy as np
        >>> path = Path("SGD", np.array([[2.0], [1.0], [0.0]]), np.array([4.0, 1.0, 0.0]), False)
        >>> path.steps_to(1.0), path.steps_to(-1.0)
        (1, None)
        """
        reached = np.flatnonzero(self.losses <= loss)
        return int(reached[0]) if len(reached) else None

    def __repr__(self) -> str:
        end = np.array2string(self.points[-1], precision=4)
        diverged = ", diverged" if self.diverged else ""
        return f"<Path of {self.label}: {self.steps} steps to {end}, loss {self.losses[-1]:.4g}{diverged}>"


def descend(make_optimizer: MakeOptimizer, surface: Surface, steps: int = 100, start: Any = None) -> Path:
    """Let an optimizer walk down a surface, in float64, and return where it went.

    Each step is ``optimizer.step(closure)``, whose closure computes the loss and its gradient at the present point; so
    optimizers that need the loss itself, such as ``Newton``, do too. The run ends early at what is not finite.

    Args:
        make_optimizer: makes an optimizer of a list of parameters: ``lambda p: optim.SGD(p, lr=0.1)``.
        surface: what to descend.
        steps: how many steps.
        start: the point to start from, ``(d,)``; by default the surface's own.

    Returns:
        The path, whose ``points`` and ``losses`` begin with the start.

    Raises:
        DtypeError: when ``make_optimizer`` is no function, or makes no optimizer, or the surface is none.
        UnknownArgumentError: when ``make_optimizer`` takes other arguments.
        ShapeError: when the start is no point of the surface.
        ArgumentError: when ``steps`` is no positive integer, the start or its loss is not finite, or the optimizer was
            made for other parameters.

    >>> from minigrad import analysis, optim
    >>> bowl = analysis.surfaces.quadratic_bowl(condition=10.0)
    >>> path = analysis.descend(lambda p: optim.SGD(p, lr=0.1), bowl, steps=50)
    >>> path.label, path.points.shape, path.diverged
    ('SGD lr=0.1', (51, 2), False)
    """
    if not isinstance(surface, Surface):
        raise DtypeError(
            f"descend: surface must be a Surface, such as analysis.surfaces.rosenbrock(), got {type(surface).__name__}"
        )
    steps = check_integer("descend: steps", steps, least=1)
    point = Parameter(_start(surface, start))
    optimizer = _made(make_optimizer, point)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = surface(point)
        loss.backward(retain_graph=True)  # an optimizer of second order differentiates it once more
        return loss

    points, losses = [point.data.copy()], [_value(surface, point.data)]
    finite = True
    with np.errstate(all="ignore"):  # a run that diverges overflows
        while finite and len(points) <= steps:
            optimizer.step(closure)
            loss = _value(surface, point.data)
            finite = bool(np.isfinite(loss) and np.isfinite(point.data).all())
            if finite:
                points.append(point.data.copy())
                losses.append(loss)
    limit = 1.0 if losses[-1] > losses[0] else FAR
    diverged = not finite or _reach(points[-1], surface) > limit
    return Path(optimizer_label(optimizer), np.array(points), np.array(losses), diverged)


def optimizer_label(optimizer: Any) -> str:
    """Return an optimizer's name, learning rate, and the options that are not its defaults.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> optimizer_label(optim.SGD([mg.zeros(2, requires_grad=True)], lr=0.1, momentum=0.9, nesterov=True))
    'SGD lr=0.1 momentum=0.9 nesterov'
    """
    parts = [type(optimizer).__name__]
    if not isinstance(optimizer, Optimizer):
        return parts[0]
    usual = inspect.signature(type(optimizer).__init__).parameters
    for name in optimizer.defaults:
        value = optimizer.param_groups[0][name]
        if name == "lr" or name not in usual or value != usual[name].default:
            parts.append(name if value is True else f"{name}={_short(value)}")
    return " ".join(parts)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _start(surface: Surface, start: Any) -> Floats:
    given = surface.start if start is None else start
    point = as_array(given.data if isinstance(given, Tensor) else given, np.float64).copy()
    if point.shape != (surface.dimension,):
        raise ShapeError(
            f"descend: start must be a point of the surface {surface.name}, of shape ({surface.dimension},), "
            f"got shape {point.shape}"
        )
    with np.errstate(all="ignore"):
        finite = np.isfinite(point).all() and np.isfinite(_value(surface, point))
    if not finite:
        raise ArgumentError(f"descend: start and its loss must be finite, got {point.tolist()}; begin elsewhere")
    return point


def _made(make_optimizer: Any, point: Parameter) -> Any:
    if isinstance(make_optimizer, Optimizer) or not callable(make_optimizer):
        raise DtypeError(
            "descend: make_optimizer must be a function that makes an optimizer of a list of parameters, such as "
            f"lambda p: optim.SGD(p, lr=0.1); got {make_optimizer!r}"
        )
    optimizer = call("descend: make_optimizer must be a function of a list of parameters", make_optimizer, [point])
    if not callable(getattr(optimizer, "step", None)) or not callable(getattr(optimizer, "zero_grad", None)):
        raise DtypeError(
            f"descend: make_optimizer must return an optimizer, with step() and zero_grad(); it returned {optimizer!r}"
        )
    if isinstance(optimizer, Optimizer) and [id(held) for held in optimizer.parameters()] != [id(point)]:
        raise ArgumentError(
            "descend: make_optimizer must give the optimizer the parameters that it is called with, and no others: "
            "lambda p: optim.SGD(p, lr=0.1)"
        )
    return optimizer


def _value(surface: Surface, point: Any) -> float:
    return float(surface.values(point))


def _reach(point: Floats, surface: Surface) -> float:
    """Return how far a point is from the middle of the bounds, as a multiple of how far they are."""
    low, high = np.array(surface.bounds, np.float64).T
    return float(np.max(np.abs(point - (low + high) / 2) / ((high - low) / 2)))
