"""LinearLR: a learning rate that warms up, or falls, along a line."""

from __future__ import annotations

from minigrad.errors import ArgumentError, checked_arguments
from minigrad.optim import checks
from minigrad.optim.lr_scheduler.scheduler import LRScheduler
from minigrad.optim.optimizer import Optimizer


class LinearLR(LRScheduler):
    """Moves the factor on the learning rate from ``start_factor`` to ``end_factor`` over ``total_iters`` epochs.

    Raises:
        ArgumentError: when a factor is not from 0 to 1, or the start is 0.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=4)
    >>> for epoch in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    @checked_arguments
    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = checks.between(self.title, "start_factor", start_factor, 0, 1)
        if self.start_factor == 0:
            raise ArgumentError(f"{self.title}: start_factor must be above 0, since each epoch multiplies; try 1e-3")
        self.end_factor = checks.between(self.title, "end_factor", end_factor, 0, 1)
        self.total_iters = checks.whole(self.title, "total_iters", total_iters, 0)
        super().__init__(optimizer, last_epoch)

    def initial(self, lr: float) -> float:
        """Return the learning rate of epoch 0."""
        return lr * self.start_factor

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        if self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))
