"""``mg.compile``: a training step that runs as it always does until its NumPy calls are known, and then as these."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.listener import current_listener, listening
from minigrad.engine.mode import recording_calls, records_now
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, CompileWarning, DtypeError, checked_arguments
from minigrad.replay.plan import Diverged, Plan
from minigrad.replay.recorded import RecordedArray
from minigrad.replay.recorder import Recorder
from minigrad.replay.surroundings import Surroundings
from minigrad.replay.watch import watching

P = ParamSpec("P")
R = TypeVar("R")
PLANS = 8  # shapes, modes and so on that a step keeps a plan for
IN_VAIN = 48  # recordings that have not paid, after which the step is let be
PAYS = 64  # replays that make good for a recording
LONE = (type(None), bool, int, float, str)


@checked_arguments
def compile(function: Callable[P, R] | None = None) -> Callable[P, R]:
    """Return a training step that computes the same sooner: its NumPy calls are recorded and replayed.

    The first calls run as ever, and are recorded; once two recordings have agreed, the third is kept, and later calls
    replay it: forward, backward and optimizer, without the Python in between. The result is that of the ordinary step,
    bit for bit. Another shape, dtype, mode or set of parameters is recorded anew; eight plans are kept.

    What cannot be replayed runs as ever, with one ``CompileWarning`` that says why: a step that reads values to decide
    what to do, prints, draws its own random numbers, or changes anything but tensors, modules and optimizers. Values
    may be read to be returned: ``return loss.item()``. To record takes as long as some hundred small steps.

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
        hint = "; write @mg.compile without parentheses" if function is None else ""
        raise DtypeError(f"compile: expected a function that does a training step, got {function!r}{hint}")
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    if any(kind(function) for kind in kinds):
        raise ArgumentError("compile: a generator or coroutine runs in pieces; pass a function that does a whole step")
    return CompiledStep(function)


Maker = Callable[[list[Any]], Any]


