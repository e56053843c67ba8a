"""What changes between two calls of a step, or within: the step follows, bit for bit."""

import functools
import os
import types
import weakref

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.optim import lr_scheduler
from tests.replay.worlds import (
    STEPS,
    World,
    classification,
    classifier,
    equal,
    numbers,
    regression,
    run,
    same,
    warned,
)

# --- shapes, dtypes and arguments


def sized(sizes, n):
    return [classification(1, rows=sizes[place % len(sizes)])[0] for place in range(n)]


def test_a_short_last_batch_has_a_plan_of_its_own():
    world = same(lambda: classifier(nn.MLP([5, 8, 3], dropout=0.2)), sized([6] * 9 + [4], STEPS), replays=150)
    assert len(world.step.plans) == 2


def test_batch_sizes_that_take_turns():
    same(lambda: classifier(), sized([6, 3, 8, 1], STEPS), replays=150)


def test_more_sizes_than_plans_are_kept():
    world = equal(lambda: classifier(), sized(list(range(1, 13)), 150))
    assert len(world.step.plans) <= 8
    assert len(world.step.drafts) <= 16  # what is recorded is let go of, too


def test_sizes_that_come_and_go_are_replayed_while_they_stay():
    sizes = [size for size in range(1, 13) for _ in range(12)]
    world = same(lambda: classifier(), sized(sizes, 144), replays=90)
    assert len(world.step.plans) == 8


def test_dtypes_that_take_turns():
    single, double = classification(100), classification(100, dtype=np.float64)
    batches = [pair for both in zip(single, double, strict=True) for pair in both]
    batches += [(X, y.astype(np.int32)) for X, y in single[:20]]
    same(lambda: classifier(), batches, replays=200)


def test_memory_in_another_order():
    batches = [(np.asfortranarray(X) if i // 10 % 2 else X, y) for i, (X, y) in enumerate(classification(80))]
    new = lambda batch: tuple(mg.Tensor(np.array(part, order="K")) for part in batch)  # noqa: E731
    same(lambda: classifier(), batches, replays=60, new=new)


def test_slices_of_a_data_set_as_arguments():
    X, y = classification(1, rows=64)[0]

    def new(batch):
        start, step = batch
        return mg.Tensor(X[start::step][:8]), mg.Tensor(y[start::step][:8])

    equal(lambda: classifier(), [(i % 7, 2 if i % 20 < 10 else 3) for i in range(100)], new=new)


def test_arrays_as_arguments():
    def new(batch):
        return tuple(part.copy() for part in batch)

    same(lambda: classifier(), classification(60), new=new)


def test_options_tuples_dicts_and_numbers_as_arguments():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(batch, *, extra, scale=1.0, name="mean", flags=(True, None)):
            X, (y,) = batch["X"], batch["rest"]
            optimizer.zero_grad()
            out = model(X) * scale + extra[0]
            loss = F.mse_loss(out, y, reduction=name) if flags[0] else F.l1_loss(out, y)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    batches = [
        {
            "batch": {"X": X, "rest": [y]},
            "extra": (numbers(3, seed=place), 7),
            "scale": [1.0, 0.5, 2][place // 20 % 3],
            "flags": (place // 50 % 2 == 0, None),
        }
        for place, (X, y) in enumerate(regression(STEPS))
    ]
    same(build, batches, replays=170)


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, 1.0), (True, 1), (0.0, -0.0), (np.float32(2), np.float64(2)), (np.float32(2), 2.0), ((1, 2), (1.0, 2))],
    ids=["int and float", "bool and int", "zeros", "precisions", "NumPy's and Python's", "in a tuple"],
)
@pytest.mark.parametrize("where", ["argument", "closure"])
def test_numbers_that_are_equal_and_not_the_same(first, second, where):
    """They give other dtypes, or another sign of zero."""

    def build():
        world = World(None)
        world.factor = first
        factor = first

        def with_argument(x, value):
            value = value[0] if isinstance(value, tuple) else value
            return 1.0 / (x * value + 0.0 * value) if value == 0 else x * np.asarray(value) + value

        def with_closure(x, value):
            return with_argument(x, factor)

        def change(value):
            nonlocal factor
            factor = value

        world.change = change
        world.step = with_argument if where == "argument" else with_closure
        return world

    def changes(world, place):
        world.change(first if place < 8 else second)

    batches = [(np.arange(3), first if place < 8 or where == "closure" else second) for place in range(16)]
    with np.errstate(all="ignore"):
        equal(build, batches, changes=changes)


@pytest.mark.parametrize("how", ["multiplied", "set"])
def test_a_number_that_is_another_each_time_ends_in_a_warning(how):
    """A schedule as an argument: to record each call anew for ever is slower than not to, and keeps everything."""

    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y, number):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            if how == "set":
                optimizer.param_groups[0]["lr"] = number
            else:
                loss = loss * number
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    batches = [(*pair, 0.1 / (place + 1)) for place, pair in enumerate(classification(100))]
    world = equal(build, batches)
    assert world.replays > 80 or world.step.reason is not None


