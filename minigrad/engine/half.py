"""Half precision: computed in single, and rounded once at the end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def is_half(value: Any) -> bool:
    """Whether a value is an array of half precision."""
    return isinstance(value, np.ndarray) and value.dtype.char == "e"


def widened(value: Any) -> Any:
    """Return half-precision numbers in single precision, arrays or tensors; anything else as it is."""
    return value.astype(np.float32) if getattr(value, "dtype", None) == np.float16 else value


def in_single(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays that computes half precision in single, and rounds its result once.

    Of ``(result, kept)``, ``kept`` stays in float32.
    """

    @functools.wraps(function)
    def call(*arrays: Any, **options: Any) -> Any:
        if not arrays or not is_half(arrays[0]):  # else NumPy computes in what the first one has
            return function(*arrays, **options)
        result = function(*map(widened, arrays), **options)
        if any(isinstance(array, np.ndarray) and array.dtype.char in "fd" for array in arrays):
            return result  # another argument makes it wider
        return (_rounded(result[0]), result[1]) if isinstance(result, tuple) else _rounded(result)

    return call


def _rounded(value: Any) -> Any:
    return value.astype(np.float16) if getattr(value, "dtype", None) == np.float32 else value
