"""What cannot be replayed runs as it is written: the same bits, and one warning that says why."""

import builtins
import contextlib
import datetime
import io
import itertools
import logging
import random
import time
import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.errors import CompileWarning
from tests.replay.worlds import World, classification, classifier, equal, numbers, regression, run, same, warned

COUNT = 0
LOG = logging.getLogger("tests.replay")


@mg.primitive
def doubled(x):
    """A user's primitive that leaves NumPy's protocols."""
    return np.asarray(x) * 2.0


doubled.derivatives(lambda g, out, x: g * 2.0)


@mg.primitive
def halved(x):
    """A user's primitive of NumPy's functions."""
    return np.multiply(x, 0.5)


halved.derivatives(lambda g, out, x: g * 0.5)


@mg.primitive
def tripled(x):
    """A user's primitive whose rule leaves NumPy's protocols."""
    return x * 3.0


tripled.derivatives(lambda g, out, x: np.asarray(g) * 3.0)


def with_extra(extra):
    """Return what makes a world whose step does something more with its logits and its loss, before backward."""

    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def train_step(X, y):
            optimizer.zero_grad()
            logits = model(X)
            loss = F.cross_entropy(logits, y)
            changed = extra(logits, loss)
            loss = loss if changed is None else changed
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    return build


# --- values that decide


def by_item(logits, loss):
    return loss * 2.0 if loss.item() > 1 else loss


def by_comparison(logits, loss):
    return loss * 2.0 if loss > 1 else loss


def by_float(logits, loss):
    return loss * 2.0 if float(loss) > 1 else loss


def by_int(logits, loss):
    return loss * (1.0 + int(loss * 10) % 3)


def by_while(logits, loss):
    while loss > 0.7:
        loss = loss * 0.9
    return loss


def by_isnan(logits, loss):
    return loss * 0.5 if np.isnan(loss).any() or not np.isfinite(loss.data) else loss


def by_all(logits, loss):
    return loss * 2.0 if (logits > -0.3).all() else loss


def by_array_truth(logits, loss):
    return loss * 2.0 if loss.data > 1 else loss


def by_index(logits, loss):
    return loss * (1.0, 2.0, 3.0)[logits.argmax(axis=1)[0].item()]


def by_index_of_a_list(logits, loss):
    return loss * [1.0, 2.0, 3.0][logits.argmax(axis=1).data[0]]


def by_range(logits, loss):
    for _ in range(int(logits.argmax(axis=1).sum().item())):
        loss = loss * 0.9
    return loss


def by_list(logits, loss):
    return loss * (1.5 if logits.data[0].tolist()[0] > 0 else 0.5)


def by_iteration(logits, loss):
    for value in logits.data[0]:
        loss = loss * (1.2 if value > 0 else 0.8)
    return loss


def by_sum_of_values(logits, loss):
    return loss * (1.5 if sum(logits.data[0]) > 0 else 0.5)


def by_max_of_values(logits, loss):
    return loss * min(max(loss.item(), 0.5), 1.5)


def by_format(logits, loss):
    return loss * len(f"{loss:.2f}".strip("0"))


def by_sorting(logits, loss):
    order = sorted(range(3), key=lambda column: logits.data[0, column])
    return loss * order[0] + loss


def by_asarray(logits, loss):
    return loss * (1.0 + 0.1 * float(np.sin(np.asarray(logits.numpy())).sum()))


def by_asarray_alone(logits, loss):
    return loss * (1.0 + np.sin(np.asarray(logits.numpy())).sum() * 0.1)


def by_bytes(logits, loss):
    return loss * (1.0 + logits.data.tobytes()[0] % 4)


def by_memory(logits, loss):
    return loss * (1.0 + memoryview(loss.data.reshape(1).copy())[0] % 2.0)


def by_copied_buffer(logits, loss):
    return loss * (1.0 + np.frombuffer(bytes(loss.data.data), np.float32)[0] % 2.0)


def by_unique(logits, loss):
    return loss * len(np.unique(logits.argmax(axis=1).data))


