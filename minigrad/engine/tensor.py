"""Tensor: an array that records how it was made."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from minigrad.checks import check_flag
from minigrad.engine import numpy_protocol
from minigrad.engine.arrays import as_array
from minigrad.engine.mode import is_recording, observers
from minigrad.engine.node import CONSTANT, LEAF, Node
from minigrad.engine.operators import Operators, operations
from minigrad.engine.value import Value
from minigrad.errors import (
    DtypeError,
    GraphError,
    InPlaceError,
    OutOfRangeError,
    ShapeError,
)
from minigrad.pytorch_names import NAMES

_FROM_OUTSIDE: Any = object()


class Tensor(Value, Operators):
    """An array that records how it was made. Made by ``mg.tensor(...)`` and by every operation.

    ``Tensor(array)`` copies a user's array; the library's own calls, such as ``Tensor(array, None)``, do not.
    """

    __slots__ = ("__weakref__", "_grad")
    __hash__ = object.__hash__  # by identity, as ``==`` compares element by element

    def __init__(self, data: Any, node: Node | None = _FROM_OUTSIDE, captured: bool = False) -> None:
        if node is _FROM_OUTSIDE:  # by a user: every other call passes an array of the library's own
            if not isinstance(data, np.ndarray):
                raise DtypeError(f"Tensor wraps an ndarray, got {type(data).__name__}; use mg.tensor(...) to convert")
            data, node = as_array(data).copy("K"), None
        self._array = data
        self._captured = captured
        self._exported = False
        self.node = node
        self._grad: Tensor | None = None

    # --- value

    @property
    def data(self) -> npt.NDArray[Any]:
        """The values, as an ndarray that may be written into; assigning replaces them by a copy, in the same dtype.

        Writing changes the tensor, and nothing that was computed from it before, nor any gradient of that. The
        array follows the tensor until ``.data`` is assigned or an optimizer makes a step: an array taken before a
        step keeps the old values.
        """
        return self.export()

    @data.setter
    def data(self, value: Any) -> None:
        if value is self._array:  # ``w.data -= x`` assigns what it has written into
            return
        array = np.array(as_array(value._array if isinstance(value, Value) else value, self.dtype))
        if self.node is not None and array.shape != self._array.shape:
            raise ShapeError(
                f"cannot replace the data of {self.describe()} by an array of shape {array.shape}: a graph may use it; "
                f"make a new tensor, or reshape the array to {self._array.shape}"
            )
        self.assign(array)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._array.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements, as NumPy's."""
        return self._array.dtype

    def numpy(self) -> npt.NDArray[Any]:
        """Return the values as an ndarray, as ``.data`` does."""
        return self.export()

    def item(self) -> Any:
        """Return the only element as a Python number.

        Raises:
            ShapeError: when there is not exactly one element.
        """
        if self._array.size != 1:
            raise ShapeError(
                f"item() needs exactly one element, {self.describe()} has {self._array.size}; use .numpy()"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """Return the values as nested Python lists."""
        return self._array.tolist()

    # --- place in the graph

    @property
    def name(self) -> str | None:
        """What drawings and errors call this tensor; assign to set it."""
        return None if self.node is None else self.node.name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise DtypeError(f"a name is a string, got {type(name).__name__}")
        self.ensure_node().name = name

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded, so that a gradient can reach it."""
        return self.node is not None and self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if check_flag("requires_grad", wanted) == self.requires_grad:
            return
        if not self.is_leaf:
            raise GraphError(
                f"requires_grad of {self.describe()} cannot change: it is the result of {self._operation()}; "
                "use .detach() for a tensor that needs no gradient"
            )
        if wanted:
            check_differentiable(self._array.dtype, "requires_grad=True")
        if self.node is not None:  # graphs that were recorded before keep the old node, and send it nothing more
            self.node.tensor = None
        name, self.node = self.name, Node(self.shape, self.dtype, LEAF if wanted else CONSTANT)
        self.node.name = name
        if wanted:
            self.node.tensor = weakref.ref(self)
            for observer in observers():
                observer.leaf(self)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None or self.node.primitive is None

    def detach(self) -> Tensor:
        """Return a tensor of the same values outside of the graph; writing into one does not change the other."""
        array = self.capture()
        return Tensor(array, None, array is self._array)

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
        gradient = of_dtype(gradient, self.dtype)
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
        recorded = next((t for t in (self, value) if isinstance(t, Tensor) and t.requires_grad), None)
        if recorded is not None and is_recording():
            raise InPlaceError(
                f"cannot assign into {self.describe()}: {recorded.describe()} requires a gradient, and an assignment "
                "cannot be recorded; build a new tensor with mg.where(mask, new, old) or mg.concatenate, or change "
                "values inside `with mg.no_grad():`"
            )
        new = value._array if isinstance(value, Tensor) else as_array(value, self.dtype)
        try:
            self.writable()[plain_index(index)] = new
        except (ValueError, IndexError, TypeError) as problem:
            error = OutOfRangeError if isinstance(problem, IndexError) else ShapeError
            raise error(f"cannot assign into {self.describe()}: {problem}") from None

    def _change(self, operation: str, result: Any) -> Any:
        """Carry out ``self += x`` and its like: change this tensor, or return the result where that was recorded."""
        if not isinstance(result, Tensor) or result.requires_grad:
            return result
        if self.requires_grad and is_recording():
            raise InPlaceError(
                f"cannot use {operation} on {self.describe()}: it requires a gradient, and {operation} has none to "
                "record; write a new name, or change values inside `with mg.no_grad():`"
            )
        if result.shape != self.shape:
            raise ShapeError(f"{operation} would change the shape of {self.describe()} to {result.shape}")
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise DtypeError(
                f"{operation} would give {result.dtype}, and {self.describe()} holds {self.dtype}; write a new name "
                f"(x = x {operation[:-1]} ...), or convert with .astype({result.dtype})"
            )
        self.writable()[...] = result._array
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
        return np.array(self._array if copy else self.export(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise DtypeError("a tensor without axes has no length")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise DtypeError("cannot iterate over a tensor without axes")
        return (self[index] for index in range(len(self._array)))

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ShapeError(f"the truth of {self._array.size} values is ambiguous; use mg.any(...) or mg.all(...)")
        return bool(self._array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self._array.__index__()

    def __round__(self, digits: SupportsIndex | None = None) -> float:
        return round(float(self.item()), digits)

    def __format__(self, specification: str) -> str:
        return format(self._array.item() if self._array.ndim == 0 and specification else str(self), specification)

    def __contains__(self, value: Any) -> bool:
        return bool(operations["any"](self == value))

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise GraphError(
                f"{self.describe()} is the result of {self._operation()}: only leaves can be copied; use .detach()"
            )
        return _rebuild, (type(self), self.capture(), self.requires_grad, self.name)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in NAMES["a tensor"]]  # those are only there for errors

    def __repr__(self) -> str:
        values = np.array2string(self._array, precision=4, separator=", ", prefix="tensor(")
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


def wrapped(array: npt.NDArray[Any]) -> Tensor:
    """Return a tensor of a user's own array without copying it: the array counts as exported."""
    tensor = Tensor(array, None)
    tensor._exported = True
    return tensor


def of_dtype(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """Return a value as a tensor of a dtype: a tensor that has it already as it is, a copy of anything else."""
    if isinstance(value, Tensor):
        return value if value.dtype == dtype else value.astype(dtype)
    return Tensor(as_array(value, dtype).copy("K"), None)


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
    return index._array if isinstance(index, Tensor) else index


def _rebuild(cls: type[Tensor], data: npt.NDArray[Any], requires_grad: bool, name: str | None) -> Tensor:
    tensor = cls.__new__(cls)
    Tensor.__init__(tensor, data, None, captured=True)  # copy.copy() gives both tensors one array
    tensor.requires_grad = requires_grad
    if name is not None:
        tensor.name = name
    return tensor