def test_batches_that_require_gradients_are_let_go_of():
    """Each is another tensor, whose gradient the step leaves in it."""
    model = nn.MLP([5, 8, 3])
    alive = []

    def attack(X, y):
        F.cross_entropy(model(X), y).backward()
        return X.grad.detach()

    ordinary, compiled = attack, mg.compile(attack)
    for place, (X, y) in enumerate(classification(120)):
        gradients = []
        for step in (ordinary, compiled):
            model.zero_grad()
            inputs = mg.tensor(X, requires_grad=True)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.warn", lambda *_, **__: None)
                result = step(inputs, mg.tensor(y))
            gradients.append((result.data.tobytes(), inputs.grad.data.tobytes()))
            if step is compiled:
                alive.append(weakref.ref(inputs))
        assert gradients[0] == gradients[1], place
    del inputs, result
    assert sum(reference() is not None for reference in alive) < 40


def test_the_same_leaf_as_argument_each_time():
    """An input that is optimized, as for style transfer or an adversarial example."""

    def build():
        image = mg.tensor(numbers(4, 5), requires_grad=True)
        model = nn.MLP([5, 8, 3])
        optimizer = optim.Adam([image], lr=0.01)

        def train_step(image, y):
            optimizer.zero_grad()
            model.zero_grad()
            loss = F.cross_entropy(model(image), y)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, image, optimizer, image=image)

    histories = []
    for compiled in (False, True):
        mg.seed(0)
        world = build()
        step = mg.compile(world.step) if compiled else world.step
        losses = [step(world.image, mg.tensor([0, 1, 2, 0])).item() for _ in range(40)]
        histories.append((losses, world.image.data.tobytes(), world.image.grad.data.tobytes()))
    assert histories[0] == histories[1]


# --- what the optimizer is told


SCHEDULERS = {
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 5, 0.5),
    "ExponentialLR": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.98),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 50),
    "LinearLR": lambda optimizer: lr_scheduler.LinearLR(optimizer, 0.1, total_iters=20),
    "SequentialLR": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.9)], milestones=[10]
    ),
}


def scheduled(name, inside):
    def build():
        world = classifier(optimizer=lambda params: optim.Adam(params, lr=0.05))
        scheduler, inner = SCHEDULERS[name](world.optimizer), world.step

        def train_step(X, y):
            loss = inner(X, y)
            scheduler.step()
            return loss

        world.parts += (scheduler,)
        world.scheduler = scheduler
        world.step = train_step if inside else inner
        return world

    return build


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_outside_of_the_step(name):
    def changes(world, place):
        if place:
            world.scheduler.step()

    same(scheduled(name, inside=False), classification(), changes=changes)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_inside_of_the_step_counts_each_step(name):
    equal(scheduled(name, inside=True), classification(60))


