"""Errors in a step: the same ones as ever, and everything is left as an ordinary step leaves it."""

import sys
import threading
import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, viz
from minigrad.engine.listener import Listener, listening
from minigrad.errors import ArgumentError, GraphError, MinigradError, OutOfRangeError
from tests.replay.worlds import World, bits, classification, classifier, equal, regression, run, same

ERRORS = (MinigradError, ArithmeticError, ValueError, TypeError, RuntimeWarning, RuntimeError)


def mixed():
    """A world with everything that a step may leave half done: statistics, draws, momentum."""
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
    return classifier(model, lambda params: optim.Adam(params, lr=0.01))


def with_bad(batches, bad, places):
    batches = list(batches)
    for place in places:
        batches[place] = bad(*batches[place])
    return batches


def label_too_large(X, y):
    return X, np.where(np.arange(len(y)) == 2, 3, y)


def label_below_0(X, y):
    return X, np.where(np.arange(len(y)) == 2, -1, y)


def label_far_off(X, y):
    return X, y + 1000


def one_feature_less(X, y):
    return X[:, :-1], y


def one_label_less(X, y):
    return X, y[:-1]


def labels_of_floats(X, y):
    return X, y.astype(np.float32)


def one_row(X, y):
    return X[:1], y[:1]


def no_rows(X, y):
    return X[:0], y[:0]


def with_nan(X, y):
    return np.where(X > 1, np.nan, X).astype(np.float32), y


def with_inf(X, y):
    return np.where(X > 1, np.inf, X).astype(np.float32), y


BAD = [
    label_too_large,
    label_below_0,
    label_far_off,
    one_feature_less,
    one_label_less,
    labels_of_floats,
    one_row,
    no_rows,
]


@pytest.mark.parametrize("bad", BAD)
def test_an_error_in_a_batch_is_the_ordinary_one(bad):
    """While it is recorded, and when it is replayed; the step goes on afterwards."""
    batches = with_bad(classification(60), bad, [0, 2, 20, 21, 40])
    world = same(mixed, batches, errors=ERRORS, replays=40)
    with pytest.raises(MinigradError):
        world.step(*map(mg.tensor, bad(*batches[1])))


@pytest.mark.parametrize("place", range(6))
def test_an_error_at_any_of_the_first_calls(place):
    same(mixed, with_bad(classification(30), label_too_large, [place]), errors=ERRORS, replays=20)


@pytest.mark.parametrize("bad", [with_nan, with_inf])
@pytest.mark.parametrize("how", ["ignore", "raise", "warn"])
def test_numbers_that_are_not_finite(bad, how):
    """As NumPy is told: computed on, or an error in the middle of the forward or the backward pass."""
    batches = with_bad(classification(40), bad, [20, 30, 31])
    with np.errstate(all=how):
        equal(mixed, batches, errors=ERRORS)
        equal(lambda: classifier(nn.Sequential(nn.Linear(5, 3), nn.Softmax(), nn.Linear(3, 3))), batches, errors=ERRORS)


def test_an_error_state_that_the_step_sets_itself():
    """Overflow is ignored within the step, and an error around it."""

    def build():
        weight = mg.tensor(np.ones(5, np.float32), requires_grad=True)

        def train_step(X):
            weight.grad = None
            with np.errstate(all="ignore"):
                loss = (np.exp(X * weight * 100.0) * 1e-30).sum()
                loss.backward()
            return loss

        return World(train_step, weight)

    with np.errstate(all="raise"):
        equal(build, [(X,) for X, _ in classification(30)], errors=ERRORS)


@pytest.mark.parametrize("how", ["raise", "error"])
@pytest.mark.parametrize("factor", [1e20, 1e30, 1e38])
def test_an_overflow_in_the_middle_leaves_what_an_ordinary_step_leaves(how, factor):
    """Gradients that zero_grad cleared, running statistics that the forward pass moved, numbers that were drawn."""

    def large(X, y):
        return X * np.float32(factor), y

    batches = with_bad(classification(40), large, [20, 30])

    def go(compiled):
        if how == "raise":
            with np.errstate(over="raise", invalid="raise"):
                return run(mixed, batches, compiled, errors=ERRORS)[1]
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            return run(mixed, batches, compiled, errors=ERRORS)[1]

    assert go(True) == go(False)


def overflowing(where):
    def build():
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def train_step(X, y, scale):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X), y)
            if where == "forward":
                loss = loss * np.exp(scale)
            if where == "backward":
                loss = loss + np.sqrt(scale * model[3].bias[0] ** 2)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    return build


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_an_error_after_statistics_and_draws(where):
    usual = np.float32(0.0) if where == "forward" else np.float32(1.0)
    bad = np.float32(1000.0) if where == "forward" else np.float32(0.0)
    batches = [(*pair, np.array(bad if place in (20, 30) else usual)) for place, pair in enumerate(regression(40))]
    with np.errstate(all="raise"):
        ordinary = run(overflowing(where), batches, False, errors=ERRORS)[1]
        assert ordinary[20]["the result"][0] in ("FloatingPointError", "tuple", "Tensor")
        equal(overflowing(where), batches, errors=ERRORS)