class CompiledStep:
    """A training step and its plans; made by ``compile``.

    Attributes:
        replayed_function: the step as it was written.
        plans: by shape, dtype and so on of the arguments; several where other things differ, such as a mode.
        reason: why it is not replayed, if it cannot be.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.replayed_function = function
        self.plans: dict[Any, list[Plan]] = {}
        self.drafts: dict[Any, list[list[Any]]] = {}  # scripts of recordings
        self.replaced: set[int] = set()
        self.in_vain = 0.0
        self.reason: str | None = None
        self.busy = threading.Lock()

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Do the step: replayed, or as it is written."""
        if self.reason is not None or current_listener() is not None or not self.busy.acquire(blocking=False):
            return self.replayed_function(*args, **options)
        try:
            return self._step(args, options)
        finally:
            self.busy.release()

    def _step(self, args: Any, options: dict[str, Any]) -> Any:
        arrays: list[Any] = []
        others: list[Any] = []
        key = records_now(), *[_kind(value, arrays, others) for value in ((*args, options) if options else args)]
        plans = self.plans.get(key, ())
        for plan in plans:
            if plan.fits():
                try:
                    result = plan.run(arrays)
                except Diverged:
                    self._count("its values decide what it does")
                    return self.replayed_function(*args, **options)
                self.in_vain = max(self.in_vain - 1 / PAYS, 0.0)
                return result
        if sys.getprofile() is not None or not all(map(_packed, arrays)):
            return self.replayed_function(*args, **options)
        return self._record(key, arrays, others, args, options)

    def _record(self, key: Any, arrays: list[Any], others: list[Any], args: Any, options: dict[str, Any]) -> Any:
        """Run the step as ever, and write it down."""
        surroundings = Surroundings(self.replayed_function, others)
        if surroundings.reason is not None:
            self._let_be(surroundings.reason)
            return self.replayed_function(*args, **options)
        draft = len(self.drafts.setdefault(key, [])) < 2
        recorder = Recorder(surroundings, arrays, self.replaced, draft)
        with listening(recorder), recording_calls():
            try:
                recorded = iter(recorder.enter())
                args, options = _replaced(args, recorded), _replaced(options, recorded)
                with watching(recorder.hear, recorder.reads):
                    result = self.replayed_function(*args, **options)
                make, result = _result(recorder, result)
            finally:
                recorder.leave()
        self._judge(key, recorder, surroundings.changed(), make)
        return result

    def _judge(self, key: Any, recorder: Recorder, changed: str | None, make: Maker) -> None:
        """Make a plan of a recording that agrees with two drafts, or keep it as a draft, or find it of no use."""
        drafts = self.drafts[key]
        agree = drafts.count(recorder.script)
        if recorder.reason is not None:
            self._let_be(recorder.reason)
        elif changed is not None:
            self._count(f"it changes {changed}; return what is to be kept, and keep it outside", IN_VAIN // 3)
        else:
            self._count(self._why_again(key, recorder, agree))
            if agree < 2 or recorder.draft:
                drafts.append(recorder.script)
                del drafts[:-PLANS]
            elif self.reason is None:
                plans = self.plans.setdefault(key, [])
                plans.insert(0, recorder.finished(make))
                del plans[PLANS:]
        for kept in (self.plans, self.drafts):
            if len(kept) > PLANS:
                del kept[next(iter(kept))]

    def _why_again(self, key: Any, recorder: Recorder, agree: int) -> str:
        """Return in words why a step has to be recorded, should this go on for ever."""
        for plan in self.plans.get(key, ()):
            changed = plan.surroundings.changed()
            if changed is not None:
                return f"it depends on {changed}, which changes from call to call; pass what it needs as argument"
            return (
                "the gradients that it leaves are kept, or its parameters replaced, so often that to record it anew "
                "costs more than to replay it saves"
            )
        drafts = self.drafts[key]
        if drafts and not agree:
            return _difference(drafts[-1], recorder.script)
        return (
            f"a number or a text among its arguments is another at every call, or there are more than {PLANS} shapes: "
            "leave out what it does not need, and pass numbers that it computes with as tensors"
        )

    def _count(self, why: str, weight: int = 1) -> None:
        self.in_vain += weight
        if self.in_vain >= IN_VAIN:
            self._let_be(why)

    def _let_be(self, reason: str) -> None:
        """Give up replaying, and say why."""
        self.reason = reason
        self.plans.clear()
        self.drafts.clear()
        name = getattr(self.replayed_function, "__qualname__", type(self.replayed_function).__name__)
        text = f"{name} runs as it is written, and is not replayed: {reason}"
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_globals["__name__"] == __name__:
            level, frame = level + 1, frame.f_back
        warnings.warn(text, CompileWarning, stacklevel=level)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledStep, (self.replayed_function,)

    def __repr__(self) -> str:
        count = sum(map(len, self.plans.values()))
        return f"<compiled {getattr(self.replayed_function, '__qualname__', self.replayed_function)}, {count} plans>"


# --- arguments


def _packed(value: Any) -> bool:
    """Whether a tensor or an array lies in memory without gaps; a copy of another would give other last bits."""
    flags = (value._data if isinstance(value, Tensor) else value).flags
    return bool(flags.c_contiguous or flags.f_contiguous)


def _kind(value: Any, arrays: list[Any], others: list[Any]) -> Any:
    """Return what a plan depends on of an argument; collect the tensors and arrays in it, and what is neither."""
    if isinstance(value, (Tensor, np.ndarray)):
        place = 0
        for other in arrays:
            if other is value:
                break
            place += 1
        arrays.append(value)
        if isinstance(value, Tensor):
            data, node = value._data, value.node
            return place, data.shape, data.dtype, data.strides, node is not None and node.requires_grad and id(node)
        return place, "array", value.shape, value.dtype, value.strides
    if isinstance(value, LONE):
        return type(value), repr(value) if isinstance(value, float) else value
    if isinstance(value, (tuple, list)) and type(value).__reduce__ in (tuple.__reduce__, list.__reduce__):
        return type(value), *[_kind(part, arrays, others) for part in value]
    if type(value) is dict:
        return dict, *[(name, _kind(part, arrays, others)) for name, part in value.items()]
    others.append(value)
    return "object", id(value)


def _replaced(value: Any, recorded: Iterator[Any]) -> Any:
    """Put the recorded arrays in the place of the arguments' own."""
    if isinstance(value, (Tensor, np.ndarray)):
        return next(recorded)
    if isinstance(value, (tuple, list)) and type(value).__reduce__ in (tuple.__reduce__, list.__reduce__):
        return _like(value, [_replaced(part, recorded) for part in value])
    if type(value) is dict:
        return {name: _replaced(part, recorded) for name, part in value.items()}
    return value


def _like(value: Any, parts: list[Any]) -> Any:
    """Return parts in a tuple or list of the kind of another; a named tuple takes them one by one."""
    kind = type(value)
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


# --- results


def _result(recorder: Recorder, value: Any) -> tuple[Maker, Any]:
    """Return what makes a result from the plan's arrays, and the result of this call in arrays of its own."""
    if isinstance(value, (Tensor, RecordedArray)):
        return _array_result(recorder, value)
    if isinstance(value, (tuple, list)):
        made = [_result(recorder, part) for part in value]
        makers, template = [make for make, _ in made], value
        return lambda given: _like(template, [make(given) for make in makers]), _like(value, [part for _, part in made])
    if type(value) is dict:
        named = {name: _result(recorder, part) for name, part in value.items()}
        return lambda given: {n: make(given) for n, (make, _) in named.items()}, {
            n: part for n, (_, part) in named.items()
        }
    for read, array in recorder.reads:
        if read is value:
            # a plain float, not the marked one
            return partial(_item, array), float.__pos__(value)
    if not isinstance(value, LONE):
        recorder.forbid(f"it returns {_a(value)}; return tensors and numbers, also in tuples, lists and dicts")
    recorder.script.append(("returns", type(value), repr(value)))
    return lambda given: value, value


def _array_result(recorder: Recorder, value: Any) -> tuple[Maker, Any]:
    for place, argument in enumerate(recorder.arguments):
        private = recorder.plan.inputs[place]
        if value is argument or (
            isinstance(value, RecordedArray) and value.base is private and value.shape == private.shape
        ):
            return operator.itemgetter(place), argument
    if isinstance(value, RecordedArray):
        array = value.view(np.ndarray)
        if id(value.base) in recorder.scalars:
            return lambda given: array[()], array[()]
        return lambda given: array.copy(), array.copy()
    if id(value) in recorder.tensors:
        return lambda given: value, value
    if not isinstance(value._data, RecordedArray):
        recorder.forbid("it returns a tensor that was not computed from others")
        return lambda given: value, value
    array, node = value._data.view(np.ndarray), value.node
    if node is not None and node.primitive is not None and not node.released:
        recorder.forbid("it returns a result that waits for backward(); call that in it, or return it detached")
    return lambda given: Tensor(array.copy(), node), Tensor(array.copy(), node)


def _item(array: Array, given: list[Any]) -> Any:
    return array.item()


def _a(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _difference(first: list[Any], second: list[Any]) -> str:
    """Return in words where two recordings part."""
    pairs = zip(first, second, strict=False)
    name = next((one[0] for one, other in pairs if one != other), "the end")
    if name == "constant":
        return "it uses an array or a tensor from outside whose values change; pass it as argument"
    return f"what it computes differs from one time to the next, first in {name!r}"
