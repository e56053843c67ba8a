"""Random uses of parameters between steps: side by side or one at a time, all numbers agree to the bit."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.optim import rows

STEPS = 40
OPTIMIZERS: list[Callable[[list[Any]], optim.Optimizer]] = [
    lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    lambda params: optim.SGD(params[:3], lr=0.1),
    lambda params: optim.Adam(params, lr=0.01),
    lambda params: optim.RMSprop(params, lr=0.01),
]


class World:
    """A model in training, and arrays that its user has kept."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.model = nn.MLP([5, int(rng.integers(2, 9)), int(rng.integers(2, 90)), 3], rng=rng)
        self.renew(rng)
        self.kept: list[Any] = []

    def renew(self, rng: np.random.Generator) -> None:
        self.optimizer = OPTIMIZERS[rng.integers(len(OPTIMIZERS))](list(self.model.parameters()))

    def step(self, X: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(X), y)
        loss.backward()
        self.optimizer.step()
        return loss


def assign(world: World, p: Any, rng: np.random.Generator) -> None:
    p.data = p.data * np.float32(0.9)


def assign_in_part(world: World, p: Any, rng: np.random.Generator) -> None:
    with mg.no_grad():
        p[0] = 0


def write(world: World, p: Any, rng: np.random.Generator) -> None:
    for array in world.kept[-1:]:
        array[...] += np.float32(0.01)


def copied(world: World, p: Any, rng: np.random.Generator) -> None:
    world.model = copy.deepcopy(world.model)
    world.renew(rng)


USES: list[Callable[[World, Any, np.random.Generator], Any]] = [
    lambda world, p, rng: p.data.sum(),
    lambda world, p, rng: p.detach().numpy()[:1],
    lambda world, p, rng: world.kept.append(p.data),
    lambda world, p, rng: world.kept.append(p.data.reshape(-1)[:1]),
    lambda world, p, rng: world.kept.append((p * 2).data),
    lambda world, p, rng: world.kept.append(p.T.data),
    lambda world, p, rng: world.kept.clear(),
    lambda world, p, rng: np.multiply(p.data, np.float32(0.5), out=p.data),
    lambda world, p, rng: world.model.load_state_dict(copy.deepcopy(world.model.state_dict())),
    lambda world, p, rng: world.optimizer.load_state_dict(copy.deepcopy(world.optimizer.state_dict())),
    lambda world, p, rng: world.renew(rng),
    assign,
    assign_in_part,
    write,
    copied,
]


def history(seed: int) -> list[Any]:
    """Return all bits after each step, and those of what was kept."""
    rng = np.random.default_rng(seed)
    world = World(rng)
    found: list[Any] = []
    for _ in range(STEPS):
        X, y = rng.normal(size=(4, 5)).astype(np.float32), rng.integers(0, 3, 4)
        loss = world.step(mg.tensor(X), mg.tensor(y))
        parameters = list(world.model.parameters())
        if rng.random() < 0.5:
            USES[rng.integers(len(USES))](world, parameters[rng.integers(len(parameters))], rng)
        arrays = [parameter._data for parameter in world.model.parameters()] + world.kept
        found.append((loss.tolist(), [array.tobytes() for array in arrays]))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_however_parameters_are_used_nothing_depends_on_how_they_are_updated(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = history(seed)
    monkeypatch.setattr(rows, "SMALL", 0)  # one at a time
    assert history(seed) == expected
