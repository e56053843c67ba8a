"""New tensors: from data, or filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.arrays import as_array, check_dtype
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError

Shape = int | tuple[int, ...]


def tensor(
    data: Any, *, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """Return a tensor with a copy of the data.

    Args:
        data: numbers, nested lists, an array or a tensor. Python floats become float32, integers
            int64, booleans bool; arrays keep their dtype.
        dtype: the dtype to convert to.
        requires_grad: whether to record what is computed from it; needs a floating-point dtype.
        name: what drawings and errors call it.

    Raises:
        DtypeError: when the data are not real numbers, or an integer tensor is asked for a gradient.
        ShapeError: when nested lists are ragged.

    >>> import minigrad as mg
    >>> mg.tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    tensor([[1., 2.],
            [3., 4.]], name='x')
    """
    given = data._array if isinstance(data, Tensor) else data
    array = as_array(given, dtype)
    if type(given) not in (int, float, list, tuple):  # from these NumPy has made a new array
        array = array.copy("K")
    return _finish(Tensor(array, None), requires_grad, name)


def _finish(made: Tensor, requires_grad: bool, name: str | None = None) -> Tensor:
    made.requires_grad = requires_grad
    if name is not None:
        made.name = name
    return made


def _filled(shape: Shape, value: Any, dtype: npt.DTypeLike | None, requires_grad: bool) -> Tensor:
    dtype = None if dtype is None else check_dtype(dtype)
    try:
        # NumPy 2.0 fills integers with what does not fit, and says nothing
        array = np.full(shape, value if dtype is None else np.asarray(value, dtype), dtype)
    except OverflowError as problem:
        raise ArgumentError(f"cannot fill a tensor with {value!r}: {problem}") from None
    except (ValueError, TypeError) as problem:
        raise ShapeError(f"cannot make a tensor of shape {shape!r}: {problem}") from None
    return _finish(Tensor(as_array(array), None), requires_grad)


def zeros(shape: Shape, *, dtype: npt.DTypeLike | None = np.float32, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros.

    Raises:
        ShapeError: when the shape is not made of non-negative integers.

    >>> import minigrad as mg
    >>> mg.zeros((2, 3)).shape
    (2, 3)
    """
    return _filled(shape, 0, np.float32 if dtype is None else dtype, requires_grad)


def ones(shape: Shape, *, dtype: npt.DTypeLike | None = np.float32, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones.

    Raises:
        ShapeError: when the shape is not made of non-negative integers.

    >>> import minigrad as mg
    >>> mg.ones(3)
    tensor([1., 1., 1.])
    """
    return _filled(shape, 1, np.float32 if dtype is None else dtype, requires_grad)


def full(shape: Shape, fill_value: Any, *, dtype: npt.DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor filled with one value, in the value's dtype (a Python float: float32).

    Raises:
        ShapeError: when the shape is not made of non-negative integers.

    >>> import minigrad as mg
    >>> mg.full((2,), 0.5)
    tensor([0.5, 0.5])
    """
    made = fill_value if isinstance(fill_value, Tensor) else as_array(fill_value)
    return _filled(shape, fill_value, made.dtype if dtype is None else dtype, requires_grad)


def arange(start: float, stop: float | None = None, step: float = 1, *, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Return evenly spaced values from ``start`` up to, and without, ``stop`` (``arange(n)``: from 0).

    Raises:
        ArgumentError: when ``step`` is zero, or a limit is not a finite number.
        DtypeError: when a limit is complex, or a date.

    >>> import minigrad as mg
    >>> mg.arange(3)
    tensor([0, 1, 2])
    """
    if any(isinstance(value, np.ndarray) and value.ndim for value in (start, stop, step)):
        raise ArgumentError("arange: start, stop and step must be numbers, got an array")
    if any(isinstance(value, (np.datetime64, np.timedelta64)) for value in (start, stop, step)):
        raise DtypeError(f"arange: start, stop and step must be real numbers, got {start!r}, {stop!r}, {step!r}")
    if isinstance(step, (int, float, np.number, np.ndarray)) and step == 0:
        raise ArgumentError("arange: step must not be zero")
    try:
        array = np.arange(0, start, step, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype=dtype)
    except (ValueError, TypeError, ArithmeticError) as problem:
        raise ArgumentError(f"arange: cannot count from {start!r} to {stop!r} by {step!r}: {problem}") from None
    return Tensor(as_array(array.astype(np.float32) if dtype is None and array.dtype == np.float64 else array), None)


def eye(n: int, m: int | None = None, *, dtype: npt.DTypeLike | None = np.float32) -> Tensor:
    """Return an ``(n, m)`` matrix with ones on the diagonal; square if ``m`` is None.

    Raises:
        ShapeError: when a size is not a non-negative integer.

    >>> import minigrad as mg
    >>> mg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    dtype = check_dtype(np.float32 if dtype is None else dtype)
    try:
        return Tensor(np.eye(n, m, dtype=dtype), None)
    except (ValueError, TypeError) as problem:
        raise ShapeError(f"cannot make an identity matrix of {n!r} rows and {m!r} columns: {problem}") from None


def zeros_like(x: Any, *, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Return zeros of the shape and dtype of ``x``.

    >>> import minigrad as mg
    >>> mg.zeros_like(mg.tensor([1.0, 2.0]))
    tensor([0., 0.])
    """
    like = x._array if isinstance(x, Tensor) else as_array(x)
    return Tensor(np.zeros_like(like, dtype=None if dtype is None else check_dtype(dtype)), None)


def ones_like(x: Any, *, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Return ones of the shape and dtype of ``x``.

    >>> import minigrad as mg
    >>> mg.ones_like(mg.tensor([1.0, 2.0]))
    tensor([1., 1.])
    """
    like = x._array if isinstance(x, Tensor) else as_array(x)
    return Tensor(np.ones_like(like, dtype=None if dtype is None else check_dtype(dtype)), None)
