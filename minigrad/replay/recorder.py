"""Recorder: writes down the NumPy calls of a training step while it runs as it always does."""

from __future__ import annotations

import sys
import weakref
from functools import partial
from types import FrameType
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.tensor import Tensor
from minigrad.replay import plan as plans
from minigrad.replay.exchange import Exchange
from minigrad.replay.plan import Plan
from minigrad.replay.recorded import ReadFloat, RecordedArray, holds_recorded
from minigrad.replay.script import Constant, name_of, owner
from minigrad.replay.surroundings import Surroundings
from minigrad.replay.watch import is_library, line_of_user

# what returns as many elements as the values say
_BY_VALUE = ("nonzero", "flatnonzero", "argwhere", "unique", "bincount", "compress", "extract", "repeat", "trim_zeros")
# where a tensor says that its array is read
_WHERE_TENSORS_TELL = ("minigrad.engine.listener", "minigrad.engine.sharing", "minigrad.engine.tensor")
# what depends on shapes and dtypes alone
_STATIC = {np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.can_cast, np.may_share_memory}


class Recorder(Exchange):
    """Listens to a step: its arrays are recorded ones while it runs, and what NumPy does with them becomes a plan."""

    def __init__(self, surroundings: Surroundings, arguments: list[Any], replaced: set[int], draft: bool) -> None:
        super().__init__(surroundings, arguments, replaced, draft)
        self.gives_arrays = any(isinstance(value, np.ndarray) for value in arguments)  # to code that may do anything
        self.outside = {id(array) for array in surroundings.arrays}
        self.reads: list[tuple[Any, Array]] = []  # numbers that were read, and from where
        self.scalars: set[int] = set()  # arrays that stand for NumPy's numbers

    def finished(self, make: Any) -> Plan:
        """Return the plan, and let go of everything else: the plan must know who else refers to its arrays."""
        plan = self.plan
        plan.result = make
        plan.memory = [gradient._data for _, gradient in plan.gradients]
        vars(self).clear()
        plan.references = plan.kept()
        return plan

    # --- what recorded arrays tell

    def call(self, function: Any, args: Any, options: dict[str, Any]) -> Any:
        """Carry out a NumPy call on ordinary arrays and write it down; what it returns is recorded in turn."""
        args, options = self._plain(function, args), self._plain(function, options)
        if _shape_depends_on_values(function, args):
            self.forbid(f"the shape of what np.{name_of(function)} returns depends on values")
        out = options.pop("out", None)
        out = out[0] if isinstance(out, tuple) else out
        written = out if out is not None else args[0] if _changes_first(function) else None
        token = name_of(function), self._token(args), self._token(options)
        if written is not None:
            self._check_written(written)
            extra = {} if out is None else {"out": out}
            self._write((*token, self._token(written)), function, *args, **options, **extra)
            result = function(*args, **options, **extra)
            return None if out is None else out.view(RecordedArray)
        result = function(*args, **options)
        if function in _STATIC:
            return result
        if isinstance(result, (tuple, list)):
            return type(result)([self._recorded(part, partial(_part, place), function, args, options, token)
                                 for place, part in enumerate(result)])  # fmt: skip
        if not isinstance(result, (np.ndarray, np.generic)):
            self.forbid_use()
            return result
        return self._recorded(result, None, function, args, options, token)

    def decide(self, array: Array, value: bool) -> None:
        """Write down that the step goes on only because an array is true, or false."""
        if is_library(sys._getframe(2)):
            if self.updated:
                self.forbid("it checks values after an optimizer's step")
            self._write(("expect", self._token(array), value), plans.expect, value, array.view(np.ndarray))
        else:
            self.forbid_use()

    def read(self, array: Array, value: Any, how: str) -> Any:
        """Return a value that leaves the arrays, so marked that only returning it is allowed."""
        if how != "item" or type(value) is not float:  # an int could be used as an index, unheard
            self.forbid_use()
            return value
        marked = ReadFloat(value)
        self.reads.append((marked, array.view(np.ndarray)))
        return marked

    def array_read(self, what: str) -> None:
        """Note that the user's code takes the array of a tensor, whose calls could then go unheard."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals["__name__"] in _WHERE_TENSORS_TELL:
            frame = frame.f_back
        if self.writes_calls and frame is not None and not is_library(frame):
            self.forbid(f"it reads values by {what}{line_of_user(frame)}; compute with the tensors themselves")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator | None) -> Array:
        """Draw uniform numbers for the step, and write down that it does."""
        numbers = np.empty(shape, np.float32)
        self.chance.draw(lambda: plans.draw(numbers, rng), self.forbid)
        self.plan.generators.append(rng)
        self._write(("draw", self._new(numbers)), plans.draw, numbers, rng)
        return numbers.view(RecordedArray)

    def operands(self, arrays: list[Any]) -> list[Any]:
        """Let everything that an operation computes be heard, also from arrays that no recorded call made."""
        if not self.writes_calls:
            return arrays
        return [self._operand(array) for array in arrays]

    def _operand(self, value: Any) -> Any:
        if isinstance(value, ReadFloat):
            self.forbid_use()
            return float.__pos__(value)
        if type(value) is not np.ndarray:
            return value
        if owner(value) not in self.numbers:
            if self.gives_arrays and id(value) not in self.outside:
                self.forbid(f"it makes arrays of its own{line_of_user(sys._getframe(3))}; pass it tensors, not arrays")
            self.script.append(("constant", Constant(value), self._number(value)))
            self.known.append(value)
            self.delivered.add(owner(value))
        return value.view(RecordedArray)

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        """Make sure that an operation has stayed within what is written down."""
        if not self.writes_calls:
            return
        arrays = [value._data if isinstance(value, Tensor) else value for value in inputs]
        if isinstance(out, RecordedArray):
            self.made.append(weakref.ref(out))
            self.scalars.discard(id(out.base))  # a tensor's array, though it has no axes
            return
        if holds_recorded(arrays) or holds_recorded(options):
            self.forbid(f"{primitive.name!r} computes past NumPy's protocols{line_of_user(sys._getframe(1))}")
        for value in inputs:
            if isinstance(value, Tensor) and value.requires_grad:
                self.forbid(f"it reaches {value.describe()} in a way that cannot be followed")

    def _plain(self, function: Any, value: Any) -> Any:
        """Return arguments as ordinary arrays; every recorded one must come from a call that was written down."""
        if isinstance(value, RecordedArray):
            if owner(value) in self.old:
                self.forbid(
                    "gradients add up over its calls; call optimizer.zero_grad() in it, before its first backward()"
                )
            elif owner(value) not in self.numbers:
                self.forbid(f"np.{name_of(function)} gets an array that was computed past what is written down")
            return value.view(np.ndarray)
        if isinstance(value, ReadFloat):
            self.forbid_use()
            return float.__pos__(value)  # NumPy takes a float of another class for a float64
        if type(value) in (tuple, list):
            return type(value)([self._plain(function, part) for part in value])
        return {name: self._plain(function, part) for name, part in value.items()} if type(value) is dict else value

    def _recorded(self, result: Any, pick: Any, function: Any, args: Any, options: Any, token: Any) -> Any:
        """Return a result as a recorded array; a view of known memory needs no call."""
        array = np.asarray(result)
        if isinstance(result, np.generic):
            self.scalars.add(id(array))
        # what owns its memory is new, though a parameter's array that has gone may have had its identity
        if isinstance(result, np.ndarray) and result.base is not None and owner(array) in self.numbers:
            return array.view(RecordedArray)
        token = (*token, self._new(array))
        if pick is not None:
            self._write(token, plans._refill, array, pick, (function, args, options), {})
        else:
            self.script.append(token)
            if not self.draft:
                self._add(plans.bound(function, args, options, array))
        return array.view(RecordedArray)

    def _check_written(self, array: Array) -> None:
        number = self.numbers.get(owner(array))
        if number is None:
            self.forbid("it writes into an array from outside")
        elif number in self.own:
            self.written.add(number)
            self.forbid("it changes an input or a buffer in place")
        elif number in self.live:
            self.forbid("it changes a parameter in place; under no_grad, parameter -= change makes a new array")


def _part(place: int, function: Any, args: Any, options: Any) -> Any:
    return function(*args, **options)[place]


def _shape_depends_on_values(function: Any, args: Any) -> bool:
    if function is np.ndarray.__getitem__:
        index = args[1] if isinstance(args[1], tuple) else (args[1],)
        return any(isinstance(part, np.ndarray) and part.dtype == bool for part in index)
    name = getattr(function, "__name__", "")
    return name in _BY_VALUE or (name == "where" and len(args) == 1)


def _changes_first(function: Any) -> bool:
    if function in (np.ndarray.__setitem__, np.ndarray.fill, np.ndarray.put, np.ndarray.sort, np.ndarray.partition):
        return True
    return function is np.copyto or getattr(function, "__name__", "") == "at"
