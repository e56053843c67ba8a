"""Adagrad: a step for each weight that shrinks with all its gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.errors import checked_arguments
from minigrad.optim import checks
from minigrad.optim.optimizer import Group, Optimizer, Params, State


class Adagrad(Optimizer):
    """Adagrad: ``sum += g**2``, then ``p -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(sum) + eps)``.

    ``weight_decay`` adds ``weight_decay * p`` to the gradient. From Duchi et al., "Adaptive subgradient methods for
    online learning and stochastic optimization", 2011, in PyTorch's form.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)
    """

    elementwise = True

    @checked_arguments
    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay}
        super().__init__(params, {**options, "initial_accumulator_value": initial_accumulator_value, "eps": eps})

    def check(self, group: Group) -> None:
        """Raise unless the options are allowed."""
        super().check(group)
        for name in ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            group[name] = checks.at_least_zero(self.title, name, group[name])

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        return ("step", "sum")

    def update(self, parameter: Array, gradient: Array, state: State, group: Group) -> None:
        """Change the parameter and its sum of squares in place."""
        first, second = self.scratch(parameter)
        if not state:
            state["step"] = 0
            state["sum"] = np.full_like(parameter, group["initial_accumulator_value"])
        state["step"] += 1
        if group["weight_decay"]:
            gradient = np.add(gradient, np.multiply(parameter, group["weight_decay"], out=first), out=first)
        total = state["sum"]
        total += np.multiply(gradient, gradient, out=second)
        deviation = np.sqrt(total, out=second)
        deviation += group["eps"]
        rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        step = np.divide(gradient, deviation, out=first)
        step *= rate
        parameter -= step