def test_a_plateau_scheduler_outside_of_the_step():
    def build():
        world = classifier()
        world.scheduler = lr_scheduler.ReduceLROnPlateau(world.optimizer, factor=0.5, patience=2)
        world.parts += (world.scheduler,)
        return world

    def changes(world, place):
        world.scheduler.step(1.0 + (place % 7))

    same(build, classification(60), changes=changes)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("lr", [0.1, 0.01, 0.0]),
        ("momentum", [0.9, 0.0, 0.5]),
        ("weight_decay", [0.0, 0.1]),
        ("nesterov", [False, True]),
    ],
)
def test_an_option_of_the_optimizer_that_is_set_in_mid_run(option, values):
    def changes(world, place):
        if place % 10 == 5:
            world.optimizer.param_groups[0][option] = values[place // 10 % len(values)]

    same(lambda: classifier(), classification(), changes=changes, replays=100)


def test_a_learning_rate_that_the_step_sets_itself():
    def build():
        world = classifier()
        inner, optimizer = world.step, world.optimizer

        def train_step(X, y):
            optimizer.param_groups[0]["lr"] *= 0.99
            return inner(X, y)

        world.step = train_step
        return world

    equal(build, classification(60))


def test_a_learning_rate_that_the_step_reads():
    """A penalty as large as the learning rate."""

    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            rate = optimizer.param_groups[0]["lr"]
            loss = F.cross_entropy(model(X), y) + rate * (model[0].weight ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer, optimizer=optimizer)

    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = 0.1 if place < 30 else 0.05

    equal(build, classification(60), changes=changes)


def test_a_parameter_group_that_is_added_in_mid_run():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model[0].parameters(), lr=0.1, momentum=0.9)

        def train_step(X, y):
            model.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer, model=model, optimizer=optimizer)

    def changes(world, place):
        if place == 40:
            world.optimizer.add_param_group({"params": world.model[2].parameters(), "lr": 0.01})

    same(build, classification(80), changes=changes, replays=60)


def test_another_optimizer_in_mid_run():
    def build():
        model = nn.MLP([5, 8, 3])
        holder = types.SimpleNamespace(optimizer=optim.SGD(model.parameters(), lr=0.1))

        def train_step(X, y):
            holder.optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            holder.optimizer.step()
            return loss

        return World(train_step, model, holder=holder, model=model)

    def changes(world, place):
        if place == 30:
            world.holder.optimizer = optim.Adam(world.model.parameters(), lr=0.01)

    same(build, classification(60), changes=changes, replays=45)


# --- modes


def dropping():
    return classifier(nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3)))


def test_training_and_evaluation_mode_take_turns():
    def changes(world, place):
        if place % 20 == 0:
            world.model.train(place % 40 == 0)

    same(dropping, classification(), changes=changes, replays=150)


def test_the_mode_of_one_layer_changes():
    def changes(world, place):
        if place in (30, 60):
            world.model[2].training = place == 60

    same(dropping, classification(90), changes=changes, replays=70)


def test_another_mode_at_each_call():
    """Training and evaluation by one step in turn, as in a loop that does both."""

    def changes(world, place):
        world.model.train(place % 2 == 0)

    same(dropping, classification(100), changes=changes, replays=80)


def test_modes_that_the_step_switches_itself():
    def build():
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            model.train()
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
            model.eval()
            return loss

        return World(train_step, model, optimizer)

    same(build, classification(60))


def test_the_gradient_mode_around_the_step():
    def build():
        model = nn.Linear(5, 3)

        def forward(X, y):
            out = model(X)
            return F.cross_entropy(out, y).detach(), out.requires_grad

        def either(X, y, record):
            if record:
                return compiled_or_not.step(X, y)
            with mg.no_grad():
                return compiled_or_not.step(X, y)

        compiled_or_not = World(forward, model)
        compiled_or_not.either = either
        return compiled_or_not

    histories = []
    for compiled in (False, True):
        mg.seed(0)
        world = build()
        world.step = mg.compile(world.step) if compiled else world.step
        batches = [(mg.tensor(X), mg.tensor(y)) for X, y in classification(30)]
        results = [world.either(X, y, place % 3 == 0) for place, (X, y) in enumerate(batches)]
        histories.append([(loss.item(), flag) for loss, flag in results])
    assert histories[0] == histories[1]
    assert world.step.reason is None


def test_dropout_that_grows():
    def changes(world, place):
        if place % 20 == 0:
            world.model[2].p = place / 400

    same(dropping, classification(100), changes=changes, replays=70)


