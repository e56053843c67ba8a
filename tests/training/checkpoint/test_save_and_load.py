import random

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.engine.random import generator
from minigrad.errors import (
    ArgumentError,
    CheckpointError,
    CheckpointFileError,
    DtypeError,
    MissingFileError,
    StateDictError,
)
from minigrad.training.checkpoint import format, generators


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def parts(seed=0, width=4, dtype=np.float32, **dropout):
    mg.seed(seed)
    model = nn.Sequential(
        nn.Linear(3, width, dtype=dtype), nn.Dropout(0.5, **dropout), nn.Linear(width, 2, dtype=dtype)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01 * (seed + 1))
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1)
    loader = data.DataLoader((np.ones((6, 3), dtype), np.zeros(6, int)), 2, shuffle=True)
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}


def trained(**options):
    run = parts(**options)
    for X, y in run["loader"]:
        run["optimizer"].zero_grad()
        nn.functional.cross_entropy(run["model"](X), y).backward()
        run["optimizer"].step()
    run["scheduler"].step()
    return run


def states(run):
    return repr([{name: part.state_dict() for name, part in run.items()}, generator().bit_generator.state])


def test_each_part_loads_what_was_saved_of_it(path):
    run = trained()
    mg.save(path, **run, extra={"epoch": 3, "best": (0.5, None)})
    saved = mg.load(str(path))
    other = parts(seed=5)
    for name, part in other.items():
        part.load_state_dict(getattr(saved, name))
    assert saved.extra == {"epoch": 3, "best": (0.5, None)}
    assert repr([part.state_dict() for part in other.values()]) == repr([part.state_dict() for part in run.values()])
    assert saved.path == path


def test_restore_puts_everything_back_the_generators_too(path):
    run = trained(rng=np.random.default_rng(7))
    mg.save(path, **run)
    expected, drawn = states(run), run["model"][1].rng.random()
    other = trained(seed=5, rng=np.random.default_rng(8))
    mg.load(path).restore(**other)
    assert states(other) == expected
    assert other["model"][1].rng.random() == drawn


def test_what_was_loaded_is_shown_without_its_arrays(path):
    mg.save(path, **trained(), extra=list(range(1000)))
    held = "model of 4 arrays, 26 numbers, optimizer, scheduler, loader, extra=[0, 1, 2, 3, 4, 5, ...]"
    assert repr(mg.load(path)) == f"Saved({str(path)!r}, {held})"
    mg.save(path)
    assert repr(mg.load(path)) == f"Saved({str(path)!r})"


def test_a_safetensors_file_of_another_program_is_told_from_a_damaged_checkpoint(path):
    model, message = (
        nn.Linear(30, 30),
        r"of another program, .*load_state_dict\(safetensors\.numpy\.load_file\(path\)\)",
    )
    for metadata in (None, {"format": "pt", "from": "elsewhere" * 30}):
        save_file(model.state_dict(), path, metadata)
        with pytest.raises(CheckpointError, match=message):
            mg.load(path)
    assert nn.Linear(30, 30).load_state_dict(load_file(path)) == ([], [])
    mg.save(path, model=model)
    whole = path.read_bytes()
    for place in range(8, format.PLACE):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="it is cut off, damaged, or no checkpoint of minigrad"):
            mg.load(path)


def test_what_was_not_saved_is_none(path):
    mg.save(path, extra=1)
    saved = mg.load(path)
    assert (saved.model, saved.optimizer, saved.scheduler, saved.loader, saved.fit) == (None,) * 5
    with pytest.raises(ArgumentError, match=r"restore: .*run.safetensors holds no model; leave it out, or save it"):
        saved.restore(model=nn.Linear(1, 1))


def misfit_width():
    return parts(seed=5, width=5)


def misfit_dtype():
    return parts(seed=5, dtype=np.float64)


def misfit_optimizer():
    run = parts(seed=5)
    return {**run, "optimizer": optim.SGD(run["model"].parameters(), lr=0.1)}


def misfit_scheduler():
    run = parts(seed=5)
    return {**run, "scheduler": optim.lr_scheduler.ExponentialLR(run["optimizer"], gamma=0.5)}


def misfit_loader():
    return {**parts(seed=5), "loader": data.DataLoader((np.ones((7, 3)), np.zeros(7)), 2, shuffle=True)}


def misfit_generators():
    return parts(seed=5, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("misfit", "message"),
    [
        (misfit_width, r"shape of 0.weight: expected \(5, 3\), got \(4, 3\)"),
        (misfit_dtype, r"restore: model.0.weight is float32 of shape \(4, 3\) in the file, float64"),
        (misfit_optimizer, "SGD: the state dict does not fit"),
        (misfit_scheduler, "ExponentialLR: the state dict does not fit"),
        (misfit_loader, "samples: expected 7, got 6"),
        (misfit_generators, r"the model has its own generators at \['1.rng'\], and the saved one at no place"),
    ],
)
def test_nothing_is_half_restored(misfit, message, path):
    mg.save(path, **trained())
    run = misfit()
    before = states(run)
    with pytest.raises(StateDictError, match=message):
        mg.load(path).restore(**run)
    assert states(run) == before


