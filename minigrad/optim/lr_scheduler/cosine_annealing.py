"""CosineAnnealingLR: a learning rate that falls along half a cosine."""

from __future__ import annotations

import math

from minigrad.errors import checked_arguments
from minigrad.optim import checks
from minigrad.optim.lr_scheduler.scheduler import LRScheduler
from minigrad.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """Lowers the learning rate to ``eta_min`` over ``T_max`` epochs, along half a cosine, and raises it after them.

    From Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, without the restarts.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for epoch in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    @checked_arguments
    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = checks.whole(self.title, "T_max", T_max, 1)
        self.eta_min = checks.at_least_zero(self.title, "eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        height = base_lr - self.eta_min
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the bottom a factor could not raise it
            return lr + height * (1 - math.cos(math.pi / self.T_max)) / 2
        now = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        return now / before * (lr - self.eta_min) + self.eta_min
