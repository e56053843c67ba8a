"""LRScheduler: what all schedulers share."""

from __future__ import annotations

import copy
import warnings
from typing import Any

from minigrad.errors import ArgumentError, DtypeError, MissingMethodError, StateDictError
from minigrad.optim import checks
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.state import Group


class LRScheduler:
    """Sets the learning rate of each group of an optimizer. A new one gives ``chained``.

    Attributes:
        last_epoch: how often ``step`` has been called.
        base_lrs: the learning rates that the groups began with.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def chained(self, lr, base_lr):
    ...         return lr / 2
    >>> optimizer = optim.SGD([mg.zeros(2, requires_grad=True)], lr=0.1)
    >>> Halving(optimizer).get_last_lr()
    [0.1]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(self.title, optimizer)
        self.last_epoch = checks.whole(self.title, "last_epoch", last_epoch, -1)
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"{self.title}: last_epoch={last_epoch} resumes a schedule, and group {index} of the optimizer has "
                    "no 'initial_lr': load the optimizer's state dict first"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.start()

    # --- what a schedule gives

    def chained(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of epoch ``last_epoch``, given that of the epoch before and the very first."""
        raise MissingMethodError(f"{type(self).__name__} must define chained()")

    def initial(self, lr: float, base_lr: float) -> float:
        """Return the learning rate of epoch 0, given the optimizer's own and the very first."""
        return lr

    # --- stepping

    def start(self) -> None:
        """Begin: at epoch 0 from the learning rates that the groups have, or where ``last_epoch`` says."""
        self._step_count = 1
        self.last_epoch += 1
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.last_epoch == 0:
            rates = [self.initial(lr, base_lr) for lr, base_lr in zip(rates, self.base_lrs, strict=True)]
        self._set(rates)

    def restart(self) -> None:
        """Begin at epoch 0 from the learning rates that the groups had at first."""
        self.last_epoch = 0
        self._set([self.initial(base_lr, base_lr) for base_lr in self.base_lrs])

    def step(self) -> None:
        """Set the learning rates of the next epoch."""
        if self._step_count == 1 and not self.optimizer.has_stepped:
            warnings.warn(
                f"{self.title}.step() before the optimizer's first step(): the first learning rate of the schedule "
                "is skipped; call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        groups = self.groups(len(self.base_lrs))
        self._set([self.chained(group["lr"], base_lr) for group, base_lr in zip(groups, self.base_lrs, strict=True)])

    def groups(self, count: int) -> list[Group]:
        """Return the optimizer's parameter groups, of which there must be as many as at first."""
        groups = self.optimizer.param_groups
        if len(groups) != count:
            raise ArgumentError(
                f"{self.title}: made for {count} parameter groups, the optimizer now has {len(groups)}; "
                "make the scheduler after the last add_param_group()"
            )
        return groups

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each group, as last set."""
        return list(self._last_lr)

    def _set(self, learning_rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, learning_rates, strict=True):
            group["lr"] = lr
        self._last_lr = learning_rates

    # --- state

    def state_dict(self) -> dict[str, Any]:
        """Return the schedule's own numbers; the learning rates themselves are in the optimizer's state dict."""
        return {name: copy.copy(value) for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned. Load the optimizer's too: it has the learning rates.

        Raises:
            StateDictError: when names are missing or unknown, or the number of groups differs; lists every problem.
        """
        problems = self.misfits(state_dict)
        if problems:
            raise StateDictError(
                f"{self.title}: the state dict does not fit:\n" + "\n".join(f"  - {problem}" for problem in problems)
            )
        vars(self).update({name: copy.copy(value) for name, value in state_dict.items()})

    def misfits(self, state_dict: Any) -> list[str]:
        """Return what keeps a state dict from being loaded."""
        if not isinstance(state_dict, dict):
            return [f"expected a dict, got {type(state_dict).__name__}"]
        own = self.state_dict()
        problems = [f"{name} is missing" for name in own if name not in state_dict]
        for name, value in state_dict.items():
            if name not in own:
                problems.append(f"{name} is unknown")
            elif not alike(own[name], value):
                problems.append(f"{name}: expected something like {own[name]!r}, got {value!r}")
        return problems

    @property
    def title(self) -> str:
        """What errors call this scheduler."""
        return type(self).__name__


def alike(own: Any, value: Any) -> bool:
    """Whether a value could replace another: both numbers, texts, or lists of as many such."""
    if isinstance(own, (list, tuple)):
        return isinstance(value, (list, tuple)) and len(own) == len(value) and all(map(alike, own, value))
    kinds = (int, float) if isinstance(own, (int, float)) else type(own)
    return isinstance(value, kinds) and not isinstance(value, bool)


def checked_optimizer(owner: str, optimizer: Any) -> Optimizer:
    """Return the optimizer if it is one."""
    if not isinstance(optimizer, Optimizer):
        raise DtypeError(f"{owner}: expected an optimizer such as optim.SGD(...), got {type(optimizer).__name__}")
    return optimizer
