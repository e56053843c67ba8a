"""Adam: momentum over the root of the recent mean square, both corrected for their start at zero."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.optim import checks
from minigrad.optim.optimizer import Optimizer, Params
from minigrad.optim.state import Group, State, array_of

Pair = tuple[float, float]


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
    allowed: ClassVar[checks.Checks] = {
        "betas": checks.two_below_one,
        "eps": checks.at_least_zero,
        "weight_decay": checks.at_least_zero,
        "amsgrad": checks.flag,
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Pair = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        super().__init__(params, options)

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        return ("step", "exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ()))

    def update(
        self, p: Array, g: Array, state: State, lr: float, betas: Pair, eps: float, weight_decay: float, amsgrad: bool
    ) -> Array:
        """Return the new values."""
        if weight_decay:
            g = g + weight_decay * p
        return p - self.change(g, state, lr, betas, eps, amsgrad)

    def change(self, g: Array, state: State, lr: float, betas: Pair, eps: float, amsgrad: bool) -> Array:
        """Return what Adam takes from the values; weight decay is not its affair."""
        step = state["step"] = state.get("step", 0) + 1
        m, v = array_of(state, "exp_avg", g), array_of(state, "exp_avg_sq", g)
        beta1, beta2 = betas
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        if amsgrad:
            largest = array_of(state, "max_exp_avg_sq", g)
            v = np.maximum(largest, v, out=largest)
        deviation = np.sqrt(v) / math.sqrt(1 - beta2**step) + eps
        change: Array = lr / (1 - beta1**step) * m / deviation
        return change
