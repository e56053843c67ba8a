"""Names that a step looked for and did not find: once they are there, what was recorded without them is of no use."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.errors import CompileWarning

Found = tuple[Callable[[], Any], Callable[[], Any]]  # what a step reads, and what makes it read something else


class Shared:
    factor = 1.0


class Heir(Shared):
    pass


def a_default_of_getattr() -> Found:
    config = types.SimpleNamespace()
    return lambda: getattr(config, "factor", 1.0), lambda: setattr(config, "factor", 2.0)


def hasattr_of_an_object() -> Found:
    config = types.SimpleNamespace(other=3)
    return lambda: 2.0 if hasattr(config, "factor") else 1.0, lambda: setattr(config, "factor", None)


def an_attribute_error() -> Found:
    config = types.SimpleNamespace()

    def read() -> float:
        try:
            return config.factor
        except AttributeError:
            return 1.0

    return read, lambda: setattr(config, "factor", 2.0)


def a_name_error() -> Found:
    def read() -> float:
        try:
            return FACTOR_THAT_COMES_LATER  # type: ignore[name-defined]
        except NameError:
            return 1.0

    return read, lambda: globals().__setitem__("FACTOR_THAT_COMES_LATER", 2.0)


def a_default_of_the_class() -> Found:
    shared = Shared()
    return lambda: shared.factor, lambda: setattr(shared, "factor", 2.0)


def a_default_of_the_class_of_a_module() -> Found:
    class Scaled(nn.Module):
        factor = 1.0

        def forward(self, x: Any) -> Any:
            return x * self.factor

    scaled = Scaled()
    return lambda: scaled(mg.tensor(1.0)), lambda: setattr(scaled, "factor", 2.0)


def an_attribute_that_the_class_inherits() -> Found:
    return lambda: Heir.factor, lambda: setattr(Heir, "factor", 2.0)


def what_getattr_of_the_class_answers() -> Found:
    class Lazy:
        def __getattr__(self, name: str) -> float:
            return 1.0

    lazy = Lazy()
    return lambda: lazy.factor, lambda: setattr(lazy, "factor", 2.0)


def a_method() -> Found:
    class Plain:
        def factor(self) -> float:
            return 1.0

    plain = Plain()
    return lambda: plain.factor(), lambda: setattr(plain, "factor", lambda: 2.0)


def forward_of_a_module() -> Found:
    class Same(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    same = Same()
    return lambda: same(mg.tensor(1.0)), lambda: setattr(same, "forward", lambda x: x * 2.0)


def a_built_in_function() -> Found:
    return lambda: float(max([1.0])), lambda: globals().__setitem__("max", lambda values: 2.0)


def the_class_of_an_object() -> Found:
    class Other:
        factor = 2.0

    thing = Shared()
    return lambda: thing.factor, lambda: setattr(thing, "__class__", Other)


PLACES = [
    a_default_of_getattr,
    hasattr_of_an_object,
    an_attribute_error,
    a_name_error,
    a_default_of_the_class,
    a_default_of_the_class_of_a_module,
    an_attribute_that_the_class_inherits,
    what_getattr_of_the_class_answers,
    a_method,
    forward_of_a_module,
    a_built_in_function,
    the_class_of_an_object,
]


@pytest.mark.parametrize("place", PLACES)
def test_what_was_not_there_is_noticed_when_it_comes(place: Callable[[], Found]) -> None:
    read, change = place()
    w = mg.tensor([4.0, 8.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def train_step(x: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = (w * x * read()).sum()
        loss.backward()
        optimizer.step()
        return loss

    step, x = mg.compile(train_step), mg.tensor([1.0, 1.0])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CompileWarning)  # it may be let be; it may not be wrong
            for _ in range(8):
                step(x)
            change()
            before = np.array(w.tolist())  # who asks for the array has the step recorded anew
            assert step.plans or step.reason
            assert step(x).item() == pytest.approx(2 * before.sum())
        np.testing.assert_allclose(w.tolist(), before - 0.2, rtol=1e-6)
    finally:
        for name in ("FACTOR_THAT_COMES_LATER", "max"):
            globals().pop(name, None)
        if "factor" in vars(Heir):
            del Heir.factor


def test_a_global_of_the_name_of_a_method_is_no_concern() -> None:
    """``for step in range(...)`` at the top of a script whose training step calls ``optimizer.step()``."""
    scope: dict[str, Any] = {"__name__": "a_script", "mg": mg, "optim": optim}
    script = """
w = mg.tensor([1.0, 2.0], requires_grad=True)
optimizer = optim.SGD([w], lr=0.1)

@mg.compile
def train(x):
    optimizer.zero_grad()
    loss = (w * x).sum()
    loss.backward()
    optimizer.step()
    return loss

for step in range(60):
    loss = train(mg.tensor([1.0, 1.0]))
    backward = loss.item()
"""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CompileWarning)
        exec(script, scope)
    assert scope["train"].reason is None
    assert sum(map(len, scope["train"].plans.values())) == 1
