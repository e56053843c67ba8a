import os
import random

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.errors import CheckpointWarning
from minigrad.training import TrainingWarning

from .runs import BATCHES, EPOCHS, OPTIMIZERS, SCHEDULERS, KilledError, killed_after, make, outcome


def uninterrupted(**options):
    arguments = make(**options)
    return outcome(arguments, mg.fit(**arguments))


def interrupted(folder, update, every=1, **options):
    """Train until the update, then go on in objects that were made anew, from another seed."""
    arguments = killed_after(update, make(**options))
    with pytest.raises(KilledError):
        mg.fit(**arguments, checkpoint=mg.Checkpoint(folder, every=every))
    arguments = make(**{**options, "seed": 99})
    history = mg.fit(**arguments, checkpoint=mg.Checkpoint(folder, every=every), resume=True)
    return outcome(arguments, history)


@pytest.mark.parametrize("update", range(EPOCHS * BATCHES))
def test_a_run_that_died_after_any_update_ends_as_if_it_had_not(update, tmp_path):
    assert interrupted(tmp_path, update) == uninterrupted()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_with_every_optimizer_and_scheduler(optimizer, scheduler, tmp_path):
    options = {"optimizer": optimizer, "scheduler": scheduler, "own_generator": False}
    assert interrupted(tmp_path, 6, every=5, **options) == uninterrupted(**options)


def test_checkpoints_change_nothing_and_come_as_often_as_asked(tmp_path):
    arguments, seen = make(), []
    checkpoint = mg.Checkpoint(tmp_path, every=3, keep=99)
    put = checkpoint.put
    checkpoint.put = lambda step, what: seen.append(step) or put(step, what)
    assert outcome(arguments, mg.fit(**arguments, checkpoint=checkpoint)) == uninterrupted()
    assert seen == [0, 3, 4, 6, 8, 9, 12, 12]
    seen.clear()
    mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path / "epochs", keep=99))
    assert [int(path.name[5:14]) for path in mg.Checkpoint(tmp_path / "epochs").paths()] == [0, 4, 8, 12]


def test_a_run_that_is_over_is_given_back_as_it_ended(tmp_path):
    first = make()
    expected = outcome(first, mg.fit(**first, checkpoint=mg.Checkpoint(tmp_path)))
    again = make(seed=99)
    history = mg.fit(**again, checkpoint=mg.Checkpoint(tmp_path), resume=True)
    assert outcome(again, history) == expected
    assert len(history.seconds) == EPOCHS


def test_a_run_can_be_made_longer(tmp_path):
    options = {"scheduler": "none", "optimizer": "momentum"}
    mg.fit(**make(**options), checkpoint=mg.Checkpoint(tmp_path))
    longer = {**make(**{**options, "seed": 99}), "epochs": EPOCHS + 2}
    resumed = outcome(longer, mg.fit(**longer, checkpoint=mg.Checkpoint(tmp_path), resume=True))
    whole = {**make(**options), "epochs": EPOCHS + 2}
    assert resumed == outcome(whole, mg.fit(**whole))


def test_resuming_where_nothing_is_begins_at_the_beginning(tmp_path):
    arguments = make()
    history = mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path / "new"), resume=True)
    assert outcome(arguments, history) == uninterrupted()


def test_a_run_killed_before_its_first_update_keeps_its_seeds(tmp_path):
    assert interrupted(tmp_path, 0, every=None) == uninterrupted()


def test_a_damaged_checkpoint_costs_some_updates_and_no_exactness(tmp_path):
    arguments = killed_after(7, make())
    with pytest.raises(KilledError):
        mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path, every=1))
    newest = tmp_path / "step-000000007.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    arguments = make(seed=99)
    with pytest.warns(CheckpointWarning, match=r"step-000000007.*is damaged.*step-000000006.safetensors is loaded"):
        history = mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path, every=50), resume=True)
    assert outcome(arguments, history) == uninterrupted()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("step-000000007.damaged", "step-000000008.safetensors", "step-000000012.safetensors")
    ]


def test_what_a_dead_run_left_is_cleared_up(tmp_path):
    checkpoint = mg.Checkpoint(tmp_path, keep=5)
    mg.fit(**make(), checkpoint=checkpoint)
    (tmp_path / ".step-000000007.safetensors.here-1-0.tmp").touch()
    os.utime(tmp_path / ".step-000000007.safetensors.here-1-0.tmp", (0, 0))
    mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path), resume=True)
    assert [path.name[-14:] for path in sorted(tmp_path.iterdir())] == ["08.safetensors", "12.safetensors"]


def test_the_loader_does_not_go_through_what_it_skips(tmp_path):
    class Counting:
        asked = 0

        def __len__(self):
            return 60

        def __getitem__(self, index):
            Counting.asked += 1
            return np.full(5, index, np.float32), index % 3

    def arguments():
        return {**make(), "train": data.DataLoader(Counting(), 15, shuffle=True), "epochs": 1}

    with pytest.raises(KilledError):
        mg.fit(**killed_after(3, arguments()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    Counting.asked = 0
    mg.fit(**arguments(), checkpoint=mg.Checkpoint(tmp_path, every=1), resume=True)
    assert Counting.asked == 15


def test_a_run_that_died_between_the_last_update_of_an_epoch_and_the_scheduler(tmp_path):
    options = {"optimizer": "sgd", "scheduler": "cosine"}
    arguments = make(**options)

    def loss(output, targets):
        if not arguments["model"].training:
            raise KilledError
        return nn.functional.cross_entropy(output, targets)

    with pytest.raises(KilledError):
        mg.fit(**{**arguments, "loss": loss}, checkpoint=mg.Checkpoint(tmp_path, every=1))
    arguments = make(**options, seed=99)
    history = mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path), resume=True)
    assert outcome(arguments, history) == uninterrupted(**options)


