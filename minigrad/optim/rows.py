"""Rows: small parameters that lie side by side in memory, so that one ``update`` serves them all.

A NumPy call takes about 0.4 microseconds however small its arrays are, and an update makes four of them or more for
each parameter. So the small parameters of a group become views of one flat array, and the arrays of their state become
views of flat arrays too; a step gathers their gradients and updates the flat arrays, bit for bit as one at a time.

Nothing is taken for granted: each step looks whether every parameter, gradient and value of the state is still what it
was when the row was made. A row that no longer fits is updated one parameter at a time, and made anew when two steps in
turn have seen the same arrays. An array moves only while nothing but its tensor refers to it: its views always follow.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from itertools import pairwise
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.memory_changes import Place
from minigrad.engine.sharing import ALONE, Divided, owns_memory
from minigrad.engine.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Group, Optimizer, State

SMALL = 4096  # elements: above, to gather a gradient costs as much as a few calls
LONGEST = 32768  # elements of a row: its arrays stay in the cache


class Plan(NamedTuple):
    """How to update the parameters of a group: some in rows, the rest one at a time."""

    tensors: list[Tensor]
    rows: list[Row]
    rest: list[Tensor]
    sight: list[tuple[int, bool]]


class Rows:
    """The rows of an optimizer. A copy of an optimizer begins without any: its arrays are others."""

    def __init__(self) -> None:
        self.plans: dict[int, Plan] = {}  # by the identity of the group
        self.seen: dict[int, list[tuple[int, bool]]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Rows, ()

    def update(self, optimizer: Optimizer, group: Group) -> bool:
        """Update the parameters of a group that have a gradient; return whether there was one."""
        tensors = group["params"]
        plan = self.plans.get(id(group))
        if (
            plan is None
            or len(tensors) != len(plan.tensors)
            or not all(map(is_, tensors, plan.tensors))
            or (plan.rest and plan.sight != sight(plan.rest))
        ):
            plan = self.plan(optimizer, group)
        stepped = False
        for row in plan.rows:
            if row.update(optimizer, group):
                stepped = True
            else:
                self.forget(group)
                stepped = optimizer.update_each(row.tensors, group) or stepped
        if plan.rest:
            stepped = optimizer.update_each(plan.rest, group) or stepped
        return stepped

    def plan(self, optimizer: Optimizer, group: Group) -> Plan:
        """Return how to update a group: one at a time, unless it looks as it did at the step before."""
        tensors = list(group["params"])
        now = sight(tensors)
        known = self.seen.get(id(group)) == now
        self.forget(group)
        if not known:
            self.seen[id(group)] = now
            return Plan(tensors, [], tensors, now)
        rows = make_rows([tensor for tensor in tensors if is_small(tensor)], optimizer)
        together = {id(tensor) for row in rows for tensor in row.tensors}
        rest = [tensor for tensor in tensors if id(tensor) not in together]
        plan = self.plans[id(group)] = Plan(tensors, rows, rest, sight(rest))
        return plan

    def forget(self, group: Group) -> None:
        """Begin anew with a group."""
        self.plans.pop(id(group), None)
        self.seen.pop(id(group), None)


class Row:
    """Parameters side by side, their flat gradient, and the state that they share.

    Args:
        tensors: parameters whose arrays follow one another in memory, and whose states ``may_share``.
        states: what the optimizer keeps for each; its arrays become views of flat ones.
    """

    def __init__(self, tensors: list[Tensor], states: list[State]) -> None:
        self.tensors, self.states = tensors, states
        # weak: one more reference to an array would say that somebody holds it
        self.parts = [(tensor, weakref.ref(tensor._data), own) for tensor, own in zip(tensors, states, strict=True)]
        self.parameter = joined([tensor._data for tensor in tensors])
        self.place = Place(self.parameter)
        self.gradient = np.empty_like(self.parameter)
        self.state: State = {}
        self.shown: State = {}  # what the parameters' own states say
        self.views: list[tuple[State, str, Array]] = []  # where they say it: the arrays, and then the numbers
        self.numbers: State = {}
        alike = states[0]
        for name in list(alike):
            if not isinstance(alike[name], np.ndarray):
                self.put(name, alike[name])
            elif is_alone(alike, name):
                self.put(name, np.concatenate([own[name] for own in states], axis=None))
            else:
                arrays = [own[name] for own in states]
                self.views += [(own, name, array) for own, array in zip(states, arrays, strict=True)]
                self.state[name] = self.shown[name] = joined(arrays)

    def update(self, optimizer: Optimizer, group: Group) -> bool:
        """Update the parameters, if everything still is where it was put; return whether it was."""
        state, shown, state_of, count = self.state, self.shown, optimizer.state.get, len(self.shown)
        try:
            # what was replaced leaves a gap, and what has gone raises
            gradients = [
                tensor._grad._data.ravel()  # type: ignore[union-attr]
                for tensor, array, own in self.parts
                if (data := tensor._data) is array() and data.flags.writeable
                if state_of(tensor) is own and len(own) == count
            ]
            np.concatenate(gradients, out=self.gradient, casting="no")
            for own, name, array in self.views:
                if own[name] is not array:
                    return False
            for name, number in self.numbers.items():
                for own in self.states:
                    if own[name] is not number:
                        return False
        except (AttributeError, KeyError, TypeError, ValueError):
            return False
        self.place.note_change()
        try:
            optimizer.update(self.parameter, self.gradient, state, group)
        finally:
            for name, value in state.items():
                if name not in shown or value is not shown[name]:
                    self.put(name, value)
        return True

    def put(self, name: str, value: Any) -> None:
        """Give each parameter's own state its part of a value: a view of an array, or the number itself."""
        if isinstance(value, np.ndarray) and value.shape == self.parameter.shape:
            if not value.flags.c_contiguous or np.may_share_memory(value, self.gradient):
                value = self.state[name] = value.copy()
            self.views = [place for place in self.views if place[1] != name]
            start = 0
            for tensor, own in zip(self.tensors, self.states, strict=True):
                own[name] = value[start : start + tensor.size].reshape(tensor.shape)
                self.views.append((own, name, own[name]))
                start += tensor.size
        else:
            for own in self.states:
                own[name] = value
            self.numbers[name] = value
        self.state[name] = self.shown[name] = value


