"""Losses: their kinds of targets, their shapes, and what they refuse."""

import functools

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(4,), (5, 4), (5, 4, 3), (2, 4, 3, 2)])
def test_cross_entropy_by_hand_for_indices_one_hot_and_probabilities(shape, smoothing):
    """Five lines of NumPy, on every shape that is taken."""
    axis = min(1, len(shape) - 1)
    logits, labels = RNG.normal(size=shape), RNG.integers(0, 4, shape[:axis] + shape[axis + 1 :])
    one_hot = np.moveaxis(np.eye(4)[labels], -1, axis)
    smooth = one_hot * (1 - smoothing) + smoothing / 4
    log_softmax = logits - np.log(np.exp(logits).sum(axis, keepdims=True))
    by_hand = -(smooth * log_softmax).sum(axis)
    for targets in (labels, one_hot, one_hot.astype(np.int64)):
        x = mg.tensor(logits, requires_grad=True)
        losses = F.cross_entropy(x, mg.tensor(targets), smoothing, reduction="none")
        np.testing.assert_allclose(losses.data, by_hand, rtol=1e-12)
        losses.mean().backward()
        softmax = np.exp(log_softmax)
        np.testing.assert_allclose(x.grad.data, (softmax - smooth) / max(labels.size, 1), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(F.cross_entropy(x, targets, smoothing).item(), by_hand.mean(), rtol=1e-12)
        np.testing.assert_allclose(F.cross_entropy(x, targets, smoothing, "sum").item(), by_hand.sum(), rtol=1e-12)


def test_nll_of_log_softmax_is_cross_entropy():
    logits, labels = mg.tensor(RNG.normal(size=(6, 3, 2))), mg.tensor(RNG.integers(0, 3, (6, 2)))
    ours = F.nll_loss(F.log_softmax(logits, 1), labels, reduction="none")
    np.testing.assert_allclose(ours.data, F.cross_entropy(logits, labels, reduction="none").data, rtol=1e-12)


def test_losses_stay_in_float32():
    x, y = mg.ones((3, 2), requires_grad=True), mg.zeros((3, 2))
    losses = [
        F.cross_entropy(x, mg.tensor([0, 1, 1])), F.cross_entropy(x, np.eye(2)[[0, 1, 1]].astype(np.float32), 0.1),
        F.mse_loss(x, y), F.l1_loss(x, y), F.huber_loss(x, y), F.binary_cross_entropy(x, y),
        F.binary_cross_entropy_with_logits(x, y), F.nll_loss(x, mg.tensor([0, 1, 1])),
    ]  # fmt: skip
    assert {loss.dtype for loss in losses} == {np.dtype(np.float32)}


def test_predictions_of_integers_are_taken_as_numbers():
    loss = F.mse_loss(mg.tensor([1, 2, 4]), mg.tensor([0.0, 0.0, 0.5]))
    assert loss.dtype == np.float32
    assert loss.item() == 5.75


ELEMENTWISE = {
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "huber_loss": F.huber_loss,
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "MSELoss": nn.MSELoss(),
    "L1Loss": nn.L1Loss(),
    "HuberLoss": nn.HuberLoss(),
    "BCELoss": nn.BCELoss(),
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss(),
}
elementwise = pytest.mark.parametrize("loss", ELEMENTWISE.values(), ids=ELEMENTWISE)


def test_the_elementwise_losses_are_all_listed():
    """What takes class indices has a class axis; every other loss of the library compares element by element."""
    classes = {"cross_entropy", "nll_loss", "CrossEntropyLoss", "NLLLoss"}
    functions = {name for name in vars(F) if name.endswith("_loss") or "cross_entropy" in name}
    modules = {name for name in vars(nn) if name.endswith("Loss")}
    assert functions | modules == classes | set(ELEMENTWISE)


@elementwise
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("prediction", "target", "call"),
    [
        ((3, 1), (3,), "target.reshape(-1, 1)"),
        ((3,), (3, 1), "target.reshape(-1)"),
        ((1, 3), (3,), "target.reshape(-1, 3)"),
        ((3, 1, 1), (3, 1), "target.reshape(-1, 1, 1)"),
        ((4, 6), (4, 2, 3), "target.reshape(-1, 6)"),
        ((1,), (), "target.reshape(-1)"),
        ((), (1,), "target.reshape(())"),
    ],
)
def test_elementwise_losses_never_broadcast_and_name_the_call_that_helps(loss, reduction, prediction, target, call):
    if isinstance(loss, nn.Module):
        loss = type(loss)(reduction=reduction)
    else:
        loss = functools.partial(loss, reduction=reduction)
    prediction, target = mg.full(prediction, 0.5), mg.ones(target)
    with pytest.raises(ShapeError, match=r"they must be equal, and are never broadcast: reshape the target") as raised:
        loss(prediction, target)
    assert str(raised.value).endswith(call)
    loss(prediction, eval(call, {"target": target}))  # which works