@pytest.mark.parametrize("draw", [np.random.random, random.random])
def test_a_loss_that_draws_from_the_generators_of_the_process(draw, tmp_path):
    def noisy():
        arguments = make(optimizer="sgd", scheduler="none")
        return {**arguments, "loss": lambda output, targets: nn.functional.cross_entropy(output * draw(), targets)}

    def seeded():
        np.random.seed(5), random.seed(5)
        return noisy()

    alone = seeded()
    expected = outcome(alone, mg.fit(**alone))
    with pytest.raises(KilledError):
        mg.fit(**killed_after(6, seeded()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    np.random.seed(8), random.seed(8)
    again = noisy()
    assert outcome(again, mg.fit(**again, checkpoint=mg.Checkpoint(tmp_path), resume=True)) == expected


def test_a_list_of_batches(tmp_path):
    def arguments(seed=0):
        made = make(seed=seed)
        return {**made, "train": list(data.DataLoader(made["train"].dataset, 15)), "validation": None}

    with pytest.raises(KilledError):
        mg.fit(**killed_after(6, arguments()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    whole = arguments()
    expected = mg.fit(**whole).train_loss
    resumed = arguments(99)
    assert mg.fit(**resumed, checkpoint=mg.Checkpoint(tmp_path), resume=True).train_loss == expected
    for name, array in whole["model"].state_dict().items():
        assert resumed["model"].state_dict()[name].tobytes() == array.tobytes()


def test_validation_on_the_very_loader_that_is_trained_on(tmp_path):
    def arguments(seed=0):
        made = make(seed=seed)
        return {**made, "validation": made["train"]}

    whole = arguments()
    expected = outcome(whole, mg.fit(**whole))
    with pytest.raises(KilledError):
        mg.fit(**killed_after(6, arguments()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    resumed = arguments(99)
    history = mg.fit(**resumed, checkpoint=mg.Checkpoint(tmp_path), resume=True)
    assert outcome(resumed, history) == expected


def test_regression_has_no_accuracy_after_resuming_either(tmp_path):
    def arguments():
        mg.seed(0)
        model = nn.Linear(2, 1)
        return {
            "model": model,
            "train": data.DataLoader((np.ones((8, 2), np.float32), np.ones((8, 1), np.float32)), 2),
            "loss": nn.MSELoss(),
            "optimizer": optim.SGD(model.parameters(), lr=0.1),
            "epochs": 1,
            "progress": False,
        }

    with pytest.raises(KilledError):
        mg.fit(**killed_after(2, arguments()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    assert mg.fit(**arguments(), checkpoint=mg.Checkpoint(tmp_path), resume=True).metrics == {}


def test_a_bar_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(KilledError):
        mg.fit(**killed_after(9, make()), checkpoint=mg.Checkpoint(tmp_path, every=1))
    mg.fit(**{**make(), "progress": True}, checkpoint=mg.Checkpoint(tmp_path), resume=True)
    assert "epoch 3/3" in capsys.readouterr().out


# --- a loss that is not finite


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint_and_says_which_batch(tmp_path):
    arguments, calls = make(), 0

    def loss(output, targets):
        nonlocal calls
        calls += 1
        return nn.functional.cross_entropy(output, targets) * (float("nan") if calls == 6 else 1.0)

    with pytest.warns(TrainingWarning, match="stopped in epoch 2 of 3: the loss of batch 2 is nan, and no update"):
        history = mg.fit(**{**arguments, "loss": loss, "validation": None}, checkpoint=mg.Checkpoint(tmp_path, every=1))
    assert history.note.endswith(f"the last good checkpoint is {tmp_path / 'step-000000005.safetensors'}")
    np.testing.assert_array_equal(mg.load(tmp_path).model["0.weight"], arguments["model"][0].weight.data)


NOT_FINITE = r"epoch 1 of 3: after batch 3, 0\.weight is not finite, so no .* run it within mg\.detect_anomaly\(\)"


def test_weights_that_are_not_finite_are_not_saved_over_good_ones(tmp_path):
    arguments = make(optimizer="sgd", scheduler="none")
    step, count = arguments["optimizer"].step, 0

    def exploding(*args):
        nonlocal count
        count += 1
        step(*args)
        if count == 3:
            arguments["model"][0].weight.data[0, 0] = np.inf

    arguments["optimizer"].step = exploding
    with pytest.warns(TrainingWarning, match=NOT_FINITE):
        history = mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path, every=1, keep=1))
    assert history.note.endswith("the last good checkpoint is " + str(tmp_path / "step-000000002.safetensors"))
    assert all(np.isfinite(array).all() for array in mg.load(tmp_path).model.values())


def test_ctrl_c_says_where_the_last_checkpoint_is(tmp_path):
    arguments = make()

    def loss(output, targets):
        raise KeyboardInterrupt

    history = mg.fit(**{**arguments, "loss": loss}, checkpoint=mg.Checkpoint(tmp_path))
    assert history.note.endswith(f"the last good checkpoint is {tmp_path / 'step-000000000.safetensors'}")