def test_a_layer_that_is_frozen_and_thawed_in_mid_run():
    def changes(world, place):
        if place in (40, 80):
            for parameter in world.model[0].parameters():
                parameter.requires_grad = place == 80
                parameter.grad = None

    same(lambda: classifier(nn.MLP([5, 8, 3])), classification(120), changes=changes, replays=100)


def test_a_layer_that_is_replaced_in_mid_run():
    def changes(world, place):
        if place == 30:
            setattr(world.model, "1", nn.Tanh())

    same(lambda: classifier(nn.MLP([5, 8, 3])), classification(60), changes=changes, replays=45)


# --- values


def test_parameters_that_are_loaded_in_mid_run():
    def changes(world, place):
        if place == 20:
            world.kept = world.model.state_dict(), world.optimizer.state_dict()
        if place in (50, 70):
            world.model.load_state_dict(world.kept[0])
        if place in (60, 70):
            world.optimizer.load_state_dict(world.kept[1])

    def build():
        return classifier(
            nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)),
            lambda params: optim.Adam(params, lr=0.01),
        )

    same(build, classification(100), changes=changes, replays=80)


def test_values_that_are_assigned_in_mid_run():
    def changes(world, place):
        weight = world.model[0].weight
        if place == 20:
            weight.data = weight.data * 0.5
        if place == 40:
            weight.data[0] = 1.0
        if place == 60:
            weight.data *= 2.0
        if place == 80:
            with mg.no_grad():
                weight[1] = 3.0
        if place == 90:
            np.copyto(weight.numpy(), 0.25)

    same(lambda: classifier(nn.MLP([5, 8, 3])), classification(120), changes=changes, replays=95)


def test_gradients_that_are_assigned_in_mid_run():
    def changes(world, place):
        if place in (20, 40):
            world.model[0].weight.grad = np.ones((8, 5)) if place == 20 else None

    same(lambda: classifier(nn.MLP([5, 8, 3])), classification(60), changes=changes, replays=45)


def outside(kind):
    """A step that uses a tensor or an array from its closure."""

    def build():
        model = nn.Linear(5, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        mask = kind(np.ones((6, 5), np.float32))

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X * mask), y)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer, mask=mask)

    return build


@pytest.mark.parametrize("kind", [mg.tensor, np.array], ids=["tensor", "array"])
def test_values_from_outside_that_change_in_place(kind):
    def changes(world, place):
        array = world.mask.data if isinstance(world.mask, mg.Tensor) else world.mask
        if place % 20 == 10:
            array[:] = numbers(6, 5, seed=place)

    same(outside(kind), regression(100), changes=changes, replays=70)


def test_a_tensor_from_outside_that_gets_other_values():
    def changes(world, place):
        world.mask.data = numbers(6, 5, seed=place)

    same(outside(mg.tensor), regression(100), changes=changes)


@pytest.mark.parametrize("shape", [(1, 5), (5,), (6, 1), ()])
def test_a_tensor_from_outside_that_gets_another_shape(shape):
    """Nothing refuses it while no graph uses the tensor; it broadcasts into the old shape without a word."""

    def build():
        scale = mg.tensor(np.ones((6, 5), np.float32))

        def evaluate(X):
            with mg.no_grad():
                return (X * scale).sum(), (scale * scale).sum(), scale * 2

        return World(evaluate, scale, scale=scale)

    def changes(world, place):
        if place == 20:
            world.scale.data = numbers(*shape, seed=1)

    same(build, [(numbers(6, 5, seed=place),) for place in range(40)], changes=changes, replays=25)


GLOBAL = mg.tensor(np.ones(5, np.float32))
FACTOR = 1.0


class Settings:
    factor = 1.0
    nested = types.SimpleNamespace(factor=1.0)


def with_global(X):
    return (X * GLOBAL).sum() * FACTOR


def test_globals_that_change(monkeypatch):
    step = mg.compile(with_global)
    for place in range(40):
        if place == 15:
            monkeypatch.setitem(globals(), "FACTOR", 2.5)
        if place == 25:
            monkeypatch.setitem(globals(), "GLOBAL", mg.tensor(numbers(5)))
        GLOBAL.data = numbers(5, seed=place)
        X = mg.tensor(numbers(3, 5, seed=place))
        assert step(X).item() == with_global(X).item(), place
    assert step.plans
    GLOBAL.data = np.ones(5, np.float32)


