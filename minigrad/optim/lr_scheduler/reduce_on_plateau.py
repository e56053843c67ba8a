"""ReduceLROnPlateau: a smaller learning rate when a metric stops getting better."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minigrad.checks import one_of
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.optim import checks
from minigrad.optim.lr_scheduler.scheduler import LRScheduler, checked_optimizer
from minigrad.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the learning rate by ``factor`` once the metric has not got better for more than ``patience`` epochs.

    Better means beyond ``best * (1 - threshold)`` (``"rel"``) or ``best - threshold`` (``"abs"``), upwards for
    ``mode="max"``. A metric of nan is not better. After a reduction, ``cooldown`` epochs do not count. The learning
    rate stays at least ``min_lr`` (one number, or one a group), and changes of ``eps`` or less are not made.

    Raises:
        ArgumentError: when a number or a mode is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> optimizer = optim.SGD([mg.zeros(2, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = checked_optimizer(self.title, optimizer)
        self.mode = one_of(self.title, "mode", mode, ("min", "max"))
        self.factor = checks.below_one(self.title, "factor", factor)
        self.patience = checks.whole(self.title, "patience", patience, 0)
        self.threshold = checks.at_least_zero(self.title, "threshold", threshold)
        self.threshold_mode = one_of(self.title, "threshold_mode", threshold_mode, ("rel", "abs"))
        self.cooldown = checks.whole(self.title, "cooldown", cooldown, 0)
        self.eps = checks.at_least_zero(self.title, "eps", eps)
        groups = len(optimizer.param_groups)
        lowest = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * groups
        if len(lowest) != groups:
            raise ArgumentError(f"{self.title}: expected one min_lr, or {groups} for the groups, got {len(lowest)}")
        self.min_lrs = [checks.at_least_zero(self.title, "min_lr", value) for value in lowest]
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: float | Tensor) -> None:  # type: ignore[override]
        """Take the metric of an epoch, a number or a tensor of one element, and set the next learning rates.

        Raises:
            DtypeError: when the metric is no number.
        """
        groups = self.groups(len(self.min_lrs))
        value = metrics.item() if isinstance(metrics, Tensor) else checks.number(self.title, "metrics", metrics)
        self.last_epoch += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = [group["lr"] for group in groups]
        if self.num_bad_epochs > self.patience:
            rates = [self._reduced(lr, lowest) for lr, lowest in zip(rates, self.min_lrs, strict=True)]
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._set(rates)

    def _reduced(self, lr: float, lowest: float) -> float:
        lower = max(lr * self.factor, lowest)
        return lower if lr - lower > self.eps else lr

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * value > sign * self.best * (1 + sign * self.threshold)
        return sign * value > sign * (self.best + sign * self.threshold)
