"""StepLR: a smaller learning rate every few epochs."""

from __future__ import annotations

from minigrad.errors import checked_arguments
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

    @checked_arguments
    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = checks.whole(self.title, "step_size", step_size, 1)
        self.gamma = checks.at_least_zero(self.title, "gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of this epoch, given that of the epoch before."""
        return lr if self.last_epoch % self.step_size else lr * self.gamma
