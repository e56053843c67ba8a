"""RecordedArray: an array that has whatever NumPy computes from it written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.listener import current_listener

if TYPE_CHECKING:
    from minigrad.replay.recorder import Recorder


class RecordedArray(np.ndarray):
    """An ordinary array, for which NumPy asks here before it computes (NEP 13 and NEP 18).

    The functions and rules of the engine are plain NumPy: handed such arrays, they compute what they always do, and
    their NumPy calls are known. After the recording it behaves as what it is: an array.
    """

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return call(ufunc if method == "__call__" else getattr(ufunc, method), inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return call(function, args, options)

    def __bool__(self) -> bool:
        value = bool(plain(self))
        recorder = _recorder()
        if recorder is not None:
            recorder.decide(self, value)
        return value

    def __iter__(self) -> Any:
        if self.ndim == 1:
            self.tolist()  # which is heard
        return super().__iter__()

    @property
    def flat(self) -> Any:
        """The elements in turn: a way to read them."""
        self.tolist()
        return plain(self).flat

    @property
    def alone(self) -> bool:
        """Whether it shares its memory with nothing else, but for being a view."""
        return isinstance(self.base, np.ndarray) and self.base.base is None and self.base.shape == self.shape


class ReadFloat(float):
    """A number that was read from a tensor during a recording: it may be returned, and for nothing else be used."""


def plain(value: Any) -> Any:
    """Return a value with recorded arrays, also those in tuples, lists and dicts, as the ordinary arrays they are."""
    if isinstance(value, RecordedArray):
        return value.view(np.ndarray)
    if type(value) in (tuple, list):
        return type(value)([plain(part) for part in value])
    if type(value) is dict:
        return {name: plain(part) for name, part in value.items()}
    return value


def holds_recorded(value: Any) -> bool:
    """Whether there is a recorded array in a value, also in tuples, lists and dicts."""
    if type(value) in (tuple, list):
        return any(map(holds_recorded, value))
    if type(value) is dict:
        return any(map(holds_recorded, value.values()))
    return isinstance(value, RecordedArray)


def call(function: Any, args: Any, options: dict[str, Any]) -> Any:
    """Carry out a NumPy call, and have it written down if a recording is going on."""
    recorder = _recorder()
    if recorder is None:
        return function(*plain(args), **plain(options))
    return recorder.call(function, args, options)


def _recorder() -> Recorder | None:
    listener: Any = current_listener()
    return listener if getattr(listener, "writes_calls", False) else None


def _computing(name: str) -> Any:
    function = getattr(np.ndarray, name)

    def method(self: RecordedArray, *args: Any, **options: Any) -> Any:
        return call(function, (self, *args), options)

    return method


def _reading(name: str) -> Any:
    function = getattr(np.ndarray, name)

    def method(self: RecordedArray, *args: Any) -> Any:
        value = function(plain(self), *args)
        recorder = _recorder()
        return value if recorder is None else recorder.read(self, value, name)

    return method


def _using(name: str) -> Any:
    function = getattr(float, name)

    def method(self: Any, *args: Any) -> Any:
        recorder = _recorder()
        if recorder is not None:
            recorder.forbid_use()
        return function(self, *args)

    return method


_COMPUTE = (
    "__getitem__ __setitem__ all any argmax argmin argpartition argsort astype choose clip compress conj copy cumprod "
    "cumsum diagonal dot fill flatten max mean min nonzero partition prod put ravel repeat reshape round searchsorted "
    "sort std sum take trace var"
)
_READ = (
    "__contains__ __complex__ __copy__ __deepcopy__ __float__ __format__ __index__ __int__ __reduce_ex__ __repr__ "
    "__str__ dump dumps item tobytes tofile tolist"
)
_USE = (
    "__abs__ __add__ __bool__ __ceil__ __divmod__ __eq__ __float__ __floor__ __floordiv__ __format__ __ge__ __gt__ "
    "__hash__ __int__ __le__ __lt__ __mod__ __mul__ __ne__ __neg__ __pos__ __pow__ __radd__ __rdivmod__ "
    "__repr__ __rfloordiv__ __rmod__ __rmul__ __round__ __rpow__ __rsub__ __rtruediv__ __str__ __sub__ __truediv__ "
    "__trunc__ as_integer_ratio hex is_integer"
)

for _name in _COMPUTE.split():
    setattr(RecordedArray, _name, _computing(_name))
for _name in _READ.split():
    setattr(RecordedArray, _name, _reading(_name))
for _name in _USE.split():
    setattr(ReadFloat, _name, _using(_name))
