"""What a step does besides computing: side effects and chance, seen while its Python runs."""

from __future__ import annotations

import builtins
import gc
import math
import operator
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

# code that is known to change nothing but tensors, modules and optimizers, and the standard library's that it uses
_LIBRARY = ("minigrad.engine", "minigrad.ops", "minigrad.nn", "minigrad.optim", "minigrad.errors", "minigrad.replay")
_TOOLS = {"numpy", "contextlib", "functools", "inspect", "collections", "weakref", "copy", "abc", "typing", "enum"}
_TOOLS |= {"dataclasses", "operator", "types", "threading", "importlib"}

_HARMLESS = {
    "abs",
    "all",
    "any",
    "callable",
    "chr",
    "divmod",
    "format",
    "getattr",
    "hasattr",
    "hash",
    "id",
    "isinstance",
}
_HARMLESS |= {"issubclass", "iter", "len", "max", "min", "ord", "pow", "repr", "round", "sorted", "sum"}
_PAST_THE_PROTOCOLS = ("array", "asarray", "copyto", "frombuffer", "fromiter", "from_dlpack", "putmask", "place")
_VALUES: tuple[type, ...] = (str, bytes, tuple, frozenset, int, float, complex, dict, list, set, range, slice)
_VALUES += (np.ndarray, np.generic, np.ufunc)
_PURE_TYPES = (str, bytes, tuple, frozenset, int, float, complex, dict, list, set, type, object)


def is_library(frame: FrameType) -> bool:
    """Whether a frame runs code of the library, or what it is built on."""
    name = frame.f_globals.get("__name__", "")
    return name.startswith(_LIBRARY) or name.partition(".")[0] in _TOOLS


def _is_standard(frame: FrameType) -> bool:
    """Whether a frame runs code of the standard library that may do anything."""
    root = frame.f_globals.get("__name__", "").partition(".")[0]
    return root in sys.stdlib_module_names and root not in _TOOLS and root != "__main__"


def line_of_user(frame: FrameType | None) -> str:
    """Return where in the user's code something happens."""
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return "" if frame is None else f" in line {frame.f_lineno} of {frame.f_code.co_name}()"


def numpy_settings() -> list[Any]:
    """Return how NumPy takes errors, computes and prints in this thread."""
    return [np.geterr(), np.geterrcall(), np.getbufsize(), repr(np.get_printoptions())]


class Chance:
    """Generators of random numbers, and whether somebody else than the library has drawn from them."""

    def __init__(self, generators: list[np.random.Generator]) -> None:
        self.generators = generators
        self.then = self.now()

    def now(self) -> list[Any]:
        """Return the state of every generator, Python's and NumPy's global ones included."""
        return [repr(each.bit_generator.state) for each in self.generators] + [
            random.getstate(),
            repr(np.random.get_state()),
        ]

    def check(self, forbid: Callable[[str], None]) -> None:
        """Report if a generator has moved."""
        if self.now() != self.then:
            forbid("it draws random numbers; draw them outside, or with dropout")

    def draw(self, drawing: Callable[[], None], forbid: Callable[[str], None]) -> None:
        """Draw for the library."""
        look = sys.getprofile()
        sys.setprofile(None)
        self.check(forbid)
        drawing()
        self.then = self.now()
        sys.setprofile(look)


@contextmanager
def watching(forbid: Callable[[str], None], reads: list[Any]) -> Iterator[None]:
    """Report in a block each call of a C function that does more than compute a value.

    Args:
        forbid: gets what happens, in words.
        reads: the values that have been read from tensors; once there are some, C functions may use them unseen.
    """

    def look(frame: FrameType, event: str, function: Any) -> None:
        if event == "call":
            caller = frame.f_back
            if _is_standard(frame) and caller is not None and not _is_standard(caller):
                name = f"{frame.f_globals['__name__']}.{frame.f_code.co_name}()"
                forbid(f"it calls {name}{line_of_user(caller)}; do that outside, with what it returns")
        if event != "c_call":
            return
        owner = getattr(function, "__self__", None)
        if not is_library(frame):
            uses = reads and (owner is math or isinstance(owner, (list, dict, set)))
            if _reads(function) and _within_operation(frame):
                forbid(f"it reads values by np.{function.__name__}(){line_of_user(frame)}; compute with tensors")
            if uses or not _harmless(function, owner):
                forbid(
                    f"it calls {function.__qualname__}(){line_of_user(frame)}; do that outside, with what it returns"
                )

    Collection.pause()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
        Collection.resume()


class Collection:
    """Python's garbage collection, off while any thread records: what it calls is none of a step's doing."""

    lock = threading.Lock()
    recordings = 0
    was_on = False

    @classmethod
    def pause(cls) -> None:
        """Begin a recording."""
        with cls.lock:
            if not cls.recordings:
                cls.was_on = gc.isenabled()
                gc.disable()
            cls.recordings += 1

    @classmethod
    def resume(cls) -> None:
        """End a recording; the last one turns the collection on again, if it was."""
        with cls.lock:
            cls.recordings -= 1
            if not cls.recordings and cls.was_on:
                gc.enable()


def _harmless(function: Any, owner: Any) -> bool:
    if owner is builtins:
        return function.__name__ in _HARMLESS
    if owner is math or owner is operator or isinstance(owner, _VALUES):
        return True
    if any(owner is kind for kind in _PURE_TYPES):
        return True
    return (getattr(function, "__module__", None) or "").partition(".")[0] in ("numpy", "minigrad")


def _within_operation(frame: FrameType | None) -> bool:
    """Whether code of the user's runs for an operation: a function of its own, or a rule."""
    while frame is not None and frame.f_globals.get("__name__") != "minigrad.replay.compiled":
        if frame.f_globals.get("__name__") in ("minigrad.engine.primitive", "minigrad.engine.walk"):
            return True
        frame = frame.f_back
    return False


def _reads(function: Any) -> bool:
    """Whether a function of NumPy takes bare arrays, past its protocols."""
    return function.__name__ in _PAST_THE_PROTOCOLS and str(getattr(function, "__module__", "")).startswith("numpy")
