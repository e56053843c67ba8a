"""Recorder: writes down the NumPy calls of a training step while it runs as it always does."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.listener import Listener
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.replay import plan as plans
from minigrad.replay.plan import Plan
from minigrad.replay.recorded import ReadFloat, RecordedArray, holds_recorded
from minigrad.replay.surroundings import LARGEST, Surroundings
from minigrad.replay.watch import Chance, is_library, line_of_user

# what returns as many elements as the values say
_BY_VALUE = ("nonzero", "flatnonzero", "argwhere", "unique", "bincount", "compress", "extract", "repeat", "trim_zeros")
# what changes something outside of a plan
_EFFECTS = (plans.replace, plans.give_gradients, plans.act)
# what depends on shapes and dtypes alone
_STATIC = {np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.can_cast, np.may_share_memory}


class Recorder(Listener):
    """Listens to a step: its arrays are recorded ones while it runs, and what NumPy does with them becomes a plan.

    A draft keeps no array of the step alive, so that optimizers may lay parameters out as they do in ordinary steps.

    Attributes:
        script: the calls with numbers in the place of arrays: two recordings that agree have the same.
        reason: why the step cannot be replayed, or None.
        replaced: tensors that the step gives a new array, by their identity.
    """

    def __init__(self, surroundings: Surroundings, arguments: list[Any], replaced: set[int], draft: bool) -> None:
        self.writes_calls = True
        self.draft = draft
        self.plan = Plan(surroundings)
        self.script: list[Any] = []
        self.reason: str | None = None
        self.replaced = replaced
        self.tensors = {id(tensor): tensor for tensor in surroundings.tensors}
        self.tensors |= {id(value): value for value in arguments if isinstance(value, Tensor)}
        self.originals: dict[int, Array] = {}  # of each tensor, its array
        self.views: dict[int, Array] = {}  # and the recorded one in its place
        self.numbers: dict[
            int, int
        ] = {}  # a number for each array of the script, by the identity of its memory's owner
        self.known: list[Any] = []  # keeps these identities taken
        self.given: dict[int, Tensor | None] = {}  # the gradients that the plan has set so far
        self.delivered: set[int] = set()  # the owners of these gradients
        self.old: set[int] = set()  # the owners of gradients from before the step
        self.privates: dict[int, Array] = {}  # the array that the plan reads for a tensor, where it is not its own
        self.own: set[int] = set()  # the numbers of private copies of inputs
        self.written: set[int] = set()  # the numbers of those that the step changes
        self.shown: dict[int, tuple[Tensor, Tensor]] = {}  # gradients that stand in for those that it left, and these
        self.arguments = arguments
        self.gives_arrays = any(isinstance(value, np.ndarray) for value in arguments)  # to code that may do anything
        self.outside = {id(array) for array in surroundings.arrays}
        self.chance = Chance([generator(), *surroundings.generators])
        self.made: list[weakref.ref[Array]] = []
        self.live: set[int] = set()  # the numbers of parameters
        self.reads: list[tuple[Any, Array]] = []  # numbers that were read, and from where
        self.errors = np.geterr()  # how NumPy takes overflow and its like, outside
        self.scalars: set[int] = set()  # arrays that stand for NumPy's numbers
        self.updated = False

    # --- tensors in and out

    def enter(self) -> list[Any]:
        """Put recorded arrays in the place of every tensor's, and return the arguments with theirs."""
        arguments = self.arguments
        private: dict[int, Array] = {}
        for value in arguments:
            if id(value) not in private:
                private[id(value)] = self._private(value._data if isinstance(value, Tensor) else value)
        self.plan.inputs = [private[id(value)] for value in arguments]
        parameters = {_owner(tensor._data) for tensor in self.tensors.values() if tensor.requires_grad}
        for key, tensor in self.tensors.items():
            if key in private:
                self.privates[key] = private[key]
            elif key in self.replaced or not (
                tensor.requires_grad or tensor.size > LARGEST or _owner(tensor._data) in parameters
            ):
                self.privates[key] = self._private(tensor._data)
                self.plan.held.append((tensor, self.privates[key], tensor.node if tensor.requires_grad else None))
            elif not self.draft:
                self.plan.parameters.append((tensor, tensor._data, tensor.node if tensor.requires_grad else None))
            self._take(tensor)
            if key not in private or tensor.requires_grad:
                self._take_gradient(tensor)
        return [value if isinstance(value, Tensor) else private[id(value)].view(RecordedArray) for value in arguments]

    def leave(self) -> None:
        """Give every tensor ordinary arrays again."""
        self.chance.check(self.forbid)
        if self.writes_calls:
            self._effects()
            self._gradients()
        self._release()
        self.writes_calls = False
        for made in self.made:
            array = made()
            if array is not None:  # the user has kept it
                for holder in gc.get_referrers(array):
                    if isinstance(holder, Tensor):
                        holder._data = array.view(np.ndarray).copy()
        for value in self.arguments:
            if isinstance(value, np.ndarray):
                private = self.plan.inputs[next(i for i, each in enumerate(self.arguments) if each is value)]
                self._put_back(private, value)
        for tensor in self.tensors.values():
            if tensor._grad is not None and isinstance(tensor._grad._data, RecordedArray):
                tensor._grad = Tensor(tensor._grad._data.view(np.ndarray), tensor._grad.node)

    def _private(self, array: Array) -> Array:
        copy = array.copy(order="K")
        self.own.add(self._number(copy))
        return copy

    def _put_back(self, private: Array, original: Array) -> None:
        """Do to an original what the step did to its copy."""
        if self.numbers[_owner(private)] in self.written:
            np.copyto(original, private)

    def _take(self, tensor: Tensor) -> None:
        key = id(tensor)
        self.originals[key] = tensor._data
        if key not in self.privates:
            self.live.add(self._number(tensor._data))
        self.views[key] = tensor._data = self.privates.get(key, tensor._data).view(RecordedArray)

    def _take_gradient(self, tensor: Tensor) -> None:
        """Let it be heard when a gradient from before the step is used."""
        if tensor._grad is None:
            self.plan.without_gradient.append(tensor)
            return
        self.given[id(tensor)] = tensor._grad
        self.old.add(_owner(tensor._grad._data))
        self.known.append(tensor._grad)
        tensor._grad = Tensor(tensor._grad._data.view(RecordedArray), tensor._grad.node)

    def _release(self) -> None:
        """Give the tensors their own arrays, or the new ones that the step has given them."""
        for key, original in self.originals.items():
            tensor = self.tensors[key]
            if tensor._data is self.views[key]:
                tensor._data = original
                if key in self.privates:
                    self._put_back(self.privates[key], original)
            elif isinstance(tensor._data, RecordedArray):
                self.privates[key] = _base(tensor._data)
                tensor._data = self.privates[key].copy()
        self.originals.clear()
        self.views.clear()
        for key, gradient in self.shown.items():
            if self.tensors[key]._grad is not None and self.tensors[key]._grad is gradient[0]:
                self.tensors[key]._grad = gradient[1]
        self.shown.clear()

    def _effects(self) -> None:
        """Write down which tensors got a new array."""
        for key, view in self.views.items():
            tensor = self.tensors[key]
            if tensor._data is view:
                continue
            self.replaced.add(key)
            if not isinstance(tensor._data, RecordedArray):
                self.forbid(f"it gives {tensor.describe()} values that were not computed from tensors")
            elif not self.updated:
                self._write(("replace", key, self._token(tensor._data)), plans.replace, tensor, _base(tensor._data))
            else:
                self.forbid(f"it changes {tensor.describe()} after an optimizer's step")

    def _gradients(self) -> None:
        """Write down which gradients have been set since the last time."""
        pairs: list[tuple[Tensor, Tensor | None]] = []
        for key, tensor in self.tensors.items():
            gradient = tensor._grad
            if key in self.shown and gradient is self.shown[key][0]:
                continue
            if gradient is None and self.given.get(key) is not None:
                pairs.append((tensor, None))
            elif gradient is not None and isinstance(gradient._data, RecordedArray):
                if _owner(gradient._data) in self.old:
                    continue
                # the tensor's own, as in an ordinary step: the plan writes into its memory
                gradient = tensor._grad = Tensor(self._alone(gradient._data), gradient.node)
                pairs.append((tensor, gradient))
                if not self.draft:
                    self.plan.gradients.append((tensor, gradient))
            else:
                continue
            self.given[key] = tensor._grad
        if pairs:
            tokens = [(id(t), None if g is None else self._token(g._data)) for t, g in pairs]
            self._write(("gradients", tokens), plans.give_gradients, pairs)

    def _alone(self, array: Array) -> Array:
        """Return an array that no other gradient shares."""
        base = _base(array)
        if _owner(base) in self.delivered:
            base = _base(base.view(RecordedArray).copy())
        self.delivered.add(_owner(base))
        return base

    # --- what a listener hears

    def before_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Let an optimizer work on ordinary arrays: its step is replayed as a whole."""
        self.pause()

    def after_update(self, optimizer: Any, parameters: Iterable[Tensor]) -> None:
        """Write the optimizer's step down."""
        self.resume(("update", id(optimizer)), partial(Optimizer.step, optimizer))

    def whole(self, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Carry out a function that is replayed as a whole, and write it down."""
        self.pause()
        function = partial(function, *args, **options)
        try:
            result = function()
        except Exception:
            self.forbid(f"{function.func.__name__} raised an error in it")
            raise
        if not isinstance(result, Tensor):
            self.resume(function.func.__name__, function)
            return result
        token = function.func.__name__, self._new(result._data)
        self.resume(token, partial(_into, result._data, function))
        return Tensor(result._data.view(RecordedArray))

    def pause(self) -> None:
        """Give the tensors ordinary arrays for something that is replayed as a whole."""
        self._effects()
        self._gradients()
        self._release()
        self.writes_calls = False

    def resume(self, token: Any, function: Any) -> None:
        """Write down what was done meanwhile, and go on."""
        self.writes_calls = self.updated = True
        self._write(token, plans.act, function)
        for key, tensor in self.tensors.items():
            self._take(tensor)
            gradient = tensor._grad
            if gradient is not None and not isinstance(gradient._data, RecordedArray):
                tensor._grad = Tensor(gradient._data.view(RecordedArray), gradient.node)
                self.shown[key] = tensor._grad, gradient

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
            self.forbid(f"the shape of what np.{_name(function)} returns depends on values")
        out = options.pop("out", None)
        out = out[0] if isinstance(out, tuple) else out
        written = out if out is not None else args[0] if _changes_first(function) else None
        token = _name(function), self._token(args), self._token(options)
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

    def forbid_use(self) -> None:
        """Note that the step goes on with a value that it has read."""
        line = line_of_user(sys._getframe(1))
        self.forbid(f"it reads values to go on with{line}; return the tensor, or its .item()")

    def array_read(self, what: str) -> None:
        """Note that the user's code takes the array of a tensor, whose calls could then go unheard."""
        if self.writes_calls and not is_library(sys._getframe(3)):
            self.forbid(
                f"it reads values by {what}{line_of_user(sys._getframe(3))}; compute with the tensors themselves"
            )

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
        if _owner(value) not in self.numbers:
            if self.gives_arrays and id(value) not in self.outside:
                self.forbid(f"it makes arrays of its own{line_of_user(sys._getframe(3))}; pass it tensors, not arrays")
            self.script.append(("constant", Constant(value), self._number(value)))
            self.known.append(value)
        return value.view(RecordedArray)

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        """Make sure that an operation has stayed within what is written down."""
        if not self.writes_calls:
            return
        arrays = [value._data if isinstance(value, Tensor) else value for value in inputs]
        if self.gives_arrays and any(type(array) is np.ndarray and id(array) not in self.outside for array in arrays):
            self.forbid(
                f"it makes arrays of its own{line_of_user(sys._getframe(1))}; pass it tensors instead of arrays"
            )
        if isinstance(out, RecordedArray):
            self.made.append(weakref.ref(out))
            self.scalars.discard(id(out.base))  # a tensor's array, though it has no axes
            return
        if holds_recorded(arrays) or holds_recorded(options):
            self.forbid(f"{primitive.name!r} computes past NumPy's protocols{line_of_user(sys._getframe(1))}")
        for value in inputs:
            if isinstance(value, Tensor) and value.requires_grad:
                self.forbid(f"it reaches {value.describe()} in a way that cannot be followed")

    def hear(self, reason: str) -> None:
        """Note what the step does besides; what is replayed as a whole may do as it likes."""
        if self.writes_calls:
            self.forbid(reason)

    def forbid(self, reason: str) -> None:
        """Note why the step cannot be replayed; the first reason counts."""
        self.reason = self.reason or reason

    def _plain(self, function: Any, value: Any) -> Any:
        """Return arguments as ordinary arrays; every recorded one must come from a call that was written down."""
        if isinstance(value, RecordedArray):
            if _owner(value) in self.old:
                self.forbid("gradients add up over its calls; call optimizer.zero_grad() in it")
            elif _owner(value) not in self.numbers:
                self.forbid(f"np.{_name(function)} gets an array that was computed past what is written down")
            return value.view(np.ndarray)
        if type(value) in (tuple, list):
            return type(value)([self._plain(function, part) for part in value])
        return {name: self._plain(function, part) for name, part in value.items()} if type(value) is dict else value

    # --- writing

    def _recorded(self, result: Any, pick: Any, function: Any, args: Any, options: Any, token: Any) -> Any:
        """Return a result as a recorded array; a view of known memory needs no call."""
        array = np.asarray(result)
        if isinstance(result, np.generic):
            self.scalars.add(id(array))
        if isinstance(result, np.ndarray) and _owner(array) in self.numbers:
            return array.view(RecordedArray)
        token = (*token, self._new(array))
        if pick is not None:
            self._write(token, plans._refill, array, pick, (function, args, options), {})
        else:
            self.script.append(token)
            if not self.draft:
                self._add(plans.bound(function, args, options, array))
        return array.view(RecordedArray)

    def _write(self, token: Any, function: Any, *args: Any, **options: Any) -> None:
        self.script.append(token)
        if not self.draft:
            self._add(partial(function, *args, **options) if args or options else function)

    def _add(self, call: Any) -> None:
        errors = np.geterr()
        calls = self.plan.effects if self.plan.effects or getattr(call, "func", call) in _EFFECTS else self.plan.calls
        calls.append(call if errors == self.errors else partial(plans.under, errors, call))

    def _check_written(self, array: Array) -> None:
        owner = self.numbers.get(_owner(array))
        if owner is None:
            self.forbid("it writes into an array from outside")
        elif owner in self.own:
            self.written.add(owner)
            self.forbid("it changes an input or a buffer in place")
        elif owner in self.live:
            self.updated = True

    def _number(self, array: Array) -> int:
        """Return the number of the memory of an array, which makes it known."""
        owner = _owner(array)
        if owner not in self.numbers:
            self.numbers[owner] = len(self.numbers)
            if not self.draft:
                self.known.append(_base(array))
        return self.numbers[owner]

    def _new(self, array: Array) -> tuple[Any, ...]:
        self.known.append(_base(array))
        self.numbers[_owner(array)] = len(self.numbers)
        token: tuple[Any, ...] = self._token(array)
        return token

    def _token(self, value: Any) -> Any:
        """Return what stands for a value in the script."""
        if isinstance(value, np.ndarray):
            number = self.numbers.get(_owner(value))
            if number is None:
                return Constant(value)
            return "array", number, value.shape, value.strides, value.dtype
        if isinstance(value, (tuple, list)):
            return [self._token(part) for part in value]
        if isinstance(value, dict):
            return [(name, self._token(part)) for name, part in value.items()]
        if isinstance(value, ReadFloat):
            self.forbid_use()
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


def _part(place: int, function: Any, args: Any, options: Any) -> Any:
    return function(*args, **options)[place]


def _into(out: Array, function: Any) -> None:
    np.copyto(out, function()._data)


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


def _name(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    return f"{owner.__name__}.{function.__name__}" if isinstance(owner, np.ufunc) else str(function.__name__)


def _base(array: Any) -> Array:
    """Return the array that owns the memory, as an ordinary one; a view of the same extent counts as the owner."""
    while isinstance(array.base, np.ndarray) and array.base.nbytes == array.nbytes and array.base.shape == array.shape:
        array = array.base
    return array if type(array) is np.ndarray else array.view(np.ndarray)


def _owner(array: Any) -> int:
    """Return the identity of the object that owns an array's memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array)