def by_boolean_index(logits, loss):
    return loss + logits[logits.data > 0].sum()


def by_nonzero(logits, loss):
    rows, columns = np.nonzero(logits.data > 0)
    return loss + logits[rows, columns].sum()


def by_array_equal(logits, loss):
    return loss * 2.0 if np.array_equal(logits.argmax(axis=1).data, np.zeros(6)) else loss


def by_allclose(logits, loss):
    return loss * 2.0 if np.allclose(logits.data[0], 0.0, atol=0.3) else loss


def by_match(logits, loss):
    match loss.item() > 1:
        case True:
            return loss * 2.0
    return loss


def by_shape(logits, loss):
    return loss * logits.shape[0] * logits.ndim


DECIDE = [
    by_item,
    by_comparison,
    by_float,
    by_int,
    by_while,
    by_isnan,
    by_all,
    by_array_truth,
    by_index,
    by_index_of_a_list,
    by_range,
    by_list,
    by_iteration,
    by_sum_of_values,
    by_max_of_values,
    by_format,
    by_sorting,
    by_asarray,
    by_bytes,
    by_array_equal,
    by_allclose,
    by_match,
]
EITHER = [by_memory, by_copied_buffer, by_unique, by_boolean_index, by_nonzero, by_asarray_alone]


@pytest.mark.parametrize("extra", DECIDE)
def test_a_step_that_reads_values_to_go_on_with_says_so(extra):
    warned(with_extra(extra), classification(24), "reads values")


@pytest.mark.parametrize("extra", [by_item, by_comparison, by_float])
def test_the_warning_names_the_line(extra):
    world = warned(with_extra(extra), classification(10), f"of {extra.__name__}()")
    assert f"line {extra.__code__.co_firstlineno + 1} " in world.step.reason


@pytest.mark.parametrize("extra", EITHER)
def test_a_step_that_reads_values_in_another_way_is_right(extra):
    equal(with_extra(extra), classification(60))


def test_a_step_that_depends_on_shapes_alone_is_replayed():
    same(with_extra(by_shape), classification(60))


@pytest.mark.parametrize("extra", EITHER + DECIDE)
def test_values_that_were_alike_while_they_were_recorded(extra):
    """The parameters stand still, so that all recordings agree; only then they move."""

    def build():
        world = with_extra(extra)()
        world.optimizer = world.parts[1]
        return world

    def changes(world, place):
        world.optimizer.param_groups[0]["lr"] = 0.0 if place < 6 else 0.1

    batches = classification(24)
    batches[:6] = [batches[0]] * 6
    equal(build, batches, changes=changes)


def test_labels_that_decide():
    def build():
        model = nn.Linear(5, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y) * (2.0 if 2 in y.tolist() else 1.0)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    warned(build, classification(30), "reads values")


def test_an_array_as_argument_that_decides():
    def build():
        model = nn.Linear(5, 3)

        def train_step(X, y, weights):
            model.zero_grad()
            loss = F.cross_entropy(model(X), y) * (2.0 if weights[0] > 0 else 1.0)
            loss.backward()
            return loss

        return World(train_step, model)

    def new(batch):
        return mg.tensor(batch[0]), mg.tensor(batch[1]), batch[0][0].copy()

    ordinary = run(build, classification(20), False, new=new)[1]
    with pytest.warns(CompileWarning, match="reads values"):
        assert run(build, classification(20), True, new=new)[1] == ordinary


# --- side effects


def printing(logits, loss):
    print("loss", end="")


def printing_shapes(logits, loss):
    print(logits.shape)


def measuring(logits, loss):
    return loss * (1.0 if time.time() > 0 else 2.0)


def measuring_monotonic(logits, loss):
    time.perf_counter()


def drawing(logits, loss):
    return loss * float(np.random.rand())


def drawing_normal(logits, loss):
    return loss + (logits * np.random.normal(size=(6, 3)).astype(np.float32)).sum()


def drawing_pythons(logits, loss):
    return loss * random.random()


