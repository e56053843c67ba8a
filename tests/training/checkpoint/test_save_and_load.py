import numpy as np
import pytest

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
    UnknownArgumentError,
)


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


def test_a_generator_that_cannot_be_saved_is_refused(path):
    model = nn.Sequential(nn.Dropout(0.5))
    model[0].rng = np.random.RandomState(0)
    with pytest.raises(ArgumentError, match=r"0\.rng is a RandomState, whose state a checkpoint cannot hold"):
        mg.save(path, model=model)
    assert not path.exists()


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
    class Doubled(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        def state_names(self, group):
            return ("sum",)

        def update(self, parameter, gradient, state, group):
            state["sum"] = state.get("sum", 0) + gradient.astype(np.float64) / 3

    model = nn.Linear(1, 1)
    optimizer = Doubled(model.parameters())
    model(mg.ones((1, 1))).sum().backward()
    optimizer.step()
    mg.save(path, optimizer=optimizer)
    with pytest.raises(StateDictError, match=r"optimizer.state.0.sum is float64 .* in the file, float32"):
        mg.load(path).restore(optimizer=Doubled(model.parameters()))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"path": 3}, DtypeError, "save: path must be the path of a file, got 3"),
        ({"path": ""}, DtypeError, "save: path must be the path of a file"),
        ({"path": "a\0b"}, DtypeError, "save: path must be the path of a file"),
        ({"model": 3}, DtypeError, r"save: model must have state_dict\(\), got 3"),
        ({"model": nn.Linear}, DtypeError, r"save: model must have state_dict\(\), got <class"),
        ({"optimiser": 3}, UnknownArgumentError, "did you mean 'optimizer'"),
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
