"""Bad input to optimizers and learning rate schedules."""

from __future__ import annotations

from minigrad import optim
from minigrad.errors import ArgumentError, DtypeError, GraphError, StateDictError
from minigrad.optim import lr_scheduler
from tests.bad_input.given import WEIGHT, Cases, sgd

OPTIM: Cases = {
    "optim.SGD": [
        (lambda: optim.SGD([]), ArgumentError, "got an empty list of parameters; pass model.parameters() of a model"),
        (lambda: optim.SGD(3), DtypeError, "SGD: expected an iterable of tensors, got int"),
        (lambda: optim.SGD([WEIGHT], lr=-1), ArgumentError, "lr must be a finite number of at least 0, got -1; try"),
        (lambda: optim.SGD([WEIGHT], lr="a"), DtypeError, "SGD: lr must be a number, got 'a' (str)"),
    ],
    "optim.Adagrad": [
        (lambda: optim.Adagrad([WEIGHT], lr_decay=-1), ArgumentError, "lr_decay must be a finite number of at least"),
        (lambda: optim.Adagrad([WEIGHT], eps="a"), DtypeError, "Adagrad: eps must be a number, got 'a' (str)"),
        (lambda: optim.Adagrad([]), ArgumentError, "got an empty list of parameters; pass model.parameters() of a"),
        (
            lambda: optim.Adagrad([WEIGHT], initial_accumulator_value=-1),
            ArgumentError,
            "initial_accumulator_value must be a finite number of at least 0, got -1",
        ),
    ],
    "optim.Adam": [
        (lambda: optim.Adam([WEIGHT], betas=(2, 0.9)), ArgumentError, "betas[0] must be at least 0 and below 1, got 2"),
        (lambda: optim.Adam([WEIGHT], betas=0.9), DtypeError, "betas must be two numbers such as (0.9, 0.999), got"),
        (lambda: optim.Adam([WEIGHT], betas=("a", 0.9)), DtypeError, "Adam: betas[0] must be a number, got 'a' (str)"),
        (lambda: optim.Adam([WEIGHT], eps=-1), ArgumentError, "eps must be a finite number of at least 0, got -1"),
    ],
    "optim.AdamW": [
        (lambda: optim.AdamW([WEIGHT], weight_decay=-1), ArgumentError, "weight_decay must be a finite number of at"),
        (lambda: optim.AdamW([WEIGHT], betas=None), DtypeError, "betas must be two numbers such as (0.9, 0.999), got"),
        (lambda: optim.AdamW([3]), DtypeError, "AdamW: expected tensors to optimize, got int at index 0"),
    ],
    "optim.RMSprop": [
        (lambda: optim.RMSprop([WEIGHT], alpha=2), ArgumentError, "alpha must be at least 0 and below 1, got 2"),
        (lambda: optim.RMSprop([WEIGHT], momentum="a"), DtypeError, "momentum must be a number, got 'a' (str)"),
        (lambda: optim.RMSprop({"a": WEIGHT}), DtypeError, "expected an iterable of tensors, got a dict; pass [dict]"),
        (lambda: optim.RMSprop([WEIGHT], centered=3), DtypeError, "RMSprop: centered must be True or False, got 3"),
    ],
    "optim.Newton": [
        (lambda: optim.Newton([WEIGHT], damping=-1), ArgumentError, "damping must be a finite number of at least 0,"),
        (lambda: optim.Newton([WEIGHT], max_parameters=0), ArgumentError, "max_parameters must be an integer of at"),
        (lambda: optim.Newton([WEIGHT], saddle_free="a"), DtypeError, "saddle_free must be True or False, got 'a'"),
        (lambda: optim.Newton([WEIGHT]).step(lambda: 3), DtypeError, "the closure must return the loss, a tensor,"),
    ],
    "optim.Optimizer": [
        (lambda: optim.Optimizer([], {}), ArgumentError, "got an empty list of parameters; pass model.parameters()"),
        (lambda: optim.Optimizer(3, {}), DtypeError, "Optimizer: expected an iterable of tensors, got int"),
        (lambda: optim.Optimizer([WEIGHT], {"lr": "a"}), DtypeError, "Optimizer: lr must be a number, got 'a' (str)"),
        (lambda: optim.Optimizer([WEIGHT], 3), DtypeError, "defaults must be a dict of options with an 'lr', got 3"),
        (lambda: optim.Optimizer([WEIGHT], {}), DtypeError, "defaults must be a dict of options with an 'lr', got {}"),
        (lambda: sgd().step(3), DtypeError, "SGD: step() takes a function that computes the loss, got 3"),
    ],
    "optim.clip_grad_norm": [
        (lambda: optim.clip_grad_norm(3, 1.0), DtypeError, "clip_grad_norm: expected an iterable of tensors, got int"),
        (lambda: optim.clip_grad_norm([WEIGHT], -1), ArgumentError, "max_norm must be a finite number of at least 0,"),
        (lambda: optim.clip_grad_norm([WEIGHT], "a"), DtypeError, "max_norm must be a number, got 'a' (str)"),
        (lambda: optim.clip_grad_norm([WEIGHT], 1.0, norm_type=-1), GraphError, "no parameter has a gradient; call"),
    ],
    "optim.clip_grad_value": [
        (lambda: optim.clip_grad_value([WEIGHT], "a"), DtypeError, "clip_value must be a number, got 'a' (str)"),
        (lambda: optim.clip_grad_value([WEIGHT], -1), ArgumentError, "clip_value must be a finite number of at least"),
        (lambda: optim.clip_grad_value(None, 1), DtypeError, "expected an iterable of tensors, got NoneType"),
    ],
    "lr_scheduler.StepLR": [
        (lambda: lr_scheduler.StepLR(3, 2), DtypeError, "expected an optimizer such as optim.SGD(...), got int"),
        (lambda: lr_scheduler.StepLR(sgd(), 0), ArgumentError, "step_size must be an integer of at least 1, got 0"),
        (lambda: lr_scheduler.StepLR(sgd(), 2, "a"), DtypeError, "StepLR: gamma must be a number, got 'a' (str)"),
        (lambda: lr_scheduler.StepLR(sgd(), 2, last_epoch=5), ArgumentError, "last_epoch=5 resumes a schedule, and"),
    ],
    "lr_scheduler.ExponentialLR": [
        (lambda: lr_scheduler.ExponentialLR(None, 0.9), DtypeError, "expected an optimizer such as optim.SGD(...),"),
        (lambda: lr_scheduler.ExponentialLR(sgd(), "a"), DtypeError, "gamma must be a number, got 'a' (str)"),
        (lambda: lr_scheduler.ExponentialLR(sgd(), -1), ArgumentError, "gamma must be a finite number of at least 0,"),
    ],
    "lr_scheduler.CosineAnnealingLR": [
        (lambda: lr_scheduler.CosineAnnealingLR(sgd(), 0), ArgumentError, "T_max must be an integer of at least 1,"),
        (lambda: lr_scheduler.CosineAnnealingLR(sgd(), 5, "a"), DtypeError, "eta_min must be a number, got 'a' (str)"),
        (
            lambda: lr_scheduler.CosineAnnealingLR(WEIGHT, 5),
            DtypeError,
            "expected an optimizer such as optim.SGD(...), got Parameter",
        ),
    ],
    "lr_scheduler.LinearLR": [
        (lambda: lr_scheduler.LinearLR(sgd(), 0), ArgumentError, "start_factor must be above 0, since each epoch"),
        (lambda: lr_scheduler.LinearLR(sgd(), end_factor="a"), DtypeError, "end_factor must be a number, got 'a'"),
        (lambda: lr_scheduler.LinearLR("a"), DtypeError, "expected an optimizer such as optim.SGD(...), got str"),
    ],
    "lr_scheduler.ReduceLROnPlateau": [
        (
            lambda: lr_scheduler.ReduceLROnPlateau(sgd(), "least"),
            ArgumentError,
            "mode must be one of 'min', 'max', got",
        ),
        (
            lambda: lr_scheduler.ReduceLROnPlateau(sgd(), factor=2),
            ArgumentError,
            "factor must be at least 0 and below 1, got 2",
        ),
        (lambda: lr_scheduler.ReduceLROnPlateau(sgd(), patience=-1), ArgumentError, "patience must be an integer of"),
        (lambda: lr_scheduler.ReduceLROnPlateau(sgd()).step("a"), DtypeError, "metrics must be a number, got 'a'"),
    ],
    "lr_scheduler.LRScheduler": [
        (lambda: lr_scheduler.LRScheduler(3), DtypeError, "expected an optimizer such as optim.SGD(...), got int"),
        (lambda: lr_scheduler.LRScheduler(sgd(), "a"), DtypeError, "last_epoch must be a number, got 'a' (str)"),
        (lambda: lr_scheduler.StepLR(sgd(), 2).load_state_dict(3), StateDictError, "the state dict does not fit:"),
    ],
    "lr_scheduler.SequentialLR": [
        (lambda: lr_scheduler.SequentialLR(sgd(), [], []), ArgumentError, "expected a list of schedulers, got []"),
        (
            lambda: lr_scheduler.SequentialLR(sgd(), [lr_scheduler.StepLR(sgd(), 2)], [1, 2]),
            ArgumentError,
            "scheduler 0, StepLR, is for another optimizer",
        ),
        (lambda: lr_scheduler.SequentialLR(sgd(), [3], []), DtypeError, "expected schedulers, got int at index 0"),
        (
            lambda: lr_scheduler.SequentialLR(3, [lr_scheduler.StepLR(sgd(), 2)], []),
            DtypeError,
            "expected an optimizer such as optim.SGD(...), got int",
        ),
    ],
}
