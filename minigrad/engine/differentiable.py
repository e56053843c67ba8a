"""``@mg.primitive``: makes a function of arrays a differentiable function of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, overload

from minigrad.engine import numpy_protocol
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError

P = ParamSpec("P")


@overload
def primitive(forward: Callable[P, Any]) -> Primitive[P, Tensor]: ...
@overload
def primitive(
    *,
    broadcasts: bool = False,
    keeps: bool = False,
    in_single: bool = False,
    random: bool = False,
    numpy: Callable[..., Any] | None = None,
) -> Callable[[Callable[P, Any]], Primitive[P, Tensor]]: ...
def primitive(
    forward: Any = None,
    *,
    broadcasts: bool = False,
    keeps: bool = False,
    in_single: bool = False,
    random: bool = False,
    numpy: Callable[..., Any] | None = None,
) -> Any:
    """Make a function of arrays differentiable, as the library's own functions are made.

    The function's parameters are its array inputs, in the order of the rules, then its options. After the gradient a
    rule names what it needs: inputs (``x``), their shapes (``x_shape``), the output (``out``) and options. Function and
    rules get read-only views of arrays, and return new ones.

    Args:
        forward: the function on arrays.
        broadcasts: whether its inputs broadcast; the walk then sums over the stretched axes.
        keeps: whether it returns ``(result, kept)``, where ``kept`` saves its rules work: they may name it. It is None
            where the backward pass itself is recorded, and they must compute it anew.
        in_single: compute half precision in single, and round once at the end; the rules too.
        random: whether it draws random numbers: its result is then kept for drawings, as it cannot be computed again.
        numpy: the NumPy function that this one implements when it is called with a tensor.

    Raises:
        DtypeError: when ``forward`` is not a function.
        ArgumentError: when another primitive already implements the NumPy function.

    >>> import minigrad as mg, numpy as np
    >>> @mg.primitive(broadcasts=True)
    ... def hypotenuse(x, y):
    ...     return np.sqrt(x * x + y * y)
    >>> hypotenuse.derivatives(
    ...     lambda g, x, out: g * x / out,
    ...     lambda g, y, out: g * y / out,
    ... )
    >>> x = mg.tensor([3.0, 5.0], requires_grad=True)
    >>> hypotenuse(x, [4.0, 12.0]).sum().backward()
    >>> x.grad
    tensor([0.6   , 0.3846])
    """

    def make(function: Callable[P, Any]) -> Primitive[P, Tensor]:
        if not callable(function) or not hasattr(function, "__name__"):
            raise DtypeError(f"primitive: expected a function on arrays, got {type(function).__name__}")
        made = Primitive(function, Tensor, broadcasts=broadcasts, keeps=keeps, in_single=in_single, random=random)
        return stands_for(numpy, made)

    return make if forward is None else make(forward)


def library_primitive(
    *, numpy: Callable[..., Any] | None = None, **options: bool
) -> Callable[[Callable[P, Any]], Primitive[P, Tensor]]:
    """Make one of the library's own functions differentiable: as ``primitive`` does, without protecting its arrays."""

    def make(function: Callable[P, Any]) -> Primitive[P, Tensor]:
        return stands_for(numpy, Primitive(function, Tensor, trusted=True, **options))

    return make


def stands_for(numpy: Callable[..., Any] | None, made: Primitive[P, Tensor]) -> Primitive[P, Tensor]:
    """Let a primitive stand for a NumPy function that is called with a tensor."""
    if numpy is not None:
        taken = numpy_protocol.implementations.get(numpy)
        if taken is not None:
            raise ArgumentError(f"primitive: np.{numpy.__name__} already stands for {taken.__name__}")
        numpy_protocol.implementations[numpy] = made
    return made
