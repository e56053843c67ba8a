"""Two equal worlds, made from one seed: one runs its training step as written, the other compiled.

After every step they must show the same, bit for bit: what the step returned, parameters, buffers, gradients, modes,
optimizer state, generators.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine.random import generator
from minigrad.errors import CompileWarning
from minigrad.replay.plan import Plan

STEPS = 200


class World:
    """A training step, and what it may change.

    Args:
        step: the training step.
        parts: modules, optimizers, schedulers, tensors and generators.
        options: is there for the changes of a test, which find by name what they need.
    """

    def __init__(self, step: Callable[..., Any], *parts: Any, **options: Any) -> None:
        self.step, self.parts = step, parts
        self.replays = 0
        vars(self).update(options)


# --- what there is to see


def bits(value: Any) -> Any:
    """Return what tells a value from any other: its type, and its bits."""
    if isinstance(value, mg.Tensor):
        return type(value).__name__, value.requires_grad, value.is_leaf, bits(value.data)
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__, str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, float):
        return type(value).__name__, struct.pack("d", value)
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [bits(part) for part in value]
    if isinstance(value, dict):
        return type(value).__name__, [(name, bits(part)) for name, part in value.items()]
    if isinstance(value, BaseException):
        return type(value).__name__, str(value)
    assert value is None or isinstance(value, (bool, int, str)), f"cannot compare a {type(value).__name__}"
    return type(value).__name__, value


def seen(world: World) -> Iterator[tuple[str, Any]]:
    """Yield everything in a world that a step may change, by name."""
    for place, part in enumerate(world.parts):
        name = f"{place} {type(part).__name__}"
        if isinstance(part, nn.Module):
            for path, tensor in [*part.named_parameters(), *part.named_buffers()]:
                yield f"{name} {path}", bits(tensor)
                yield f"{name} {path}.grad", bits(tensor.grad)
            yield f"{name} modes", [module.training for module in part.modules()]
        elif isinstance(part, mg.Tensor):
            yield name, bits(part)
            yield f"{name}.grad", bits(part.grad)
        elif isinstance(part, (optim.Optimizer, optim.lr_scheduler.LRScheduler)):
            yield name, bits(part.state_dict())
        else:
            yield name, part.bit_generator.state
    yield "the default generator", generator().bit_generator.state


# --- running


def fresh(value: Any) -> Any:
    """Return arrays as new tensors, tensors as new ones, numbers as they are."""
    if isinstance(value, np.ndarray):
        return mg.tensor(value.copy())
    if isinstance(value, mg.Tensor):
        return mg.tensor(value.data.copy(), requires_grad=value.requires_grad)
    if type(value) in (tuple, list):
        return type(value)(fresh(part) for part in value)
    return {name: fresh(part) for name, part in value.items()} if type(value) is dict else value


def called(step: Callable[..., Any], batch: Any, new: Callable[[Any], Any] = fresh) -> Any:
    """Call a step with a batch: a tuple is its arguments, a dict its options."""
    return step(**new(batch)) if isinstance(batch, dict) else step(*new(batch))


def run(
    build: Callable[[], World],
    batches: list[Any],
    compiled: bool,
    changes: Any = None,
    errors: Any = (),
    new: Callable[[Any], Any] = fresh,
    seed: int = 0,
) -> tuple[World, list[dict[str, Any]]]:
    """Return a world, and what there was to see after each step."""
    mg.seed(seed)
    world, history = build(), []
    if compiled:
        world.step = mg.compile(world.step)
    replay = Plan.run

    def counted(plan: Plan, arrays: Any) -> Any:
        result = replay(plan, arrays)
        world.replays += 1
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "run", counted)
        for place, batch in enumerate(batches):
            if changes is not None:
                changes(world, place)
            try:
                result = bits(called(world.step, batch, new))
            except errors as problem:
                result = bits(problem)
            history.append({"the result": result, **dict(seen(world))})
    return world, history


def differences(ordinary: list[dict[str, Any]], compiled: list[dict[str, Any]]) -> list[str]:
    """Return where two runs differ first, and in what."""
    for place, (one, other) in enumerate(zip(ordinary, compiled, strict=True)):
        names = [name for name in one.keys() | other.keys() if one.get(name, ...) != other.get(name, ...)]
        if names:
            return [f"step {place}: {name}" for name in sorted(names)]
    return []


class Both:
    """Both runs of a world, and what they warned of.

    Attributes:
        world: the compiled world.
        differences: where the runs differ first, and in what.
        warned: the warnings of ``mg.compile`` in the compiled run, but for those that the ordinary one has too.
    """

    def __init__(self, build: Callable[[], World], batches: list[Any], changes: Any, errors: Any, new: Any) -> None:
        found = []
        for compiled in (False, True):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self.world, history = run(build, batches, compiled, changes, errors, new)
            own = [warning for warning in caught if warning.category is CompileWarning]
            found.append((history, own, [str(warning.message) for warning in caught if warning not in own]))
        (ordinary, before, heard), (compiled, after, heard_too) = found
        self.differences = differences(ordinary, compiled)
        if not self.differences and heard != heard_too:
            self.differences = [f"{len(heard)} warnings of the step, {len(heard_too)} compiled: {heard_too[:2]}"]
        known = [str(warning.message) for warning in before]
        self.warned = [warning for warning in after if str(warning.message) not in known]


def same(
    build: Callable[[], World],
    batches: list[Any],
    *,
    changes: Any = None,
    replays: int | None = None,
    errors: Any = (),
    new: Callable[[Any], Any] = fresh,
) -> World:
    """Hold that a step is replayed, at least so many times, and that nothing differs; return the compiled world."""
    both = Both(build, batches, changes, errors, new)
    world = both.world
    assert both.differences == []
    assert [str(warning.message) for warning in both.warned] == []
    assert world.step.reason is None
    assert world.step.plans
    assert world.replays >= (len(batches) - 10 if replays is None else replays)
    return world


def warned(
    build: Callable[[], World], batches: list[Any], because: str, *, changes: Any = None, errors: Any = ()
) -> World:
    """Hold that nothing differs, and that one warning says why the step is not replayed; return the compiled world."""
    both = Both(build, batches, changes, errors, fresh)
    world = both.world
    assert both.differences == []
    assert len(both.warned) == 1
    assert because in str(both.warned[0].message)
    assert world.step.reason is not None
    assert because in world.step.reason
    assert not world.step.plans
    assert both.warned[0].filename == __file__  # where the step was called, not a line of the library
    return world


def equal(
    build: Callable[[], World],
    batches: list[Any],
    *,
    changes: Any = None,
    errors: Any = (),
    new: Callable[[Any], Any] = fresh,
) -> World:
    """Hold that nothing differs, be it replayed or not, and that a step that is let be says so; return its world."""
    both = Both(build, batches, changes, errors, new)
    assert both.differences == []
    assert len(both.warned) == (both.world.step.reason is not None)
    return both.world


# --- data


def numbers(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def classification(n: int = STEPS, rows: int = 6, features: int = 5, classes: int = 3, dtype: Any = np.float32) -> Any:
    """Return batches of inputs and labels, each of its own."""
    rng = np.random.default_rng(7)
    return [(rng.normal(size=(rows, features)).astype(dtype), rng.integers(0, classes, rows)) for _ in range(n)]


def regression(n: int = STEPS, rows: int = 6, features: int = 5, outputs: int = 3, dtype: Any = np.float32) -> Any:
    """Return batches of inputs and targets, each of its own."""
    rng = np.random.default_rng(8)
    return [
        (rng.normal(size=(rows, features)).astype(dtype), rng.normal(size=(rows, outputs)).astype(dtype))
        for _ in range(n)
    ]


# --- the usual step


def classifier(model: Any = None, optimizer: Any = None, loss: Any = None) -> World:
    """Return a world with the usual five lines, of an MLP, SGD with momentum, and cross-entropy."""
    model = nn.MLP([5, 8, 3]) if model is None else model
    optimizer = (optimizer or (lambda params: optim.SGD(params, lr=0.1, momentum=0.9)))(model.parameters())
    loss_function = nn.functional.cross_entropy if loss is None else loss

    def train_step(X: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_function(model(X), y)
        loss.backward()
        optimizer.step()
        return loss

    return World(train_step, model, optimizer, model=model, optimizer=optimizer)
