"""Every layer, in a step that is replayed: the bits of the ordinary run, over 200 steps."""

import inspect

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from tests.replay.worlds import STEPS, World, classification, classifier, equal, regression, same

ACTIVATIONS = {
    "ReLU": nn.ReLU,
    "LeakyReLU": lambda: nn.LeakyReLU(0.2),
    "ELU": lambda: nn.ELU(1.5),
    "GELU": nn.GELU,
    "GELU tanh": lambda: nn.GELU("tanh"),
    "SiLU": nn.SiLU,
    "Sigmoid": nn.Sigmoid,
    "Tanh": nn.Tanh,
    "Softplus": nn.Softplus,
    "Softplus beta": lambda: nn.Softplus(2.0),
    "Softmax": nn.Softmax,
    "Softmax of columns": lambda: nn.Softmax(axis=0),
    "LogSoftmax": nn.LogSoftmax,
}


class Residual(nn.Module):
    """Blocks in a list, each added to what came before."""

    def __init__(self):
        self.blocks = nn.ModuleList(nn.Linear(5, 5) for _ in range(3))
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        for block in self.blocks:
            x = x + np.tanh(block(x))
        return self.head(x)


class Tied(nn.Module):
    """A layer that is used twice, and an output that shares its weight."""

    def __init__(self):
        self.inner = nn.Linear(5, 5)
        self.outer = nn.Linear(5, 5, bias=False)
        self.outer.weight = self.inner.weight

    def forward(self, x):
        return self.outer(self.inner(np.tanh(self.inner(x))))[:, :3]


class Branches(nn.Module):
    """NumPy's functions on tensors: slices, joins, reductions, powers, comparisons."""

    def __init__(self):
        self.left, self.right = nn.Linear(5, 4), nn.Linear(5, 4)
        self.scale = nn.Parameter(np.array(0.5, np.float32))

    def forward(self, x):
        left, right = self.left(x), self.right(x)
        joined = np.concatenate([left[:, ::2], right[:, 1:3], mg.where(left > right, left, right)], axis=1)
        pooled = joined.reshape(-1, 2, 4).max(axis=1) + joined.std(axis=1, keepdims=True)
        centred = pooled - pooled.mean(axis=0)
        return mg.clip(centred[:, :3] * self.scale - centred[:, 1:] ** 2, -2.0, 2.0) + np.cumsum(left, axis=1)[:, :3]


class Attention(nn.Module):
    """One head over the rows of a batch."""

    def __init__(self):
        self.query, self.key, self.value = nn.Linear(5, 4), nn.Linear(5, 4), nn.Linear(5, 3)

    def forward(self, x):
        scores = self.query(x) @ self.key(x).T / 2.0
        return F.softmax(scores, axis=-1) @ self.value(x)


class Square(nn.Module):
    """Parameters that are read through transposes and flips, whose gradients come back through them."""

    def __init__(self):
        self.weight = nn.Parameter(np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32))
        self.shift = nn.Parameter(np.arange(5, dtype=np.float32))

    def forward(self, x):
        return (x @ self.weight.T + np.flip(self.shift, 0))[:, :3]


MODELS = {
    **{
        name: lambda make=make: nn.Sequential(nn.Linear(5, 4), make(), nn.Linear(4, 3))
        for name, make in ACTIVATIONS.items()
    },
    "Linear": lambda: nn.Linear(5, 3),
    "Linear without bias": lambda: nn.Linear(5, 3, bias=False),
    "Identity": lambda: nn.Sequential(nn.Identity(), nn.Linear(5, 3), nn.Identity()),
    "Sequential": lambda: nn.Sequential(nn.Sequential(nn.Linear(5, 4)), nn.Sequential(nn.Tanh(), nn.Linear(4, 3))),
    "MLP": lambda: nn.MLP([5, 16, 8, 3]),
    "MLP of tanh": lambda: nn.MLP([5, 8, 3], activation=nn.Tanh),
    "MLP with dropout": lambda: nn.MLP([5, 16, 3], dropout=0.3),
    "Dropout": lambda: nn.Sequential(nn.Dropout(0.2), nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)),
    "Dropout of all": lambda: nn.Sequential(nn.Linear(5, 3), nn.Dropout(1.0)),
    "Dropout of none": lambda: nn.Sequential(nn.Linear(5, 3), nn.Dropout(0.0)),
    "BatchNorm1d": lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)),
    "BatchNorm1d momentum": lambda: nn.Sequential(nn.BatchNorm1d(5, momentum=0.5), nn.Linear(5, 3)),
    "BatchNorm1d not affine": lambda: nn.Sequential(nn.BatchNorm1d(5, affine=False), nn.Linear(5, 3)),
    "BatchNorm1d without statistics": lambda: nn.Sequential(
        nn.BatchNorm1d(5, track_running_stats=False), nn.Linear(5, 3)
    ),
    "LayerNorm": lambda: nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 3)),
    "LayerNorm without bias": lambda: nn.Sequential(nn.LayerNorm(5, bias=False), nn.Linear(5, 3)),
    "LayerNorm not affine": lambda: nn.Sequential(nn.LayerNorm(5, elementwise_affine=False), nn.Linear(5, 3)),
    "ModuleList": Residual,
    "shared parameters": Tied,
    "functions": Branches,
    "attention": Attention,
    "transposed parameters": Square,
}


