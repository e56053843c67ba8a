"""``mg.compile``: a training step that runs as it always does until its NumPy calls are known, and then as these."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minigrad.engine.listener import current_listener, listening
from minigrad.engine.mode import recording_calls, records_now
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, CompileWarning, DtypeError
from minigrad.replay.plan import Diverged, Plan
from minigrad.replay.recorded import RecordedArray
from minigrad.replay.recorder import Recorder
from minigrad.replay.surroundings import Surroundings
from minigrad.replay.watch import watching

P = ParamSpec("P")
R = TypeVar("R")
PLANS = 8  # shapes, modes and so on that a step keeps a plan for
IN_VAIN = 24  # recordings in a row without a replay, after which the step is let be
LONE = (type(None), bool, int, float, str)


def compile(function: Callable[P, R]) -> Callable[P, R]:
    """Return a training step that computes the same sooner: its NumPy calls are recorded and replayed.

    The first calls run as ever, and are recorded; once two recordings have agreed, the third is kept, and later calls
    replay it: forward, backward and optimizer, without the Python in between. The result is that of the ordinary step,
    bit for bit. Another shape, dtype, mode or set of parameters is recorded anew; eight plans are kept.

    What cannot be replayed runs as ever, with one ``CompileWarning`` that says why: a step that reads values to decide
    what to do, prints, draws its own random numbers, or changes anything but tensors, modules and optimizers. Values
    may be read to be returned: ``return loss.item()``.

    Args:
        function: does a training step, and returns what is to be known of it. Batches are best passed as arguments.

    Raises:
        DtypeError: when it is no function.
        ArgumentError: when it is a generator or a coroutine.

    >>> import minigrad as mg
    >>> from minigrad import nn, optim
    >>> model = nn.MLP([2, 8, 2])
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> @mg.compile
    ... def train_step(X, y):
    ...     optimizer.zero_grad()
    ...     loss = nn.functional.cross_entropy(model(X), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> X, y = mg.data.xor()[:]
    >>> losses = [train_step(X, y).item() for _ in range(100)]
    >>> losses[-1] < losses[0]
    True
    """
    if not callable(function) or isinstance(function, type):
        raise DtypeError(f"compile: expected a function that does a training step, got {function!r}")
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    if any(kind(function) for kind in kinds):
        raise ArgumentError("compile: a generator or coroutine runs in pieces; pass a function that does a whole step")
    return CompiledStep(function)


class CompiledStep:
    """A training step and its plans; made by ``compile``.

    Attributes:
        function: the step as it was written.
        plans: by shape, dtype and so on of the arguments.
        reason: why it is not replayed, if it cannot be.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.plans: dict[Any, Plan] = {}
        self.drafts: dict[Any, list[Recorder]] = {}
        self.replaced: set[int] = set()
        self.in_vain = 0
        self.reason: str | None = None

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Do the step: replayed, or as it is written."""
        if self.reason is not None or current_listener() is not None:
            return self.function(*args, **options)
        try:
            key, arrays = _signature(args, options)
        except _UnknownError as problem:
            self._let_be(str(problem))
            return self.function(*args, **options)
        plan = self.plans.get(key)
        if plan is not None:
            if plan.fits():
                try:
                    result = plan.run([value._data if isinstance(value, Tensor) else value for value in arrays])
                except Diverged:
                    self._count("its values decide what it does")
                    return self.function(*args, **options)
                self.in_vain = 0
                return result
            del self.plans[key]
        return self._record(key, arrays, args, options)

    def _record(self, key: Any, arrays: list[Any], args: Any, options: Any) -> Any:
        """Run the step as ever, and write it down."""
        surroundings = Surroundings(self.function, [*args, *options.values()])
        if surroundings.reason or sys.getprofile() is not None or len(set(map(id, arrays))) < len(arrays):
            self._let_be(surroundings.reason or "a profiler is at work, or an argument is given twice")
            return self.function(*args, **options)
        drafts = self.drafts.setdefault(key, [])
        recorder = Recorder(surroundings, arrays, self.replaced, draft=len(drafts) < 2)
        new_args, new_options = args, options
        with listening(recorder), recording_calls():
            try:
                recorded = iter(recorder.enter(arrays))
                new_args = [_replaced(value, recorded) for value in args]
                new_options = {name: _replaced(value, recorded) for name, value in options.items()}
                with watching(recorder.forbid):
                    result = self.function(*new_args, **new_options)
                make, result = _result(recorder, result)
            finally:
                recorder.leave()
        changed = surroundings.changed()
        if recorder.reason is not None:
            self._let_be(recorder.reason)
        elif changed is not None:
            self._count(f"it changes {changed}", weight=IN_VAIN // 3)
            drafts.clear()
        elif drafts and drafts[-1].script != recorder.script:
            self._count(_difference(drafts[-1].script, recorder.script), weight=IN_VAIN // 6)
            drafts[:] = [recorder] if recorder.draft else []
        elif recorder.draft:
            drafts.append(recorder)
        else:
            del self.drafts[key]
            self._keep(key, recorder, make)
        return result

    def _keep(self, key: Any, recorder: Recorder, make: Callable[[], Any]) -> None:
        plan = recorder.plan
        plan.result = make
        if not recorder.diverges:
            plan.generators = []
        recorder.release_all()
        plan.references = plan.kept()
        self.plans[key] = plan
        if len(self.plans) > PLANS:
            del self.plans[next(iter(self.plans))]

    def _count(self, why: str, weight: int = 1) -> None:
        self.in_vain += weight
        if self.in_vain >= IN_VAIN:
            self._let_be(why)

    def _let_be(self, reason: str) -> None:
        """Give up replaying, and say why."""
        self.reason = reason
        self.plans.clear()
        self.drafts.clear()
        name = getattr(self.function, "__qualname__", repr(self.function))
        warnings.warn(f"{name} runs without being replayed: {reason}", CompileWarning, stacklevel=4)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.function, '__qualname__', self.function)}, {len(self.plans)} plans>"


def _difference(first: list[Any], second: list[Any]) -> str:
    """Return in words where two recordings part."""
    pairs = zip(first, second, strict=False)
    name = next((one[0] for one, other in pairs if one != other), (first + second)[min(len(first), len(second)) - 1][0])
    return f"what it computes differs from one time to the next, first in {name!r}"


# --- arguments


class _UnknownError(Exception):
    """An argument of a kind that cannot be compared."""


def _signature(args: Any, options: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Return what a plan depends on of the arguments, and the tensors and arrays among them."""
    arrays: list[Any] = []
    key = [_kind(value, arrays) for value in args]
    if options:
        key += [(name, _kind(value, arrays)) for name, value in options.items()]
    return (records_now(), *key), arrays


def _kind(value: Any, arrays: list[Any]) -> Any:
    if isinstance(value, Tensor):
        arrays.append(value)
        data, node = value._data, value.node
        return data.shape, data.dtype, data.strides, node is not None and node.requires_grad and id(node)
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return "array", value.shape, value.dtype, value.strides
    if isinstance(value, LONE):
        return type(value), value
    if type(value) in (tuple, list):
        return type(value), tuple([_kind(part, arrays) for part in value])
    if type(value) is dict:
        return dict, tuple([(name, _kind(part, arrays)) for name, part in value.items()])
    if value.__hash__ is not None:
        return "object", value
    raise _UnknownError(f"it is given a {type(value).__name__}; pass tensors, arrays and numbers")


def _replaced(value: Any, recorded: Iterator[Any]) -> Any:
    """Put the recorded arrays in the place of the arguments' own."""
    if isinstance(value, (Tensor, np.ndarray)):
        return next(recorded)
    if type(value) in (tuple, list):
        return type(value)([_replaced(part, recorded) for part in value])
    if type(value) is dict:
        return {name: _replaced(part, recorded) for name, part in value.items()}
    return value


# --- results


def _result(recorder: Recorder, value: Any) -> tuple[Callable[[], Any], Any]:
    """Return what makes a result from the plan's arrays, and the result of this call in arrays of its own."""
    if isinstance(value, Tensor) and isinstance(value._data, RecordedArray):
        array, node = value._data.view(np.ndarray), value.node
        if node is not None and node.primitive is not None and not node.released:
            recorder.forbid("it returns a result that waits for backward(); call that in it, or return it detached")
        own = next((tensor for tensor in recorder.tensors.values() if tensor is value), None)
        if own is not None:
            return lambda: own, own
        value._data = array.copy()
        return lambda: Tensor(array.copy(), node), value
    if isinstance(value, RecordedArray):
        array = value.view(np.ndarray)
        return array.copy, array.copy()
    if type(value) in (tuple, list):
        kind, parts = type(value), [_result(recorder, part) for part in value]
        return lambda: kind([make() for make, _ in parts]), kind([result for _, result in parts])
    if type(value) is dict:
        named = {name: _result(recorder, part) for name, part in value.items()}
        return lambda: {n: make() for n, (make, _) in named.items()}, {n: result for n, (_, result) in named.items()}
    for read, array in recorder.reads:
        if read is value and type(value) is not bool:
            return array.item, value
    if not isinstance(value, LONE):
        recorder.forbid(f"it returns a {type(value).__name__}; return tensors and numbers")
    return lambda: value, value
