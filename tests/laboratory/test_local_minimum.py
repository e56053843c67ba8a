"""What passes a local minimum."""

import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

local_minimum = experiment("local_minimum")


@pytest.fixture(scope="module")
def measured():
    return local_minimum.measure()


def test_the_claim_holds(measured):
    assert local_minimum.holds(*measured)


def test_plain_and_weak_momentum_stop_and_strong_momentum_passes(measured):
    ends = {momentum: way.points[-1, 0] for momentum, way in measured[0].items()}
    assert ends == pytest.approx({0.0: -1, 0.5: -1, 0.9: 2}, abs=1e-6)
    assert measured[0][0.0].points.max() <= -1 + 1e-12  # it comes from the left, and never beyond


def test_the_smaller_the_batch_the_more_runs_pass(measured):
    runs = measured[1]
    passed = [run.passed for run in runs]
    assert [run.batch_size for run in runs] == [64, 16, 8, 4, 1]
    assert passed[0] == 0
    assert passed == sorted(passed)
    assert passed[-1] == 1


def test_the_noise_of_a_batch_is_that_of_sampling_without_replacement(measured):
    single = measured[1][-1].noise
    for run in measured[1][:-1]:
        size = run.batch_size
        assert run.noise == pytest.approx(single * (1 / size * (64 - size) / 63) ** 0.5, rel=0.01, abs=1e-9)
