"""The cross-entropy of five classes, step by step."""

import math

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

by_hand = experiment("cross_entropy_by_hand")


def test_the_claim_holds():
    assert by_hand.holds(by_hand.measure())


def test_the_steps_are_what_their_names_say():
    steps = by_hand.by_hand()
    assert math.isclose(sum(steps["softmax"]), 1)
    np.testing.assert_allclose(np.exp(steps["log"]), steps["softmax"], rtol=1e-14)
    assert np.count_nonzero(steps["-hot * log"]) == 1
    loss = math.log(sum(steps["exp"])) - by_hand.LOGITS[by_hand.TRUE_CLASS]
    assert math.isclose(sum(steps["-hot * log"]), loss, rel_tol=1e-14)


def test_the_gradient_is_the_slope_of_the_loss_by_hand(monkeypatch):
    gradient, step = by_hand.by_hand()["gradient"], 1e-5
    for index, logit in enumerate(by_hand.LOGITS):
        ends = []
        for moved in (logit + step, logit - step):
            logits = [*by_hand.LOGITS[:index], moved, *by_hand.LOGITS[index + 1 :]]
            with monkeypatch.context() as patched:
                patched.setattr(by_hand, "LOGITS", logits)
                ends.append(sum(by_hand.by_hand()["-hot * log"]))
        assert math.isclose((ends[0] - ends[1]) / (2 * step), gradient[index], abs_tol=1e-9)


def test_the_claim_fails_for_another_class(monkeypatch):
    monkeypatch.setattr(by_hand, "TRUE_CLASS", 2)
    assert not by_hand.holds(by_hand.measure())
