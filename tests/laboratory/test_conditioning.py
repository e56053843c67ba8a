"""The steps that a condition number costs, against closed forms."""

import math

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

conditioning = experiment("conditioning")


@pytest.fixture(scope="module")
def measured():
    return conditioning.measure()


def steps(descents, optimizer):
    return {descent.condition: descent.steps for descent in descents if descent.optimizer == optimizer}


def test_the_claim_holds(measured):
    descents, _ = measured
    assert conditioning.holds(descents)


def test_gradient_descent_takes_the_steps_of_its_rate_and_zigzags(measured):
    descents, cautious = measured
    for condition, count in steps(descents, "gradient descent").items():
        assert count == math.ceil(math.log(1e6) / math.log((condition + 1) / (condition - 1)))
    assert {d.zigzag for d in descents if d.optimizer == "gradient descent"} == {1}
    assert cautious.zigzag == 0
    assert 3.9 < cautious.steps / steps(descents, "gradient descent")[100] < 4.1


def test_the_heavy_ball_takes_the_steps_of_its_double_roots(measured):
    """The errors along the axes are r^n (1 + c n) and (-r)^n (1 + d n); c and d come from the first step."""
    angle = math.radians(conditioning.ANGLE)
    flat = 2.5 * math.cos(angle) + math.sin(angle)
    steep = -2.5 * math.sin(angle) + math.cos(angle)
    n = np.arange(1000)
    for condition, count in steps(measured[0], "heavy ball").items():
        root = math.sqrt(condition)
        rate, learning_rate = (root - 1) / (root + 1), 4 / (1 + root) ** 2
        c, d = (1 - learning_rate) / rate - 1, (learning_rate * condition - 1) / rate - 1
        distances = rate**n * np.hypot(flat * (1 + c * n), steep * (1 + d * n))
        assert count == np.argmax(distances <= 1e-6 * distances[0])


def test_the_heavy_ball_grows_with_the_root_and_newton_not_at_all(measured):
    descents, _ = measured
    assert abs(conditioning.exponent(descents, "heavy ball") - 1 / 2) < 0.05
    assert set(steps(descents, "Newton").values()) == {1}


def test_the_claim_fails_for_a_learning_rate_that_is_not_the_best():
    descent = conditioning.descend("gradient descent", 10, lambda p: conditioning.optim.SGD(p, lr=1 / 11), 150)
    assert descent.zigzag < 1
    assert descent.steps > 1.9 * 69.1
