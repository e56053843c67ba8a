"""Optimizers, learning-rate schedulers and gradient clipping."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.optim import lr_scheduler as lr_scheduler
from minigrad.optim.adagrad import Adagrad as Adagrad
from minigrad.optim.adam import Adam as Adam
from minigrad.optim.adamw import AdamW as AdamW
from minigrad.optim.clipping import clip_grad_norm as clip_grad_norm
from minigrad.optim.clipping import clip_grad_value as clip_grad_value
from minigrad.optim.newton import Newton as Newton
from minigrad.optim.optimizer import Optimizer as Optimizer
from minigrad.optim.rmsprop import RMSprop as RMSprop
from minigrad.optim.sgd import SGD as SGD
from minigrad.pytorch_names import unknown_name as _unknown_name

if not _TYPE_CHECKING:  # a type checker shall see only what there is
    __getattr__ = _unknown_name(__name__)