def reading(what):
    """Return a world whose step multiplies by a number that it finds somewhere, and a function that changes it."""
    if what == "a class":

        def step(X):
            return X * Settings.factor

        return step, lambda value: setattr(Settings, "factor", value)
    if what == "an object of a class":

        def step(X):
            return X * Settings.nested.factor

        return step, lambda value: setattr(Settings.nested, "factor", value)
    if what == "a class attribute of an object":

        class Config:
            factor = 1.0

        config = Config()

        def step(X):
            return X * config.factor

        return step, lambda value: setattr(Config, "factor", value)
    if what == "a property":

        class Hidden:
            def __init__(self):
                self.values = {"factor": [1.0]}

            @property
            def factor(self):
                return self.values["factor"][0]

        hidden = Hidden()

        def step(X):
            return X * hidden.factor

        return step, lambda value: hidden.values.update(factor=[value])
    if what == "a function's attribute":

        def helper(X):
            return X * helper.factor

        helper.factor = 1.0

        def step(X):
            return helper(X)

        return step, lambda value: setattr(helper, "factor", value)
    if what == "a module":
        module = types.ModuleType("settings")
        module.factor = 1.0

        def step(X):
            return X * module.factor

        return step, lambda value: setattr(module, "factor", value)
    if what == "a module in a module":
        package, module = types.ModuleType("package"), types.ModuleType("package.settings")
        package.settings, module.factor = module, 1.0

        def step(X):
            return X * package.settings.factor

        return step, lambda value: setattr(module, "factor", value)
    if what == "the names of a dict":
        names = {"one": None}

        def step(X):
            return X * (1.0 if "one" in names else 2.0)

        return step, lambda value: (names.clear(), names.update({str(value): None}))
    if what == "a list in a tuple":
        parts = (1.0, [1.0])

        def step(X):
            return X * parts[1][0]

        return step, lambda value: parts[1].__setitem__(0, value)
    if what == "a default":

        def step(X, factor=[1.0]):  # noqa: B006
            return X * factor[0]

        return step, lambda value: step.__defaults__[0].__setitem__(0, value)
    if what == "a lambda in a list":
        box = [1.0]
        functions = [lambda X: X * box[0]]

        def step(X):
            return functions[0](X)

        return step, lambda value: box.__setitem__(0, value)
    if what == "a global that was not there":

        def step(X):
            return X * (LATER if "LATER" in globals() else 1.0)  # noqa: F821

        return step, lambda value: globals().__setitem__("LATER", value)
    if what == "slots":

        class Slots:
            __slots__ = ("factor",)

        slots = Slots()
        slots.factor = 1.0

        def step(X):
            return X * slots.factor

        return step, lambda value: setattr(slots, "factor", value)
    if what == "a partial":
        box = [1.0]
        function = functools.partial(lambda factor, X: X * factor[0], box)

        def step(X):
            return function(X)

        return step, lambda value: box.__setitem__(0, value)
    if what == "a static method":

        class Tools:
            factor = 1.0

            @staticmethod
            def scaled(X):
                return X * Tools.factor

        def step(X):
            return Tools.scaled(X)

        return step, lambda value: setattr(Tools, "factor", value)
    assert what == "the environment"

    def step(X):
        return X * float(os.environ.get("MINIGRAD_TEST_FACTOR", "1"))

    return step, lambda value: os.environ.__setitem__("MINIGRAD_TEST_FACTOR", str(value))


PLACES = [
    "a class",
    "an object of a class",
    "a class attribute of an object",
    "a property",
    "a function's attribute",
    "a module",
    "a module in a module",
    "the names of a dict",
    "a list in a tuple",
    "a default",
    "a lambda in a list",
    "a global that was not there",
    "slots",
    "a partial",
    "a static method",
    "the environment",
]


