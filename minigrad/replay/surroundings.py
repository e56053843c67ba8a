"""Surroundings: everything from outside that the Python of a step depends on, and whether it is as it was.

A step can be replayed because its Python would do the same again. So all that it can reach is looked through once: its
globals and closures, those of the functions that it calls, modules, containers, and of other objects and classes the
attributes that this code names. Numbers and the like must stay equal, everything else must stay the same object;
arrays and tensors may change their values.
"""

from __future__ import annotations

import dis
import enum
import functools
import inspect
import os
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
from minigrad.nn.module import Module
from minigrad.optim.optimizer import Optimizer

MOST = 20_000  # things to look through
LARGEST = 1 << 16  # elements of an array that is compared, or copied, at each call
_PLAIN = (bool, int, float, complex, str, bytes)
_FIXED: tuple[type, ...] = (*_PLAIN, type(None), type(...), type(NotImplemented), range, slice, enum.Enum)
_FIXED += (np.generic, np.dtype, np.ufunc, np.random.Generator)
_ANY_NAME = {"getattr", "hasattr", "delattr", "dir", "vars", "__dict__", "setattr", "eval", "exec", "globals", "locals"}

_STANDARD = os.path.dirname(os.__file__)

_NOT_IMPLIED = ("__init__", "__new__", "__repr__", "__str__", "__reduce__", "__init_subclass__", "__post_init__")

Found = list[tuple[str, Any]]


