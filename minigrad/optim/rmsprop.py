"""RMSprop: the gradient over the root of its recent mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.errors import checked_arguments
from minigrad.optim import checks
from minigrad.optim.optimizer import Group, Optimizer, Params, State


class RMSprop(Optimizer):
    """RMSprop: ``v = alpha * v + (1 - alpha) * g**2``, then ``p -= lr * g / (sqrt(v) + eps)``.

    ``centered`` takes the square of the mean gradient from ``v``: the variance. With momentum the step is
    ``lr * b``, where ``b = momentum * b + g / (sqrt(v) + eps)``. ``weight_decay`` adds ``weight_decay * p`` to the
    gradient. From Hinton's lecture 6e, "Neural networks for machine learning", 2012; centered: Graves, "Generating
    sequences with recurrent neural networks", 2013; in PyTorch's form.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.RMSprop([w], lr=0.05)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)
    """

    elementwise = True
    optional_state_names = ("momentum_buffer", "grad_avg")

    @checked_arguments
    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**options, "momentum": momentum, "centered": centered})

    def check(self, group: Group) -> None:
        """Raise unless the options are allowed."""
        super().check(group)
        group["alpha"] = checks.between(self.title, "alpha", group["alpha"], 0, 1, below=True)
        for name in ("eps", "weight_decay", "momentum"):
            group[name] = checks.at_least_zero(self.title, name, group[name])
        group["centered"] = checks.flag(self.title, "centered", group["centered"])

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        momentum = ("momentum_buffer",) if group["momentum"] else ()
        return ("step", "square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def update(self, parameter: Array, gradient: Array, state: State, group: Group) -> None:
        """Change the parameter and its averages in place."""
        first, second = self.scratch(parameter)
        alpha, momentum = group["alpha"], group["momentum"]
        state["step"] = state.get("step", 0) + 1
        if group["weight_decay"]:
            gradient = np.add(gradient, np.multiply(parameter, group["weight_decay"], out=first), out=first)
        square = average("square_avg", state, parameter)
        square *= alpha
        square += np.multiply(np.multiply(gradient, 1 - alpha, out=second), gradient, out=second)
        if group["centered"]:
            mean = average("grad_avg", state, parameter)
            mean += np.multiply(np.subtract(gradient, mean, out=second), 1 - alpha, out=second)
            variance = np.subtract(square, np.multiply(mean, mean, out=second), out=second)
            deviation = np.sqrt(variance, out=second)
        else:
            deviation = np.sqrt(square, out=second)
        deviation += group["eps"]
        step = np.divide(gradient, deviation, out=first)
        if momentum:
            buffer = average("momentum_buffer", state, parameter)
            buffer *= momentum
            buffer += step
            step = buffer
        parameter -= np.multiply(step, group["lr"], out=first)


def average(name: str, state: State, parameter: Array) -> Array:
    """Return an array of the state, which begins as zeros."""
    value: Array | None = state.get(name)
    if value is None:
        value = state[name] = np.zeros_like(parameter)
    return value
