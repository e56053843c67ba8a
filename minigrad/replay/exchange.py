"""Exchange: recorded arrays in the place of every tensor's while a step runs, and ordinary ones before and after."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.random import generator
from minigrad.engine.sharing import ALONE, divided, unnoticed
from minigrad.engine.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.replay import plan as plans
from minigrad.replay.recorded import RecordedArray
from minigrad.replay.script import Script, base, owner
from minigrad.replay.surroundings import LARGEST, Surroundings
from minigrad.replay.watch import Chance, numpy_settings


class Exchange(Script):
    """The tensors of a step, their gradients, and what it does to them.

    Attributes:
        replaced: tensors that the step gives a new array, by their identity.
    """

    def __init__(self, surroundings: Surroundings, arguments: list[Any], replaced: set[int], draft: bool) -> None:
        super().__init__(surroundings, draft)
        self.replaced = replaced
        self.arguments = arguments
        self.tensors = {id(tensor): tensor for tensor in surroundings.tensors}
        self.tensors |= {id(value): value for value in arguments if isinstance(value, Tensor)}
        self.originals: dict[int, Array] = {}  # of each tensor, its array
        self.views: dict[int, Array] = {}  # and the recorded one in its place
        self.privates: dict[int, Array] = {}  # the array that the plan reads for a tensor, where it is not its own
        self.own: set[int] = set()  # the numbers of private copies of inputs
        self.written: set[int] = set()  # the numbers of those that the step changes
        self.live: set[int] = set()  # the numbers of parameters
        self.given: dict[int, Tensor | None] = {}  # the gradients that the plan has set so far
        self.delivered: set[int] = set()  # the owners of these gradients, and of what the step is given
        self.old: set[int] = set()  # the owners of gradients from before the step
        self.shown: dict[int, tuple[Tensor, Tensor]] = {}  # gradients that stand in for those that it left, and these
        self.chance = Chance([generator(), *surroundings.generators])
        self.settings = numpy_settings()
        self.made: list[weakref.ref[Array]] = []  # what its operations returned
        self.updated = False  # whether an optimizer has changed parameters

    # --- tensors in and out

    def enter(self) -> list[Any]:
        """Put recorded arrays in the place of every tensor's, and return the arguments with theirs."""
        arguments = self.arguments
        private: dict[int, Array] = {}
        for value in arguments:
            if id(value) not in private:
                private[id(value)] = self._private(value._data if isinstance(value, Tensor) else value)
        self.plan.inputs = [private[id(value)] for value in arguments]
        parameters = {owner(tensor._data) for tensor in self.tensors.values() if tensor.requires_grad}
        for key, tensor in self.tensors.items():
            if key in private:
                self.privates[key] = private[key]
            elif key in self.replaced or not (
                tensor.requires_grad or tensor.size > LARGEST or owner(tensor._data) in parameters
            ):
                self.privates[key] = self._private(tensor._data)
                self.plan.held.append((tensor, self.privates[key], tensor.node if tensor.requires_grad else None))
            else:
                _divide(tensor)
                node = tensor.node if tensor.requires_grad else None
                if not self.draft:
                    self.plan.parameters.append((tensor, weakref.ref(tensor._data), node))
            self._take(tensor)
            if key not in private or tensor.requires_grad:
                self._take_gradient(tensor)
        return [value if isinstance(value, Tensor) else private[id(value)].view(RecordedArray) for value in arguments]

    def leave(self) -> None:
        """Give every tensor ordinary arrays again."""
        self.chance.check(self.forbid)
        if numpy_settings() != self.settings:
            self.forbid("it changes how NumPy takes errors, computes or prints; do that outside")
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
                tensor._grad = Tensor(tensor._grad._data.view(np.ndarray), tensor._grad.node, False)

    def _private(self, array: Array) -> Array:
        copy = array.copy(order="K")
        self.own.add(self._number(copy))
        return copy

    def _put_back(self, private: Array, original: Array) -> None:
        """Do to an original what the step did to its copy."""
        if self.numbers[owner(private)] in self.written:
            np.copyto(original, private)

    def _take(self, tensor: Tensor) -> None:
        key = id(tensor)
        self.originals[key] = tensor._data
        if key not in self.privates:
            self.live.add(self._number(tensor._data))
        read = self.privates[key] if key in self.privates else unnoticed(tensor._data)
        self.views[key] = tensor._data = read.view(RecordedArray)
        self.delivered.add(owner(tensor._data))

    def _take_gradient(self, tensor: Tensor) -> None:
        """Let it be heard when a gradient from before the step is used."""
        if tensor._grad is None:
            self.plan.without_gradient.append(tensor)
            return
        self.given[id(tensor)] = tensor._grad
        self.old.add(owner(tensor._grad._data))
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
                self.privates[key] = base(tensor._data)
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
                self._write(("replace", key, self._token(tensor._data)), plans.replace, tensor, base(tensor._data))
            else:
                self.forbid(f"it changes {tensor.describe()} after an optimizer's step")

    def _gradients(self) -> None:
        """Write down which gradients have been set since the last time."""
        pairs: list[tuple[Tensor, Tensor | None, Array | None]] = []
        for key, tensor in self.tensors.items():
            gradient = tensor._grad
            if key in self.shown and gradient is self.shown[key][0]:
                continue
            if gradient is None and self.given.get(key) is not None:
                pairs.append((tensor, None, None))
            elif gradient is not None and isinstance(gradient._data, RecordedArray):
                if owner(gradient._data) in self.old:
                    continue
                # the tensor's own, as in an ordinary step: the plan writes into its memory
                gradient = tensor._grad = Tensor(self._alone(gradient._data), gradient.node, False)
                pairs.append((tensor, gradient, gradient._data))
                if not self.draft:
                    self.plan.gradients.append((tensor, gradient))
            else:
                continue
            self.given[key] = tensor._grad
        if pairs:
            tokens = [(id(t), None if a is None else self._token(a)) for t, _, a in pairs]
            self._write(("gradients", tokens), plans.give_gradients, pairs)

    def _alone(self, array: Array) -> Array:
        """Return an array that no other gradient shares."""
        whole = base(array)
        if owner(whole) in self.delivered:
            whole = base(whole.view(RecordedArray).copy())
        self.delivered.add(owner(whole))
        return whole

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


def _divide(tensor: Tensor) -> None:
    """Let a parameter's array be a part of memory, so that a plan's references to it say nothing of who holds it."""
    array = tensor._data
    alone = array.base is None and sys.getrefcount(array) <= ALONE + 1  # and this function's
    if alone and tensor.is_leaf and array.flags.c_contiguous:
        tensor._data = divided(array)


def _into(out: Array, function: Any) -> None:
    np.copyto(out, function()._data)