class Surroundings:
    """What a function depends on.

    Attributes:
        tensors: every tensor that it can reach.
        arrays: every array.
        generators: every generator of random numbers.
        reason: why it cannot be known what it depends on, or None.
    """

    def __init__(self, function: Callable[..., Any], arguments: Iterable[Any]) -> None:
        self.tensors: list[Tensor] = []
        self.reason: str | None = None
        self._roots = (function, getattr(function, "__func__", None))  # the user's, wherever it says that it is from
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()  # that the code looks up
        self._objects: list[tuple[str, Any, dict[str, Any], list[str]]] = []  # and which of their attributes it names
        self._held: list[tuple[str, Any, list[Any]]] = []  # live values of dicts and lists, and what they were
        self._looks: list[tuple[str | list[str], Callable[[], list[Any]], list[Any]]] = []
        self._absent: list[tuple[str, Any, frozenset[str]]] = []  # names that were looked for and not there
        self._kinds: list[tuple[str, Any, type]] = []  # objects, and their classes
        self._arrays: list[tuple[str, Array, bytes]] = []
        self.arrays: list[Array] = []
        self.generators: list[np.random.Generator] = []
        waiting: Found = [("its function", function), *((type(value).__name__, value) for value in arguments)]
        while waiting and self.reason is None:
            path, value = waiting.pop()
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                waiting += self._inside(path, value)
            if len(self._seen) > MOST:
                self.reason = f"it can reach more than {MOST:,} things, by {path[:80]}"
            waiting = waiting or self._named()
        for path, _, attributes, names in self._objects:
            paths = [f"{path}.{name}" for name in names]
            self._look(paths, functools.partial(_picked, attributes, tuple(names)))
            if self._names & _ANY_NAME:
                self._hold(f"the attributes of {path}", attributes.keys())
            else:
                self._absent.append((f"{path}.", attributes, frozenset(self._names - attributes.keys())))
        self._objects_seen = [value for _, value, _ in self._kinds]
        self._classes_then = [kind for _, _, kind in self._kinds]
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
        for _, names, absent in self._absent:
            identical = identical and names.keys().isdisjoint(absent)  # looks for each of these, not through all names
        identical = identical and all(map(is_, map(type, self._objects_seen), self._classes_then))
        if not identical:
            return self.changed() is None
        return all(array.tobytes() == then for _, array, then in self._arrays)

    def changed(self) -> str | None:
        """Return what has changed, if anything."""
        for path, values, then in self._held:
            if not _alike(values, then):
                return path
        for paths, look, then in self._looks:
            for place, (new, old) in enumerate(zip(look(), then, strict=True)):
                if not _alike([new], [old]):
                    return paths if isinstance(paths, str) else paths[place]
        for path, names, absent in self._absent:
            for name in absent.intersection(names):
                return f"{path}{name}"
        for path, value, kind in self._kinds:
            if type(value) is not kind:
                return f"the class of {path}"
        return next((path for path, array, then in self._arrays if array.tobytes() != then), None)

    # --- looking through

    def _inside(self, path: str, value: Any) -> Found:
        """Note what must stay, and return what is to be looked through next."""
        if isinstance(value, (Tensor, *_FIXED)):
            if isinstance(value, Tensor):
                self.tensors.append(value)
            elif isinstance(value, np.random.Generator):
                self.generators.append(value)
            return self._object(path, value) if _is_user(type(value).__module__) else []
        if isinstance(value, np.ndarray):
            if value.size > LARGEST:
                self.reason = f"it uses {path}, an array of {value.size:,} elements: make it a tensor, or an argument"
            self._arrays.append((path, value, value.tobytes()))
            self.arrays.append(value)
            return []
        if isinstance(value, Optimizer):
            return self._optimizer(path, value)
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            return self._container(path, value)
        if isinstance(value, FunctionType):
            return self._function(path, value)
        if isinstance(value, MethodType):
            return [(path, value.__self__), (path, value.__func__)]
        if isinstance(value, functools.partial):
            return [(path, value.func), (path, value.args), (path, value.keywords)]
        if isinstance(value, Primitive):
            return [(path, value.forward), *((path, getattr(rule, "func", rule)) for rule in value.rules)]
        if isinstance(value, BuiltinFunctionType):
            return [] if isinstance(value.__self__, (ModuleType, type(None))) else [(path, value.__self__)]
        if isinstance(value, ModuleType):
            return self._attributes(path, value, vars(value)) if _is_user(value.__name__) else []
        if isinstance(value, type):
            return self._class(path, value) if _is_user(value.__module__) else []
        wrapped = getattr(value, "__dict__", {}).get("replayed_function")  # a compiled step
        return self._object(path, value) if wrapped is None else [(path, wrapped)]

    def _optimizer(self, path: str, optimizer: Optimizer) -> Found:
        """The options of its groups may change from step to step, unless the code looks at them itself."""
        self._hold(path, optimizer.param_groups)
        for group in optimizer.param_groups:
            self._hold(path, group["params"])
        self._objects.append((path, optimizer, {"param_groups": None, "state": None}, []))
        return [(path, tensor) for tensor in optimizer.parameters()]

    def _container(self, path: str, value: Any) -> Found:
        if not isinstance(value, (tuple, frozenset)):
            self._hold(path, value.values() if isinstance(value, dict) else value)
        if isinstance(value, dict):
            self._hold(path, value.keys())
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found = [(f"{path}[{key!r}]"[:200], item) for key, item in items]
        return found + (self._object(path, value) if _is_user(type(value).__module__) else [])

    def _object(self, path: str, value: Any) -> Found:
        kind = type(value)
        own: dict[str, Any] = getattr(value, "__dict__", {})
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if not name.startswith("__")]
        found: Found = [(f"the class {kind.__name__}", kind)]
        if hasattr(value, "__dict__"):  # others cannot be given another class
            self._kinds.append((path, value, kind))
        if isinstance(value, Module) or (own and not _is_user(kind.__module__)):  # the library may use all of it
            self._hold(f"an attribute of {path}", own.values())
            found += [(f"{path}.{name}", item) for name, item in own.items()]
        elif hasattr(value, "__dict__") or slots:
            found += self._attributes(path, value, own)
            if slots and not isinstance(value, Tensor):
                self._look(path, lambda: [getattr(value, name, None) for name in slots])
                found += [(f"{path}.{name}", getattr(value, name, None)) for name in slots]
        elif not hasattr(value, "__dict__") and not isinstance(value, _FIXED):
            self.reason = f"it depends on {path}, a {kind.__name__}, whose state cannot be known"
        return found

    def _attributes(self, path: str, value: Any, own: Any) -> Found:
        """Look at the attributes that the code names, now or when it turns out that it does."""
        self._objects.append((path, value, own, []))
        return []

    def _named(self) -> Found:
        """Return the attributes that the code seen since then names."""
        found: Found = []
        everything = self._names & _ANY_NAME
        for path, value, own, names in self._objects:
            for name in own if everything else self._names & own.keys():
                if name in names or (isinstance(value, Optimizer) and name not in self._names):
                    continue
                names.append(name)
                if isinstance(value, Optimizer):
                    if name == "state":
                        self.reason = self.reason or f"it may look at the state of {path}, which each step changes"
                    for group in value.param_groups:
                        self._hold(f"an option of {path}", group.values())
                found.append((f"{path}.{name}", _unwrapped(own[name]) if isinstance(value, type) else own[name]))
        return found

    def _class(self, path: str, kind: type) -> Found:
        """Look at the methods that Python and modules call by themselves, and at what the code names."""
        found: Found = []
        for base in kind.__mro__:
            if _is_user(base.__module__):
                self._attributes(f"the class {base.__name__}", base, vars(base))
                implied = [n for n in vars(base) if n == "forward" or (n[:2] == "__" and n not in _NOT_IMPLIED)]
                found += [(f"{base.__name__}.{name}", _unwrapped(vars(base)[name])) for name in implied]
        return [(name, value) for name, value in found if isinstance(value, FunctionType)]

    def _function(self, path: str, function: FunctionType) -> Found:
        if not _is_user(function.__module__) and function not in self._roots:
            return []
        code, scope, cells = function.__code__, function.__globals__, function.__closure__ or ()
        if any(instruction.opname == "IMPORT_NAME" for instruction in dis.get_instructions(code)):
            self.reason = f"{code.co_name}() imports something each time; import it at the top"
        self._names |= _names(code)
        wanted = _global_names(code)
        names = sorted(name for name in wanted if name in scope)
        self._absent.append(("the global ", scope, frozenset(wanted.difference(scope))))
        self._look([f"the global {name}" for name in names], functools.partial(_picked, scope, tuple(names)))
        self._look([f"the variable {name}" for name in code.co_freevars], lambda: [_content(cell) for cell in cells])
        found = [(name, scope[name]) for name in names]
        found += zip(code.co_freevars, map(_content, cells), strict=True)
        found += [(path, value) for value in (function.__defaults__, function.__kwdefaults__) if value]
        return [*found, *self._attributes(path, function, vars(function)), *_wrapped(path, function)]

    def _hold(self, path: str, values: Any) -> None:
        self._held.append((path, values, list(values)))

    def _look(self, path: str | list[str], look: Callable[[], list[Any]]) -> None:
        values = look()
        if values:
            self._looks.append((path, look, values))


