"""Surroundings: everything from outside that the Python of a step depends on, and whether it is as it was.

A step can be replayed because its Python would do the same again. So all that it can reach is looked through once: its
globals and closures, those of the functions that it calls, modules, containers and objects. Numbers and the like must
stay equal, everything else must stay the same object; arrays and tensors may change their values.
"""

from __future__ import annotations

import enum
import inspect
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from operator import is_
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor
from minigrad.optim.optimizer import Optimizer

MOST = 20_000  # things to look through
LARGEST = 1 << 16  # elements of an array that is compared at each call
_PLAIN = (bool, int, float, complex, str, bytes, tuple)
_FIXED: tuple[type, ...] = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type,
    range,
    slice,
    enum.Enum,
    np.generic,
    np.dtype,
)
_FIXED += (type(...), type(NotImplemented), BuiltinFunctionType, np.ufunc, np.random.Generator)


class Surroundings:
    """What a function depends on.

    Attributes:
        tensors: every tensor that it can reach.
        reason: why it cannot be known what it depends on, or None.
    """

    def __init__(self, function: Callable[..., Any], arguments: Iterable[Any]) -> None:
        self.tensors: list[Tensor] = []
        self.reason: str | None = None
        self._seen: dict[int, Any] = {}
        self._held: list[tuple[str, Any, list[Any]]] = []  # live values of dicts and lists, and what they were
        self._looks: list[tuple[str, Callable[[], list[Any]], list[Any]]] = []
        self._arrays: list[tuple[str, Array, bytes]] = []
        waiting: list[tuple[str, Any]] = [("the function", function), *(("an argument", value) for value in arguments)]
        while waiting and self.reason is None:
            path, value = waiting.pop()
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                waiting += self._inside(path, value)
            if len(self._seen) > MOST:
                self.reason = f"it can reach more than {MOST:,} things, by {path}"
        self._live = [values for _, values, _ in self._held]
        self._lengths = [len(values) for values in self._live]
        self._then = [value for _, _, then in self._held for value in then]

    def same(self) -> bool:
        """Whether nothing has changed."""
        # one pass over everything, as it runs before each replay; only then a careful look
        identical = list(map(len, self._live)) == self._lengths
        identical = identical and all(map(is_, chain.from_iterable(self._live), self._then))
        for _, look, then in self._looks:
            identical = identical and all(map(is_, look(), then))
        if not identical:
            return self.changed() is None
        return all(array.tobytes() == then for _, array, then in self._arrays)

    def changed(self) -> str | None:
        """Return what has changed, if anything."""
        for path, values, then in self._held:
            if not _alike(values, then):
                return path
        for path, look, then in self._looks:
            if not _alike(look(), then):
                return path
        return next((path for path, array, then in self._arrays if array.tobytes() != then), None)

    # --- looking through

    def _inside(self, path: str, value: Any) -> list[tuple[str, Any]]:
        """Note what must stay, and return what is to be looked through next."""
        if isinstance(value, _FIXED) or value is None:
            return []
        if isinstance(value, Tensor):
            self.tensors.append(value)
            return []
        if isinstance(value, np.ndarray):
            if value.size > LARGEST:
                self.reason = (
                    f"it uses {path}, an array of {value.size:,} elements that is no tensor; pass it as argument"
                )
            self._arrays.append((path, value, value.tobytes()))
            return []
        if isinstance(value, Optimizer):
            self._hold(path, value.param_groups)
            for group in value.param_groups:
                self._hold(path, group["params"])
            return [(path, tensor) for tensor in value.parameters()]
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            return self._container(path, value)
        if isinstance(value, FunctionType):
            return self._function(path, value)
        if isinstance(value, MethodType):
            return [(path, value.__self__), (path, value.__func__)]
        if isinstance(value, Primitive):
            return [(path, value.forward)]
        if isinstance(value, ModuleType):
            return []
        return self._object(path, value)

    def _container(self, path: str, value: Any) -> list[tuple[str, Any]]:
        if not isinstance(value, tuple):
            self._hold(path, value.values() if isinstance(value, dict) else value)
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [(f"{path}[{key!r}]", item) for key, item in items]

    def _object(self, path: str, value: Any) -> list[tuple[str, Any]]:
        kind = type(value)
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if not name.startswith("__")]
        if not hasattr(value, "__dict__") and not slots:
            self.reason = f"it depends on {path}, a {kind.__name__}, whose state cannot be known"
            return []
        found: list[tuple[str, Any]] = []
        if hasattr(value, "__dict__"):
            own = vars(value)
            self._hold(f"{path}'s attributes", own.values())
            found += [(f"{path}.{name}", item) for name, item in own.items()]
        if slots:
            self._look(path, lambda: [getattr(value, name, None) for name in slots])
            found += [(f"{path}.{name}", getattr(value, name, None)) for name in slots]
        for base in kind.__mro__:
            if _is_user(base.__module__):
                self._hold(f"the class {base.__name__}", vars(base).values())
                methods = [(name, _unwrapped(f)) for name, f in vars(base).items()]
                found += [(f"{path}.{name}", f) for name, f in methods if isinstance(f, FunctionType)]
        return found

    def _function(self, path: str, function: FunctionType) -> list[tuple[str, Any]]:
        if not _is_user(function.__module__) and function.__module__ is not None:
            return []
        names, scope, cells = sorted(_names(function.__code__)), function.__globals__, function.__closure__ or ()
        names = [name for name in names if name in scope]
        self._look(path, lambda: [scope.get(name) for name in names])
        self._look(path, lambda: [_content(cell) for cell in cells])
        found = [(name, scope[name]) for name in names]
        found += zip(function.__code__.co_freevars, map(_content, cells), strict=True)
        for name, value in list(found):
            if isinstance(value, ModuleType) and _is_user(value.__name__):
                attributes = [each for each in _names(function.__code__) if hasattr(value, each)]
                self._look(name, lambda value=value, attributes=attributes: [getattr(value, a) for a in attributes])  # type: ignore[misc]
                found += [(f"{name}.{each}", getattr(value, each)) for each in attributes]
            elif isinstance(value, Optimizer) and "param_groups" in _names(function.__code__):
                found.append((f"{name}.param_groups", value.param_groups))
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        wrapped = getattr(function, "__wrapped__", None)
        return [*found, *((path, value) for value in defaults), *([(path, wrapped)] if wrapped else [])]

    def _hold(self, path: str, values: Any) -> None:
        self._held.append((path, values, list(values)))

    def _look(self, path: str, look: Callable[[], list[Any]]) -> None:
        values = look()
        if values:
            self._looks.append((path, look, values))


def _unwrapped(value: Any) -> Any:
    """Return the function of a method, a property, a class method or a static method."""
    value = value.fget if isinstance(value, property) else value
    return inspect.unwrap(getattr(value, "__func__", value)) if value is not None else None


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _names(code: CodeType) -> set[str]:
    """Return the names that code, and the functions defined in it, looks up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _is_user(module: str | None) -> bool:
    """Whether a module is the user's: not the library's, NumPy's, or the standard library's."""
    root = (module or "").partition(".")[0]
    if root in ("minigrad", "numpy") or root in sys.stdlib_module_names - {"__main__"}:
        return False
    found = sys.modules.get(module or "")
    return "site-packages" not in (getattr(found, "__file__", None) or "")


def _alike(now: Any, then: list[Any]) -> bool:
    """Whether values are the same objects, or equal numbers and the like."""
    if len(now) != len(then):
        return False
    for new, old in zip(now, then, strict=True):
        if new is not old and not (type(new) is type(old) and isinstance(new, _PLAIN) and new == old):
            return False
    return True