def test_every_layer_is_in_a_test():
    layers = {name for name, value in vars(nn).items() if inspect.isclass(value) and issubclass(value, nn.Module)}
    used = {type(module).__name__ for make in MODELS.values() for module in make().modules()}
    losses = {name for name in layers if name.endswith("Loss")}
    assert layers - losses - {"Module"} - used == {"Embedding", "Flatten"}  # they have tests of their own below


@pytest.mark.parametrize("name", MODELS)
def test_a_layer_is_replayed_bit_for_bit(name):
    same(lambda: classifier(MODELS[name]()), classification())


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.MLP([5, 8, 3], dropout=0.3, dtype=np.float64),
        lambda: nn.Sequential(nn.BatchNorm1d(5, dtype=np.float64), nn.Linear(5, 3, dtype=np.float64)),
        lambda: nn.Sequential(nn.LayerNorm(5, dtype=np.float64), nn.Linear(5, 3, dtype=np.float64)),
    ],
    ids=["MLP", "BatchNorm1d", "LayerNorm"],
)
def test_double_precision_is_replayed(make):
    same(lambda: classifier(make()), classification(dtype=np.float64))


def test_half_precision_is_replayed():
    same(lambda: classifier(nn.MLP([5, 8, 3], dtype=np.float16)), classification(60, dtype=np.float16))


def test_precisions_may_mix():
    same(lambda: classifier(nn.MLP([5, 8, 3])), classification(60, dtype=np.float64))


def test_batch_normalisation_with_the_mean_of_all_batches():
    """Its share is a number that it reads, another one each time: replayed or not, it must be right."""
    equal(lambda: classifier(nn.Sequential(nn.BatchNorm1d(5, momentum=None), nn.Linear(5, 3))), classification(60))


def test_batch_normalisation_over_sequences():
    def build():
        model = nn.Sequential(nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(12, 3))
        return classifier(model)

    rng = np.random.default_rng(3)
    batches = [(rng.normal(size=(5, 4, 3)).astype(np.float32), rng.integers(0, 3, 5)) for _ in range(STEPS)]
    same(build, batches)


def test_layer_normalisation_over_two_axes():
    model = lambda: nn.Sequential(nn.LayerNorm((4, 3)), nn.Flatten(), nn.Linear(12, 3))  # noqa: E731
    rng = np.random.default_rng(3)
    batches = [(rng.normal(size=(5, 4, 3)).astype(np.float32), rng.integers(0, 3, 5)) for _ in range(STEPS)]
    same(lambda: classifier(model()), batches)


def test_an_embedding_is_replayed_with_other_indices():
    def build():
        return classifier(nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(12, 3)))

    rng = np.random.default_rng(3)
    same(build, [(rng.integers(0, 11, (5, 3)), rng.integers(0, 3, 5)) for _ in range(STEPS)])


def test_a_generator_of_its_own_goes_on_where_it_was():
    def build():
        rng = np.random.default_rng(5)
        model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5, rng=rng), nn.Dropout(0.1), nn.Linear(8, 3))
        world = classifier(model)
        world.parts += (rng,)
        return world

    same(build, classification())


def test_a_new_seed_in_mid_run_counts():
    def changes(world, place):
        if place in (50, 51, 120):
            mg.seed(place)

    same(lambda: classifier(nn.MLP([5, 8, 3], dropout=0.4)), classification(), changes=changes)


