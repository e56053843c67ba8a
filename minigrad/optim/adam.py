"""Adam: momentum over the root of the recent mean square, both corrected for their start at zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.errors import DtypeError, checked_arguments
from minigrad.optim import checks
from minigrad.optim.optimizer import Group, Optimizer, Params, State


class Adam(Optimizer):
    """Adam: ``m = b1 * m + (1 - b1) * g``, ``v = b2 * v + (1 - b2) * g**2``, then ``p -= lr * m' / (sqrt(v') + eps)``.

    ``m' = m / (1 - b1**step)`` and ``v' = v / (1 - b2**step)`` undo the start at zero. ``amsgrad`` divides by the
    largest ``v`` so far. ``weight_decay`` adds ``weight_decay * p`` to the gradient; AdamW does better. From Kingma and
    Ba, "Adam: a method for stochastic optimization", 2014; amsgrad: Reddi et al., "On the convergence of Adam and
    beyond", 2018; in PyTorch's form.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)
    """

    elementwise = True
    optional_state_names = ("max_exp_avg_sq",)

    @checked_arguments
    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps}
        super().__init__(params, {**options, "weight_decay": weight_decay, "amsgrad": amsgrad})

    def check(self, group: Group) -> None:
        """Raise unless the options are allowed."""
        super().check(group)
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise DtypeError(f"{self.title}: betas must be two numbers such as (0.9, 0.999), got {betas!r}")
        group["betas"] = tuple(
            checks.between(self.title, f"betas[{index}]", beta, 0, 1, below=True) for index, beta in enumerate(betas)
        )
        for name in ("eps", "weight_decay"):
            group[name] = checks.at_least_zero(self.title, name, group[name])
        group["amsgrad"] = checks.flag(self.title, "amsgrad", group["amsgrad"])

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        return ("step", "exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ()))

    def update(self, parameter: Array, gradient: Array, state: State, group: Group) -> None:
        """Change the parameter and its averages in place."""
        if group["weight_decay"]:
            first, _ = self.scratch(parameter)
            gradient = np.add(gradient, np.multiply(parameter, group["weight_decay"], out=first), out=first)
        self.adapt(parameter, gradient, state, group)

    def adapt(self, parameter: Array, gradient: Array, state: State, group: Group) -> None:
        """Change the parameter by Adam's own step, which knows of no weight decay."""
        first, second = self.scratch(parameter)
        beta1, beta2 = group["betas"]
        if not state:
            state |= {"step": 0, "exp_avg": np.zeros_like(parameter), "exp_avg_sq": np.zeros_like(parameter)}
        step = state["step"] = state["step"] + 1
        mean, square = state["exp_avg"], state["exp_avg_sq"]

        mean += np.multiply(np.subtract(gradient, mean, out=second), 1 - beta1, out=second)
        square *= beta2
        square += np.multiply(np.multiply(gradient, 1 - beta2, out=second), gradient, out=second)
        if group["amsgrad"]:
            largest = state.get("max_exp_avg_sq")
            if largest is None:
                largest = state["max_exp_avg_sq"] = np.zeros_like(parameter)
            square = np.maximum(largest, square, out=largest)

        deviation = np.sqrt(square, out=second)
        deviation /= math.sqrt(1 - beta2**step)
        deviation += group["eps"]
        change = np.divide(mean, deviation, out=first)
        change *= group["lr"] / (1 - beta1**step)
        parameter -= change
