"""Adagrad: a step for each weight that shrinks with all its gradients so far."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.optim import checks
from minigrad.optim.optimizer import Optimizer, Params
from minigrad.optim.state import Group, State


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
    allowed: ClassVar[checks.Checks] = dict.fromkeys(
        ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"), checks.at_least_zero
    )

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
    ) -> None:
        options = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps}
        super().__init__(params, {**options, "initial_accumulator_value": initial_accumulator_value})

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        return ("step", "sum")

    def update(
        self,
        p: Array,
        g: Array,
        state: State,
        lr: float,
        lr_decay: float,
        weight_decay: float,
        initial_accumulator_value: float,
        eps: float,
    ) -> Array:
        """Return the new values."""
        if not state:
            state |= {"step": 0, "sum": np.full_like(p, initial_accumulator_value)}
        step = state["step"] = state["step"] + 1
        if weight_decay:
            g = g + weight_decay * p
        total: Array = state["sum"]
        total += g * g
        new: Array = p - lr / (1 + (step - 1) * lr_decay) * g / (np.sqrt(total) + eps)
        return new