def drawing_from_a_range(logits, loss):
    return loss * random.randint(1, 5)


RNG = np.random.default_rng(0)


class Chance:
    """The state of NumPy's and Python's own generators, looked at as any generator's."""

    bit_generator = property(lambda self: self)
    state = property(lambda self: (repr(np.random.get_state()), random.getstate()))


CHANCE = Chance()


def drawing_from_a_generator(logits, loss):
    return loss + (logits * RNG.standard_normal((6, 3), np.float32)).sum()


def logging_it(logits, loss):
    LOG.warning("a step")


def logging_quietly(logits, loss):
    LOG.error("a step: %s", logits.shape)


def writing(logits, loss):
    with open("/dev/null", "w") as file:
        file.write("a step\n")


def warning(logits, loss):
    with contextlib.suppress(UserWarning), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("a step", UserWarning, stacklevel=2)


def deciding_by_chance(logits, loss):
    return loss * 2.0 if RNG.random() < 0.1 else loss


def deciding_by_chance_of_numpys(logits, loss):
    return loss * 2.0 if np.random.rand() < 0.1 else loss


def deciding_by_integers(logits, loss):
    return loss * 2.0 if RNG.integers(12) == 0 else loss


def drawing_in_vain(logits, loss):
    RNG.random(3)


def drawing_in_vain_of_numpys(logits, loss):
    np.random.seed(3)


def sleeping(logits, loss):
    time.sleep(0)


def executing(logits, loss):
    exec("x = 1")


EFFECTS = {
    printing: "print()",
    printing_shapes: "print()",
    measuring: "time()",
    measuring_monotonic: "perf_counter()",
    drawing: "random numbers",
    drawing_normal: "random numbers",
    drawing_pythons: "random",
    drawing_from_a_range: "random",
    drawing_from_a_generator: "random numbers",
    deciding_by_chance: "random numbers",
    deciding_by_chance_of_numpys: "random numbers",
    deciding_by_integers: "random numbers",
    drawing_in_vain: "random numbers",
    drawing_in_vain_of_numpys: "random numbers",
    writing: "open()",
    sleeping: "sleep()",
    executing: "exec()",
}


