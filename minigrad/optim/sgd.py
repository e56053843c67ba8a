"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.errors import ArgumentError
from minigrad.optim import checks
from minigrad.optim.optimizer import Optimizer, Params
from minigrad.optim.state import Group, State


class SGD(Optimizer):
    """Stochastic gradient descent: ``p -= lr * b``, where ``b = momentum * b + (1 - dampening) * g``.

    The first gradient is the first ``b``; without momentum ``b`` is the gradient. With Nesterov's momentum the
    step is ``g + momentum * b``. ``weight_decay`` adds ``weight_decay * p`` to the gradient. From Sutskever et al.,
    "On the importance of initialization and momentum in deep learning", 2013, in PyTorch's form.

    With ``v = -lr * b`` this is ``v = momentum * v - lr * g`` from ``v = 0``, then ``p += momentum * v - lr * g`` for
    Nesterov's: the same steps from the first one on while ``lr`` stays; when it changes, this ``v`` is scaled along.

    Raises:
        ArgumentError: when a number is not allowed, or Nesterov's momentum lacks momentum or is dampened.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     optimizer.step()
    >>> loss.item() < 1e-3
    True
    """

    elementwise = True
    allowed: ClassVar[checks.Checks] = {
        "momentum": checks.at_least_zero,
        "dampening": checks.up_to_one,
        "weight_decay": checks.at_least_zero,
        "nesterov": checks.flag,
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**options, "nesterov": nesterov})

    def check(self, group: Group) -> None:
        """Raise unless the options are allowed, each by itself and all together."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ArgumentError(
                f"{self.title}: nesterov=True needs momentum above 0 and dampening 0, got momentum="
                f"{group['momentum']} and dampening={group['dampening']}; try momentum=0.9"
            )

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names in a parameter's state."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def update(
        self,
        p: Array,
        g: Array,
        state: State,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
    ) -> Array:
        """Return the new values."""
        if weight_decay:
            g = g + weight_decay * p
        if momentum:
            b = state.get("momentum_buffer")
            if b is None:
                b = state["momentum_buffer"] = np.array(g)
            else:
                b *= momentum
                b += (1 - dampening) * g if dampening else g
            g = g + momentum * b if nesterov else b
        return p - lr * g
