"""SequentialLR: one schedule after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minigrad.checks import is_iterable
from minigrad.errors import ArgumentError, DtypeError
from minigrad.optim import checks
from minigrad.optim.lr_scheduler.reduce_on_plateau import ReduceLROnPlateau
from minigrad.optim.lr_scheduler.scheduler import LRScheduler, checked_optimizer
from minigrad.optim.optimizer import Optimizer


class SequentialLR(LRScheduler):
    """Follows one scheduler after another; each begins anew, from the first learning rates, at its milestone.

    Args:
        optimizer: the optimizer of all the schedulers.
        schedulers: two or more, in order.
        milestones: the epoch at which each scheduler but the first begins, rising.
        last_epoch: where to resume.

    Raises:
        DtypeError: when something is no scheduler.
        ArgumentError: when milestones do not fit, optimizers differ, or a scheduler cannot be one of several.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> warm_up = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = optim.lr_scheduler.SequentialLR(optimizer, [warm_up, decay], milestones=[2])
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.75]
    [1.0]
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = checked_optimizer(self.title, optimizer)
        self.schedulers = self._checked(schedulers)
        if not is_iterable(milestones):
            raise DtypeError(f"{self.title}: milestones is a list of epochs, such as [5, 10], got {milestones!r}")
        self.milestones = [checks.whole(self.title, "a milestone", milestone, 1) for milestone in milestones]
        if len(self.milestones) != len(self.schedulers) - 1 or sorted(set(self.milestones)) != self.milestones:
            raise ArgumentError(
                f"{self.title}: {len(self.schedulers)} schedulers need {len(self.schedulers) - 1} rising milestones, "
                f"got {self.milestones}"
            )
        self.last_epoch = checks.whole(self.title, "last_epoch", last_epoch, -1) + 1
        # what the schedulers did when they were made does not count
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for scheduler in self.schedulers:
            scheduler.last_epoch -= 1
        self.schedulers[0].start()
        self._last_lr = self.schedulers[0].get_last_lr()

    def _checked(self, schedulers: Any) -> list[LRScheduler]:
        if not isinstance(schedulers, (list, tuple)) or not schedulers:
            raise ArgumentError(f"{self.title}: expected a list of schedulers, got {schedulers!r}")
        for index, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise DtypeError(f"{self.title}: expected schedulers, got {type(scheduler).__name__} at index {index}")
            if isinstance(scheduler, (ReduceLROnPlateau, SequentialLR)):
                hint = (
                    "its step() needs a metric" if isinstance(scheduler, ReduceLROnPlateau) else "list its parts here"
                )
                raise ArgumentError(f"{self.title}: {scheduler.title} cannot be one of several: {hint}")
            if scheduler.optimizer is not self.optimizer:
                raise ArgumentError(f"{self.title}: scheduler {index}, {scheduler.title}, is for another optimizer")
        return list(schedulers)

    def step(self) -> None:
        """Set the learning rates of the next epoch."""
        self.last_epoch += 1
        current = self.schedulers[bisect_right(self.milestones, self.last_epoch)]
        if self.last_epoch in self.milestones:
            current.restart()
        else:
            current.step()
        self._last_lr = current.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of this schedule and of its parts."""
        own = super().state_dict()
        return {**own, "schedulers": [scheduler.state_dict() for scheduler in self.schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned. Load the optimizer's too: it has the learning rates.

        Raises:
            StateDictError: when names are missing or unknown, or the number of groups or parts differs.
        """
        schedulers = self.schedulers
        super().load_state_dict(state_dict)
        self.schedulers = schedulers
        for scheduler, values in zip(schedulers, state_dict["schedulers"], strict=True):
            scheduler.load_state_dict(values)

    def misfits(self, state_dict: Any) -> list[str]:
        """Return what keeps a state dict from being loaded, into this schedule and its parts."""
        problems = super().misfits(state_dict)
        if problems:
            return problems
        parts = zip(self.schedulers, state_dict["schedulers"], strict=True)
        return [f"scheduler {index}: {text}" for index, (own, value) in enumerate(parts) for text in own.misfits(value)]
