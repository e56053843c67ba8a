"""The share of minima and saddles among random critical points."""

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

random_critical_points = experiment("random_critical_points")


@pytest.fixture(scope="module")
def measured():
    return random_critical_points.measure()


def test_the_claim_holds(measured):
    assert random_critical_points.holds(*measured)


def test_the_dimensions_and_the_second_derivative_test(measured):
    for shares in measured:
        assert [share.dimension for share in shares] == list(range(1, 11))
        assert {share.agreed for share in shares} == {random_critical_points.CHECKED}


def test_the_shares_are_within_four_standard_errors_of_the_closed_forms(measured):
    signs, matrices = measured
    known = [(share.minima, 2.0**-share.dimension) for share in signs]
    known += [(matrices[1].minima, (2 - 2**0.5) / 4), (matrices[2].minima, (np.pi - 8**0.5) / (4 * np.pi))]
    known += [(share.saddles, 1 - 2 * 2.0**-share.dimension) for share in signs[1:]]
    for share, theory in known:
        assert abs(share - theory) < 4 * (theory * (1 - theory) / random_critical_points.SAMPLES) ** 0.5


def test_saddles_are_nearly_all_in_ten_dimensions(measured):
    assert [shares[0].saddles for shares in measured] == [0, 0]
    assert measured[0][-1].saddles > 0.99
    assert measured[1][-1].saddles == 1


def test_the_axes_of_the_independent_signs_are_at_random():
    hessians = random_critical_points.independent(np.random.default_rng(1), 2)
    np.testing.assert_allclose(hessians, hessians.mT, atol=1e-12)
    assert abs(np.mean(hessians[:, 0, 1])) < 4 * np.std(hessians[:, 0, 1]) / len(hessians) ** 0.5
