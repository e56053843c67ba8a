"""What a user keeps from one call to the next is never overwritten, and shows what it would in an ordinary run."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.engine.sharing import Divided
from minigrad.replay.plan import Plan
from tests.replay.worlds import World, bits, classification, classifier, regression

MODELS = {
    "MLP": lambda: nn.MLP([5, 8, 3]),
    "batch normalisation": lambda: nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)),
    "large": lambda: nn.MLP([5, 100, 3]),
}
OPTIMIZERS = {
    "SGD": lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: optim.Adam(params, lr=0.01),
}


def transposed():
    """A world whose gradients are views of other arrays."""
    start = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    weight, other = mg.tensor(start[0].T.copy(), requires_grad=True), mg.tensor(start[1], requires_grad=True)
    optimizer = optim.SGD([weight, other], lr=0.1)

    def train_step(X, y):
        optimizer.zero_grad()
        loss = F.mse_loss(X @ weight.T + X @ other.reshape(5, 3), y)
        loss.backward()
        optimizer.step()
        return loss

    return World(train_step, weight, other, optimizer, model=[weight, other], optimizer=optimizer)


def parameters(world):
    return world.model if isinstance(world.model, list) else list(world.model.parameters())


def kept_in(build, keep, every, n=60, batches=None):
    """Keep something now and then, ordinarily and compiled: it must show the same at each step; return the replays."""
    shown, counts, plain = [], [], Plan.run
    for compiled in (False, True):
        mg.seed(0)
        world = build()
        step = mg.compile(world.step) if compiled else world.step
        kept, found = [], []

        def counted(plan, arrays, world=world):
            result = plain(plan, arrays)
            world.replays += 1
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plan, "run", counted)
            for place, (X, y) in enumerate(batches or classification(n)):
                result = step(mg.tensor(X), mg.tensor(y))
                if place % every == 0:
                    kept.append(keep(world, result))
                found.append([bits(thing) for thing in kept])
        shown.append(found)
        counts.append(world.replays)
    assert shown[1] == shown[0]
    return counts[1]


KEEP = {
    "the result": lambda world, result: result,
    "the result's array": lambda world, result: result.data,
    "a gradient": lambda world, result: parameters(world)[0].grad,
    "every gradient": lambda world, result: [parameter.grad for parameter in parameters(world)],
    "a gradient's array": lambda world, result: parameters(world)[0].grad.data,
    "every gradient's array": lambda world, result: [parameter.grad.numpy() for parameter in parameters(world)],
    "a view of a gradient": lambda world, result: parameters(world)[0].grad.numpy()[0],
    "a view of every gradient": lambda world, result: [p.grad.numpy()[:2] for p in parameters(world)],
    "a transposed gradient": lambda world, result: parameters(world)[0].grad.data.T,
    "a flat gradient": lambda world, result: parameters(world)[0].grad.data.ravel(),
    "a detached gradient": lambda world, result: parameters(world)[0].grad.detach(),
    "a sliced gradient": lambda world, result: parameters(world)[0].grad[1:],
    "a buffer of a gradient": lambda world, result: np.frombuffer(
        memoryview(parameters(world)[1].grad.data), np.float32
    ),
    "a copied gradient": lambda world, result: parameters(world)[0].grad.data.copy(),
    "a parameter": lambda world, result: parameters(world)[0],
    "a parameter's array": lambda world, result: parameters(world)[0].data,
    "every parameter's array": lambda world, result: [parameter.data for parameter in parameters(world)],
    "a view of a parameter": lambda world, result: parameters(world)[0].data[0],
    "a detached parameter": lambda world, result: parameters(world)[0].detach(),
    "a state dict": lambda world, result: (
        world.optimizer.state_dict() if isinstance(world.model, list) else world.model.state_dict()
    ),
    "the optimizer's arrays": lambda world, result: [
        dict(world.optimizer.state[parameter]) for parameter in parameters(world)
    ],
}
BUILD = {
    **{
        f"{model}, {optimizer}": lambda model=model, optimizer=optimizer: classifier(
            MODELS[model](), OPTIMIZERS[optimizer]
        )
        for model in MODELS
        for optimizer in OPTIMIZERS
    },
    "transposed": transposed,
}


@pytest.mark.parametrize("what", KEEP)
@pytest.mark.parametrize(
    ("name", "every"), [("MLP, SGD", 1), ("batch normalisation, Adam", 7), ("transposed", 1), ("transposed", 7)]
)
def test_what_is_kept_stays_as_in_an_ordinary_run(name, what, every):
    batches = regression(24) if name == "transposed" else None
    replays = kept_in(BUILD[name], KEEP[what], every, 24, batches)
    if every == 7 or what in ("the result", "a state dict", "a copied gradient", "a parameter"):
        assert replays > 5


@pytest.mark.parametrize("name", BUILD)
def test_ten_results_stay_what_they_were(name):
    mg.seed(0)
    world = BUILD[name]()
    step = mg.compile(world.step)
    kept, values = [], []
    for X, y in (regression if name == "transposed" else classification)(20):
        kept.append(step(mg.tensor(X), mg.tensor(y)))
        values.append(kept[-1].item())
    assert [loss.item() for loss in kept] == values
    assert len({loss.data.__array_interface__["data"][0] for loss in kept}) == 20


def test_results_that_are_changed_do_not_reach_the_plan():
    mg.seed(0)
    one, other = classifier(), classifier()
    other.model.load_state_dict(one.model.state_dict())
    step = mg.compile(one.step)
    for X, y in classification(30):
        loss = step(mg.tensor(X), mg.tensor(y))
        assert loss.item() == other.step(mg.tensor(X), mg.tensor(y)).item()
        loss.data[...] = 100.0


def test_gradients_that_are_changed_do_not_reach_the_plan():
    mg.seed(0)
    one, other = classifier(), classifier()
    other.model.load_state_dict(one.model.state_dict())
    step = mg.compile(one.step)
    for place, (X, y) in enumerate(classification(30)):
        assert step(mg.tensor(X), mg.tensor(y)).item() == other.step(mg.tensor(X), mg.tensor(y)).item()
        for world in (one, other):
            for parameter in world.model.parameters():
                parameter.grad.data[...] = place
                parameter.grad *= 2.0


def test_gradients_that_were_one_array_are_changed_one_by_one():
    """The gradient of a sum is that of each of its parts: an array for each, or one of both, as in an ordinary run."""
    shown = []
    for compiled in (False, True):
        one, other = (mg.tensor(np.ones((4, 3), np.float32), requires_grad=True) for _ in range(2))

        def gradient_step(X, one=one, other=other):
            one.grad = other.grad = None
            loss = ((one + other) * X).sum()
            loss.backward()
            return loss

        step = mg.compile(gradient_step) if compiled else gradient_step
        found = []
        for X in np.random.default_rng(0).normal(size=(20, 4, 3)).astype(np.float32):
            found.append(bits([step(mg.tensor(X)), one.grad, other.grad]))
            one.grad.data[...] *= 2.0
            found.append(bits([one.grad, other.grad]))
        shown.append(found)
    assert shown[0] == shown[1]


def test_batches_that_are_changed_afterwards_do_not_reach_the_plan():
    mg.seed(0)
    one, other = classifier(), classifier()
    other.model.load_state_dict(one.model.state_dict())
    step = mg.compile(one.step)
    x, labels = mg.zeros((6, 5)), mg.tensor(np.zeros(6, np.int64))
    for X, y in classification(30):
        x.data[...], labels.data[...] = X, y
        assert step(x, labels).item() == other.step(mg.tensor(X), mg.tensor(y)).item()
        assert x.data.tobytes() == X.tobytes()
        x.data[...] = np.nan


def test_two_models_with_plans_of_their_own():
    """A step for each, by turns."""
    mg.seed(0)
    worlds = [classifier() for _ in range(4)]
    for world in worlds[1:]:
        world.model.load_state_dict(worlds[0].model.state_dict())
    steps = [mg.compile(worlds[0].step), mg.compile(worlds[1].step), worlds[2].step, worlds[3].step]
    one, other = classification(40), classification(40, rows=3)
    for place in range(40):
        losses = [step(*map(mg.tensor, (one if i % 2 else other)[place])).item() for i, step in enumerate(steps)]
        assert losses[:2] == losses[2:]


def test_two_steps_of_one_model():
    """Training by one compiled step, evaluation by another, on the same parameters."""
    shown = []
    for compiled in (False, True):
        mg.seed(0)
        world = classifier(nn.MLP([5, 8, 3], dropout=0.2))
        model = world.model

        @mg.no_grad()
        def evaluate(X, y, model=model):
            return F.cross_entropy(model(X), y)

        train, evaluate = (mg.compile(world.step), mg.compile(evaluate)) if compiled else (world.step, evaluate)
        found = []
        for X, y in classification(60):
            found.append(train(mg.tensor(X), mg.tensor(y)).item())
            found.append(evaluate(mg.tensor(X), mg.tensor(y)).item())
        shown.append(found)
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    "make", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))], ids=["copy", "pickle"]
)
def test_models_and_optimizers_can_be_copied_between_replays(make):
    mg.seed(0)
    one, other = classifier(), classifier()
    other.model.load_state_dict(one.model.state_dict())
    step, kept = mg.compile(one.step), []
    for place, (X, y) in enumerate(classification(40)):
        assert step(mg.tensor(X), mg.tensor(y)).item() == other.step(mg.tensor(X), mg.tensor(y)).item()
        if place % 5 == 0:
            kept.append((make(one.model), bits(one.model.state_dict())))
    assert all(bits(model.state_dict()) == state for model, state in kept)


def test_arrays_are_ordinary_ones_after_every_step():
    mg.seed(0)
    world = classifier(MODELS["batch normalisation"]())
    step = mg.compile(world.step)
    for X, y in classification(10):
        x, labels = mg.tensor(X), mg.tensor(y)
        loss = step(x, labels)
        arrays = [loss.data, x.data, labels.data]
        arrays += [p.data for p in world.model.parameters()] + [p.grad.data for p in world.model.parameters()]
        arrays += [b.data for b in world.model.buffers()]
        arrays += [v for s in world.optimizer.state.values() for v in s.values() if isinstance(v, np.ndarray)]
        assert {type(array) for array in arrays} == {np.ndarray}
        bases = [array.base for array in arrays if array.base is not None]
        assert {type(base) for base in bases} <= {np.ndarray, Divided}


def test_a_deleted_step_frees_its_model():
    mg.seed(0)
    world = classifier()
    step = mg.compile(world.step)
    for X, y in classification(10):
        step(mg.tensor(X), mg.tensor(y))
    gone = weakref.ref(world.model)
    del world, step
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("sizes", [[5, 8, 3], [5, 100, 100, 3]])
@pytest.mark.parametrize("kept", [False, True])
def test_reading_parameters_costs_no_recording(sizes: list[int], kept: bool) -> None:
    mg.seed(0)
    world, ordinary = (classifier(nn.MLP(sizes, rng=np.random.default_rng(0))) for _ in range(2))
    step = mg.compile(world.step)
    batches = list(classification(14))
    read: list[np.ndarray] = []
    for number, (X, y) in enumerate(batches):
        for each, train in ((world, step), (ordinary, ordinary.step)):
            train(mg.tensor(X), mg.tensor(y))
            if number > 6:
                arrays = [parameter.data[:1] for parameter in each.model.parameters()]
                arrays[0][0] *= np.float32(0.5)  # a user may change what was read
                read += arrays if kept else []
        if number == 6:
            (plans,) = step.plans.values()
    assert list(step.plans.values()) == [plans]
    assert len(plans) == 1
    for one, other in zip(world.model.parameters(), ordinary.model.parameters(), strict=True):
        assert one.data.tobytes() == other.data.tobytes()