@pytest.mark.parametrize("what", PLACES)
def test_a_number_is_found_wherever_it_stands(what, monkeypatch):
    monkeypatch.delenv("MINIGRAD_TEST_FACTOR", raising=False)
    step, change = reading(what)
    compiled, found = mg.compile(step), []
    change(1.0)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)  # it may be let be; it may not be wrong
            for place in range(20):
                if place == 10:
                    change(2.0)
                X = mg.tensor(numbers(3, seed=place))
                found.append(compiled(X).data.tobytes() == step(X).data.tobytes())
    finally:
        change(1.0)
        globals().pop("LATER", None)
    assert found == [True] * 20


# --- other ways to write a step


def test_gradients_that_are_cleared_at_the_end():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def train_step(X, y):
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        return World(train_step, model, optimizer)

    same(build, classification())


def test_gradients_that_are_cleared_outside():
    def build():
        world = classifier()
        model, optimizer = world.model, world.optimizer

        def train_step(X, y):
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
            return loss

        world.step = train_step
        return world

    same(build, classification(60), changes=lambda world, place: world.optimizer.zero_grad())


@pytest.mark.parametrize("left", [range(30, 31), range(20, 60, 4)], ids=["once", "every fourth time"])
def test_gradients_that_are_sometimes_left_to_add_up(left):
    def build():
        world = classifier()
        model, optimizer = world.model, world.optimizer

        def train_step(X, y):
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            optimizer.step()
            return loss

        world.step = train_step
        return world

    def changes(world, place):
        if place not in left:
            world.optimizer.zero_grad()

    equal(build, classification(60), changes=changes)


def test_gradients_that_add_up_over_two_losses_of_one_step():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def train_step(X, y):
            optimizer.zero_grad()
            first = F.cross_entropy(model(X[:3]), y[:3])
            first.backward()
            second = F.cross_entropy(model(X[3:]), y[3:]) * 0.5
            second.backward()
            optimizer.step()
            return first, second

        return World(train_step, model, optimizer)

    same(build, classification())


def test_several_updates_in_one_step():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def train_step(X, y):
            losses = []
            for rows in (slice(0, 3), slice(3, 6)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                losses.append(loss)
            return losses

        return World(train_step, model, optimizer)

    same(build, regression(60))


def test_a_closure_that_the_optimizer_calls():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            def closure():
                optimizer.zero_grad()
                loss = F.mse_loss(model(X), y)
                loss.backward()
                return loss

            return optimizer.step(closure)

        return World(train_step, model, optimizer)

    equal(build, regression(60))


def test_a_gradient_penalty():
    def build():
        model = nn.MLP([5, 8, 3], activation=nn.Tanh)
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X), y)
            slopes = mg.grad(loss, list(model.parameters()), create_graph=True)
            total = loss + 0.1 * sum((slope**2).sum() for slope in slopes)
            total.backward()
            optimizer.step()
            return loss.detach(), total

        return World(train_step, model, optimizer)

    same(build, regression())


def test_backward_with_create_graph():
    def build():
        model = nn.MLP([5, 8, 3], activation=nn.Sigmoid)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X), y)
            loss.backward(create_graph=True)
            optimizer.step()
            return loss.detach()

        return World(train_step, model, optimizer)

    equal(build, regression(40))


def test_transforms_in_a_step():
    def build():
        weight = mg.tensor(numbers(5, 3), requires_grad=True)

        def train_step(X, y):
            loss, (slope,) = mg.value_and_grad(lambda w: F.mse_loss(X @ w, y))(weight), (None,)
            value, gradient = loss if isinstance(loss, tuple) else (loss, slope)
            with mg.no_grad():
                weight.data = weight.data - 0.1 * gradient.data
            return value.detach()

        return World(train_step, weight)

    equal(build, regression(60))


def test_no_backward_at_all():
    def build():
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3)).eval()

        @mg.no_grad()
        def evaluate(X, y):
            logits = model(X)
            return F.cross_entropy(logits, y), (logits.argmax(axis=1) == y).mean(), logits

        return World(evaluate, model, model=model)

    def changes(world, place):
        if place == 100:
            world.model[0].weight.data *= 0.5

    same(build, classification(), changes=changes)


