"""Random arguments to every public constructor: they work, or raise the library's own errors.

Each call is made from a seed, which a failure names; ``python -m tests.fuzz.test_constructors NAME SEED`` repeats it.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.errors import MinigradError
from minigrad.nn import init
from minigrad.optim import lr_scheduler

CALLS = 150
MAKING = ("tensor", "zeros", "ones", "full", "arange", "eye", "zeros_like", "ones_like", "seed")
# what reads files or loads the digits is in test_parsers
FILES = {"mnist", "fashion_mnist", "read_idx", "digits"}
# classes to derive from, and a protocol
BASES = {"Optimizer", "LRScheduler", "Dataset"}


def public(room: Any) -> dict[str, Callable[..., Any]]:
    """Return the functions and classes of a room, by their full names."""
    home = room.__name__
    names = [name for name in dir(room) if not name.startswith("_") and name not in FILES | BASES]
    found = {f"{home}.{name}": getattr(room, name) for name in names}
    return {name: value for name, value in found.items() if callable(value) and value.__module__.startswith(home)}


TARGETS = {f"minigrad.{name}": getattr(mg, name) for name in MAKING}
for room in (nn, init, optim, lr_scheduler, data):
    TARGETS |= public(room)


def sound(name: str) -> list[Any]:
    """Return arguments that a parameter of this name may well have."""
    weights = nn.Parameter(np.ones((2, 3), np.float32))
    optimizer = optim.SGD([weights], lr=0.1)
    dataset = data.TensorDataset(np.ones((6, 2), np.float32), np.arange(6))
    known: dict[str, list[Any]] = {
        "params": [[weights], [{"params": [weights]}], weights, iter([weights])],
        "parameters": [[weights], weights],
        "optimizer": [optimizer],
        "schedulers": [[lr_scheduler.StepLR(optimizer, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)]],
        "milestones": [[2], [1, 3]],
        "tensor": [weights, mg.ones((2, 3))],
        "dataset": [dataset],
        "arrays": [np.ones((3, 2)), np.arange(3), mg.ones(3)],
        "indices": [[0, 2], np.arange(3)],
        "lengths": [[0.5, 0.5], [2, 4]],
        "modules": [nn.ReLU(), nn.Linear(2, 2), [nn.ReLU()]],
        "sizes": [[2, 3], (2, 4, 1)],
        "activation": [nn.ReLU, nn.Tanh, lambda: nn.ELU(2.0)],
        "rng": [np.random.default_rng(0)],
        "dtype": [np.float64, "float16", np.int64],
        "betas": [(0.9, 0.99), [0.5, 0.5]],
        "mode": ["min", "max", "fan_in", "fan_out"],
        "nonlinearity": ["relu", "leaky_relu", "linear"],
        "reduction": ["mean", "sum", "none"],
        "normalized_shape": [3, (2, 3)],
        "shape": [(2, 3), 4],
        "data": [np.ones(3), [1.0, 2.0]],
    }
    return known.get(name, [1, 2, 0.5, 0.1, True])


def unsound() -> list[Any]:
    """Return what a constructor may be given by mistake."""
    numbers = [None, True, -1, 0, 3, 2**63, 2**70, 10**400, 0.5, -0.5, 1e300, np.nan, np.inf, -np.inf, 1j]
    words = ["", "mean", "flaot32", b"x", "ü\0"]
    arrays = [np.zeros(3), np.zeros((2, 3), np.int8), np.array(["a"]), np.array([None]), np.array(2), np.zeros((0, 2))]
    scalars = [np.float32(1), np.int64(-2), np.datetime64("2020-01-01"), np.bool_(True)]
    several = [[], (), [1, 2], (2, 3), [[1], [1, 2]], ["a"], {}, {"a": 1}, {1, 2}, range(3), iter([1]), [None]]
    tensors = [mg.tensor(1.0), mg.ones((2, 3), requires_grad=True), mg.zeros((0,)), mg.tensor([1, 2])]
    objects = [object(), lambda: 3, int, print, ..., slice(2), nn.Linear(2, 2), nn.ReLU, np.float64, np.random]
    return [*numbers, *words, *arrays, *scalars, *several, *tensors, *objects]


def draw(name: str, seed: int) -> tuple[list[Any], dict[str, Any]]:
    """Draw the arguments of a call."""
    rng = np.random.default_rng([seed, *name.encode()])
    pool = unsound()

    def argument(parameter: inspect.Parameter) -> Any:
        choices = sound(parameter.name) if rng.random() < 0.75 else pool
        return choices[rng.integers(len(choices))]

    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in inspect.signature(TARGETS[name]).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += [argument(parameter) for _ in range(rng.integers(3))]
        elif parameter.kind is parameter.VAR_KEYWORD:
            continue
        elif parameter.default is inspect.Parameter.empty or rng.random() < 0.3:
            named[parameter.name] = argument(parameter)
    return positional, named


def call(name: str, seed: int) -> Any:
    positional, named = draw(name, seed)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # 1e300 in single precision, nan as an integer
            return TARGETS[name](*positional, **named)
    except MinigradError:
        return None
    except Exception as problem:
        if isinstance(problem, TypeError) and not fits(name, positional, named):  # Python's own sentence about a call
            return None
        problem.add_note(f"python -m tests.fuzz.test_constructors {name} {seed}: {positional} {named}")
        raise


def fits(name: str, positional: list[Any], named: dict[str, Any]) -> bool:
    try:
        inspect.signature(TARGETS[name]).bind(*positional, **named)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("name", TARGETS)
def test_random_arguments_work_or_raise_the_librarys_own_errors(name: str) -> None:
    for seed in range(CALLS):
        call(name, seed)


def test_the_calls_often_work_and_often_do_not() -> None:
    """Else the fuzzing would stop at the first check of each constructor."""
    for name in ("minigrad.nn.Linear", "minigrad.optim.SGD", "minigrad.data.DataLoader", "minigrad.tensor"):
        worked = sum(call(name, seed) is not None for seed in range(CALLS))
        assert CALLS / 20 < worked < CALLS * 19 / 20, name


if __name__ == "__main__":
    warnings.simplefilter("error")
    print(call(sys.argv[1], int(sys.argv[2])))
