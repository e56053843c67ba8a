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
)

_rooms = (
    elementwise,
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

# each by the file that defines it, which comes before those that use it
primitives: dict[str, Primitive[Any, Any]] = {}
for _room in _rooms:
    for _value in vars(_room).values():
        if isinstance(_value, Primitive) and _value not in primitives.values():
            primitives[f"{_room.__name__.rpartition('.')[2]}.{_value.name}"] = _value
functions: dict[str, Callable[..., Any]] = {
    name: value
    for room in _rooms
    for name, value in vars(room).items()
    if not name.startswith("_") and getattr(value, "__module__", None) in (room.__name__, "minigrad.ops")
}
operations.update(functions)  # what a tensor's operators and methods look up
