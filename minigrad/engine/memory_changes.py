"""Changes in place: which memory an optimizer has changed, and when.

An optimizer changes parameters in their own memory. A graph that was recorded before the step has saved these arrays,
and its rules would compute with values that are not those of its forward pass: the backward walk asks here first.
(What users change is another matter: a tensor whose array somebody outside may hold is copied when a graph saves it.)
"""

from __future__ import annotations

import dis
import inspect
import weakref
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.errors import InPlaceError

if TYPE_CHECKING:
    from minigrad.engine.node import Node

Span = tuple[int, int]  # addresses, from the first byte to the one after the last


class Clock:
    """Counts the changes. A node notes the time at which it was made.

    Attributes:
        now: how many changes there have been.
    """

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0


clock = Clock()


class Memory:
    """Memory that has been changed in place: who owns it, and when which part of it changed last."""

    __slots__ = ("changes", "latest", "owner")

    def __init__(self, owner: weakref.ref[Any]) -> None:
        self.owner = owner
        self.changes: dict[Span, int] = {}
        self.latest = 0


_changed: dict[int, Memory] = {}  # by the identity of the owner; it goes with its owner


class Place:
    """Where an array lies in memory; who changes it at each step keeps this."""

    __slots__ = ("memory", "span")

    def __init__(self, array: Array) -> None:
        owner = owner_of(array)
        key = id(owner)
        memory = _changed.get(key)
        if memory is None or memory.owner() is not owner:
            memory = _changed[key] = Memory(weakref.ref(owner, lambda gone: _forget(key, gone)))
        self.memory, self.span = memory, _span(array)

    def note_change(self) -> None:
        """Note that the array is being changed."""
        clock.now += 1
        self.memory.latest = self.memory.changes[self.span] = clock.now


def note_change(array: Array) -> None:
    """Note that an array is being changed in its own memory."""
    Place(array).note_change()


def check_unchanged(node: Node, reached: set[Node] | None) -> None:
    """Raise if an array that a node has saved was changed after the node was made, and a rule needs its values.

    Args:
        node: an operation whose rules are about to run.
        reached: the nodes that the gradient is to reach; None for all.

    Raises:
        InPlaceError: names the tensor and the operation.
    """
    for place, array in enumerate(node.saved or ()):
        if _has_changed(array, node.made) and any(_reads(rule, place + 1) for rule in _rules_to_run(node, reached)):
            raise InPlaceError(_explanation(node, place))


def _has_changed(array: Any, since: int) -> bool:
    memory = _changed.get(id(owner_of(array))) if isinstance(array, np.ndarray) else None
    if memory is None or memory.latest <= since or memory.owner() is not owner_of(array):
        return False
    low, high = _span(array)
    return any(time > since and start < high and low < stop for (start, stop), time in memory.changes.items())


def _rules_to_run(node: Node, reached: set[Node] | None) -> Iterator[Any]:
    assert node.primitive is not None
    for position, parent in enumerate(node.inputs):
        if getattr(parent, "requires_grad", False) and (reached is None or parent in reached):  # not of a number
            yield node.primitive.rules[position]


def _reads(rule: Any, place: int) -> bool:
    """Whether a rule may read the values of its argument at a place; the shape and the dtype stay what they are."""
    if rule is None:
        return False
    code = getattr(inspect.unwrap(rule), "__code__", None)
    if code is None or place >= code.co_argcount:
        return True  # who knows
    name = code.co_varnames[place]
    steps = list(dis.get_instructions(code))
    reads = [
        after.argval not in ("shape", "dtype", "ndim", "size")
        for step, after in pairwise(steps)
        if step.argval == name or (isinstance(step.argval, tuple) and name in step.argval)  # two loads as one
    ]
    return any(reads)


def owner_of(array: Any) -> Any:
    """Return the array that owns an array's memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _explanation(node: Node, place: int) -> str:
    """Say which value has gone: the output stands first among the saved arrays, then the arguments."""
    what = "its output"
    if place:
        parent = node.parents[place - 1] if place <= len(node.parents) else None
        what = f"argument {place - 1}" if parent is None or parent.name is None else repr(parent.name)
    return (
        f"cannot differentiate {node.operation!r}: {what}, an array that it needs, was changed in place by an "
        "optimizer's step after the forward pass; call backward() before step(), or compute the forward pass again"
    )


def _span(array: Array) -> Span:
    low, high = np.lib.array_utils.byte_bounds(array)
    return low, high


def _forget(key: int, gone: weakref.ref[Any]) -> None:
    memory = _changed.get(key)
    if memory is not None and memory.owner is gone:  # the identity may belong to another by now
        del _changed[key]
