"""Who holds a tensor's array: a graph never shares one with somebody outside, who might change it.

Of an array that others may hold, such as the user's own, a graph saves a copy. And who asks for a tensor's array gets a
copy if a graph may hold it, which from then on is the tensor's own. So whatever is done to ``.data``, to a view of it
or with ``out=``, the backward pass computes with the values of the forward pass; and where nobody asks, nothing is
copied. References are counted to know who holds an array: a view of it is a reference too.

What optimizers change in place, in memory that graphs may hold, is in ``memory_changes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from minigrad.engine.arrays import Array
from minigrad.engine.memory_changes import owner_of

if TYPE_CHECKING:
    from minigrad.engine.tensor import Tensor

ALONE = 2  # references to an array that only its owner has: the owner's, and the question's own


class Divided(ndarray[Any, Any]):
    """Memory that several tensors divide among them, where each one's part counts as its own.

    A view refers to the last array before memory of another class (PyArray_SetBaseObject): to the part, not to this.
    So the references to a part tell who holds it.
    """


def share(tensor: Tensor) -> Array:
    """Let somebody outside have a tensor's array: in a copy, if a graph or another tensor may hold it."""
    if not tensor._shared:
        if getrefcount(tensor._data) > ALONE or not owns_memory(tensor._data):
            tensor._data = tensor._data.copy(order="K")
        tensor._shared = True
    return tensor._data


def still_shared(tensor: Tensor) -> bool:
    """Whether those who got a shared array may hold it still; if not, it is the tensor's own again."""
    tensor._shared = getrefcount(tensor._data) > ALONE or not owns_memory(tensor._data)
    return tensor._shared


def give_own_memory(tensor: Tensor) -> None:
    """Copy the array of a tensor that is to be a parameter, if another tensor or a graph may hold it."""
    if not tensor._shared and (getrefcount(tensor._data) > ALONE or not owns_memory(tensor._data)):
        tensor._data = tensor._data.copy(order="K")


def saved(value: Any, array: Any) -> Any:
    """Return an argument's array for a graph to save: a copy, where somebody outside may hold it."""
    outside = isinstance(array, ndarray) and getattr(value, "_shared", True)
    return array.copy(order="K") if outside else array


def apart(out: Array, inputs: Sequence[Any], arrays: Sequence[Any]) -> Array:
    """Return a result in memory of its own: no view of a parameter, nor of what somebody outside may hold.

    Args:
        out: the result.
        inputs: the arguments; an optimizer changes parameters in place.
        arrays: the arguments' arrays, where one of them is shared.
    """
    owner = owner_of(out)
    for value in inputs:
        if is_parameter(value) and owner is owner_of(value._data):
            return out.copy(order="K")
    for array in arrays:
        if isinstance(array, ndarray) and owner is owner_of(array):
            return out.copy(order="K")
    return out


def is_parameter(value: Any) -> bool:
    """Whether a value is a tensor that an optimizer may change: a leaf that requires a gradient."""
    node = getattr(value, "node", None)
    return node is not None and node.requires_grad and node.primitive is None


def owns_memory(array: Any) -> bool:
    """Return whether an array is no view, or a part of its own; one that comes out of a pickle keeps its bytes."""
    return array.base is None or type(array.base) in (Divided, bytes)