class Refusing(optim.SGD):
    """An optimizer that raises in the middle of its step, when its learning rate says so."""

    elementwise = False

    def update(self, parameter, gradient, state, group):
        if group["lr"] == 0.5 and parameter.shape == (3, 8):
            raise ValueError("not this one")
        super().update(parameter, gradient, state, group)


def test_an_optimizer_that_raises_in_the_middle():
    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = 0.5 if place in (1, 20, 21) else 0.1

    def build():
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
        return classifier(model, lambda params: Refusing(params, lr=0.1, momentum=0.9))

    same(build, classification(40), changes=changes, errors=ERRORS, replays=25)


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), "fast"])
def test_a_learning_rate_that_is_not_allowed(rate):
    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = rate if place in (1, 20, 21) else 0.1

    same(mixed, classification(40), changes=changes, errors=ERRORS, replays=25)


def test_a_norm_that_must_be_finite():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X), y)
            loss.backward()
            optim.clip_grad_norm(model.parameters(), 1.0, error_if_nonfinite=True)
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    with np.errstate(all="ignore"):
        same(build, with_bad(regression(40), with_inf, [20, 25]), errors=ERRORS, replays=25)
        same(build, with_bad(regression(40), with_inf, [1]), errors=ERRORS, replays=25)


def test_a_probability_out_of_range():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y, scale):
            optimizer.zero_grad()
            loss = F.binary_cross_entropy(F.sigmoid(model(X)) * scale, np.abs(np.tanh(y)))
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    scales = [np.float32(100.0 if place in (2, 20, 30) else 0.9) for place in range(40)]
    batches = [(*pair, np.array(scale)) for pair, scale in zip(regression(40), scales, strict=True)]
    same(build, batches, errors=ERRORS, replays=25)


def test_an_index_without_a_row():
    def build():
        return classifier(nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(12, 3)))

    def beyond(X, y):
        return X + 5, y

    rng = np.random.default_rng(3)
    batches = [(rng.integers(0, 11, (5, 3)), rng.integers(0, 3, 5)) for _ in range(40)]
    same(build, with_bad(batches, beyond, [1, 20, 30]), errors=ERRORS, replays=25)