def test_layers_that_share_a_generator_share_it_again_or_it_is_an_error(path):
    def model(*rngs):
        return nn.Sequential(*(nn.Dropout(0.5, rng=rng) for rng in rngs))

    shared = np.random.default_rng(0)
    mg.save(path, model=model(shared, shared))
    other = np.random.default_rng(1)
    mg.load(path).restore(model=model(other, other))
    assert other.random() == np.random.default_rng(0).random()
    with pytest.raises(StateDictError, match="other layers share a generator"):
        mg.load(path).restore(model=model(other, np.random.default_rng(1)))


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM])
def test_a_layers_generator_of_any_kind(kind, path):
    rng = np.random.Generator(kind(3))
    rng.random(5, np.float32)
    mg.save(path, model=nn.Sequential(nn.Dropout(0.5, rng=rng)))
    expected = rng.random(5, np.float32)
    again = np.random.Generator(kind(4))
    mg.load(path).restore(model=nn.Sequential(nn.Dropout(0.5, rng=again)))
    assert again.random(5, np.float32).tolist() == expected.tolist()
    with pytest.raises(StateDictError, match=r"0\.rng: its state does not fit PCG64"):
        mg.load(path).restore(model=nn.Sequential(nn.Dropout(0.5, rng=np.random.default_rng(0))))


def test_generators_in_lists_tuples_and_dicts_of_modules(path):
    def noisy(seed):
        model, rngs = nn.Sequential(nn.Dropout(0.5)), [np.random.default_rng(seed + place) for place in range(4)]
        model[0].noises = [rngs[0], (rngs[1], 3)]
        model[0].noises.append(model[0].noises)  # contains itself
        model.by_name = {"a": rngs[2], 1: {"b": rngs[3]}, "shared": rngs[0]}
        return model, rngs

    model, rngs = noisy(0)
    mg.save(path, model=model)
    assert list(mg.load(path).generators["places"]) == [
        *("by_name['a']", "by_name[1]['b']", "by_name['shared']", "0.noises[0]", "0.noises[1][0]"),
    ]
    expected = [rng.random() for rng in rngs]
    other, others = noisy(10)
    mg.load(path).restore(model=other)
    assert [rng.random() for rng in others] == expected
    del other.by_name["a"]
    with pytest.raises(StateDictError, match=r"its own generators at .*by_name\['shared'\].*by_name\['a'\]"):
        mg.load(path).restore(model=other)


@pytest.mark.parametrize("place", ["rng", "rngs"])
def test_a_generator_that_cannot_be_saved_is_refused(place, path):
    model = nn.Sequential(nn.Dropout(0.5))
    setattr(model[0], place, np.random.RandomState(0) if place == "rng" else [random.Random(0)])
    where = {"rng": r"0\.rng is a RandomState", "rngs": r"0\.rngs\[0\] is a Random"}[place]
    with pytest.raises(ArgumentError, match=f"{where}, whose state a checkpoint cannot hold"):
        mg.save(path, model=model)
    assert not path.exists()


def test_the_generators_of_the_process_come_back(path):
    np.random.normal(), random.gauss()  # each has half of a pair left, which belongs to its state
    mg.save(path)
    expected = [*np.random.normal(size=3), *[random.gauss() for _ in range(3)]]
    np.random.seed(1), random.seed(1)
    mg.load(path).restore()
    assert [*np.random.normal(size=3), *[random.gauss() for _ in range(3)]] == expected


def test_the_generator_of_numpy_may_be_of_another_kind(path):
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(0))
    try:
        mg.save(path)
        expected = np.random.random(3).tolist()
        mg.load(path).restore()
        assert np.random.random(3).tolist() == expected
    finally:
        np.random.set_bit_generator(before)
    with pytest.raises(StateDictError, match=r"the generator of np\.random: its state does not fit"):
        mg.load(path).restore()


def test_a_file_from_before_they_were_saved_leaves_them_alone(path, monkeypatch):
    def older(model):
        state = capture(model)
        return {name: state[name] for name in ("default", "owned", "places")} | {"places": {}, "owned": []}

    capture = generators.capture
    monkeypatch.setattr(generators, "capture", older)
    model = nn.Linear(1, 1)
    model.rngs = [np.random.default_rng(0)]
    mg.save(path, model=model)
    before = repr((np.random.get_state(), random.getstate(), model.rngs[0].bit_generator.state))
    mg.load(path).restore(model=model)
    assert repr((np.random.get_state(), random.getstate(), model.rngs[0].bit_generator.state)) == before


