"""Every loss and every reduction, in a step that is replayed: the bits of the ordinary run, over 200 steps."""

import inspect

import numpy as np
import pytest

import minigrad.nn.functional as F
from minigrad import nn, optim
from tests.replay.worlds import STEPS, classification, classifier, equal, regression, same

REDUCTIONS = ["mean", "sum", "none"]
RNG = np.random.default_rng(4)


def one_hot(batches, dtype=np.float32):
    return [(X, np.eye(3, dtype=dtype)[y]) for X, y in batches]


def probabilities(batches):
    made = [RNG.random((len(y), 3)).astype(np.float32) for _, y in batches]
    return [(X, p / p.sum(axis=1, keepdims=True)) for (X, _), p in zip(batches, made, strict=True)]


def between_0_and_1(batches):
    return [(X, RNG.random(y.shape).astype(np.float32)) for X, y in batches]


def after(function, loss):
    """Return a loss of what a function makes of a model's output."""
    return lambda out, y: loss(function(out), y)


LOSSES = {
    "CrossEntropyLoss": (lambda how: nn.CrossEntropyLoss(reduction=how), classification),
    "CrossEntropyLoss smooth": (lambda how: nn.CrossEntropyLoss(0.1, reduction=how), classification),
    "CrossEntropyLoss one-hot": (lambda how: nn.CrossEntropyLoss(reduction=how), lambda: one_hot(classification())),
    "CrossEntropyLoss one-hot integers": (
        lambda how: nn.CrossEntropyLoss(reduction=how),
        lambda: one_hot(classification(), np.int64),
    ),
    "CrossEntropyLoss probabilities": (
        lambda how: nn.CrossEntropyLoss(0.2, reduction=how),
        lambda: probabilities(classification()),
    ),
    "NLLLoss": (
        lambda how: after(lambda out: F.log_softmax(out, axis=1), nn.NLLLoss(how)),
        classification,
    ),
    "MSELoss": (lambda how: nn.MSELoss(how), regression),
    "L1Loss": (lambda how: nn.L1Loss(how), regression),
    "HuberLoss": (lambda how: nn.HuberLoss(how, delta=0.5), regression),
    "BCELoss": (
        lambda how: after(F.sigmoid, nn.BCELoss(how)),
        lambda: between_0_and_1(regression()),
    ),
    "BCEWithLogitsLoss": (lambda how: nn.BCEWithLogitsLoss(how), lambda: between_0_and_1(regression())),
}
FUNCTIONS = {
    "cross_entropy": (F.cross_entropy, classification),
    "nll_loss": (lambda out, y, **options: F.nll_loss(F.log_softmax(out), y, **options), classification),
    "mse_loss": (F.mse_loss, regression),
    "l1_loss": (F.l1_loss, regression),
    "huber_loss": (F.huber_loss, regression),
    "binary_cross_entropy": (
        lambda out, y, **options: F.binary_cross_entropy(F.sigmoid(out), y, **options),
        lambda: between_0_and_1(regression()),
    ),
    "binary_cross_entropy_with_logits": (
        F.binary_cross_entropy_with_logits,
        lambda: between_0_and_1(regression()),
    ),
}


def summed(loss, how):
    """Return a loss as one number, so that it can be differentiated."""
    return (lambda out, y: (loss(out, y) * 0.3).sum() * 0.1) if how == "none" else loss


def test_every_loss_is_in_a_test():
    losses = {name for name, value in vars(nn).items() if inspect.isclass(value) and name.endswith("Loss")}
    assert {name.split()[0] for name in LOSSES} == losses
    assert set(FUNCTIONS) == {name for name in vars(F) if name.endswith("_loss") or "cross_entropy" in name}


@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_replayed_bit_for_bit(name, how):
    make, batches = LOSSES[name]
    optimizer = lambda params: optim.SGD(params, 0.01, momentum=0.9)  # noqa: E731
    same(
        lambda: classifier(optimizer=optimizer, loss=summed(make(how), how)),
        batches()[: STEPS if how == "mean" else 80],
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_loss_as_a_function_is_replayed_bit_for_bit(name):
    function, batches = FUNCTIONS[name]
    same(lambda: classifier(loss=function), batches())


def test_labels_of_small_integers_are_replayed():
    batches = [(X, y.astype(np.uint8)) for X, y in classification(60)]
    same(lambda: classifier(), batches)


def test_the_loss_of_each_place_of_a_sequence():
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(4, 5)).astype(np.float32), rng.integers(0, 3, (4, 2))) for _ in range(STEPS)]

    def by_place(out, y):
        return F.cross_entropy(out.reshape(4, 3, 2), y)

    same(lambda: classifier(nn.MLP([5, 8, 6]), loss=by_place), batches)


def test_a_logarithm_of_0_is_as_quiet_as_ever():
    """Some functions divide by zero on purpose and say nothing of it; replayed they say nothing either."""

    def saturated(out, y):
        return F.binary_cross_entropy(F.sigmoid(out * 300.0), y)

    batches = [(X * (1.0 if i % 5 else 20.0), np.round(y)) for i, (X, y) in enumerate(between_0_and_1(regression(60)))]
    same(lambda: classifier(loss=saturated, optimizer=lambda params: optim.SGD(params, 1e-6)), batches)


def test_powers_and_roots_at_0_are_as_quiet_as_ever():
    def loss(out, y):
        positive = np.maximum(out, 0.0)
        return (positive**1.5 + np.abs(out) ** 0.0).mean() + F.mse_loss(out, y)

    same(
        lambda: classifier(loss=loss),
        [(np.zeros_like(X) if i % 3 else X, y) for i, (X, y) in enumerate(regression(30))],
    )


# --- nothing is taken from the calls that were recorded


@pytest.mark.parametrize("name", LOSSES)
def test_what_was_alike_while_it_was_recorded_may_change(name):
    """The same batch and the same parameters in every recorded call, and others from then on."""
    make, batches = LOSSES[name]
    batches = batches()[:40]
    batches[:6] = [batches[0]] * 6

    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = 0.0 if place < 6 else 0.1

    equal(
        lambda: classifier(optimizer=lambda params: optim.SGD(params, 0.1), loss=make("mean")), batches, changes=changes
    )
