"""What the batch size changes, at equally many epochs and at equally many updates."""

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

batch_sizes = experiment("batch_sizes")


@pytest.fixture(scope="module")
def measured():
    return batch_sizes.measure()


def test_the_claim_holds(measured):
    assert batch_sizes.holds(*measured)


def test_small_batches_make_more_updates_of_an_epoch_and_go_further(measured):
    rows = measured[0].rows
    assert [row.updates_an_epoch for row in rows] == [256, 32, 8, 2, 1]
    losses = [row.train_loss for row in rows]
    assert losses == sorted(losses)


def test_small_batches_are_noisy_and_full_ones_have_no_noise(measured):
    noise = [row.gradient_noise for row in measured[0].rows]
    assert noise == sorted(noise, reverse=True)
    assert noise[0] > 10
    assert noise[-1] < 1e-9
    assert 0.4 < measured[1][1]["rises"].mean() < 0.6
    assert measured[1][256]["rises"].max() < 0.05


def test_large_batches_reach_the_same_losses_in_as_many_updates(measured):
    updates = measured[1]
    for name in ("train_loss", "test_loss"):
        np.testing.assert_allclose(updates[256][name], updates[32][name], rtol=0.1)
    assert updates[1]["test_loss"].mean() > 2 * updates[256]["test_loss"].mean()  # a batch of one stays in its noise


def test_large_batches_end_sharper_and_generalise_no_worse(measured):
    assert measured[1][256]["sharpness"].min() > 1
    assert measured[1][256]["sharpness"].max() < 2 / 0.1  # beyond 2 / learning rate full batches would diverge
    assert (measured[1][256]["sharpness"] > measured[1][8]["sharpness"]).all()
    difference, error = batch_sizes.gain(measured[1], "test_accuracy")
    assert -2 * error < difference < 0.03


def test_batches_of_one_do_not_settle(measured):
    settled = max(measured[1][size]["train_loss"].max() for size in (8, 32, 128, 256))
    assert measured[1][1]["train_loss"].min() > 3 * settled
    epochs, updates = measured
    calm = {**updates[1], "train_loss": updates[8]["train_loss"]}
    assert not batch_sizes.holds(epochs, {**updates, 1: calm})


def test_what_is_printed_says_what_is_compared_with_what(measured, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batch_sizes, "measure", lambda: measured)
    batch_sizes.main()
    printed = capsys.readouterr().out
    assert "sharper than batches\nof 8" in printed
    assert "Batches of one are too noisy" in printed
    assert "the share of updates after which the next batch has a higher loss" in printed


def test_the_claim_fails_where_large_batches_generalise_worse(measured):
    epochs, updates = measured
    worse = {**updates[256], "test_accuracy": updates[256]["test_accuracy"] - 0.1}
    assert not batch_sizes.holds(epochs, {**updates, 256: worse})