def test_a_buffer_keeps_its_order_in_memory(path):
    model = nn.Module()
    model.register_buffer("table", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    mg.save(path, model=model)
    mg.load(path).restore(model=model)
    assert model.table.data.flags.f_contiguous
    np.testing.assert_array_equal(model.table.data, np.arange(6.0).reshape(2, 3))


def test_shared_weights_and_names_like_those_of_other_parts(path):
    class Tied(nn.Module):
        def __init__(self):
            self.optimizer = nn.Linear(2, 2)
            self.extra = nn.Linear(2, 2)
            self.extra.weight = self.optimizer.weight

    model = Tied()
    mg.save(path, model=model, extra={"weight": np.arange(3)})
    saved = mg.load(path)
    assert list(saved.model) == list(model.state_dict())
    assert saved.extra["weight"].tolist() == [0, 1, 2]
    other = Tied()
    saved.restore(model=other)
    assert other.extra.weight is other.optimizer.weight
    np.testing.assert_array_equal(other.extra.weight.data, model.extra.weight.data)


def test_an_optimizer_that_would_lose_bits_is_an_error(path):
    model, single = nn.Linear(1, 1, dtype=np.float64), nn.Linear(1, 1)
    optimizer = optim.Adam(model.parameters())
    model(mg.ones((1, 1), dtype=np.float64)).sum().backward()
    optimizer.step()
    mg.save(path, optimizer=optimizer)
    with pytest.raises(StateDictError, match=r"optimizer.state.0.exp_avg is float64 .* in the file, float32"):
        mg.load(path).restore(optimizer=optim.Adam(single.parameters()))


class Factored(optim.Optimizer):
    """Adafactor's second moments, of rows and columns, and values of other kinds."""

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})

    def update(self, p, g, state, lr):
        square = np.float64(g.reshape(len(g), -1)) ** 2 + 1e-30
        state["rows"] = 0.9 * state.get("rows", 0) + square.mean(1)
        state["columns"] = 0.9 * state.get("columns", 0) + square.mean(0)
        state["number of updates"] = state.get("number of updates", 0) + 1
        state["largest"] = max(state.get("largest", 0.0), float(square.max()))
        state["history"] = [*state.get("history", []), (float(g.sum()), None)]
        scale = np.sqrt(np.outer(state["rows"], state["columns"]) / state["rows"].mean())
        return p - lr * g / scale.reshape(p.shape)


def train(model, optimizer, steps):
    for step in steps:
        optimizer.zero_grad()
        nn.functional.mse_loss(
            model(mg.tensor(np.sin(np.arange(12.0) + step).reshape(4, 3))), np.ones((4, 2))
        ).backward()
        optimizer.step()


def test_a_state_of_any_shapes_and_names_is_saved_and_goes_on(path):
    whole, model, other = (nn.Linear(3, 2, dtype=np.float64, rng=np.random.default_rng(0)) for _ in "abc")
    train(whole, Factored(whole.parameters()), range(6))
    optimizer, resumed = Factored(model.parameters()), Factored(other.parameters())
    train(model, optimizer, range(3))
    mg.save(path, model=model, optimizer=optimizer)
    mg.load(path).restore(model=other, optimizer=resumed)
    np.testing.assert_equal(resumed.state_dict(), optimizer.state_dict())
    train(other, resumed, range(3, 6))
    np.testing.assert_array_equal(other.weight.data, whole.weight.data)


class TwoLayers(nn.Module):
    """Layers of the same shape, in one order or the other."""

    def __init__(self, order):
        for name in order:
            setattr(self, name, nn.Linear(3, 3, dtype=np.float64, rng=np.random.default_rng(ord(name))))
        self.last = nn.Linear(3, 2, dtype=np.float64, rng=np.random.default_rng(0))

    def forward(self, x):
        return self.last(self.b(self.a(x)))


@pytest.mark.parametrize("named", [(False, False), (False, True), (True, False), (True, True)])
def test_an_optimizers_state_finds_its_parameters_in_another_order(path, named):
    whole, model, other = TwoLayers("ab"), TwoLayers("ab"), TwoLayers("ba")

    def adam(model, named):
        return optim.Adam(list(model.named_parameters()) if named else model.parameters(), 0.1)

    train(whole, adam(whole, False), range(6))
    optimizer, resumed = adam(model, named[0]), adam(other, named[1])
    train(model, optimizer, range(3))
    mg.save(path, model=model, optimizer=optimizer)
    mg.load(path).restore(model=other, optimizer=resumed)
    assert ("param_names" in resumed.param_groups[0]) == named[1]
    train(other, resumed, range(3, 6))
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)


