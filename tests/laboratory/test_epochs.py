"""The iterations, samples and updates of an epoch."""

from dataclasses import replace

import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

epochs = experiment("epochs")


@pytest.fixture(scope="module")
def measured():
    return epochs.measure()


def test_the_claim_holds(measured):
    assert epochs.holds(measured)


def test_what_an_epoch_of_100_samples_has(measured):
    counted = {count.batch_size: (set(count.iterations), count.updates) for count in measured}
    assert counted == {1: ({100}, 500), 8: ({13}, 65), 32: ({4}, 20), 64: ({2}, 10), 100: ({1}, 5)}


def test_more_updates_go_further(measured):
    losses = [count.loss for count in measured]
    assert losses == sorted(losses)
    assert losses[0] < 0.1 < 1 < losses[-1]


@pytest.mark.parametrize(
    "change", [{"seen_once": False}, {"orders": 1}, {"updates": 4}, {"iterations": (1, 1, 1, 1, 2)}]
)
def test_the_claim_fails_for_a_wrong_count(measured, change):
    assert not epochs.holds([*measured[:-1], replace(measured[-1], **change)])


def test_the_claim_fails_without_a_shuffle(monkeypatch):
    loader = epochs.data.DataLoader
    monkeypatch.setattr(
        epochs.data, "DataLoader", lambda *args, **options: loader(*args, **{**options, "shuffle": False})
    )
    assert epochs.train(8).orders == 1
