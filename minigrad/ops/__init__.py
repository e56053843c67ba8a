"""The derivative table: every function beside its derivatives.

Read ``elementwise`` first; the other files are of the same kind.
"""

from collections.abc import Callable
from typing import Any

from minigrad.engine.operators import operations
from minigrad.engine.primitive import Primitive
from minigrad.ops import (
    activation,
    comparison,
    elementwise,
    indexing,
    linalg,
    loss,
    piecewise,
    reduction,
    shape,
    softmax,
    trigonometry,
)

_rooms = (
    elementwise,
    trigonometry,
    piecewise,
    comparison,
    reduction,
    shape,
    indexing,
    linalg,
    activation,
    softmax,
    loss,
)

primitives: dict[str, Primitive[Any]] = {
    f"{room.__name__.rpartition('.')[2]}.{value.name}": value
    for room in _rooms
    for value in vars(room).values()
    if isinstance(value, Primitive) and value.__module__ == room.__name__
}
functions: dict[str, Callable[..., Any]] = {
    name: value
    for room in _rooms
    for name, value in vars(room).items()
    if not name.startswith("_") and getattr(value, "__module__", None) == room.__name__
}
operations.update(functions)  # what a tensor's operators and methods look up
