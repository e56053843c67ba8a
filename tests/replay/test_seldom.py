"""What steps do seldom: whatever it is, the ordinary run and the compiled one agree in every bit."""

import copy
import itertools
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.replay.worlds import World, classification, classifier, equal, numbers, run, same, warned

# --- primitives of the user's own


def primitive(rule):
    """Decorate a function that becomes a primitive with this rule for its first input."""

    def decorate(function):
        made = mg.primitive(function)
        made.derivatives(rule)
        return made

    return decorate


@primitive(lambda g, out, x: g)
def fraction(x):
    """NumPy returns two arrays; this takes one of them."""
    return np.modf(x)[0]


@primitive(lambda g, out, x: np.broadcast_to(g, x.shape))
def added_up(x):
    """A method of NumPy's function, not the function."""
    return np.add.reduce(x)


KEPT = []


@primitive(lambda g, out, x: g)
def kept(x):
    KEPT.append(x)
    return np.multiply(x, 1.0)


def of_one_input(function, shape=(5,)):
    """Return what makes a world whose step is a primitive and its backward pass."""

    def build():
        weight = mg.tensor(numbers(*shape), requires_grad=True)

        def train_step(x):
            weight.grad = None
            loss = function(weight * x).sum()
            loss.backward()
            return loss.detach()

        return World(train_step, weight)

    return build


ROWS = [(numbers(5, seed=place),) for place in range(40)]


@pytest.mark.parametrize("function", [fraction, added_up])
def test_a_function_of_several_results_and_a_method_of_a_function_are_replayed(function):
    same(of_one_input(function), ROWS)


def test_arrays_that_a_primitive_has_kept_are_ordinary_ones_afterwards():
    for shape in ((1,), (2, 5)):
        KEPT.clear()
        equal(of_one_input(kept, shape), [(numbers(*shape, seed=place),) for place in range(4)])
        array = next(array for array in KEPT if type(array) is not np.ndarray)
        assert [np.asarray(part).tolist() for part in array] == array.tolist()
        assert list(array.flat) == array.ravel().tolist()
        assert array.size > 1 or bool(array) is True


def test_a_primitive_that_leaves_what_is_written_down_is_noticed():
    @primitive(lambda g, out, x: g)
    def swapped(x):
        return np.multiply(x.byteswap().byteswap(), 2.0)

    warned(of_one_input(swapped), ROWS, "np.multiply gets an array that was computed past what is written down")


def test_a_numpy_function_whose_result_has_another_shape_at_each_call():
    @primitive(lambda g, out, x: np.multiply(x, g.sum()))
    def common(x):
        return np.intersect1d(np.sign(x), [-1.0, 1.0]) if x.ndim else x

    rows = [(np.abs(row) if 10 < place < 20 else row,) for place, (row,) in enumerate(ROWS)]
    equal(of_one_input(common), rows)


def test_gradients_that_are_one_saved_array_become_arrays_of_their_own():
    table = numbers(5, seed=3)
    one, other = (mg.tensor(numbers(5, seed=seed), requires_grad=True) for seed in (1, 2))

    @mg.primitive
    def weighted(x, y):
        return np.multiply(x, y).sum()

    weighted.derivatives(lambda g, out, x, y: y, lambda g, out, x, y: x)

    @mg.compile
    def train_step():
        one.grad = other.grad = None
        loss = weighted(one, table) + weighted(other, table)
        loss.backward()
        return loss.detach()

    for _ in range(10):
        train_step()
        arrays = table, one.grad._data, other.grad._data
        assert not any(np.shares_memory(*pair) for pair in itertools.combinations(arrays, 2))
        assert all(array.tolist() == table.tolist() for array in arrays)
    assert train_step.plans


def test_a_primitive_of_any_number_of_inputs_is_replayed():
    @mg.primitive
    def total(*arrays):
        return np.stack(arrays).sum(axis=0)

    total.derivatives_of_each(lambda position, g, out, *arrays: g * 1.0)
    same(of_one_input(lambda x: total(x, x * 2.0, x)), ROWS)


