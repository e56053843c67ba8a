"""Twenty layers: what reaches the first one."""

import math

import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

vanishing = experiment("vanishing")


@pytest.fixture(scope="module")
def measured():
    return vanishing.measure()


def test_the_claim_holds(measured):
    assert vanishing.holds(measured)


def test_the_factor_of_a_layer_is_the_slope_times_the_weights_gain(measured):
    """A weight of variance c / width multiplies a gradient by sqrt(c); relu lets half of its square through."""
    theory = (0.25, 0.25 * math.sqrt(2), 1, math.sqrt(1 / 2), 1)
    bounds = ((0.9, 1), (0.85, 1), (0.9, 1), (0.95, 1.05), (0.95, 1.05))  # sigmoid and tanh are steepest at 0 alone
    for network, factor, (low, high) in zip(measured, theory, bounds, strict=True):
        assert low < network.factor_a_layer / factor < high


def test_sigmoid_guesses_and_relu_learns(measured):
    for network in measured[:2]:
        assert network.losses[-1] == pytest.approx(math.log(10), abs=0.05)
        assert network.accuracy < 0.15
    assert measured[-1].accuracy > 0.95
    assert measured[-1].losses[-1] < 0.2


def test_the_claim_fails_for_relu_with_xaviers_weights(measured):
    assert not vanishing.holds(measured[:-1])