def test_an_optimizers_state_of_other_names_is_an_error(path):
    model, other = TwoLayers("ab"), TwoLayers("cd")
    mg.save(path, model=model, optimizer=optim.Adam(model.parameters()))
    saved = mg.load(path)
    with pytest.raises(StateDictError, match=r"the optimizer: .*\n  - group 0: its parameters are \['a.weight'"):
        saved.restore(optimizer=optim.Adam(list(other.named_parameters())))
    saved.restore(optimizer=optim.Adam(other.parameters()))  # without names, shapes are all that there is to pair by
    saved.optimizer["param_groups"][0]["params"] = [[0], *range(1, 6)]
    with pytest.raises(StateDictError, match="the saved optimizer does not fit: unhashable"):
        saved.restore(optimizer=optim.Adam(model.parameters()))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"path": 3}, DtypeError, "save: path must be the path of a file, got 3"),
        ({"path": ""}, DtypeError, "save: path must be the path of a file"),
        ({"path": "a\0b"}, DtypeError, "save: path must be the path of a file"),
        ({"model": 3}, DtypeError, r"save: model must have state_dict\(\), got 3"),
        ({"model": nn.Linear}, DtypeError, r"save: model must have state_dict\(\), got <class"),
        (
            {"model": nn.Linear(1, 1).state_dict()},
            DtypeError,
            r"got a dict; pass the model itself, not its state_dict\(\)",
        ),
        ({"loader": np.zeros(1000)}, DtypeError, r"save: loader must have state_dict\(\), got array.{,40}$"),
        ({"optimiser": 3}, TypeError, "unexpected keyword argument 'optimiser'"),
    ],
)
def test_bad_arguments(arguments, kind, message, path):
    with pytest.raises(kind, match=message):
        mg.save(**{"path": path, **arguments})


def test_a_parameter_with_the_formats_own_name_is_refused(path):
    model = nn.Module()
    model.__metadata__ = nn.Parameter(np.ones(2))
    with pytest.raises(ArgumentError, match="no parameter can be called '__metadata__'"):
        mg.save(path, model=model)


def test_what_cannot_load_a_state_is_refused(path):
    mg.save(path, **trained())
    with pytest.raises(DtypeError, match=r"restore: model must have state_dict\(\) and load_state_dict\(\), got 3"):
        mg.load(path).restore(model=3)


class Forgetful:
    """A loader of the user's own that looks up names in what it loads, and keeps its own state all the same."""

    def __init__(self, state, *names):
        self.state, self.names = state, names

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        for name in self.names:
            state[name]


@pytest.mark.parametrize(
    ("saved", "loader", "message"),
    [
        ({"at": 1}, Forgetful({"place": 1}, "place"), "the saved loader does not fit: KeyError: 'place'"),
        ({"at": 1}, Forgetful({"at": 2}), r"loader\.at is 1 in the file, 2 here"),
        ({"at": [1]}, Forgetful({"at": [1, 2]}), r"loader\.at has 1 values in the file, 2 here"),
        ({"at": [1, 2]}, Forgetful({"at": [1, 3]}), r"loader\.at\.1 is 2 in the file, 3 here"),
        ({"at": 1}, Forgetful({"to": 1}), r"loader has \['at'\] in the file, \['to'\] here"),
        ({"at": 1.5}, Forgetful({"at": np.array(2.5)}), r"loader\.at is 1\.5 in the file, array\(2\.5\) here"),
        ({"at": np.ones(2)}, Forgetful({"at": np.zeros(2)}), r"loader\.at did not take over the saved values"),
    ],
)
def test_a_part_of_the_users_own_that_does_not_take_over_its_state_is_told_of(saved, loader, message, path):
    mg.save(path, loader=Forgetful(saved))
    with pytest.raises(StateDictError, match=message):
        mg.load(path).restore(loader=loader)


def test_numbers_may_be_of_another_type_and_not_numbers_too(path):
    mg.save(path, loader=Forgetful({"steps": 3, "best": float("nan"), "at": (1, 2)}))
    mg.load(path).restore(loader=Forgetful({"steps": np.array(3.0), "best": np.float64("nan"), "at": [1, 2]}))


def test_loading_what_is_not_there_or_no_checkpoint(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no checkpoint .*nothing; mg\.save"):
        mg.load(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="is a folder without checkpoints"):
        mg.load(tmp_path)
    with pytest.raises(DtypeError, match="load: path must be"):
        mg.load(None)
    mg.save(tmp_path / "plain", extra=1)
    with pytest.raises(MissingFileError):
        mg.load(tmp_path / "plain" / "file")
    (tmp_path / "locked").mkdir()
    with pytest.raises(CheckpointFileError, match="is a folder, so no checkpoint can be written there"):
        mg.save(tmp_path / "locked", extra=1)