def test_a_primitive_that_goes_through_elements_is_noticed():
    @primitive(lambda g, out, x: g)
    def summed(x):
        return np.multiply(x, sum(x.flat))

    warned(of_one_input(summed), ROWS, "reads values")


def test_a_primitive_that_fills_an_array_from_outside_is_noticed():
    buffer = np.zeros(5, np.float32)

    @primitive(lambda g, out, x: g)
    def filled(x):
        np.multiply(x, 2.0, out=buffer)
        return np.multiply(x, 2.0)

    warned(of_one_input(filled), ROWS, "it writes into an array from outside")


# --- what a step reads, makes and returns


def test_an_array_from_outside_that_is_used_twice():
    table = numbers(5, seed=3)
    same(of_one_input(lambda x: x * table + table), ROWS)


def test_an_array_that_the_step_makes_of_its_own_is_noticed():
    def build():
        def train_step(x):
            return mg.multiply(x, np.arange(5.0)).sum()

        return World(train_step)

    world = equal(build, ROWS, new=lambda batch: batch)
    assert "it makes arrays of its own in line" in world.step.reason


def test_what_is_an_array_at_one_call_and_a_number_at_another():
    class Setting:
        scale = None

    def build():
        setting = Setting()

        @primitive(lambda g, out, x: np.multiply(g, setting.scale))
        def scaled(x):
            return np.multiply(x, setting.scale)

        return World(of_one_input(scaled)().step, setting=setting)

    table = numbers(5, seed=3)

    def changes(world, place):
        world.setting.scale = table if place % 2 else 2.0

    equal(build, ROWS, changes=changes)


def test_values_that_were_not_computed_from_tensors_are_noticed():
    def build():
        scale = mg.tensor(np.ones(5, np.float32))

        def train_step(x):
            scale.data = np.full(5, 0.5, np.float32)
            return (x * scale).sum()

        return World(train_step, scale)

    warned(build, ROWS, "values that were not computed from tensors")


def test_a_number_that_was_read_and_is_used_in_an_operation_is_noticed():
    warned(of_one_input(lambda x: x * x.sum().item()), ROWS, "reads values to go on with")
    warned(of_one_input(lambda x: mg.leaky_relu(x, x.sum().item())), ROWS, "reads values to go on with")


# --- what a step depends on


def test_an_import_in_the_step_is_noticed():
    def build():
        def train_step(x):
            import math

            return x * math.pi

        return World(train_step)

    warned(build, ROWS, "train_step() imports something each time; import it at the top")


def test_a_variable_that_is_not_assigned_yet():
    def build():
        def train_step(x):
            return (x * 2.0).sum() if x.size else later

        if KEPT is None:
            later = 1.0
        return World(train_step)

    same(build, ROWS)


def test_the_state_of_an_optimizer_that_the_step_looks_at_is_noticed():
    def build():
        world = classifier()
        inner, optimizer = world.step, world.optimizer

        def train_step(X, y):
            loss = inner(X, y)
            return loss, len(optimizer.state)

        world.step = train_step
        return world

    warned(build, classification(20), "it may look at the state of optimizer")


def test_a_number_of_a_class_of_the_users_own():
    class Rate(float):
        __slots__ = ()

    def build():
        rate = Rate(0.5)
        return World(lambda x: (x * rate).sum())

    same(build, ROWS)


def test_a_step_that_can_reach_too_much_is_let_be(monkeypatch):
    monkeypatch.setattr("minigrad.replay.surroundings.MOST", 40)
    warned(lambda: classifier(nn.MLP([5, *[8] * 10, 3])), classification(10), "it can reach more than 40 things, by ")


def test_tuples_that_are_made_anew_with_the_same_numbers_are_no_change():
    class Setting:
        scale = (0.5, (2.0, "mean"))

    def build():
        setting = Setting()

        def train_step(x):
            factor, (other, _) = setting.scale
            return (x * factor * other).sum()

        return World(train_step, setting=setting)

    def anew(world, place):
        world.setting.scale = (0.5, (2.0 if place < 30 else 3.0, "mean"))

    same(build, ROWS, changes=anew, replays=30)


