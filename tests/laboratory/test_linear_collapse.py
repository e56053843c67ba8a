"""Linear layers in a row are one, and cannot learn XOR."""

import math

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

linear_collapse = experiment("linear_collapse")


@pytest.fixture(scope="module")
def measured():
    return linear_collapse.measure()


def test_the_claim_holds(measured):
    assert linear_collapse.holds(*measured)


def test_two_layers_are_one_of_the_middle_layers_rank(measured):
    one = measured[0]
    assert one.difference < 1e-14
    assert (one.entries, one.rank, one.width) == (64, 3, 3)
    assert one.bent_difference > 0.1


def test_a_straight_line_ends_at_ln_2(measured):
    """The loss is convex in the one layer, and its gradient is zero where each point has one half."""
    np.testing.assert_allclose(measured[1].losses, math.log(2), atol=1e-4)
    X, y = linear_collapse.data.xor()[:]
    layer = linear_collapse.nn.Linear(2, 2)
    for parameter in layer.parameters():
        linear_collapse.nn.init.zeros_(parameter)
    linear_collapse.nn.CrossEntropyLoss()(layer(X), y).backward()
    assert not any(parameter.grad.numpy().any() for parameter in layer.parameters())


def test_relu_learns_it_from_every_seed(measured):
    assert measured[2].right == (4,) * 10
    assert max(measured[2].losses) < 0.01


def test_the_claim_fails_where_the_linear_layers_are_bent(measured):
    one, _, relu = measured
    assert not linear_collapse.holds(one, relu, relu)