def test_forward_in_training_without_an_update():
    """Running statistics, and draws, are all that changes."""

    def build():
        model = nn.Sequential(nn.BatchNorm1d(5), nn.Dropout(0.5))

        def forward(X, y):
            with mg.no_grad():
                return model(X)

        return World(forward, model)

    same(build, regression(60))


# --- what is returned


def returning(make):
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            logits = model(X)
            loss = F.cross_entropy(logits, y)
            loss.backward()
            optimizer.step()
            return make(loss, logits.detach(), X, y, model)

        return World(train_step, model, optimizer)

    return build


def correct(logits, y):
    return (logits.argmax(axis=1) == y).sum()


REPLAYED = {
    "nothing": lambda loss, logits, X, y, model: None,
    "a tensor": lambda loss, logits, X, y, model: loss,
    "a detached tensor": lambda loss, logits, X, y, model: loss.detach(),
    "a tuple": lambda loss, logits, X, y, model: (loss, logits),
    "a list": lambda loss, logits, X, y, model: [loss, [logits, 1, "text", None, True]],
    "a dict": lambda loss, logits, X, y, model: {"loss": loss, "rest": {"logits": logits, "rows": X.shape}},
    "item": lambda loss, logits, X, y, model: loss.item(),
    "a length": lambda loss, logits, X, y, model: (loss, len(X)),
}


@pytest.mark.parametrize("name", REPLAYED)
def test_a_result_is_replayed_in_its_type_and_value(name):
    same(returning(REPLAYED[name]), classification(60))


RIGHT = {
    "a float": lambda loss, logits, X, y, model: float(loss),
    "a float and a tensor": lambda loss, logits, X, y, model: (float(loss), (logits.argmax(axis=1) == y).mean()),
    "a float and an int": lambda loss, logits, X, y, model: {"loss": loss.item(), "correct": int(correct(logits, y))},
    "an array": lambda loss, logits, X, y, model: loss.data,
    "an array of predictions": lambda loss, logits, X, y, model: logits.argmax(axis=1).numpy(),
    "an int beside a length": lambda loss, logits, X, y, model: (int((y < 5).sum()), 6, int((y >= 0).sum())),
    "an argument": lambda loss, logits, X, y, model: (loss, X),
    "two arguments": lambda loss, logits, X, y, model: {"X": X, "y": y, "loss": loss},
    "a part of an argument": lambda loss, logits, X, y, model: X[:2],
    "a tensor twice": lambda loss, logits, X, y, model: (loss, loss),
    "a parameter": lambda loss, logits, X, y, model: model[0].bias,
    "a parameter's array": lambda loss, logits, X, y, model: model[0].bias.data.copy(),
    "a gradient": lambda loss, logits, X, y, model: model[0].bias.grad,
    "a gradient's array": lambda loss, logits, X, y, model: model[0].bias.grad.numpy().copy(),
    "a truth": lambda loss, logits, X, y, model: (loss, bool(loss > 1.1)),
    "a truth of a number": lambda loss, logits, X, y, model: loss.item() > 1.1,
    "a truth of all": lambda loss, logits, X, y, model: bool((logits > -0.5).all()),
    "a rounded number": lambda loss, logits, X, y, model: round(loss, 1),
    "a rounded number of digits": lambda loss, logits, X, y, model: round(float(loss), 2),
    "an int of a float": lambda loss, logits, X, y, model: int(loss * 10),
    "a float of an int": lambda loss, logits, X, y, model: float(correct(logits, y)),
    "a text": lambda loss, logits, X, y, model: f"{loss:.3f}",
    "a formatted text": lambda loss, logits, X, y, model: format(loss, ".3f"),
    "a text of a number": lambda loss, logits, X, y, model: f"{loss.item()}",
    "a repr": lambda loss, logits, X, y, model: str(loss.detach()),
    "a negative number": lambda loss, logits, X, y, model: -loss.item(),
    "a computed number": lambda loss, logits, X, y, model: loss.item() * 2 + 1,
    "a computed number in a tuple": lambda loss, logits, X, y, model: (loss, 1.0 / float(loss)),
    "a maximum": lambda loss, logits, X, y, model: max(loss.item(), 1.0),
    "a list of numbers": lambda loss, logits, X, y, model: logits[0].tolist(),
    "a list of floats": lambda loss, logits, X, y, model: [float(value) for value in logits[0]],
    "an element of an array": lambda loss, logits, X, y, model: logits.data[0, 0],
    "a mean of an array": lambda loss, logits, X, y, model: logits.data.mean(),
    "NumPy's mean of an array": lambda loss, logits, X, y, model: np.mean(logits.data),
    "an element of labels": lambda loss, logits, X, y, model: y.data[0],
    "an index": lambda loss, logits, X, y, model: [10, 20, 30][int(y[0])],
    "a count of a list": lambda loss, logits, X, y, model: y.tolist().count(1),
    "whether it contains": lambda loss, logits, X, y, model: 2 in y,
    "whether it is nan": lambda loss, logits, X, y, model: bool(np.isnan(loss)),
    "a NumPy number": lambda loss, logits, X, y, model: np.float32(loss.detach()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_result_is_right_replayed_or_not(name):
    equal(returning(RIGHT[name]), classification(40))


def test_small_ints_that_happen_to_be_equal_are_not_confused():
    """Python has one object for each small int."""

    def build():
        def count(X, y):
            return int((y > 0).sum()), len(y), int((y < 9).sum()), 6

        return World(count)

    batches = [(X, y if place > 8 else np.full(6, 2)) for place, (X, y) in enumerate(classification(40))]
    equal(build, batches)


def test_a_result_that_still_waits_for_backward_says_so():
    def build():
        model = nn.Linear(5, 3)
        return World(lambda X, y: F.cross_entropy(model(X), y), model)

    warned(build, classification(10), "call that in it, or return it detached")


# --- methods


class Trainer:
    """A step as a method, compiled where it is defined."""

    def __init__(self, compiled=True):
        mg.seed(0)
        self.model = nn.MLP([5, 8, 3], dropout=0.2)
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01)

    @mg.compile
    def train_step(self, X, y):
        """Do a step."""
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(X), y)
        loss.backward()
        self.optimizer.step()
        return loss


