"""What the cases of bad input are made with: sound parts, each made anew where a call may change it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import analysis, data, nn, optim, viz

# for each function: a call, the error, and a piece of its message
Cases = dict[str, list[tuple[Callable[[], Any], type[Exception], str]]]

FOLDER, NOWHERE = Path(__file__).parent, Path(__file__).parent / "nowhere"
ARRAY = np.ones((2, 3), np.float32)
WEIGHT = nn.Parameter(ARRAY)
DATASET = data.TensorDataset(np.ones((6, 2), np.float32), np.arange(6))
LOSS = nn.CrossEntropyLoss()
BATCHES = [(mg.ones((4, 2)), mg.tensor([0, 1, 0, 1]))]
SURFACE = analysis.surfaces.rosenbrock()


def ones(*shape: int, name: str | None = None) -> mg.Tensor:
    return mg.tensor(np.ones(shape), requires_grad=True, name=name)


X, Y = ones(2, 3, name="x"), ones(4, 3, name="y")


def sgd() -> optim.SGD:
    return optim.SGD([WEIGHT], lr=0.1)


def make_optimizer(parameters: Any) -> optim.SGD:
    return optim.SGD(parameters, lr=0.1)


OPTIMIZERS = {"SGD": make_optimizer}


@cache
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))


def net_loss() -> Any:
    (inputs, targets), *_ = BATCHES
    return LOSS(net()(inputs), targets)


def other_state() -> dict[str, Any]:
    return {name: value + 1 for name, value in net().state_dict().items()}


@cache
def a_trace() -> viz.Trace:
    return viz.trace(X.sum())


@cache
def a_spectrum() -> analysis.Spectrum:
    return analysis.Curvature(net(), net_loss).spectrum()


@cache
def a_flow() -> analysis.GradientFlow:
    return analysis.gradient_flow(net(), BATCHES, LOSS)


@cache
def a_study() -> analysis.BatchSizeStudy:
    points = np.ones((4, 2), np.float32), np.array([0, 1, 0, 1])
    return analysis.batch_size_study(lambda: nn.Linear(2, 2), points, [2], epochs=1, sharpness=False)


# --- functions of a tensor


def itself(x: Any) -> Any:
    return x


def total(x: Any) -> Any:
    return x.sum()


def squares(x: Any) -> Any:
    return (x * x).sum()


def hill(x: Any) -> Any:
    return -(x * x).sum()
