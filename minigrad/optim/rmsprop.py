"""RMSprop: the gradient over the root of its recent mean square."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.optim import checks
from minigrad.optim.optimizer import Optimizer, Params
from minigrad.optim.state import Group, State, array_of


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
    allowed: ClassVar[checks.Checks] = {
        **dict.fromkeys(("eps", "weight_decay", "momentum"), checks.at_least_zero),
        "alpha": checks.below_one,
        "centered": checks.flag,
    }

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
        options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**options, "centered": centered})

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        momentum = ("momentum_buffer",) if group["momentum"] else ()
        return ("step", "square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def update(
        self,
        p: Array,
        g: Array,
        state: State,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        centered: bool,
    ) -> Array:
        """Return the new values."""
        state["step"] = state.get("step", 0) + 1
        if weight_decay:
            g = g + weight_decay * p
        v = array_of(state, "square_avg", p)
        v *= alpha
        v += (1 - alpha) * g * g
        if centered:
            m = array_of(state, "grad_avg", p)
            m += (1 - alpha) * (g - m)
            v = np.maximum(v - m * m, 0)  # a variance; rounding may make it negative
        change = g / (np.sqrt(v) + eps)
        if momentum:
            b = array_of(state, "momentum_buffer", p)
            b *= momentum
            b += change
            change = b
        return p - lr * change
