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
    if isinstance(value, np.ndarray):
        array = value
        if dtype is not None and value.dtype != dtype and value.dtype.kind in "biuf":
            array = value.astype(check_dtype(dtype))
    else:
        try:
            array = np.asarray(value, dtype=dtype)
        except ValueError as problem:
            if "inhomogeneous" in str(problem):
                raise ShapeError("nested lists must have the same length at each level") from problem
            raise DtypeError(f"cannot make an array of {value!r}: {problem}") from problem
        except (TypeError, OverflowError) as problem:
            raise DtypeError(f"cannot make an array of {value!r}: {problem}") from problem
        if dtype is None and array.dtype == np.float64 and _is_python(value):
            array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"expected real numbers or booleans, got {array.dtype} ({type(value).__name__})")
    return array


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype.

    Raises:
        DtypeError: when there is no such dtype, or it is not one of real numbers or booleans.
    """
    try:
        made = np.dtype(dtype)
    except (TypeError, ValueError) as problem:
        raise DtypeError(f"{dtype!r} is no dtype; use np.float32, np.float64, np.int64, ...") from problem
    if made.kind not in "biuf":
        raise DtypeError(f"expected a dtype of real numbers or booleans, got {made}")
    return made


def as_real(array: Any) -> Any:
    """Return integers and booleans as floating-point numbers that hold them; others as they are."""
    return array if array.dtype.kind == "f" else array.astype(np.result_type(array, np.float32))


def as_operand(value: Any, *, weak: bool) -> Any:
    """Return an argument of an operation that is no tensor; weak, numbers stay, and promote as Python's do."""
    if (weak and isinstance(value, (int, float, np.generic))) or value is None:
        return value
    return as_array(value)


def _is_python(value: Any) -> bool:
    """Whether a value is a Python number, or nested lists of them (judged by the first)."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return not hasattr(value, "dtype")
