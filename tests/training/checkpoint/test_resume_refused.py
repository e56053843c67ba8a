"""Runs that are not those that left the checkpoint, or not in the same surroundings."""

import pytest

import minigrad as mg
from minigrad import data, nn
from minigrad.errors import ArgumentError, CheckpointError, CheckpointWarning, DtypeError, StateDictError

from .runs import KilledError, killed_after, make


def test_other_surroundings_are_reported(tmp_path, monkeypatch):
    with pytest.raises(KilledError):
        mg.fit(**killed_after(1, make()), checkpoint=mg.Checkpoint(tmp_path))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "77")
    with pytest.warns(CheckpointWarning, match=r"was saved with threads \d+ \(here 77\): the run goes on, but its"):
        mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path), resume=True)


class Jittered(data.DataLoader):
    def __iter__(self):
        return ((X + 1, y) for X, y in self.batches())


def other_batch_size(made):
    return make(batch_size=20)


def other_metrics(made):
    return {**made, "metrics": ["accuracy", lambda output, targets: 0]}


def other_optimizer(made):
    return make(optimizer="sgd")


def no_scheduler(made):
    return {**made, "scheduler": None}


def no_validation(made):
    return {**made, "validation": None}


def fewer_epochs(made):
    return {**made, "epochs": 1}


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (other_batch_size, StateDictError, "is of another training run: batches an epoch 4 there, 3 here"),
        (other_metrics, StateDictError, "is of another training run: metrics"),
        (other_optimizer, StateDictError, "is of another training run: optimizer 'Adam' there, 'SGD' here"),
        (no_scheduler, StateDictError, "is of another training run: scheduler 'CosineAnnealingLR' there"),
        (no_validation, StateDictError, "is of another training run: validation True there, False here"),
        (fewer_epochs, ArgumentError, "is in epoch 2, and epochs=1; epochs counts from the beginning of the run"),
    ],
)
def test_another_run_is_not_resumed(change, kind, message, tmp_path):
    with pytest.raises(KilledError):
        mg.fit(**killed_after(5, make()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    made = change(make())
    before = made["model"].state_dict()
    with pytest.raises(kind, match=message):
        mg.fit(**made, checkpoint=mg.Checkpoint(tmp_path), resume=True)
    assert repr(made["model"].state_dict()) == repr(before)
    assert made["train"].epoch == 0


def test_a_run_on_a_loader_is_not_resumed_on_a_list_and_not_the_other_way_round(tmp_path):
    for folder, first, second, message in (
        ("loader", lambda loader: loader, list, "has a loader, unlike this run"),
        ("list", list, lambda loader: loader, "has no loader, unlike this run"),
    ):
        with pytest.raises(KilledError):
            mg.fit(
                **killed_after(2, {**(made := make()), "train": first(made["train"])}),
                checkpoint=mg.Checkpoint(tmp_path / folder, every=1),
            )
        made = make()
        with pytest.raises(StateDictError, match=message):
            mg.fit(**{**made, "train": second(made["train"])}, checkpoint=mg.Checkpoint(tmp_path / folder), resume=True)


def test_a_folder_with_checkpoints_is_not_written_over(tmp_path):
    mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path))
    with pytest.raises(ArgumentError, match="has checkpoints of an earlier run: pass resume=True"):
        mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path))
    (tmp_path / "own").mkdir()
    mg.Checkpoint(tmp_path / "own").save(3, extra=1)
    with pytest.raises(CheckpointError, match=r"was written by mg\.save, not by fit"):
        mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path / "own"), resume=True)


class Descent:
    def step(self):
        pass

    def zero_grad(self):
        pass


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"checkpoint": "runs/x"}, DtypeError, r"checkpoint must be mg\.Checkpoint\(folder\), got 'runs/x'"),
        ({"checkpoint": None, "resume": True}, ArgumentError, r"resume=True needs checkpoint=mg\.Checkpoint"),
        ({"resume": 1}, DtypeError, "fit: resume must be True or False, got 1"),
        ({"model": lambda x: x}, DtypeError, r"checkpoint= needs a model that is an nn\.Module, got function"),
        ({"model": nn.Linear(5, 3)}, ArgumentError, "none of the 6 parameters of the optimizer is the model's"),
        ({"optimizer": Descent()}, DtypeError, r"needs state_dict\(\) and load_state_dict\(\) of the optimizer"),
        ({"train": iter(())}, DtypeError, "a DataLoader, or a list of batches; got tuple_iterator"),
        (
            {"train": Jittered([(1, 2)])},
            DtypeError,
            r"Jittered, which has an __iter__ of its own: override batches",
        ),
    ],
)
def test_what_cannot_be_resumed_is_refused_at_once(change, kind, message, tmp_path):
    with pytest.raises(kind, match=message):
        mg.fit(**{**make(), "checkpoint": mg.Checkpoint(tmp_path), **change})
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_that_would_not_be_saved_is_refused(tmp_path):
    arguments = make(optimizer="sgd", scheduler="none")
    arguments["optimizer"].add_param_group({"params": [mg.tensor([1.0], requires_grad=True, name="scale")]})
    with pytest.raises(ArgumentError, match=r"'scale' of shape .* which is no parameter of the model and would not be"):
        mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path))
    assert not list(tmp_path.iterdir())
