"""The operators and methods of a tensor. Each only looks up the function of its name: no calculus lives here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from minigrad.pytorch_names import NAMES, check_name

# name -> function; filled by minigrad.ops, and by engine/backward.py: both import Tensor, and so come later
operations: dict[str, Callable[..., Any]] = {}


def _unary(name: str) -> Any:
    def operator(self: Any) -> Any:
        return operations[name](self)

    return operator


def _binary(name: str) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return operations[name](self, other)

    return operator


def _reflected(name: str) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return operations[name](other, self)

    return operator


def _in_place(name: str, symbol: str) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return self._change(symbol, operations[name](self, other))

    return operator


def _method(name: str) -> Any:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return operations[name](self, *args, **options)

    method.__name__ = name
    method.__doc__ = f"See ``mg.{name}``."
    return method


def _refused(name: str) -> Any:
    return property(lambda self: check_name("a tensor", "a tensor", name))


class Operators:
    """What a tensor can do, under NumPy's names."""

    __slots__ = ()

    __add__, __radd__, __iadd__ = _binary("add"), _reflected("add"), _in_place("add", "+=")
    __sub__, __rsub__, __isub__ = _binary("subtract"), _reflected("subtract"), _in_place("subtract", "-=")
    __mul__, __rmul__, __imul__ = _binary("multiply"), _reflected("multiply"), _in_place("multiply", "*=")
    __truediv__, __rtruediv__, __itruediv__ = (
        _binary("divide"),
        _reflected("divide"),
        _in_place("divide", "/="),
    )
    __floordiv__, __rfloordiv__, __ifloordiv__ = (
        _binary("floor_divide"),
        _reflected("floor_divide"),
        _in_place("floor_divide", "//="),
    )
    __mod__, __rmod__, __imod__ = _binary("remainder"), _reflected("remainder"), _in_place("remainder", "%=")
    __pow__, __rpow__, __ipow__ = _binary("power"), _reflected("power"), _in_place("power", "**=")
    __matmul__, __rmatmul__, __imatmul__ = _binary("matmul"), _reflected("matmul"), _in_place("matmul", "@=")
    __neg__, __pos__, __abs__ = _unary("negative"), _unary("identity"), _unary("abs")

    # comparisons and bits: tensors without a gradient
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")
    __lt__, __le__, __gt__, __ge__ = (
        _binary("less"),
        _binary("less_equal"),
        _binary("greater"),
        _binary("greater_equal"),
    )
    __and__, __rand__, __iand__ = _binary("bitwise_and"), _reflected("bitwise_and"), _in_place("bitwise_and", "&=")
    __or__, __ror__, __ior__ = _binary("bitwise_or"), _reflected("bitwise_or"), _in_place("bitwise_or", "|=")
    __xor__, __rxor__, __ixor__ = _binary("bitwise_xor"), _reflected("bitwise_xor"), _in_place("bitwise_xor", "^=")
    __invert__ = _unary("invert")

    # indexing and shape
    __getitem__ = _binary("getitem")

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The tensor with its axes reversed."""
        return operations["transpose"](self)

    def reshape(self, *shape: Any) -> Any:
        """See ``mg.reshape``; the shape is a tuple or several integers."""
        return operations["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """See ``mg.transpose``; the axes are a tuple or several integers, reversed if there are none."""
        return operations["transpose"](self, axes[0] if len(axes) == 1 else axes or None)

    def astype(self, dtype: npt.DTypeLike) -> Any:
        """Return the values in another dtype; gradients flow between floating-point dtypes."""
        return operations["astype"](self, dtype)

    ravel, swapaxes, moveaxis, expand_dims = (_method(n) for n in ("ravel", "swapaxes", "moveaxis", "expand_dims"))
    squeeze, broadcast_to, split, flip = (_method(n) for n in ("squeeze", "broadcast_to", "split", "flip"))
    take_along_axis, pad = _method("take_along_axis"), _method("pad")

    # reductions
    sum, mean, max, min = (_method(n) for n in ("sum", "mean", "max", "min"))
    prod, var, std, cumsum = (_method(n) for n in ("prod", "var", "std", "cumsum"))
    logsumexp, norm, argmax, argmin = (_method(n) for n in ("logsumexp", "norm", "argmax", "argmin"))
    any, all = _method("any"), _method("all")

    # products
    dot, outer, matmul = _method("dot"), _method("outer"), _method("matmul")

    # element by element
    exp, expm1, log, log1p = (_method(n) for n in ("exp", "expm1", "log", "log1p"))
    sin, cos, tan, arctan = (_method(n) for n in ("sin", "cos", "tan", "arctan"))
    sinh, cosh, tanh, sqrt = (_method(n) for n in ("sinh", "cosh", "tanh", "sqrt"))
    abs, sign, square, negative = (_method(n) for n in ("abs", "sign", "square", "negative"))
    power, maximum, minimum, clip = (_method(n) for n in ("power", "maximum", "minimum", "clip"))
    add, subtract, multiply, divide = (_method(n) for n in ("add", "subtract", "multiply", "divide"))
    round, floor, ceil = _method("round"), _method("floor"), _method("ceil")
    isnan, isinf, isfinite = _method("isnan"), _method("isinf"), _method("isfinite")

    # activations
    relu, leaky_relu, elu, gelu = (_method(n) for n in ("relu", "leaky_relu", "elu", "gelu"))
    silu, sigmoid, softplus = _method("silu"), _method("sigmoid"), _method("softplus")
    softmax, log_softmax = _method("softmax"), _method("log_softmax")

    # the backward pass

    def backward(self, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to every leaf to the leaf's ``.grad``.

        Args:
            gradient: the gradient to start from, in this tensor's shape; 1 if the tensor is a scalar.
            retain_graph: keep the saved values, so that another backward pass can run.
            create_graph: record the backward pass itself, so that gradients can be differentiated.

        Raises:
            GraphError: when nothing here requires a gradient, the graph was released, or the tensor
                is not a scalar and no gradient is given.

        >>> import minigrad as mg
        >>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4., 6.])
        """
        operations["backward"](self, gradient, retain_graph, create_graph)


# not __getattr__, with which every attribute of a tensor would cost more
for _name in NAMES["a tensor"]:
    setattr(Operators, _name, _refused(_name))
