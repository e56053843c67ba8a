"""Every optimizer with its options, and clipping, in a step that is replayed."""

import inspect

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from tests.replay.worlds import World, classification, classifier, equal, regression, same

OPTIMIZERS = {
    "SGD": lambda params: optim.SGD(params, 0.1),
    "SGD momentum": lambda params: optim.SGD(params, 0.1, momentum=0.9),
    "SGD dampening": lambda params: optim.SGD(params, 0.1, momentum=0.9, dampening=0.5),
    "SGD nesterov": lambda params: optim.SGD(params, 0.1, momentum=0.9, nesterov=True),
    "SGD weight decay": lambda params: optim.SGD(params, 0.1, weight_decay=0.01),
    "SGD all": lambda params: optim.SGD(params, 0.1, momentum=0.8, weight_decay=0.01, nesterov=True),
    "Adam": lambda params: optim.Adam(params, 0.01),
    "Adam betas": lambda params: optim.Adam(params, 0.01, betas=(0.5, 0.9), eps=1e-4),
    "Adam weight decay": lambda params: optim.Adam(params, 0.01, weight_decay=0.1),
    "Adam amsgrad": lambda params: optim.Adam(params, 0.01, amsgrad=True),
    "AdamW": lambda params: optim.AdamW(params, 0.01),
    "AdamW amsgrad": lambda params: optim.AdamW(params, 0.01, weight_decay=0.2, amsgrad=True),
    "RMSprop": lambda params: optim.RMSprop(params, 0.01),
    "RMSprop momentum": lambda params: optim.RMSprop(params, 0.01, momentum=0.9, alpha=0.9),
    "RMSprop centered": lambda params: optim.RMSprop(params, 0.01, centered=True),
    "RMSprop all": lambda params: optim.RMSprop(params, 0.01, momentum=0.5, centered=True, weight_decay=0.01),
    "Adagrad": lambda params: optim.Adagrad(params, 0.1),
    "Adagrad decay": lambda params: optim.Adagrad(params, 0.1, lr_decay=0.01, weight_decay=0.01),
    "Adagrad start": lambda params: optim.Adagrad(params, 0.1, initial_accumulator_value=0.5),
}


class SignDescent(optim.Optimizer):
    """An optimizer of the user's own."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, {"lr": lr})

    def update(self, parameter, gradient, state, group):
        state["mean"] = 0.9 * state.get("mean", 0.0) + 0.1 * gradient
        parameter -= group["lr"] * np.sign(state["mean"])


def test_every_optimizer_is_in_a_test():
    """Newton's method is not replayed: its own tests say so."""
    known = {name for name, value in vars(optim).items() if inspect.isclass(value)} - {"Optimizer", "Newton"}
    assert {name.split()[0] for name in OPTIMIZERS} == known


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_replayed_bit_for_bit(name):
    same(lambda: classifier(nn.MLP([5, 8, 4, 3]), OPTIMIZERS[name]), classification())


def test_an_optimizer_of_the_users_own_is_replayed():
    same(lambda: classifier(optimizer=SignDescent), classification())


@pytest.mark.parametrize("name", ["SGD all", "Adam amsgrad", "RMSprop all"])
def test_double_precision_is_replayed(name):
    same(
        lambda: classifier(nn.MLP([5, 8, 3], dtype=np.float64), OPTIMIZERS[name]), classification(60, dtype=np.float64)
    )


@pytest.mark.parametrize("make", [OPTIMIZERS["SGD all"], OPTIMIZERS["Adam amsgrad"]], ids=["SGD", "Adam"])
def test_large_parameters_are_updated_in_blocks_as_ever(make):
    """Above 128 Ki elements an optimizer updates block by block."""
    same(lambda: classifier(nn.MLP([5, 400, 400, 3]), make), classification(16), replays=10)


def groups(kind, **options):
    def build():
        model = nn.MLP([5, 8, 4, 3])
        parts = [
            {"params": model[0].parameters(), "lr": 0.05},
            {"params": [model[2].weight], **options},
            {"params": [model[2].bias, *model[4].parameters()]},
        ]
        return classifier(model, lambda params: kind(parts, lr=0.01))

    return build


@pytest.mark.parametrize(
    "build",
    [
        groups(optim.SGD, momentum=0.9, nesterov=True),
        groups(optim.Adam, amsgrad=True),
        groups(optim.RMSprop, alpha=0.5),
    ],
    ids=["SGD", "Adam", "RMSprop"],
)
def test_parameter_groups_have_their_own_options(build):
    same(build, classification())


def test_parameters_by_name():
    def build():
        model = nn.MLP([5, 8, 3])
        return classifier(model, lambda params: optim.AdamW(model.named_parameters(), lr=0.01))

    same(build, classification(60))


# --- clipping


def clipped(clip, returns=True):
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X) * 4.0, y)
            loss.backward()
            norm = clip(model.parameters())
            optimizer.step()
            return (loss, norm) if returns else loss

        return World(train_step, model, optimizer)

    return build


