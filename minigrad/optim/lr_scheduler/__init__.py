"""Learning-rate schedulers: call ``scheduler.step()`` after the optimizer's, as a rule once an epoch.

All but SequentialLR and ReduceLROnPlateau multiply the learning rate that they find, as PyTorch's do: schedulers
can be combined on one optimizer, and a learning rate that was set by hand is kept.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.optim.lr_scheduler.reduce_on_plateau import ReduceLROnPlateau as ReduceLROnPlateau
from minigrad.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler
from minigrad.optim.lr_scheduler.schedules import CosineAnnealingLR as CosineAnnealingLR
from minigrad.optim.lr_scheduler.schedules import ExponentialLR as ExponentialLR
from minigrad.optim.lr_scheduler.schedules import LinearLR as LinearLR
from minigrad.optim.lr_scheduler.schedules import StepLR as StepLR
from minigrad.optim.lr_scheduler.sequential import SequentialLR as SequentialLR
from minigrad.pytorch_names import unknown_name as _unknown_name

if not _TYPE_CHECKING:  # a type checker shall see only what there is
    __getattr__ = _unknown_name(__name__)
