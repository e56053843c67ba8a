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
    if dtype is not None and not isinstance(dtype, np.dtype):
        dtype = check_dtype(dtype)
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError("expected an array without a mask; fill it first, as in array.filled(0.0)")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as problem:
        if "inhomogeneous" in str(problem):
            raise ShapeError("nested lists must have the same length at each level") from None
        raise DtypeError(f"cannot make an array of {value!r}: {problem}") from None
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"expected real numbers or booleans, got {array.dtype} ({type(value).__name__})")
    if dtype is not None:
        return _converted(value, array, dtype)
    return array.astype(np.float32) if array.dtype == np.float64 and _is_python(value) else array


def _converted(value: Any, array: Array, dtype: npt.DTypeLike) -> Array:
    """Return an array in a dtype; Python's numbers must fit in it."""
    if isinstance(value, np.ndarray) or array.dtype == dtype:
        return array.astype(dtype, copy=False)
    try:
        return np.asarray(value, dtype)
    except (ValueError, TypeError, OverflowError) as problem:
        raise DtypeError(f"cannot make an array of {value!r}: {problem}") from None


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype.

    Raises:
        DtypeError: when there is no such dtype, or it is not one of real numbers or booleans.
    """
    try:
        made = np.dtype(dtype)
    except (TypeError, ValueError):
        raise DtypeError(f"{dtype!r} is not a dtype; use np.float32, np.float64, np.int64, ...") from None
    if made.kind not in "biuf":
        raise DtypeError(f"expected a dtype of real numbers or booleans, got {made}")
    return made


def as_real(array: Any) -> Any:
    """Return integers and booleans as floating-point numbers that hold them; others as they are."""
    return array if array.dtype.kind == "f" else array.astype(np.result_type(array, np.float32))


def as_operand(value: Any, *, weak: bool) -> Any:
    """Return an argument that is not a tensor as an array; if weak, numbers as they are: they change no dtype."""
    is_number = isinstance(value, (int, float)) or (isinstance(value, np.generic) and value.dtype.kind in "biuf")
    return value if value is None or (weak and is_number) else as_array(value)


def _is_python(value: Any) -> bool:
    """Whether a value is a Python number, or nested lists of them (judged by the first)."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return not hasattr(value, "dtype")