CLIPS = {
    "norm": lambda params: optim.clip_grad_norm(params, 0.5),
    "norm that is seldom reached": lambda params: optim.clip_grad_norm(params, 3.0),
    "norm 1": lambda params: optim.clip_grad_norm(params, 1.0, norm_type=1),
    "norm inf": lambda params: optim.clip_grad_norm(params, 0.1, norm_type=float("inf")),
    "norm that must be finite": lambda params: optim.clip_grad_norm(params, 0.5, error_if_nonfinite=True),
    "value": lambda params: optim.clip_grad_value(params, 0.05),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clipping_is_replayed_bit_for_bit(name):
    same(clipped(CLIPS[name]), classification())


def test_clipping_twice_in_a_step():
    def both(params):
        params = list(params)
        optim.clip_grad_value(params, 0.1)
        return optim.clip_grad_norm(params, 0.2)

    same(clipped(both), classification(60))


def test_the_norm_may_be_read_to_be_returned():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.5)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            norm = optim.clip_grad_norm(model.parameters(), 0.3)
            optimizer.step()
            return loss.item(), norm.item()

        return World(train_step, model, optimizer)

    same(build, classification(60))


def test_clipping_in_a_step_that_leaves_the_update_to_another():
    """The gradients are what the step leaves behind."""

    def build():
        model = nn.MLP([5, 8, 3])

        def gradient_step(X, y):
            model.zero_grad()
            loss = F.mse_loss(model(X), y)
            loss.backward()
            optim.clip_grad_norm(model.parameters(), 0.1)
            return loss

        return World(gradient_step, model)

    same(build, regression(60))


# --- several, and by hand


def test_two_optimizers_in_one_step():
    def build():
        model = nn.MLP([5, 8, 3])
        first = optim.SGD(model[0].parameters(), lr=0.1, momentum=0.9)
        second = optim.Adam(model[2].parameters(), lr=0.01)

        def train_step(X, y):
            first.zero_grad()
            second.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            first.step()
            second.step()
            return loss

        return World(train_step, model, first, second)

    same(build, classification())


def test_two_models_that_take_turns_in_one_step():
    """A discriminator learns, then a generator against the one that has just learned."""

    def build():
        maker, judge = nn.MLP([5, 8, 3]), nn.MLP([3, 8, 1])
        of_maker, of_judge = optim.Adam(maker.parameters(), lr=0.01), optim.Adam(judge.parameters(), lr=0.02)

        def train_step(X, y):
            of_judge.zero_grad()
            made = maker(X)
            judged = F.mse_loss(judge(y), y[:, :1] * 0 + 1) + (judge(made.detach()) ** 2).mean()
            judged.backward()
            of_judge.step()
            of_maker.zero_grad()
            fooled = ((judge(made) - 1) ** 2).mean()
            fooled.backward()
            of_maker.step()
            return judged, fooled

        return World(train_step, maker, judge, of_maker, of_judge)

    same(build, regression(60))


def by_hand(update):
    def build():
        model = nn.MLP([5, 8, 3])
        parameters = list(model.parameters())

        def train_step(X, y):
            for parameter in parameters:
                parameter.grad = None
            loss = F.mse_loss(model(X), y)
            loss.backward()
            update(parameters)
            return loss

        return World(train_step, model)

    return build


def subtract(parameters):
    with mg.no_grad():
        for parameter in parameters:
            parameter -= 0.1 * parameter.grad


def subtract_data(parameters):
    for parameter in parameters:
        parameter.data = parameter.data - 0.1 * parameter.grad.data


def subtract_in_place(parameters):
    for parameter in parameters:
        parameter.data -= 0.1 * parameter.grad.data


def test_an_update_by_hand_is_replayed():
    same(by_hand(subtract), regression())


def test_an_update_by_hand_of_the_arrays_is_right():
    equal(by_hand(subtract_data), regression(60))


def test_an_update_by_hand_in_place_is_right_replayed_or_not():
    equal(by_hand(subtract_in_place), regression(60))


def test_an_update_by_hand_of_some_rows():
    def assign(parameters):
        with mg.no_grad():
            for parameter in parameters:
                parameter[0] = parameter[0] - 0.1 * parameter.grad[0]

    equal(by_hand(assign), regression(60))


def test_an_average_of_the_parameters_after_the_update():
    """It changes tensors after an optimizer's step: replayed or not, it must be right."""

    def build():
        world = classifier()
        model, train_step = world.model, world.step
        average = [mg.tensor(parameter.data.copy()) for parameter in model.parameters()]

        def averaged_step(X, y):
            loss = train_step(X, y)
            for mean, parameter in zip(average, model.parameters(), strict=True):
                mean.data = 0.9 * mean.data + 0.1 * parameter.data
            return loss

        world.step = averaged_step
        world.parts += tuple(average)
        return world

    equal(build, classification(40))
