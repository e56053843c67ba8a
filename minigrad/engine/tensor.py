"""Tensor: a NumPy array and its place in the graph."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
from numpy import ndarray

from minigrad.engine import numpy_protocol
from minigrad.engine.arrays import as_array
from minigrad.engine.mode import GRAPH, LINES, records_now
from minigrad.engine.node import Node, leaf
from minigrad.engine.operators import Operators
from minigrad.engine.sharing import give_own_memory, share
from minigrad.engine.source import calling_line
from minigrad.errors import (
    DtypeError,
    GraphError,
    InPlaceError,
    OutOfRangeError,
    ShapeError,
    UnknownAttributeError,
    suggest,
)


class Tensor(Operators):
    """An array that remembers how it was made. Made by ``mg.tensor(...)`` and by every operation.

    Attributes:
        node: the tensor's place in the graph; None while nothing recorded has used it.
    """

    # _shared: whether somebody other than tensors and graphs may hold the array; see sharing.py
    __slots__ = ("__weakref__", "_data", "_grad", "_shared", "node")
    __hash__ = object.__hash__  # by identity, as ``==`` compares element by element

    def __init__(self, data: npt.NDArray[Any], node: Node | None = None, shared: bool = True) -> None:
        if type(data) is not ndarray and not isinstance(data, ndarray):
            raise DtypeError(f"Tensor wraps an ndarray, got {type(data).__name__}; use mg.tensor(...) to convert")
        self._data = data
        self._grad: Tensor | None = None
        self.node = node
        self._shared = shared

    # --- value

    @property
    def data(self) -> npt.NDArray[Any]:
        """The values, as the ndarray itself. Assigning replaces it by a copy, in the tensor's own dtype.

        Changing it changes the tensor, and nothing that was computed from it before.
        """
        return share(self)

    @data.setter
    def data(self, value: Any) -> None:
        array = as_array(value, self.dtype)
        if self.node is not None and array.shape != self._data.shape:
            raise ShapeError(
                f"cannot replace the data of {self.describe()} by an array of shape {array.shape}: a graph uses it; "
                f"make a new tensor, or reshape the array to {self._data.shape}"
            )
        # a copy: what an optimizer changes in place must not be the caller's array
        if array is not self._data:
            self._data, self._shared = array.copy(), False

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements, as NumPy's."""
        return self._data.dtype

    def numpy(self) -> npt.NDArray[Any]:
        """Return the values as the ndarray itself, as ``.data`` does; ``.copy()`` it before changing it."""
        return share(self)

    def item(self) -> Any:
        """Return the only element as a Python number.

        Raises:
            ShapeError: when there is not exactly one element.
        """
        if self._data.size != 1:
            raise ShapeError(f"item() needs exactly one element, {self.describe()} has {self._data.size}; use .numpy()")
        return self._data.item()

    def tolist(self) -> Any:
        """Return the values as nested Python lists."""
        return self._data.tolist()

    # --- place in the graph

    @property
    def name(self) -> str | None:
        """What drawings and errors call this tensor; assign to set it."""
        return None if self.node is None else self.node.name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise DtypeError(f"a name is a string, got {type(name).__name__}")
        self.place().name = name

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded, so that a gradient can reach it."""
        return self.node is not None and self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if bool(wanted) == self.requires_grad:
            return
        if not self.is_leaf:
            raise GraphError(
                f"requires_grad of {self.describe()} cannot change: it is the result of {self._operation()}; "
                "use .detach() for a tensor that needs no gradient"
            )
        if wanted:
            check_differentiable(self._data.dtype, "requires_grad=True")
            give_own_memory(self)
        # a new node: graphs that were recorded before keep the old one, and what it said
        name, self.node = self.name, leaf(self.shape, self.dtype, requires_grad=bool(wanted))
        self.node.name = name
        if records_now() & LINES:
            self.node.line = calling_line()
        if wanted:
            self.node.tensor = weakref.ref(self)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None or self.node.primitive is None

    def place(self) -> Node:
        """Return the tensor's node, made now if this is the first time that a graph needs it."""
        if self.node is None:
            self.node = leaf(self._data.shape, self._data.dtype)
        return self.node

    def detach(self) -> Tensor:
        """Return a tensor of the same values (shared memory) that is outside of the graph."""
        share(self)
        return Tensor(self._data, None, self._shared)

    # --- gradient

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have accumulated, or None; assign None to clear it."""
        return self._grad

    @grad.setter
    def grad(self, gradient: Any) -> None:
        if gradient is None:
            self._grad = None
            return
        if not isinstance(gradient, Tensor):
            gradient = Tensor(as_array(gradient, self.dtype))
        if gradient.shape != self.shape:
            raise ShapeError(f"the gradient of {self.describe()} must have its shape, got {gradient.shape}")
        self._grad = gradient

    def retain_grad(self) -> None:
        """Keep the gradient of this intermediate result in ``.grad``, as leaves do.

        Raises:
            GraphError: when the tensor needs no gradient.
        """
        if self.node is None or not self.node.requires_grad:
            raise GraphError(f"{self.describe()} needs no gradient, so there is none to retain")
        self.node.tensor = weakref.ref(self)

    # --- change in place

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.node is not None and records_now() & GRAPH:
            raise InPlaceError(
                f"cannot assign into {self.describe()}: a graph depends on its values, or may; build a new tensor with "
                "mg.where(mask, new, old) or mg.concatenate, or change a leaf inside `with mg.no_grad():`"
            )
        changed = self._data.copy()
        try:
            changed[plain_index(index)] = value._data if isinstance(value, Tensor) else value
        except (ValueError, IndexError, TypeError) as problem:
            number = np.asarray(value._data if isinstance(value, Tensor) else value).dtype.kind in "biuf"
            kind = OutOfRangeError if isinstance(problem, IndexError) else ShapeError if number else DtypeError
            raise kind(f"cannot assign into {self.describe()}: {problem}") from problem
        self._data, self._shared = changed, False  # a new array: what a graph has saved stays as it was

    def _replace(self, operation: str, result: Any) -> Any:
        """Carry out ``self += x`` and its like: plain for results, in place for leaves under ``no_grad``."""
        if not self.requires_grad or not self.is_leaf or result is NotImplemented:
            return result
        if records_now() & GRAPH:
            raise InPlaceError(
                f"cannot use {operation} on {self.describe()}: it is a leaf that requires a gradient; "
                f"write a new name (w = w {operation[0]} ...), or update it inside `with mg.no_grad():`"
            )
        if result.shape != self.shape:
            raise ShapeError(f"{operation} would change the shape of {self.describe()} to {result.shape}")
        self._data, self._shared = result._data.astype(self.dtype, copy=False), result._shared
        return self

    # --- Python and NumPy

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return numpy_protocol.call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return numpy_protocol.call_function(function, args, options)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if self.requires_grad:
            raise GraphError(
                f"{self.describe()} requires a gradient, and an ndarray would drop it from the graph; "
                "use .detach().numpy() if that is what you want"
            )
        return np.array(self._data if copy else share(self), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise DtypeError("a tensor without axes has no length")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if self._data.ndim == 0:
            raise DtypeError("cannot iterate over a tensor without axes")
        return (self[index] for index in range(len(self._data)))

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise ShapeError(f"the truth of {self._data.size} values is ambiguous; use mg.any(...) or mg.all(...)")
        return bool(self._data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self._data.__index__()

    def __round__(self, digits: SupportsIndex = 0) -> float:
        return round(float(self.item()), digits)

    def __format__(self, specification: str) -> str:
        return format(self._data.item() if self._data.ndim == 0 and specification else str(self), specification)

    def __contains__(self, value: Any) -> bool:
        return bool((self._data == (value._data if isinstance(value, Tensor) else value)).any())

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise GraphError(
                f"{self.describe()} is the result of {self._operation()}: only leaves can be copied; use .detach()"
            )
        return _rebuild, (type(self), self._data, self.requires_grad, self.name, self._shared)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = [attribute for attribute in dir(type(self)) if not attribute.startswith("_")]
        hint = suggest(name, known)
        raise UnknownAttributeError(f"a tensor has no attribute {name!r}{hint}")

    def __repr__(self) -> str:
        values = np.array2string(self._data, precision=4, separator=", ", prefix="tensor(")
        extra = "" if self.dtype in (np.float32, np.int64, np.bool_) else f", dtype={self.dtype}"
        if self.size == 0 and self.ndim > 1:
            extra = f", shape={self.shape}{extra}"  # the brackets do not tell
        if self.name:
            extra += f", name={self.name!r}"
        if self.requires_grad:
            extra += ", requires_grad=True" if self.is_leaf else f", from={self._operation()}"
        return f"tensor({values}{extra})"

    def _operation(self) -> str:
        return self.node.operation if self.node is not None else ""

    def describe(self) -> str:
        """Return a few words for errors: the name if there is one, and the shape."""
        return f"{self.name!r} of shape {self.shape}" if self.name else f"a tensor of shape {self.shape}"


def check_differentiable(dtype: np.dtype[Any], what: str) -> None:
    """Raise unless a tensor of this dtype can have a gradient."""
    if dtype not in (np.float16, np.float32, np.float64):
        raise DtypeError(
            f"{what} needs a floating-point tensor, got {dtype}: only real numbers have derivatives; "
            "convert with .astype(np.float32), or pass dtype=np.float32"
        )


def plain_index(index: Any) -> Any:
    """Replace tensors in an index by their arrays."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    return index._data if isinstance(index, Tensor) else index


def _rebuild(kind: type[Tensor], data: npt.NDArray[Any], requires_grad: bool, name: str | None, shared: bool) -> Tensor:
    tensor = kind.__new__(kind)
    Tensor.__init__(tensor, data, None, shared)
    tensor.requires_grad = requires_grad
    if name is not None:
        tensor.name = name
    return tensor
