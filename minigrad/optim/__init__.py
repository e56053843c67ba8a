"""Optimizers, learning-rate schedulers and gradient clipping."""

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
