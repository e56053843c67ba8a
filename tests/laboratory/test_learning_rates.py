"""Which learning rates come closer to a minimum."""

import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

learning_rates = experiment("learning_rates")


@pytest.fixture(scope="module")
def runs():
    return learning_rates.measure()


def test_the_claim_holds(runs):
    assert learning_rates.holds(runs)
    assert {(run.choice, run.outcome) for run in runs} == {
        ("too small", "crawls"),
        ("best", "converges"),
        ("just below the bound", "comes closer"),
        ("just above the bound", "diverges"),
    }


def test_the_bounds_are_those_of_the_second_derivatives(runs):
    assert [run.bound for run in runs[::4]] == pytest.approx([2 / 4, 2 / 10, 2 / 6])


def test_the_parabola_follows_its_closed_form(runs):
    factors = [abs(1 - 4 * run.learning_rate) ** learning_rates.STEPS for run in runs[:4]]
    assert [run.closer for run in runs[:4]] == pytest.approx(factors)