def test_a_second_loss_that_raises_after_a_first_backward():
    """The gradients of the first pass are there, as in an ordinary step."""

    def build():
        model = nn.MLP([5, 8, 3], dropout=0.3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            F.cross_entropy(model(X[:2]), y[:2]).backward()
            F.cross_entropy(model(X[2:]), y[2:]).backward()
            optimizer.step()

        return World(train_step, model, optimizer)

    same(build, with_bad(classification(40), label_too_large, [1, 20, 21, 30]), errors=ERRORS, replays=25)


def test_an_error_of_the_users_own_after_the_update():
    def build():
        world = mixed()
        inner = world.step

        def train_step(X, y):
            loss = inner(X, y)
            if len(X) == 4:
                raise KeyError("four rows")
            return loss

        world.step = train_step
        return world

    batches = classification(40)
    batches[1] = batches[20] = classification(1, rows=4)[0]
    same(build, batches, errors=(KeyError,), replays=25)


def test_an_error_that_the_step_catches_itself():
    def build():
        world = mixed()
        inner = world.step

        def train_step(X, y):
            try:
                return inner(X, y)
            except OutOfRangeError as problem:
                return str(problem)

        world.step = train_step
        return world

    equal(build, with_bad(classification(40), label_too_large, [1, 20, 30]))


def test_a_graph_error_is_the_ordinary_one():
    def build():
        model = nn.Linear(5, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y, learn):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            if learn:
                loss.backward()
            optimizer.step()
            return loss.detach()

        return World(train_step, model, optimizer)

    batches = [(*pair, place not in (1, 12)) for place, pair in enumerate(classification(30))]
    same(build, batches, errors=(GraphError,), replays=15)


# --- a recording that fails leaves nothing behind


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("problem", [KeyError, KeyboardInterrupt, GeneratorExit])
def test_a_failed_recording_leaves_ordinary_arrays(problem, place):
    mg.seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    calls = [0]
    mask = mg.tensor(np.ones(5, np.float32))

    def train_step(X, y, where):
        optimizer.zero_grad()
        if where == 0:
            raise problem
        loss = F.cross_entropy(model(X * mask), y)
        if where == 1:
            raise problem
        loss.backward()
        if where == 2:
            raise problem
        optimizer.step()
        if where == 3:
            raise problem
        return loss

    step = mg.compile(train_step)
    for i, (X, y) in enumerate(classification(12)):
        x, labels = mg.tensor(X), mg.tensor(y)
        calls[0] += 1
        if i in (0, 1, 4, 8):
            with pytest.raises(problem):
                step(x, labels, place)
        else:
            step(x, labels, None)
        tensors = [x, labels, mask, *model.parameters(), *model.buffers()]
        tensors += [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        assert {type(tensor.data) for tensor in tensors} == {np.ndarray}
        assert sys.getprofile() is None
        assert x.data.tobytes() == X.tobytes()


def test_a_recording_leaves_the_arrays_of_tensors_where_they_were():
    """Views of a parameter follow it through recordings and replays, as through ordinary steps."""
    mg.seed(0)
    world = classifier(nn.MLP([5, 300, 3]))
    step, views = mg.compile(world.step), [parameter.data for parameter in world.model.parameters()]
    for X, y in classification(10):
        step(mg.tensor(X), mg.tensor(y))
        assert all(p.data is view for p, view in zip(world.model.parameters(), views, strict=True))


def test_a_profiler_is_left_alone():
    seen = []

    def profile(frame, event, argument):
        seen.append(event)

    step = mg.compile(lambda x: x.sum())
    sys.setprofile(profile)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(5):
                step(mg.ones(3))
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert seen


# --- listeners and threads


class Ear(Listener):
    """Counts what it hears."""

    def __init__(self):
        self.heard = []

    def backward(self, output, steps):
        for step in steps:
            self.heard.append(type(step).__name__)
            yield step

    def before_update(self, optimizer, parameters):
        self.heard.append(("before", [parameter.data.tobytes() for parameter in parameters]))

    def after_update(self, optimizer, parameters):
        self.heard.append(("after", [parameter.data.tobytes() for parameter in parameters]))


def test_a_listener_hears_the_ordinary_run():
    histories = []
    for compiled in (False, True):
        mg.seed(0)
        world = mixed()
        step = mg.compile(world.step) if compiled else world.step
        heard = []
        for place, (X, y) in enumerate(classification(40)):
            ear = Ear()
            if place in (0, 2, 15, 16):
                with listening(ear):
                    step(mg.tensor(X), mg.tensor(y))
            else:
                step(mg.tensor(X), mg.tensor(y))
            heard.append((ear.heard, bits(world.model.state_dict())))
        histories.append(heard)
    assert histories[0] == histories[1]
    assert step.reason is None
    assert step.plans


def test_source_lines_around_a_step():
    mg.seed(0)
    one, other = classifier(), classifier()
    other.model.load_state_dict(one.model.state_dict())
    step = mg.compile(one.step)
    for place, (X, y) in enumerate(classification(30)):
        if place % 10 == 5:
            with mg.source_lines():
                first, second = step(mg.tensor(X), mg.tensor(y)), other.step(mg.tensor(X), mg.tensor(y))
            assert first.node.line.number == second.node.line.number
        else:
            first, second = step(mg.tensor(X), mg.tensor(y)), other.step(mg.tensor(X), mg.tensor(y))
        assert first.item() == second.item()
        assert repr(first) == repr(second)


def test_drawing_and_tracing_in_a_step_are_the_ordinary_ones():
    graphs = []
    for compiled in (False, True):
        mg.seed(0)
        model = nn.Linear(5, 3)

        def traced(X, y, model=model):
            model.zero_grad()
            return viz.trace(F.cross_entropy(model(X), y))

        step = mg.compile(traced) if compiled else traced
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graphs.append([len(step(mg.tensor(X), mg.tensor(y)).steps) for X, y in classification(8)])
    assert graphs[0] == graphs[1]


def test_backprop_step_by_step_around_a_compiled_forward():
    """A compiled step within a generator of another pass does not disturb it."""
    mg.seed(0)
    world = mixed()
    step = mg.compile(world.step)
    weight = mg.tensor([1.0, 2.0], requires_grad=True)
    for X, y in classification(8):
        weight.grad = None
        for _ in mg.backprop((weight * weight).sum()):
            step(mg.tensor(X), mg.tensor(y))
        assert weight.grad.data.tolist() == [2.0, 4.0]


def test_each_thread_may_have_a_step():
    expected = [run(mixed_of(i), classification(80), False)[1][-1] for i in range(2)]
    expected = [{name: value for name, value in each.items() if "default" not in name} for each in expected]
    results, problems = [None, None], []

    def work(place, world, step):
        try:
            for X, y in classification(80):
                result = step(mg.tensor(X), mg.tensor(y))
            results[place] = bits(result)
        except BaseException as problem:
            problems.append(problem)

    worlds = []
    for place in range(2):
        mg.seed(0)
        worlds.append(mixed_of(place)())
    steps = [mg.compile(world.step) for world in worlds]
    threads = [threading.Thread(target=work, args=(i, worlds[i], steps[i])) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert results == [each["the result"] for each in expected]
    assert all(step.plans and step.reason is None for step in steps)
    for world, each in zip(worlds, expected, strict=True):
        states = {path: bits(parameter) for path, parameter in world.model.named_parameters()}
        for path, value in states.items():
            assert each[f"0 Sequential {path}"] == value


def mixed_of(place):
    """A world that draws from a generator of its own."""

    def build():
        rng = np.random.default_rng(place)
        layers = nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3, rng=rng), nn.Linear(8, 3)
        return classifier(nn.Sequential(*layers), lambda params: optim.Adam(params, lr=0.01))

    return build


def test_a_number_that_is_not_allowed_raises_at_once():
    step = mg.compile(lambda x, p: F.dropout(x, p))
    for _ in range(5):
        with pytest.raises(ArgumentError, match="p must be"):
            step(mg.ones(3), 2.0)
