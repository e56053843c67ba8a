"""Nested Python values as JSON and named arrays, and back: every type comes back as it was."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, CheckpointError, DtypeError

Arrays = dict[str, npt.NDArray[Any]]

DEEPEST = 64  # levels of nesting
LONGEST_INTEGER = 4096  # bits
KINDS = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
KINDS += ["bool", "float16", "float32", "float64"]


class Packer:
    """Turns values into what JSON can say, and puts their arrays into ``arrays``.

    JSON's own types stand for themselves. What it lacks is an object with one key that begins with a dollar:
    ``$array`` and ``$scalar`` (the name of a tensor), ``$tuple``, ``$float`` (inf, -inf, nan), and ``$dict`` (pairs,
    for a dict whose keys are not all plain texts).

    Args:
        names: that arrays may not get, such as those of the model's weights.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.arrays: Arrays = {}
        self.taken = set(names)

    def pack(self, value: Any, path: str, depth: int = 0) -> Any:
        """Return a value for JSON.

        Raises:
            DtypeError: when something in it cannot be saved; says where it is.
            ArgumentError: when it is nested too deep, or an integer is too long.
        """
        if depth > DEEPEST:
            raise ArgumentError(f"save: {path[:60]}... is nested deeper than {DEEPEST} levels, or contains itself")
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            if value.bit_length() > LONGEST_INTEGER:
                raise ArgumentError(f"save: {path} is an integer of more than {LONGEST_INTEGER} bits")
            return value
        if kind is float:
            return value if math.isfinite(value) else {"$float": repr(value)}
        if kind is list:
            return self._items(value, path, depth)
        if kind is tuple:
            return {"$tuple": self._items(value, path, depth)}
        if isinstance(value, dict) and kind.__module__ in ("builtins", "collections"):
            return self._dict(value, path, depth)
        if isinstance(value, (np.ndarray, np.generic)):
            return {"$array" if isinstance(value, np.ndarray) else "$scalar": self.put(value, path)}
        hint = "; pass its .numpy()" if isinstance(value, Tensor) else ""
        raise DtypeError(
            f"save: {path} is of type {kind.__name__}, which a checkpoint cannot hold{hint}; it holds None, bool, int, "
            "float, str, arrays of numbers, and lists, tuples and dicts of these"
        )

    def put(self, value: Any, path: str) -> str:
        """Put an array under a name of its own, and return the name."""
        name = path
        while name in self.taken:
            name = f"_{name}"
        self.taken.add(name)
        self.arrays[name] = plain(value, path)
        return name

    def _items(self, values: Any, path: str, depth: int) -> list[Any]:
        return [self.pack(value, f"{path}.{index}", depth + 1) for index, value in enumerate(values)]

    def _dict(self, values: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        packed = []
        for key, value in values.items():
            if type(key) not in (str, int):
                raise DtypeError(f"save: {path} has the key {key!r}; a checkpoint's keys are texts or integers")
            part = key if isinstance(key, int) or key.isprintable() else "_"
            packed.append((key, self.pack(value, f"{path}.{part}", depth + 1)))
        if all(isinstance(key, str) and not key.startswith("$") for key in values):
            return dict(packed)
        return {"$dict": [[key, value] for key, value in packed]}


def plain(value: Any, path: str) -> npt.NDArray[Any]:
    """Return an array as safetensors takes it: in C order, in this machine's byte order.

    Raises:
        DtypeError: when it holds anything but numbers that the format knows.
    """
    array = np.asarray(value)
    dtype = array.dtype.newbyteorder("=")
    if dtype.name not in KINDS:
        raise DtypeError(f"save: {path} is an array of {array.dtype}; a checkpoint holds arrays of {', '.join(KINDS)}")
    return np.asarray(array, dtype, order="C")


def unpack(value: Any, arrays: Arrays, depth: int = 0) -> Any:
    """Return what ``Packer.pack`` was given; the arrays that it names leave ``arrays``.

    Raises:
        CheckpointError: when this is not what ``pack`` writes.
    """
    if depth > DEEPEST:
        raise CheckpointError(f"its values are nested deeper than {DEEPEST} levels")
    if isinstance(value, list):
        return [unpack(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    tags = [key for key in value if key.startswith("$")]
    if not tags:
        return {key: unpack(item, arrays, depth + 1) for key, item in value.items()}
    tag, content = tags[0], value[tags[0]]
    if len(value) == 1 and tag in ("$array", "$scalar") and isinstance(content, str) and content in arrays:
        array = arrays.pop(content)
        return array if tag == "$array" else array[()]
    if len(value) == 1 and tag == "$tuple" and isinstance(content, list):
        return tuple(unpack(item, arrays, depth + 1) for item in content)
    if len(value) == 1 and tag == "$float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if len(value) == 1 and tag == "$dict" and isinstance(content, list) and all(map(_is_pair, content)):
        return {key: unpack(item, arrays, depth + 1) for key, item in content}
    raise CheckpointError(f"it has a value that nothing writes: {repr(value)[:80]}")


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and type(value[0]) in (str, int)


def to_text(value: Any) -> str:
    """Return what was packed as JSON, in ASCII."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def from_text(text: str) -> Any:
    """Return JSON's value.

    Raises:
        CheckpointError: when the text is none, or is nested too deep.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        raise CheckpointError(f"its values cannot be read: {str(problem)[:80]}") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