@pytest.mark.parametrize("extra", EFFECTS)
def test_a_side_effect_is_noticed(extra, capsys):
    def build():
        np.random.seed(0)
        random.seed(0)
        RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state
        world = with_extra(extra)()
        world.parts += (RNG, CHANCE)
        return world

    warned(build, classification(40), EFFECTS[extra])
    printed = capsys.readouterr().out
    assert printed[: len(printed) // 2] == printed[len(printed) // 2 :]
    if extra is printing:
        assert printed == "loss" * 80


@pytest.mark.parametrize("extra", [logging_it, logging_quietly])
def test_logging_is_noticed(extra, caplog):
    world = warned(with_extra(extra), classification(20), "LOG")
    assert len(caplog.records) == 40
    assert world.replays == 0


def test_a_warning_of_the_step_is_heard_each_time():
    def build():
        return World(lambda X, y: builtins.__import__("warnings").warn("mine", UserWarning, stacklevel=2))

    step = mg.compile(build().step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for X, y in classification(12):
            step(mg.tensor(X), mg.tensor(y))
    assert [str(each.message) for each in caught].count("mine") == 12


def test_a_datetime_is_no_constant():
    seen = []

    def step(x):
        return x * 0.0, str(datetime.datetime.now())

    compiled = mg.compile(step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(10):
            seen.append(compiled(mg.ones(3))[1])
            time.sleep(0.001)
    assert len(set(seen)) == 10
    assert [each.category for each in caught] == [CompileWarning]


def test_an_iterator_that_goes_on_is_noticed():
    def build():
        world = classifier()
        inner, batches = world.step, iter(classification(40))

        def train_step():
            X, y = next(batches)
            return inner(mg.tensor(X), mg.tensor(y))

        world.step = train_step
        return world

    warned(build, [()] * 40, "batches")


@pytest.mark.parametrize("make", [iter, lambda items: (item for item in items), itertools.cycle])
def test_an_iterator_that_is_gone_through_is_noticed(make):
    def build():
        world = classifier()
        inner, batches = world.step, make(classification(40))

        def train_step():
            for X, y in batches:
                return inner(mg.tensor(X), mg.tensor(y))
            return None

        world.step = train_step
        return world

    warned(build, [()] * 40, "batches")


def test_an_iterator_as_argument_is_noticed():
    def build():
        world = classifier()
        inner = world.step
        world.step = lambda batches: inner(*map(mg.tensor, next(batches)))
        world.batches = iter(classification(40))
        return world

    ordinary, compiled = build(), build()
    compiled.model.load_state_dict(ordinary.model.state_dict())
    step = mg.compile(compiled.step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(20):
            assert step(compiled.batches).item() == ordinary.step(ordinary.batches).item()
    assert [each.category for each in caught] == [CompileWarning]


# --- what grows


class Meter:
    """Counts and sums."""

    def __init__(self):
        self.steps, self.total, self.values = 0, 0.0, []

    def update(self, loss):
        self.steps += 1
        self.total = self.total + loss


def growing(kind):
    def build():
        world = classifier()
        inner = world.step
        kept = {"list": [], "dict": {}, "set": set(), "meter": Meter(), "count": 0}

        def counts_on_an_object(X, y):
            kept_meter.steps += 1
            return inner(X, y)

        def appends_a_tensor(X, y):
            loss = inner(X, y)
            losses.append(loss)
            return loss

        def appends_a_value(X, y):
            loss = inner(X, y)
            losses.append(loss.item())
            return loss

        def appends_a_number(X, y):
            losses.append(len(losses))
            return inner(X, y)

        def appends_and_pops(X, y):
            losses.append(1)
            loss = inner(X, y)
            losses.pop()
            return loss

        def counts_in_a_closure(X, y):
            nonlocal count
            count += 1
            return inner(X, y)

        def counts_in_a_dict(X, y):
            numbers_of["steps"] = numbers_of.get("steps", 0) + 1
            return inner(X, y)

        def counts_in_a_global(X, y):
            global COUNT
            COUNT += 1
            return inner(X, y)

        def updates_a_meter(X, y):
            loss = inner(X, y)
            kept_meter.update(loss.detach())
            return loss

        def counts_on_a_function(X, y):
            counts_on_a_function.steps = getattr(counts_on_a_function, "steps", 0) + 1
            return inner(X, y)

        def counts_on_another_function(X, y):
            helper.steps += 1
            return inner(X, y)

        def counts_on_a_class(X, y):
            Meter.count = getattr(Meter, "count", 0) + 1
            return inner(X, y)

        def counts_on_the_model(X, y):
            model.steps = getattr(model, "steps", 0) + 1
            return inner(X, y)

        def keeps_the_output(X, y):
            model.last = model(X).detach()
            return inner(X, y)

        def helper():
            pass

        helper.steps = 0
        kept_meter, losses, numbers_of, count = kept["meter"], kept["list"], kept["dict"], kept["count"]
        model = world.model
        Meter.count = 0
        steps = {name: value for name, value in locals().items() if callable(value) and name != "helper"}
        world.step = steps[kind]
        function = world.step
        world.grown = {
            "counts_on_an_object": lambda: kept_meter.steps,
            "appends_a_tensor": lambda: [(type(loss.data).__name__, loss.item()) for loss in losses],
            "appends_a_value": lambda: list(losses),
            "appends_a_number": lambda: list(losses),
            "appends_and_pops": lambda: list(losses),
            "counts_in_a_closure": lambda: count,
            "counts_in_a_dict": lambda: dict(numbers_of),
            "counts_in_a_global": lambda: COUNT,
            "updates_a_meter": lambda: (kept_meter.steps, kept_meter.total.item()) if kept_meter.steps else None,
            # the name is the compiled step's from outside, and the function's own from within
            "counts_on_a_function": lambda: function.steps if hasattr(function, "steps") else 0,
            "counts_on_another_function": lambda: helper.steps,
            "counts_on_a_class": lambda: Meter.count,
            "counts_on_the_model": lambda: model.steps if hasattr(model, "steps") else 0,
            "keeps_the_output": lambda: (type(model.last.data).__name__, model.last.data.tobytes()),
        }[kind]
        return world

    return build


GROWING = {
    "counts_on_an_object": "kept_meter",
    "appends_a_tensor": "losses",
    "appends_a_value": "list.append",
    "appends_a_number": "losses",
    "counts_in_a_closure": "",
    "counts_in_a_dict": "numbers_of",
    "counts_in_a_global": "",
    "updates_a_meter": "kept_meter",
    "counts_on_a_function": "",
    "counts_on_another_function": "",
    "counts_on_a_class": "Meter",
    "counts_on_the_model": "model",
    "keeps_the_output": "model",
}


@pytest.mark.parametrize("kind", GROWING)
def test_what_a_step_counts_or_keeps_is_noticed(kind):
    results = []
    for compiled in (False, True):
        globals()["COUNT"] = 0
        mg.seed(0)
        world = growing(kind)()
        step = mg.compile(world.step) if compiled else world.step
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = []
            for X, y in classification(40):
                found.append((step(mg.tensor(X), mg.tensor(y)).item(), world.grown()))
        results.append(found)
    assert results[1] == results[0]
    assert [each.category for each in caught] == [CompileWarning]
    assert GROWING[kind] in str(caught[0].message)


def test_what_a_step_puts_back_is_no_change():
    mg.seed(0)
    one = growing("appends_and_pops")()
    mg.seed(0)
    other = growing("appends_and_pops")()
    step = mg.compile(one.step)
    for X, y in classification(30):
        assert step(mg.tensor(X), mg.tensor(y)).item() == other.step(mg.tensor(X), mg.tensor(y)).item()
    assert one.grown() == other.grown() == []


# --- gradients and others


def test_gradients_that_add_up_over_calls_are_noticed():
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

    warned(build, classification(40), "zero_grad()")


def test_gradients_that_add_up_over_four_calls():
    def build():
        world = classifier()
        model = world.model

        def train_step(X, y):
            loss = F.cross_entropy(model(X), y) / 4
            loss.backward()
            return loss

        world.step = train_step
        return world

    def changes(world, place):
        if place and place % 4 == 0:
            world.optimizer.step()
            world.optimizer.zero_grad()

    warned(build, classification(40), "zero_grad()", changes=changes)


@pytest.mark.parametrize(("primitive", "because"), [(doubled, "doubled"), (tripled, "")], ids=["forward", "rule"])
def test_a_primitive_that_leaves_numpys_protocols_is_noticed(primitive, because):
    world = equal(with_extra(lambda logits, loss: primitive(loss)), classification(60))
    if primitive is doubled:
        assert because in world.step.reason


@pytest.mark.parametrize("primitive", [doubled, tripled, halved])
def test_a_primitive_of_the_users_own_whose_values_stand_still_at_first(primitive):
    def build():
        weight = mg.tensor(numbers(5), requires_grad=True)

        def train_step(x):
            weight.grad = None
            loss = primitive(weight * x).sum()
            loss.backward()
            return loss.detach(), primitive(x)

        return World(train_step, weight)

    batches = [(numbers(5, seed=max(place, 6)),) for place in range(40)]
    equal(build, batches)


def test_a_primitive_of_the_users_own_is_replayed():
    same(with_extra(lambda logits, loss: halved(loss)), classification(60))


def test_a_step_that_calls_another_compiled_step():
    def build():
        world = classifier()
        inner = mg.compile(world.step)
        scale = mg.tensor(np.float32(0.5))

        def outer(X, y):
            return inner(X, y) * scale

        world.step = outer
        return world

    equal(build, classification(40))


def test_a_step_that_calls_another_compiled_forward():
    def build():
        model = nn.MLP([5, 8, 3])
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss_of = mg.compile(lambda out, y: F.mse_loss(out, y))

        def train_step(X, y):
            optimizer.zero_grad()
            loss = loss_of(model(X), y)
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    equal(build, regression(40))


def test_a_step_that_calls_itself():
    def build():
        model = nn.Linear(5, 5)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def train_step(X, depth):
            if depth:
                return train_step(np.tanh(model(X)).detach(), depth - 1)
            optimizer.zero_grad()
            loss = (model(X) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return World(train_step, model, optimizer)

    equal(build, [(X, place % 2) for place, (X, _) in enumerate(classification(40))])


def test_an_argument_in_two_places_is_replayed():
    """An autoencoder's input is its target."""
    mg.seed(0)
    one, other = (classifier(nn.MLP([5, 8, 5]), loss=F.mse_loss) for _ in range(2))
    other.model.load_state_dict(one.model.state_dict())
    step = mg.compile(one.step)
    for place, (X, _) in enumerate(classification(20)):
        x, z = mg.tensor(X), mg.tensor(X)
        assert step(x, x).item() == other.step(z, z).item()
        if place % 3 == 2:  # another pattern of the same shapes
            y = mg.tensor(X[::-1].copy())
            assert step(x, y).item() == other.step(z, y).item()
    assert step.plans


def test_an_input_that_is_changed_in_place_is_noticed():
    def build():
        def shift(X):
            X.data[:] = X.data + 1.0
            return X.sum()

        return World(shift)

    def changes(world, place):
        pass

    warned(build, [(numbers(3, seed=place),) for place in range(20)], "reads values by .data", changes=changes)


def test_an_input_that_gets_other_values():
    seen = []
    for compiled in (False, True):

        def shift(X):
            X.data = X.data + 1.0
            return X.sum()

        step = mg.compile(shift) if compiled else shift
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seen.append([])
            for place in range(20):
                X = mg.tensor(numbers(3, seed=place))
                seen[-1].append((step(X).item(), X.data.tolist()))
    assert seen[0] == seen[1]


def test_an_array_from_outside_that_the_step_fills():
    seen = []
    for compiled in (False, True):
        kept = np.zeros(3, np.float32)

        def fill(X, kept=kept):
            kept[:] = (X * 2.0).data
            return X.sum()

        step = mg.compile(fill) if compiled else fill
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seen.append([])
            for place in range(20):
                seen[-1].append((step(mg.tensor(numbers(3, seed=place))).item(), kept.tolist()))
    assert seen[0] == seen[1]
    assert [each.category for each in caught] == [CompileWarning]


def test_arguments_that_cannot_be_compared_are_named():
    warned(lambda: World(lambda x, rows: x.sum()), [(numbers(3), iter(()))] * 10, "iterator")


def test_a_large_array_from_outside_is_named():
    table = np.zeros(100_000, np.float32)
    warned(lambda: World(lambda x: (x * table[:3]).sum()), [(numbers(3),)] * 10, "table")


def test_a_step_that_is_let_be_is_called_as_written():
    """No warning again, no recording again, whatever the arguments."""
    world = warned(with_extra(by_item), classification(10), "reads values")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for batch in [*classification(5, rows=3), *classification(5, rows=2)]:
            world.step(*map(mg.tensor, batch))
    assert not world.step.plans


def test_what_runs_while_it_is_recorded_is_the_ordinary_run():
    """The printed values, of arrays and tensors, look as they always do."""
    texts = []
    for compiled in (False, True):
        mg.seed(0)
        model = nn.Linear(5, 3)

        def show(X, model=model):
            out = model(X)
            print(out, repr(out.data), str(X), f"{out.sum():.3f}", type(out.shape), out.dtype, out.tolist())
            return out.detach()

        step = mg.compile(show) if compiled else show
        with contextlib.redirect_stdout(io.StringIO()) as text, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for X, _ in classification(5):
                step(mg.tensor(X))
        texts.append(text.getvalue())
    assert texts[0] == texts[1]