def test_a_method_is_compiled_for_each_object():
    one, two, plain = Trainer(), Trainer(), Trainer()
    function = Trainer.train_step.replayed_function
    for X, y in classification(60):
        losses = []
        for step in (one.train_step, two.train_step, lambda X, y: function(plain, X, y)):
            mg.seed(3)
            losses.append(step(mg.tensor(X), mg.tensor(y)).item())
        assert losses[0] == losses[1] == losses[2]
    assert len(Trainer.train_step.plans) == 2
    assert Trainer.train_step.reason is None
    assert Trainer.train_step.__doc__ == "Do a step."
    assert Trainer.train_step.__name__ == "train_step"
    for first, second in zip(one.model.parameters(), plain.model.parameters(), strict=True):
        np.testing.assert_array_equal(first.data, second.data)


def test_a_bound_method_may_be_compiled():
    def build():
        trainer = Trainer()
        step = types.MethodType(Trainer.train_step.replayed_function, trainer)
        return World(step, trainer.model, trainer.optimizer)

    same(build, classification(60))


def test_a_module_and_a_callable_object_may_be_compiled():
    def build():
        model = nn.MLP([5, 8, 3])
        return World(mg.no_grad(lambda X, y: model(X)), model)

    same(build, classification(40))
    mg.seed(0)
    model = nn.MLP([5, 8, 3])
    compiled = mg.compile(model)
    with mg.no_grad():
        for X, _ in classification(20):
            assert compiled(mg.tensor(X)).data.tobytes() == model(mg.tensor(X)).data.tobytes()


def test_a_lambda_and_a_partial_may_be_compiled():
    compiled = mg.compile(functools.partial(lambda scale, x: (x * scale).sum(), 2.0))
    for place in range(10):
        x = mg.tensor(numbers(3, seed=place))
        assert compiled(x).item() == (x * 2.0).sum().item()


def test_two_runs_of_one_step_from_one_seed_are_equal():
    build = lambda: classifier(nn.MLP([5, 8, 3], dropout=0.5))  # noqa: E731
    assert run(build, classification(30), True)[1] == run(build, classification(30), True)[1]
