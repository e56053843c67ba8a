"""Initial values: their ranges and deviations, and what they leave alone."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ArgumentError, ShapeError

FAN_IN, FAN_OUT = 300, 200


@pytest.mark.parametrize(
    ("fill", "deviation", "bounded"),
    [
        (nn.init.xavier_uniform_, math.sqrt(2 / (FAN_IN + FAN_OUT)), True),
        (nn.init.xavier_normal_, math.sqrt(2 / (FAN_IN + FAN_OUT)), False),
        (lambda w, rng: nn.init.kaiming_uniform_(w, nonlinearity="relu", rng=rng), math.sqrt(2 / FAN_IN), True),
        (
            lambda w, rng: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu", rng=rng),
            math.sqrt(2 / FAN_OUT),
            False,
        ),
        (lambda w, rng: nn.init.kaiming_uniform_(w, a=math.sqrt(5), rng=rng), math.sqrt(1 / 3 / FAN_IN), True),
        (lambda w, rng: nn.init.uniform_(w, -1, 1, rng=rng), math.sqrt(1 / 3), True),
        (lambda w, rng: nn.init.normal_(w, 0, 0.5, rng=rng), 0.5, False),
    ],
)
def test_deviations(fill, deviation, bounded):
    weight = nn.Parameter(np.zeros((FAN_OUT, FAN_IN), np.float32))
    assert fill(weight, rng=np.random.default_rng(0)) is weight
    assert weight.dtype == np.float32
    assert abs(weight.data.std() / deviation - 1) < 0.01
    assert abs(weight.data.mean()) < 0.01 * max(1, deviation)
    assert (abs(weight.data).max() <= deviation * math.sqrt(3) * 1.0001) == bounded


def test_constants_and_more_axes():
    assert (nn.init.ones_(mg.zeros(3)).data == 1).all()
    assert (nn.init.zeros_(mg.ones(3)).data == 0).all()
    assert (nn.init.constant_(mg.ones(3), 2.5).data == 2.5).all()
    wide = nn.init.kaiming_normal_(mg.zeros((50, 4, 25)), nonlinearity="relu", rng=np.random.default_rng(0))
    assert abs(wide.data.std() / math.sqrt(2 / 100) - 1) < 0.05


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: nn.init.xavier_uniform_(mg.zeros(3)), ShapeError, r"at least two axes.*shape \(3,\)"),
        (lambda: nn.init.kaiming_normal_(mg.zeros((2, 2)), mode="in"), ArgumentError, "mode must be one of 'fan_in'"),
        (lambda: nn.init.calculate_gain("swish"), ArgumentError, "nonlinearity must be one of .* got 'swish'"),
        (lambda: nn.init.normal_(mg.zeros(2), std=-1), ArgumentError, "std must be a number of at least 0, got -1"),
        (lambda: nn.init.uniform_(mg.zeros(2), 1, 0), ArgumentError, "a must not be above b, got a=1, b=0"),
        (lambda: nn.init.uniform_(mg.zeros(2), -1e308, 1e308), ArgumentError, "a and b are too far from one another"),
    ],
)
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