def test_a_buffer_that_begins_to_require_a_gradient():
    def build():
        scale = mg.tensor(np.full(5, 0.5, np.float32))

        def train_step(x):
            loss = (x * scale).sum()
            return loss.detach(), loss.requires_grad

        return World(train_step, scale, scale=scale)

    def changes(world, place):
        world.scale.requires_grad = 15 <= place < 25

    equal(build, ROWS, changes=changes)


# --- steps that are let be, and copies


def test_gradients_that_somebody_keeps_at_every_call_end_in_a_warning():
    def build():
        world = classifier()
        world.gradients = []
        return world

    def keep(world, place):
        world.gradients.append([parameter.grad for parameter in world.model.parameters()])

    warned(build, classification(80), "the gradients that it leaves are kept", changes=keep)


def test_a_copy_of_what_holds_a_compiled_step_replays_on_its_own():
    world, _ = run(classifier, classification(20), compiled=True)
    twin = copy.deepcopy(world.step)
    assert twin.replayed_function is world.step.replayed_function
    assert world.step.plans
    assert not twin.plans


class Doubling(optim.SGD):
    """An optimizer of the user's own, which computes with tensors and detects anomalies."""

    def update(self, parameter, gradient, state, group):
        with mg.no_grad(), mg.detect_anomaly():
            return super().update(parameter, mg.multiply(gradient, 2.0).numpy(), state, group)


def test_an_optimizer_that_computes_with_tensors_is_replayed_as_a_whole():
    same(lambda: classifier(optimizer=lambda parameters: Doubling(parameters, lr=0.05)), classification(40))


# --- what changes a generator or an optimizer, and no tensor


def test_a_step_that_seeds_the_default_generator_runs_as_it_is_written():
    def build():
        model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        world = classifier(model)
        train = world.step

        def step(X, y):
            mg.seed(3)  # the same mask at each call
            return train(X, y)

        return World(step, model, world.optimizer)

    warned(build, classification(12), "it starts the default generator anew by mg.seed(); do that outside")


def test_a_step_that_loads_an_optimizers_state_runs_as_it_is_written():
    def build():
        world = classifier(nn.MLP([5, 8, 3], rng=np.random.default_rng(0)))
        train, optimizer = world.step, world.optimizer
        train(*map(mg.tensor, classification(1)[0]))
        start = copy.deepcopy(optimizer.state_dict())

        def step(X, y):
            optimizer.load_state_dict(start)
            return train(X, y)

        return World(step, world.model, optimizer)

    warned(build, classification(12), "it loads the state of SGD; do that outside, between two steps")


@pytest.mark.parametrize(
    "change",
    [
        lambda: np.seterr(under="ignore" if np.geterr()["under"] == "warn" else "warn"),
        lambda: np.seterrcall(print if np.geterrcall() is None else None),
        lambda: np.setbufsize(24576 - np.getbufsize()),
        lambda: np.set_printoptions(precision=13 - np.get_printoptions()["precision"]),
    ],
    ids=["seterr", "seterrcall", "setbufsize", "set_printoptions"],
)
def test_a_step_that_changes_a_setting_of_numpys_runs_as_it_is_written(change):
    def build():
        world = classifier(nn.MLP([5, 8, 3], rng=np.random.default_rng(0)))
        train = world.step

        def step(X, y):
            change()  # there and back
            return train(X, y)

        return World(step, world.model, world.optimizer)

    with np.errstate(), np.printoptions():
        warned(build, classification(12), "it changes how NumPy takes errors, computes or prints; do that outside")
        assert np.getbufsize() == 8192


def test_recordings_that_do_not_pay_come_to_an_end():
    found = []
    for compiled in (False, True):
        world = classifier(nn.MLP([5, 8, 3], rng=np.random.default_rng(0)))
        step = mg.compile(world.step) if compiled else world.step
        losses = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for place, (X, y) in enumerate(classification(240)):
                losses.append(step(mg.tensor(X), mg.tensor(y)).item())
                if place % 10 == 9:
                    world.model.load_state_dict(copy.deepcopy(world.model.state_dict()))
        found.append(losses)
    assert found[0] == found[1]
    (warning,) = caught
    assert "so often that to record it anew costs more than to replay it saves" in str(warning.message)
