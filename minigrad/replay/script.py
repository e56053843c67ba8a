"""Script: the NumPy calls of a step in writing, with numbers in the place of arrays, and the plan that they become."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.listener import Listener
from minigrad.replay import plan as plans
from minigrad.replay.plan import Plan
from minigrad.replay.surroundings import Surroundings
from minigrad.replay.watch import line_of_user

# what changes something outside of a plan
_EFFECTS = (plans.replace, plans.give_gradients, plans.act)


class Script(Listener):
    """What is written down.

    A draft keeps no array of the step alive, so that optimizers may lay parameters out as they do in ordinary steps.

    Attributes:
        script: the calls with numbers in the place of arrays: two recordings that agree have the same.
        plan: the calls themselves; of a draft, none.
        reason: why the step cannot be replayed, or None.
        writes_calls: whether what recorded arrays do is written down now.
    """

    def __init__(self, surroundings: Surroundings, draft: bool) -> None:
        self.writes_calls = True
        self.draft = draft
        self.plan = Plan(surroundings)
        self.script: list[Any] = []
        self.reason: str | None = None
        self.numbers: dict[int, int] = {}  # of each array, by the identity of the owner of its memory
        self.known: list[Any] = []  # keeps these identities taken
        self.errors = np.geterr()  # how NumPy takes overflow and its like, outside

    def hear(self, reason: str) -> None:
        """Note what the step does besides; what is replayed as a whole may do as it likes."""
        if self.writes_calls:
            self.forbid(reason)

    def forbid(self, reason: str) -> None:
        """Note why the step cannot be replayed; the first reason counts."""
        self.reason = self.reason or reason

    def forbid_use(self) -> None:
        """Note that the step goes on with a value that it has read."""
        line = line_of_user(sys._getframe(1))
        self.forbid(
            f"it reads values to go on with (float, if, arithmetic, text){line}; return the tensor, or its .item(), "
            "and go on outside"
        )

    def _write(self, token: Any, function: Any, *args: Any, **options: Any) -> None:
        self.script.append(token)
        if not self.draft:
            self._add(partial(function, *args, **options) if args or options else function)

    def _add(self, call: Any) -> None:
        errors = np.geterr()
        calls = self.plan.effects if self.plan.effects or getattr(call, "func", call) in _EFFECTS else self.plan.calls
        calls.append(call if errors == self.errors else partial(plans.under, errors, call))

    def _number(self, array: Array) -> int:
        """Return the number of the memory of an array, which makes it known."""
        place = owner(array)
        if place not in self.numbers:
            self.numbers[place] = len(self.numbers)
            if not self.draft:
                self.known.append(base(array))
        return self.numbers[place]

    def _new(self, array: Array) -> tuple[Any, ...]:
        self.known.append(base(array))
        self.numbers[owner(array)] = len(self.numbers)
        token: tuple[Any, ...] = self._token(array)
        return token

    def _token(self, value: Any) -> Any:
        """Return what stands for a value in the script."""
        if isinstance(value, np.ndarray):
            number = self.numbers.get(owner(value))
            if number is None:
                return Constant(value)
            return "array", number, value.shape, value.strides, value.dtype
        if isinstance(value, (tuple, list)):
            return [self._token(part) for part in value]
        if isinstance(value, dict):
            return [(name, self._token(part)) for name, part in value.items()]
        return (type(value), repr(value)) if isinstance(value, float) else value


class Constant:
    """An array that no recorded call made: the same in every call of the step."""

    def __init__(self, array: Array) -> None:
        self.array = array.copy()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Constant):
            return NotImplemented
        mine, theirs = self.array, other.array
        return mine.dtype == theirs.dtype and mine.shape == theirs.shape and mine.tobytes() == theirs.tobytes()

    __hash__ = None  # type: ignore[assignment]


def name_of(function: Any) -> str:
    """Return what a NumPy function is called."""
    ufunc = getattr(function, "__self__", None)
    return f"{ufunc.__name__}.{function.__name__}" if isinstance(ufunc, np.ufunc) else str(function.__name__)


def base(array: Any) -> Array:
    """Return the array that owns the memory, as an ordinary one; a view of the same extent counts as the owner."""
    while isinstance(array.base, np.ndarray) and array.base.nbytes == array.nbytes and array.base.shape == array.shape:
        array = array.base
    return array if type(array) is np.ndarray else array.view(np.ndarray)


def owner(array: Any) -> int:
    """Return the identity of the object that owns an array's memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array)