def _picked(attributes: Any, names: tuple[str, ...]) -> list[Any]:
    return [attributes.get(name) for name in names]


def _wrapped(path: str, function: Any) -> Found:
    inner = getattr(function, "__wrapped__", None)
    return [] if inner is None else [(path, inner)]


def _unwrapped(value: Any) -> Any:
    """Return the function of a method, a property, a class method or a static method; other things as they are."""
    value = value.fget if isinstance(value, property) else value
    return inspect.unwrap(getattr(value, "__func__", value)) if callable(value) else getattr(value, "__func__", value)


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


def _global_names(code: CodeType) -> set[str]:
    """Return the names that code, and the functions defined in it, looks up among the globals."""
    steps = dis.get_instructions(code)
    names = {step.argval for step in steps if step.opname.endswith(("_GLOBAL", "_NAME")) and step.argval is not None}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _global_names(constant)
    return names


def _is_user(module: str | None) -> bool:
    """Whether a module is the user's: not the library's, NumPy's, the standard library's, or another package's."""
    if (module or "").partition(".")[0] in ("minigrad", "numpy") or module in sys.builtin_module_names:
        return False
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return "site-packages" not in file and not file.startswith((_STANDARD, "<frozen"))


def _alike(now: Any, then: list[Any]) -> bool:
    """Whether values are the same objects, or equal numbers and the like."""
    if len(now) != len(then):
        return False
    for new, old in zip(now, then, strict=True):
        if new is old:
            continue
        if type(new) is not type(old):
            return False
        if isinstance(new, tuple):
            if not _alike(new, list(old)):
                return False
        elif not isinstance(new, _PLAIN) or repr(new) != repr(old):  # 0.0 is not -0.0
            return False
    return True