def test_dropout_as_a_function_draws_anew_each_time():
    def build():
        model, rng = nn.Linear(5, 3), np.random.default_rng(2)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            out = F.dropout(model(F.dropout(X, 0.3)), 0.5, rng=rng)
            loss = F.mse_loss(out, y)
            loss.backward()
            optimizer.step()
            return loss, out

        return World(train_step, model, optimizer, rng)

    same(lambda: _detached(build()), regression())


def _detached(world):
    """Let a step return values alone."""
    step = world.step

    def train_step(X, y):
        loss, out = step(X, y)
        return loss, out.detach()

    world.step = train_step
    return world


def test_a_frozen_layer_stays():
    def build():
        model = nn.MLP([5, 8, 3])
        for parameter in model[0].parameters():
            parameter.requires_grad = False
        optimizer = optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    same(build, classification())


def test_a_parameter_that_is_not_used_has_no_gradient():
    def build():
        model, spare = nn.MLP([5, 8, 3]), mg.ones((2, 2), requires_grad=True)
        world = classifier(model, lambda params: optim.Adam([*params, spare], lr=0.01))
        world.parts += (spare,)
        return world

    same(build, classification())


def test_evaluation_mode_is_replayed():
    def build():
        model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3))
        return classifier(model.eval())

    same(build, classification())


# --- nothing is taken from the calls that were recorded


@pytest.mark.parametrize("name", MODELS)
def test_what_was_alike_while_it_was_recorded_may_change(name):
    """The same batch, parameters and draws in every recorded call, and others from then on."""
    batches = classification(20)
    batches[:6] = [batches[0]] * 6

    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = 0.0 if place < 6 else 0.1
        if place < 6:
            mg.seed(1)

    equal(lambda: classifier(MODELS[name](), lambda params: optim.SGD(params, 0.1)), batches, changes=changes)


def test_other_indices_than_those_that_were_recorded():
    def build():
        model = nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(12, 3))
        return classifier(model, lambda params: optim.SGD(params, 0.1))

    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = 0.0 if place < 6 else 0.1

    rng = np.random.default_rng(3)
    batches = [(rng.integers(0, 11, (5, 3)), rng.integers(0, 3, 5)) for _ in range(40)]
    batches[:6] = [batches[0]] * 6
    same(build, batches, changes=changes)


VIEWS = {
    "transpose": lambda w: w.T,
    "flip": lambda w: np.flip(w, 0),
    "flip of both": lambda w: np.flip(w),
    "reshape": lambda w: w.reshape(5, 5, 1)[:, :, 0],
    "slice": lambda w: w[::-1, :],
    "swapaxes": lambda w: np.swapaxes(w, 0, 1),
    "rows": lambda w: w[np.array([4, 3, 2, 1, 0])],
    "split": lambda w: np.concatenate(np.split(w, [2], axis=0)[::-1], axis=0),
    "sum of two views": lambda w: w + w.T,
    "broadcast": lambda w: w * mg.ones((2, 1, 1)),
    "itself": lambda w: w,
    "diagonal": lambda w: w * mg.tensor(np.eye(5, dtype=np.float32)),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, 0.05), lambda p: optim.Adam(p, 0.01)], ids=["SGD", "Adam"])
def test_a_gradient_that_comes_back_through_a_view(name, make):
    """Its memory is another array's, maybe in another order."""
    view = VIEWS[name]

    def build():
        start = np.random.default_rng(1).normal(size=(2, 5, 5)).astype(np.float32)
        weight, other = (mg.tensor(part.copy(), requires_grad=True) for part in start)
        optimizer = make([weight, other])

        def train_step(G):
            optimizer.zero_grad()
            loss = (view(weight) * G).sum() + (view(other) * other).sum() * 0.1 + (weight * weight).sum()
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, weight, other, optimizer)

    same(build, [(G,) for G in np.random.default_rng(2).normal(size=(40, 5, 5)).astype(np.float32)])


@pytest.mark.parametrize("name", VIEWS)
def test_a_gradient_that_is_nothing_but_a_view(name):
    view = VIEWS[name]

    def build():
        weight = mg.tensor(np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32), requires_grad=True)

        def gradient_step(G):
            weight.grad = None
            loss = (view(weight) * G).sum()
            loss.backward()
            return loss

        return World(gradient_step, weight)

    same(build, [(G,) for G in np.random.default_rng(2).normal(size=(40, 5, 5)).astype(np.float32)])
