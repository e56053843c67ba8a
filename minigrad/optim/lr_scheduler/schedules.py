"""Schedules that depend on the epoch alone: steps, exponential, half a cosine, a line."""

from __future__ import annotations

import math

from minigrad.errors import ArgumentError
from minigrad.optim import checks
from minigrad.optim.lr_scheduler.scheduler import LRScheduler
from minigrad.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """Multiplies the learning rate by ``gamma`` every ``step_size`` epochs.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(3):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = checks.whole(self.title, "step_size", step_size, 1)
        self.gamma = checks.at_least_zero(self.title, "gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        return lr if self.last_epoch % self.step_size else lr * self.gamma


class ExponentialLR(LRScheduler):
    """Multiplies the learning rate by ``gamma`` every epoch.

    Raises:
        ArgumentError: when a number is not allowed.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = checks.at_least_zero(self.title, "gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        return lr * self.gamma


class CosineAnnealingLR(LRScheduler):
    """Lowers the learning rate to ``eta_min`` over ``T_max`` epochs, along half a cosine, and raises it after them.

    From Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, without the restarts.

    Raises:
        ArgumentError: when a number is not allowed.
    """

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


class LinearLR(LRScheduler):
    """Moves the factor on the learning rate from ``start_factor`` to ``end_factor`` over ``total_iters`` epochs.

    It begins with ``start_factor`` times the optimizer's first learning rate, ``initial_lr``, also where the optimizer
    has been loaded and its learning rate is another one by now.

    Raises:
        ArgumentError: when a factor is not from 0 to 1, or the start is 0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = checks.up_to_one(self.title, "start_factor", start_factor)
        if self.start_factor == 0:
            raise ArgumentError(f"{self.title}: start_factor must be above 0, since each epoch multiplies; try 1e-3")
        self.end_factor = checks.up_to_one(self.title, "end_factor", end_factor)
        self.total_iters = checks.whole(self.title, "total_iters", total_iters, 0)
        super().__init__(optimizer, last_epoch)

    def initial(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of epoch 0."""
        return base_lr * self.start_factor

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        if self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        factor = 1 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return lr * max(factor, 0.0)  # at the end of a way to 0, rounding may go below
