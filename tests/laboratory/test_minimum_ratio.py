"""The minimum ratio over a training run."""

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

minimum_ratio = experiment("minimum_ratio")


@pytest.fixture(scope="module")
def measured():
    return minimum_ratio.measure()


def places(losses, ratios):
    return [minimum_ratio.Place(0, loss, 0.0, ratio, 0.0, 0.0) for loss, ratio in zip(losses, ratios, strict=True)]


def test_the_claim_holds(measured):
    assert minimum_ratio.holds(measured)


def test_training_learns_and_the_ratio_starts_near_one_half(measured):
    for run in measured:
        assert run[-1].loss < 0.2 * run[0].loss
        assert 0.4 < run[0].minimum_ratio < 0.6
        assert run[-1].minimum_ratio > 0.7


def test_a_ratio_below_one_has_a_negative_eigenvalue(measured):
    for place in (place for run in measured for place in run):
        assert place.lowest < 0 < place.highest
        assert place.minimum_ratio == pytest.approx(round(33 * place.minimum_ratio) / 33)  # of 33 parameters


def test_rank_correlation_agrees_with_scipy_where_ratios_are_equal():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    losses, ratios = rng.normal(size=9), rng.integers(0, 4, 9) / 4
    expected = stats.spearmanr(losses, ratios).statistic
    assert minimum_ratio.rank_correlation(places(losses, ratios)) == pytest.approx(expected, abs=1e-12)
    assert minimum_ratio.rank_correlation(places([3, 2, 1], [0.1, 0.5, 0.9])) == pytest.approx(-1)


def test_what_is_printed_says_what_the_ratio_is_and_claims_no_steady_growth(measured, monkeypatch, capsys):
    monkeypatch.setattr(minimum_ratio, "measure", lambda: measured)
    minimum_ratio.main()
    printed = capsys.readouterr().out
    assert "the share of the Hessian's eigenvalues that are positive" in printed
    assert any((np.diff([place.minimum_ratio for place in run]) < 0).any() for run in measured)
    assert "not at each step" in printed
    assert "largest of the run" in printed


def test_the_claim_fails_for_a_run_that_goes_backwards(measured):
    assert not minimum_ratio.holds([run[::-1] for run in measured])