@elementwise
@pytest.mark.parametrize(
    ("prediction", "target", "hint"),
    [
        ((4, 3), (4,), "for each of the 3 outputs of a sample; for class labels use cross_entropy"),
        ((4, 3), (3,), r"if each sample has this target, write mg.broadcast_to\(target, \(4, 3\)\)"),
        ((4, 3), (), r"if each sample has this target, write mg.broadcast_to\(target, \(4, 3\)\)"),
        ((1, 3), (4, 3), r"let the model return shape \(4, 3\), or write mg.broadcast_to\(\w+, \(4, 3\)\)"),
        ((4, 3), (4, 2), "neither can be reshaped to the other, with 12 and 8 elements"),
        ((2, 6), (3, 4), "neither can be reshaped to the other, with 12 and 12 elements"),
    ],
)
def test_shapes_that_no_reshape_brings_together(loss, prediction, target, hint):
    with pytest.raises(ShapeError, match=hint):
        loss(mg.full(prediction, 0.5), mg.ones(target))


def test_a_loss_says_what_its_own_argument_is_called_and_the_names_of_tensors():
    with pytest.raises(ShapeError, match=r"the prediction 'heights' has shape \(3, 1\) and the target 'ages' \(3,\)"):
        F.mse_loss(mg.tensor([[1.0], [2.0], [3.0]], name="heights"), mg.tensor([1.0, 2.0, 3.0], name="ages"))
    with pytest.raises(ShapeError, match=r"the probability has shape \(1, 3\).*broadcast_to\(probability, \(4, 3\)\)"):
        F.binary_cross_entropy(mg.ones((1, 3)), mg.ones((4, 3)))
    with pytest.raises(ShapeError, match="the logits have shape"):
        F.binary_cross_entropy_with_logits(mg.ones((3, 1)), mg.ones(3))


@elementwise
def test_fit_does_not_broadcast_either(loss):
    """The usual mistake: a model with one output, and targets without its axis."""
    X, y = RNG.normal(size=(10, 2)).astype(np.float32), RNG.integers(0, 2, 10).astype(np.float32)
    model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = [parameter.numpy().copy() for parameter in model.parameters()]
    batches = data.DataLoader(data.TensorDataset(X, y), batch_size=4)
    with pytest.raises(ShapeError, match=r"ha(s|ve) shape \(4, 1\) and the target \(4,\).*target.reshape\(-1, 1\)$"):
        mg.fit(model, batches, loss=loss, optimizer=optimizer, epochs=1, progress=False)
    for parameter, then in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), then)
    reshaped = lambda out, target: loss(out, target.reshape(-1, 1))  # noqa: E731
    mg.fit(model, batches, loss=reshaped, optimizer=optimizer, epochs=1, progress=False)  # a last batch of 2 too


@elementwise
def test_an_empty_batch_is_an_error(loss):
    with pytest.raises(ShapeError, match="the batch is empty"):
        loss(mg.ones((0, 2)), mg.ones((0, 2)))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: F.cross_entropy(mg.ones((2, 3)), [0, 3]), OutOfRangeError, "labels must be from 0 to 2 .* got 3"),
        (lambda: F.cross_entropy(mg.ones((2, 3)), [-1, 0]), OutOfRangeError, "labels must be from 0 to 2 .* got -1"),
        (lambda: F.nll_loss(mg.ones((2, 3)), [0, 7]), OutOfRangeError, "nll_loss: labels must be from 0 to 2 .* got 7"),
        (
            lambda: F.cross_entropy(mg.ones((2, 3)), [0.0, 1.0]),
            DtypeError,
            r"integer class indices, got float32.*astype",
        ),
        (
            lambda: F.cross_entropy(mg.ones((2, 3)), [0, 1, 2]),
            ShapeError,
            r"class indices of shape \(2,\).*got shape \(3,\)",
        ),
        (lambda: F.cross_entropy(mg.ones((0, 3)), np.zeros(0, int)), ShapeError, "the batch is empty"),
        (lambda: F.cross_entropy(mg.tensor(1.0), 0), ShapeError, "need a class axis"),
        (lambda: F.nll_loss(mg.ones((2, 3)), np.ones((2, 3))), ShapeError, "without the class axis"),
        (lambda: F.cross_entropy(mg.ones((2, 3)), [0, 1], 1.5), ArgumentError, "label_smoothing must be .* got 1.5"),
        (lambda: F.mse_loss(mg.ones(2), mg.ones(2), "avg"), ArgumentError, "'mean', 'sum', 'none', got 'avg'"),
        (lambda: nn.MSELoss("avg"), ArgumentError, "MSELoss: reduction must be one of"),
        (lambda: F.huber_loss(mg.ones(2), mg.ones(2), delta=-1), ArgumentError, "delta must be"),
        (
            lambda: F.binary_cross_entropy(mg.tensor([1.5]), [1.0]),
            OutOfRangeError,
            "from 0 to 1, got from 1.5.*with_logits",
        ),
        (lambda: nn.CrossEntropyLoss(smoothing=0.1), TypeError, "unexpected keyword argument 'smoothing'"),
    ],
)
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
