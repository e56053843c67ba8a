"""Plan: a training step as a flat list of NumPy calls, each bound to the arrays that it reads and writes."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.node import Node
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.replay.surroundings import Surroundings

Call = Callable[[], object]


class Diverged(Exception):  # noqa: N818  # no error: the step goes another way this time
    """The values of this call decide otherwise than those that were recorded."""


# --- one call


def bound(function: Any, args: Any, options: dict[str, Any], out: Array) -> Call:
    """Return a NumPy call with its arguments, that writes what it wrote when it was recorded."""
    owner = getattr(function, "__self__", None)
    if isinstance(function, np.ufunc):
        args = _as_arrays(function, args)
        by_name = options or function in (np.maximum, np.minimum)  # these two may not be given it by position
        return partial(function, *args, **options, out=out) if by_name else partial(function, *args, out)
    if (
        isinstance(owner, np.ufunc)
        and function.__name__ == "reduce"
        and options.keys() <= {"axis", "dtype", "keepdims"}
    ):
        places = dict(zip(("array", "axis", "dtype", "out", "keepdims"), args, strict=False)) | options
        axis, dtype, keepdims = places.get("axis", 0), places.get("dtype"), places.get("keepdims", False)
        return partial(function, places.get("array", args[0]), axis, dtype, out, keepdims)
    if function in (np.dot, np.ndarray.dot) and not options and out.flags.c_contiguous:
        return partial(args[0].dot, args[1], out) if isinstance(args[0], np.ndarray) else partial(np.dot, *args, out)
    if function in (np.ndarray.copy, np.ndarray.astype, np.copy):
        return partial(np.copyto, out, args[0], "unsafe")
    if function in (np.zeros_like, np.ones_like):
        return partial(out.fill, 0 if function is np.zeros_like else 1)
    return partial(_refill, out, function, args, options)


def _as_arrays(function: np.ufunc, args: Any) -> Any:
    """Return Python's numbers as the arrays that NumPy makes of them at each call (NEP 50)."""
    kinds = [type(value) if type(value) in (int, float) else getattr(value, "dtype", None) for value in args]
    if not {int, float}.intersection(kinds) or None in kinds:
        return args
    dtypes = function.resolve_dtypes((*kinds, *[None] * function.nout))
    try:
        with np.errstate(over="raise"):
            return [
                np.array(value, dtype) if kind is type(value) else value
                for value, kind, dtype in zip(args, kinds, dtypes, strict=False)
            ]
    except (FloatingPointError, OverflowError):  # too large, with a warning or an error of NumPy's at each call
        return args


def _refill(out: Array, function: Any, args: Any, options: dict[str, Any]) -> None:
    found = function(*args, **options)
    if found.shape != out.shape:
        raise Diverged
    np.copyto(out, found)


def expect(value: bool, array: Array) -> None:
    """Go on only if a truth that the step depends on is the recorded one."""
    if bool(array) is not value:
        raise Diverged


def draw(out: Array, rng: np.random.Generator | None) -> None:
    """Draw uniform numbers, from the generator that is the default one now if none is given."""
    generator(rng).random(out=out, dtype=out.dtype)


def give_gradients(pairs: list[tuple[Tensor, Tensor | None, Array | None]]) -> None:
    """Set the gradients that a backward pass left."""
    for tensor, gradient, memory in pairs:
        if (
            gradient is not None and memory is not None and gradient._data is not memory
        ):  # its array was asked for, and replaced by a copy
            gradient._data, gradient._shared = memory, False
        tensor._grad = gradient


def under(errors: Any, call: Call) -> None:
    """Make a call with NumPy's ways of taking overflow and its like, as they were set then."""
    with np.errstate(**errors):
        call()


def act(function: Call) -> None:
    """Do what is replayed as a whole: an optimizer's step, for one."""
    function()


def replace(tensor: Tensor, array: Array) -> None:
    """Give a tensor new values, in an array of its own."""
    tensor._data, tensor._shared = array.copy(), False


# --- all of them


class Plan:
    """What a recording has found, ready to run.

    Attributes:
        calls: what to call, in order, up to the first that changes anything outside of the plan.
        effects: that and the rest.
        inputs: for each array among the arguments, the private array that the calls read.
        held: tensors from outside whose values the calls read from private arrays; and the node, of those that
            require a gradient.
        parameters: tensors whose own arrays the calls read, and change, a reference to the array that says nothing
            of who holds it; and likewise the node.
        without_gradient: tensors that had none when the step began, and must not have one now.
        gradients: the tensors that the step leaves as gradients, and their memory.
        references: how many references there are to these while nobody keeps one.
        result: makes what the step returns.
        generators: what the step draws from.
        surroundings: what else it depends on.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.calls: list[Call] = []
        self.effects: list[Call] = []
        self.inputs: list[Array] = []
        self.held: list[tuple[Tensor, Array, Node | None]] = []
        self.parameters: list[tuple[Tensor, weakref.ref[Array], Node | None]] = []
        self.without_gradient: list[Tensor] = []
        self.gradients: list[tuple[Tensor, Tensor]] = []
        self.memory: list[Array] = []
        self.references = 0
        self.generators: list[np.random.Generator | None] = []
        self.result: Callable[[list[Any]], Any] = lambda arguments: None

    def fits(self) -> bool:
        """Whether what the step depends on is as it was, and nobody has kept arrays that it writes."""
        for tensor, array, node in self.parameters:
            if tensor._data is not array() or (tensor.requires_grad if node is None else tensor.node is not node):
                return False
        for tensor, private, node in self.held:
            data = tensor._data
            if data.shape != private.shape or data.dtype != private.dtype:
                return False
            if tensor.requires_grad if node is None else tensor.node is not node:
                return False
        for tensor in self.without_gradient:
            if tensor._grad is not None:
                return False
        return self.kept() <= self.references and self.surroundings.same()

    def kept(self) -> int:
        """Count the references to the gradients that the plan writes into: more than at first, and a user keeps one."""
        references = sys.getrefcount
        count = sum(map(references, self.memory))
        for (tensor, gradient), array in zip(self.gradients, self.memory, strict=True):
            count += references(gradient) - (tensor._grad is gradient) + (gradient._data is not array)
        return count

    def run(self, arguments: list[Any]) -> Any:
        """Replay the step on the tensors and arrays among the arguments.

        Raises:
            Diverged: when the values decide otherwise; nothing has been changed then.
        """
        for private, value in zip(self.inputs, arguments, strict=True):
            np.copyto(private, value._data if isinstance(value, Tensor) else value)
        for tensor, private, _ in self.held:
            np.copyto(private, tensor._data)
        states = [(each, each.bit_generator.state) for each in map(generator, self.generators)]
        try:
            # also where NumPy would warn, or raise: the ordinary step then does so, once and in its own order
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                for call in self.calls:
                    call()
        except Exception as problem:
            for each, state in states:
                each.bit_generator.state = state
            raise Diverged from problem
        for call in self.effects:
            call()
        return self.result(arguments)
