"""What a step does besides computing: side effects and chance, seen while its Python runs."""

from __future__ import annotations

import builtins
import dis
import math
import operator
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

# code that is known to change nothing but tensors, modules and optimizers, and the standard library's that it uses
_LIBRARY = ("minigrad.engine", "minigrad.ops", "minigrad.nn", "minigrad.optim", "minigrad.errors", "minigrad.replay")
_TOOLS = {"numpy", "contextlib", "functools", "inspect", "collections", "weakref", "copy", "abc", "typing", "enum"}
_TOOLS |= {"dataclasses", "operator", "types", "threading", "dis", "opcode", "importlib", "warnings"}

_HARMLESS = [
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
    "issubclass",
    "iter",
    "len",
    "max",
    "min",
    "ord",
    "pow",
    "repr",
    "round",
    "sorted",
    "sum",
    "vars",
    "dir",
    "__build_class__",
]
_VALUES = (str, bytes, tuple, frozenset, int, float, complex, dict, list, set, range, slice, np.ndarray, np.generic)
_CHANCE = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)


def is_library(frame: FrameType) -> bool:
    """Whether a frame runs code of the library, or what it is built on."""
    name = frame.f_globals.get("__name__", "")
    return name.startswith(_LIBRARY) or name.partition(".")[0] in _TOOLS


@contextmanager
def watching(forbid: Callable[[str], None]) -> Iterator[None]:
    """Report in a block each call of a C function that does more than compute a value."""

    def look(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        owner = getattr(function, "__self__", None)
        if isinstance(owner, _CHANCE):
            if frame.f_globals.get("__name__") != "minigrad.replay.plan":
                forbid(f"it draws random numbers by {function.__qualname__}(){line_of_user(frame)}; draw them outside")
        elif not is_library(frame) and not _harmless(function, owner):
            forbid(f"it calls {function.__qualname__}(){line_of_user(frame)}")

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)


def _harmless(function: Any, owner: Any) -> bool:
    if owner is builtins:
        return function.__name__ in _HARMLESS
    if owner in (math, operator) or isinstance(owner, (*_VALUES, type)):
        return True
    return (getattr(function, "__module__", None) or "").partition(".")[0] in ("numpy", "minigrad")


class UserLine:
    """A line of the user's code: where something happens."""

    def __init__(self, frame: FrameType | None) -> None:
        self.frame = frame

    def __str__(self) -> str:
        if self.frame is None:
            return ""
        return f" in line {self.frame.f_lineno} of {self.frame.f_code.co_name}()"

    def returns_at_once(self) -> bool:
        """Whether what the current call gives is only put into what the function returns."""
        if self.frame is None:
            return False
        above = 0  # how many values lie on the stack above the one that was read
        for instruction in dis.get_instructions(self.frame.f_code):
            name, count = instruction.opname, instruction.arg or 0
            if instruction.offset <= self.frame.f_lasti or name in _NOTHING:
                continue
            if name == "RETURN_VALUE":
                return above == 0
            if name in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_MAP", "BUILD_CONST_KEY_MAP"):
                taken = {"BUILD_MAP": 2 * count, "BUILD_CONST_KEY_MAP": count + 1}.get(name, count)
                above = above - taken + 1 if above >= taken else 0  # the value is put in, or something beside it made
                continue
            if name == "STORE_FAST" and above == 0:
                above = -1  # it must be loaded again at once
                continue
            taken = count + 2 if name == "CALL" else _TAKEN.get(name, 0 if name.startswith("LOAD_") else 99)
            if above < taken and not (above == -1 and name.startswith("LOAD_FAST")):
                return False
            # in Python 3.11 two instructions share what a call takes
            above += -count - 1 if name == "CALL" else dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
        return False


_NOTHING = ("CACHE", "PRECALL", "NOP", "EXTENDED_ARG", "RESUME", "KW_NAMES")
_TAKEN = {"LOAD_ATTR": 1, "LOAD_METHOD": 1, "BINARY_OP": 2, "BINARY_SUBSCR": 2, "COMPARE_OP": 2, "UNARY_NEGATIVE": 1}
_TAKEN |= {"CALL_KW": 99, "PUSH_NULL": 0}


def line_of_user(frame: FrameType | None) -> UserLine:
    """Return the innermost line that is not the library's."""
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return UserLine(frame)