def sight(tensors: Iterable[Tensor]) -> list[tuple[int, bool]]:
    """Return what tells one step's arrays from another's: which they are, and which have a gradient."""
    return [(id(tensor._data), tensor._grad is None) for tensor in tensors]


def is_small(tensor: Tensor) -> bool:
    """Return whether a parameter may stand in a row."""
    return tensor._grad is not None and 0 < tensor.size <= SMALL and is_plain(tensor._data)


def is_plain(array: Any) -> bool:
    """Return whether an array's elements follow one another, and may be changed."""
    return type(array) is np.ndarray and array.flags.c_contiguous and array.flags.writeable


def make_rows(tensors: list[Tensor], optimizer: Optimizer) -> list[Row]:
    """Return rows of two parameters or more; what fits into none is left out."""
    rows = []
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        alike = [tensor for tensor in tensors if tensor.dtype == dtype]
        lay_side_by_side([tensor for tensor in alike if owns_alone(tensor)])
        for run in runs(sorted(alike, key=lambda tensor: address(tensor._data)), optimizer):
            if len(run) > 1:
                rows.append(Row(run, [optimizer.state[tensor] for tensor in run]))
    return rows


def lay_side_by_side(tensors: list[Tensor]) -> None:
    """Make the arrays of tensors parts of one memory."""
    if len(tensors) > 1:
        together, start = np.concatenate([tensor._data for tensor in tensors], axis=None), 0
        memory = Divided(together.shape, together.dtype)
        memory[...] = together
        for tensor in tensors:
            tensor._data = part(memory, start, tensor.shape)
            start += tensor.size


def runs(tensors: list[Tensor], optimizer: Optimizer) -> list[list[Tensor]]:
    """Divide parameters, in the order of their memory, into those that can stand in one row."""
    divided, size = [tensors[:1]], tensors[0].size
    for left, right in pairwise(tensors):
        size += right.size
        apart = not follows(left._data, right._data)
        if apart or size > LONGEST or not may_share(left, optimizer.state[left], right, optimizer.state[right]):
            divided.append([])
            size = right.size
        divided[-1].append(right)
    return divided


def may_share(left: Tensor, own: State, right: Tensor, other: State) -> bool:
    """Return whether the states of two neighbours can be one: the same names and numbers, arrays that fit."""
    return list(own) == list(other) and all(
        fits(own[name], left)
        and fits(other[name], right)
        and own[name].dtype == other[name].dtype
        and ((is_alone(own, name) and is_alone(other, name)) or follows(own[name], other[name]))
        if isinstance(own[name], np.ndarray)
        else type(own[name]) is type(other[name]) and isinstance(own[name], (int, float)) and own[name] == other[name]
        for name in own
    )


def fits(value: Any, tensor: Tensor) -> bool:
    """Return whether a value of the state has an element for each of the parameter's."""
    return is_plain(value) and value.shape == tensor.shape


def owns_alone(tensor: Tensor) -> bool:
    """Return whether nothing but a tensor knows its array, or memory that it is a part of: no view, graph or row."""
    array, base = tensor._data, tensor._data.base
    undivided = type(base) is not Divided or base.size == array.size
    return owns_memory(array) and undivided and sys.getrefcount(array) <= ALONE + 1  # and this function's


def is_alone(state: State, name: str) -> bool:
    """Return whether nothing but a state knows one of its arrays."""
    return owns_memory(state[name]) and sys.getrefcount(state[name]) <= ALONE


def follows(left: Array, right: Array) -> bool:
    """Return whether an array begins in memory where another ends, in a flat array that both are views of."""
    base: Any
    other: Any
    base, other = left.base, right.base
    return (
        (type(base) is Divided or is_plain(base))
        and base is other
        and base.ndim == 1
        and base.dtype == left.dtype == right.dtype
        and address(right) == address(left) + left.nbytes
    )


def joined(arrays: list[Array]) -> Array:
    """Return arrays that follow one another as one flat array, which shares their memory."""
    first = arrays[0]
    base: Any = first.base
    start = (address(first) - address(base)) // base.itemsize
    return part(base, start, (sum(array.size for array in arrays),))


def part(memory: Array, start: int, shape: tuple[int, ...]) -> Array:
    """Return a part of a flat array, from the element ``start`` on."""
    return np.ndarray(shape, memory.dtype, memory, start * memory.itemsize)


def address(array: Array) -> int:
    """Return where an array begins in memory."""
    where: int = array.__array_interface__["data"][0]
    return where
