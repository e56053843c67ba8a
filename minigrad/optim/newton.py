"""Newton's method: a step that takes the whole Hessian into account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minigrad.engine.backward import grad
from minigrad.engine.mode import enable_grad, observers
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, GraphError
from minigrad.optim import checks
from minigrad.optim.optimizer import Optimizer, Params

Floats = npt.NDArray[np.float64]


class Newton(Optimizer):
    """Newton's method: ``p -= lr * s`` with ``(H + damping * I) @ s = g``, for the Hessian ``H`` of all parameters.

    One step lands in the minimum of a quadratic, whatever its condition number. Near any critical point the method goes
    there, be it a minimum, a saddle or a maximum. ``saddle_free`` solves with ``|H|`` instead, the same eigenvectors
    with the absolute eigenvalues: it goes down where the curvature is negative. A large ``damping`` makes a step
    ``lr / damping`` of gradient descent. From Nocedal and Wright, "Numerical optimization", 2006, section 3.3;
    saddle-free: Dauphin et al., "Identifying and attacking the saddle point problem in high-dimensional non-convex
    optimization", 2014.

    A step takes a backward pass for each element of the parameters, and memory for the square of their number; it
    solves in double precision, whatever the dtype. There is one Hessian for all groups, so ``damping`` and
    ``saddle_free`` must be the same in each; ``lr`` need not be. No state is kept from step to step.

    Args:
        params: parameters or groups of them, as for every optimizer.
        lr: the share of the step that is taken; 1 is Newton's own.
        damping: what is added to each eigenvalue; at least 0.
        saddle_free: take the eigenvalues' absolute values.
        max_parameters: up to how many elements of the parameters the Hessian is formed.

    Raises:
        ArgumentError: when a number is not allowed, or there are more parameters than ``max_parameters``.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Newton([w])
    >>> loss = optimizer.step(lambda: w[0] ** 2 + 1000 * (w[1] - 1) ** 2)
    >>> w
    tensor([0., 1.], requires_grad=True)
    """

    allowed: ClassVar[checks.Checks] = {"damping": checks.at_least_zero, "saddle_free": checks.flag}

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        damping: float = 0.0,
        saddle_free: bool = False,
        max_parameters: int = 4096,
    ) -> None:
        self.max_parameters = checks.whole(self.title, "max_parameters", max_parameters, 1)
        super().__init__(params, {"lr": lr, "damping": damping, "saddle_free": saddle_free})
        self._check_size()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that the loss depends on; the others stay as they are.

        No ``.grad`` is read or changed, so ``zero_grad()`` is not needed. A closure may still call
        ``backward(retain_graph=True)``: the gradients that this leaves stay. The step releases the loss's graph.

        Args:
            closure: computes the loss, a scalar tensor, and returns it; called once, and need not call ``backward()``.

        Returns:
            The loss before the update.

        Raises:
            ArgumentError: when there is no closure, an option has become wrong, or there are too many parameters; when
                the loss or its derivatives are not finite, or the Hessian is singular: nothing has changed then.
            DtypeError: when the closure returns no tensor.
            GraphError: when the loss is no scalar, depends on no parameter, or its graph has been released.

        >>> import minigrad as mg
        >>> from minigrad import optim
        >>> w = mg.tensor([2.0], requires_grad=True)
        >>> optim.Newton([w], lr=0.5).step(lambda: (w ** 2).sum()).item(), w.item()
        (4.0, 1.0)
        """
        damping, saddle_free = self._options()
        self._check_size()
        loss = self._loss(closure)
        parameters, gradient, hessian = self._derivatives(loss)
        steps = self._solve(gradient, hessian, damping, saddle_free, max(np.finfo(p.dtype).eps for p in parameters))
        for observer in observers():
            observer.before_update(self, self.parameters())
        self._apply(parameters, steps)
        self.has_stepped = True
        for observer in observers():
            observer.after_update(self, self.parameters())
        return loss

    def _options(self) -> tuple[float, bool]:
        """Return the options that are the same in all groups, after a check of every group."""
        for group in self.param_groups:
            self.check(group)
        options = {name: {group[name] for group in self.param_groups} for name in ("damping", "saddle_free")}
        for name, values in options.items():
            if len(values) > 1:
                raise ArgumentError(
                    f"{self.title}: there is one Hessian for all parameter groups, so {name} must be the same in each, "
                    f"got {' and '.join(map(str, sorted(values)))}"
                )
        return self.param_groups[0]["damping"], self.param_groups[0]["saddle_free"]

    def _check_size(self) -> None:
        size = sum(parameter.size for parameter in self.parameters())
        if size > self.max_parameters:
            raise ArgumentError(
                f"{self.title}: the Hessian of {size:,} parameters would take {size**2 * 8 / 2**20:,.0f} MiB, and a "
                f"step {size:,} backward passes; use optim.Adam or optim.SGD, which need neither, optimize fewer "
                f"parameters, or raise max_parameters, which is {self.max_parameters:,}"
            )

    def _loss(self, closure: Callable[[], Any] | None) -> Tensor:
        """Return the closure's loss, if the Hessian can be taken from it."""
        if not callable(closure):
            raise ArgumentError(
                f"{self.title}: step() takes the Hessian from the loss, so it needs a function that computes it, got "
                f"{closure!r}; write optimizer.step(lambda: criterion(model(X), y)). Training loops that call step() "
                "themselves, such as mg.fit, do not support it"
            )
        with enable_grad():
            loss = closure()
        if not isinstance(loss, Tensor):
            raise DtypeError(f"{self.title}: the closure must return the loss, a tensor, got {type(loss).__name__}")
        if loss.size != 1:
            raise GraphError(
                f"{self.title}: the closure must return a scalar, got shape {loss.shape}; reduce it with .mean() or "
                ".sum()"
            )
        if not np.isfinite(loss._array).all():
            raise ArgumentError(f"{self.title}: the loss is {loss._array.item()}, so no step can be computed from it")
        if loss.node is not None and loss.node.released:
            raise GraphError(
                f"{self.title}: the closure called backward(), which released the graph that the Hessian needs; let "
                "it return the loss without backward(), or call backward(retain_graph=True)"
            )
        return loss

    def _derivatives(self, loss: Tensor) -> tuple[list[Tensor], Floats, Floats]:
        """Return the parameters that the loss depends on, and its gradient and Hessian in their elements."""
        slopes = grad(loss, list(self.parameters()), create_graph=True, allow_unused=True)
        pairs = [(p, slope) for p, slope in zip(self.parameters(), slopes, strict=True) if slope is not None]
        parameters = [parameter for parameter, _ in pairs]
        if not any(parameter.size for parameter in parameters):
            raise GraphError(f"{self.title}: the loss depends on none of the parameters; compute it from them")
        gradient = _flat([slope for _, slope in pairs], parameters)
        hessian = np.zeros((len(gradient), len(gradient)))
        rows = iter(hessian)
        for _, slope in pairs:
            for direction in np.eye(slope.size, dtype=slope.dtype):
                row = next(rows)
                if slope.requires_grad:  # else it is the same everywhere
                    direction = direction.reshape(slope.shape)
                    options: dict[str, Any] = {"retain_graph": True, "allow_unused": True}
                    row[:] = _flat(grad(slope, parameters, gradient=direction, **options), parameters)
        grad(loss, parameters, retain_graph=False)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            what = "Hessian" if np.isfinite(gradient).all() else "gradient"
            raise ArgumentError(f"{self.title}: the {what} is not finite, so no step can be computed from it")
        return parameters, gradient, (hessian + hessian.T) / 2

    def _solve(self, gradient: Floats, hessian: Floats, damping: float, saddle_free: bool, precision: float) -> Floats:
        """Return the step before the learning rate."""
        eigenvalues, eigenvectors = np.linalg.eigh(hessian)
        scales = (np.abs(eigenvalues) if saddle_free else eigenvalues) + damping
        largest, least = np.abs(eigenvalues).max(), np.abs(scales).min()
        # below, an eigenvalue cannot be told from rounding; saddle-free and damped, none can be too small
        if least <= (0 if saddle_free and damping else len(gradient) * precision * largest):
            what, advice = "the Hessian", f"pass damping={largest / 1000 or 1.0:.0e}"
            if damping:
                what, advice = f"the Hessian plus damping={damping:g}", "pass another damping"
            raise ArgumentError(
                f"{self.title}: {what} is singular: of its eigenvalues, {scales.min():.3g} to {scales.max():.3g}, the "
                f"smallest in size is {least:.3g}, so no step is determined; {advice}, or saddle_free=True with damping"
            )
        steps: Floats = eigenvectors @ (eigenvectors.T @ gradient / scales)
        return steps

    def _apply(self, parameters: list[Tensor], steps: Floats) -> None:
        """Give each parameter a new array, changed by its part of the step."""
        rates = {parameter: group["lr"] for group in self.param_groups for parameter in group["params"]}
        first = 0
        for parameter in parameters:
            part = steps[first : first + parameter.size].reshape(parameter.shape)
            first += parameter.size
            parameter.assign(np.asarray(parameter._array - rates[parameter] * part, parameter.dtype))


def _flat(gradients: Any, parameters: list[Tensor]) -> Floats:
    """Return gradients side by side in double precision; zeros where there is none."""
    parts = [
        np.zeros(parameter.size) if gradient is None else np.array(gradient._array, np.float64).ravel()
        for gradient, parameter in zip(gradients, parameters, strict=True)
    ]
    return np.concatenate(parts)
