"""ExponentialLR: a smaller learning rate every epoch."""

from __future__ import annotations

from minigrad.errors import checked_arguments
from minigrad.optim import checks
from minigrad.optim.lr_scheduler.scheduler import LRScheduler
from minigrad.optim.optimizer import Optimizer


class ExponentialLR(LRScheduler):
    """Multiplies the learning rate by ``gamma`` every epoch.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for epoch in range(3):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    @checked_arguments
    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = checks.at_least_zero(self.title, "gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        return lr * self.gamma
