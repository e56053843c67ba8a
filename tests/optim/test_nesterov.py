"""Nesterov's momentum in the two forms that are in use: of gradients added up, and of a velocity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

STEPS = 200


def rosenbrock(w: Any) -> Any:
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def slope(w: Any) -> Any:
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def of_the_library(rates: list[float], momentum: float, nesterov: bool = True, decay: float = 0.0) -> Any:
    w = mg.tensor(np.array([-1.2, 1.0]), requires_grad=True)
    optimizer = optim.SGD([w], rates[0], momentum, weight_decay=decay, nesterov=nesterov)
    path = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        rosenbrock(w).backward()
        optimizer.step()
        path.append(w.data.copy())
    return np.array(path)


def of_a_velocity(
    rates: list[float],
    momentum: float,
    nesterov: bool = True,
    decay: float = 0.0,
    rescaled: bool = False,
    velocity: Callable[[Any], Any] = np.zeros_like,
) -> Any:
    w = np.array([-1.2, 1.0])
    velocity, before, path = velocity(w), rates[0], []
    for rate in rates:
        gradient = slope(w) + decay * w
        if rescaled:
            velocity = velocity * (rate / before)
        velocity = velocity * momentum - rate * gradient
        w = w + (momentum * velocity - rate * gradient if nesterov else velocity)
        before = rate
        path.append(w)
    return np.array(path)


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("nesterov", [True, False])
def test_the_two_forms_take_the_same_steps_from_the_first_one_on(momentum: float, decay: float, nesterov: bool) -> None:
    rates = [1e-4] * STEPS
    found = of_the_library(rates, momentum, nesterov, decay)
    np.testing.assert_allclose(found, of_a_velocity(rates, momentum, nesterov, decay), rtol=1e-11)
    assert np.abs(found[-1] - found[0]).max() > 0.1  # far enough to show a difference


def test_the_first_step_is_one_plus_momentum_times_the_gradients() -> None:
    start = np.array([-1.2, 1.0])
    np.testing.assert_allclose(of_the_library([1e-4], 0.9)[0], start - 1.9e-4 * slope(start), rtol=1e-14)


def test_another_first_velocity_gives_another_path() -> None:
    rates = [1e-4] * STEPS
    other = of_a_velocity(rates, 0.9, velocity=lambda w: -1e-4 * slope(w))
    assert np.abs(of_the_library(rates, 0.9)[0] - other[0]).max() > 1e-3


def test_without_nesterov_the_path_is_another() -> None:
    rates = [1e-4] * STEPS
    assert np.abs(of_the_library(rates, 0.9) - of_a_velocity(rates, 0.9, nesterov=False)).max() > 1e-3


def test_a_learning_rate_that_changes_scales_the_velocity_along() -> None:
    rates = [2e-4] * 100 + [5e-5] * 100
    found = of_the_library(rates, 0.9)
    plain, rescaled = of_a_velocity(rates, 0.9), of_a_velocity(rates, 0.9, rescaled=True)
    np.testing.assert_allclose(found, rescaled, rtol=1e-11)
    np.testing.assert_allclose(found[:100], plain[:100], rtol=1e-11)
    assert np.abs(found[100:] - plain[100:]).max() > 1e-3
