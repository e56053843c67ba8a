"""From whatever a user passes to an ndarray that minigrad can work with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DtypeError, ShapeError

Array = npt.NDArray[Any]


def as_array(value: Any, dtype: npt.DTypeLike | None = None) -> Array:
    """Return the value as a real array; Python floats become float32, arrays keep their dtype.

    Raises:
        DtypeError: when the elements are not real numbers or booleans.
        ShapeError: when nested lists are ragged.
    """
    if isinstance(value, np.ndarray) and (dtype is None or value.dtype == dtype):
        array = value
    else:
        try:
            array = np.asarray(value, dtype=dtype)
        except ValueError as problem:
            if "inhomogeneous" in str(problem):
                raise ShapeError("nested lists must have the same length at each level") from problem
            raise DtypeError(f"cannot make an array of {value!r}: {problem}") from problem
        except TypeError as problem:
            raise DtypeError(f"cannot make an array of {value!r}: {problem}") from problem
        if dtype is None and array.dtype == np.float64 and _is_python(value):
            array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"expected real numbers or booleans, got {array.dtype} ({type(value).__name__})")
    return array


def as_operand(value: Any) -> Any:
    """Return an argument of an operation that is no tensor: numbers and None stay, so that they promote weakly."""
    if isinstance(value, (np.generic, int, float)) or value is None:
        return value
    return as_array(value)


def _is_python(value: Any) -> bool:
    """Whether a value is a Python number, or nested lists of them (judged by the first)."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return not hasattr(value, "dtype")
