"""Forward-mode differentiation in plain NumPy, written for the tests: no line and no rule of the library is used.

A ``Dual`` is a value and its derivatives along several directions at once. Most rules are of three kinds: a function
of each number (``smooth``), a linear map (``linear``) and a product (``bilinear``); the rest are made of these.
Values may be complex: with a step of 1e-20 along ``1j``, a tangent's imaginary part is the derivative of a derivative
(the complex step of W. Squire and G. Trapp, SIAM Review 40, 1998), exact to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

LARGEST, MARGIN = 50.0, 1e-3


class UnsafeError(Exception):
    """A value outside a function's domain, too large, or too near a kink: another program shall be drawn."""


class Dual(NamedTuple):
    """A value, and its derivatives along the directions: ``(directions, *value.shape)``."""

    value: np.ndarray
    tangents: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


def require(condition: Any) -> None:
    if not np.all(condition):
        raise UnsafeError


def bounded(x: Dual) -> Dual:
    require(np.isfinite(x.value) & (abs(x.value) < LARGEST))
    require(np.isfinite(x.tangents) & (abs(x.tangents) < 100 * LARGEST))
    return x


def along(x: Dual, function: Callable[[Any], Any]) -> np.ndarray:
    """Apply a function to each tangent."""
    return np.array([function(tangent) for tangent in x.tangents])


# --- functions of each number


def smooth(
    function: Callable[[Any], Any], slope: Callable[[Any], Any], domain: Callable[[Any], Any] | None = None
) -> Callable[[Dual], Dual]:
    """Return the rule of a function of real numbers, from its derivative, which must take complex numbers too."""

    def rule(x: Dual) -> Dual:
        real = x.value.real
        if domain is not None:
            require(domain(real))
        value, slopes = function(real), slope(x.value)
        if np.iscomplexobj(x.value):
            value = value + 1j * x.value.imag * np.real(slopes)
        return Dual(np.asarray(value), along(x, lambda tangent: slopes * tangent))

    return rule


def pieces(*parts: tuple[float, Callable[[Any], Any], Callable[[Any], Any]]) -> Callable[[Dual], Dual]:
    """Return the rule of a function in pieces: each ``(from where, the function, its derivative)``, in rising order."""

    def choose(x: Any, column: int) -> Any:
        out = parts[0][column](x)
        for part in parts[1:]:
            out = np.where(np.real(x) > part[0], part[column](x), out)
        return out

    kinks = [part[0] for part in parts[1:]]
    return smooth(lambda x: choose(x, 1), lambda x: choose(x, 2), lambda x: [abs(x - kink) > MARGIN for kink in kinks])


def constant(number: float) -> Callable[[Any], Any]:
    return lambda x: np.full(np.shape(x), number)


def affine(x: Dual, scale: float, shift: float = 0.0) -> Dual:
    return Dual(np.asarray(x.value * scale + shift), along(x, lambda tangent: tangent * scale))


exp = smooth(np.exp, np.exp)
expm1 = smooth(lambda x: np.exp(x) - 1, np.exp)
log = smooth(np.log, lambda x: 1 / x, lambda x: x > 0.1)
log1p = smooth(lambda x: np.log(1 + x), lambda x: 1 / (1 + x), lambda x: x > -0.9)
sin = smooth(np.sin, np.cos)
cos = smooth(np.cos, lambda x: -np.sin(x))
tan = smooth(lambda x: np.sin(x) / np.cos(x), lambda x: 1 / np.cos(x) ** 2, lambda x: abs(np.cos(x)) > 0.2)
arctan = smooth(np.arctan, lambda x: 1 / (1 + x * x))
sinh = smooth(np.sinh, np.cosh, lambda x: abs(x) < 4)
cosh = smooth(np.cosh, np.sinh, lambda x: abs(x) < 4)
tanh = smooth(np.tanh, lambda x: 1 - np.tanh(x) ** 2)
sqrt = smooth(np.sqrt, lambda x: 0.5 * x**-0.5, lambda x: x > 0.1)
square = smooth(lambda x: x * x, lambda x: 2 * x)
reciprocal = smooth(lambda x: 1 / x, lambda x: -1 / x**2, lambda x: abs(x) > 0.2)
sigmoid = smooth(lambda x: 1 / (1 + np.exp(-x)), lambda x: 1 / (2 + np.exp(x) + np.exp(-x)))
softplus = smooth(lambda x: np.log(1 + np.exp(x)), lambda x: 1 / (1 + np.exp(-x)))
erf = smooth(np.vectorize(math.erf, otypes=[float]), lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x))
relu = pieces((0, constant(0.0), constant(0.0)), (0, lambda x: x, constant(1.0)))
absolute = pieces((0, lambda x: -x, constant(-1.0)), (0, lambda x: x, constant(1.0)))
sign = pieces((0, constant(-1.0), constant(0.0)), (0, constant(1.0), constant(0.0)))


def leaky_relu(x: Dual, negative_slope: float) -> Dual:
    below = (0, lambda z: negative_slope * z, constant(negative_slope))
    return pieces(below, (0, lambda z: z, constant(1.0)))(x)


def elu(x: Dual, alpha: float) -> Dual:
    below = (0, lambda z: alpha * (np.exp(z) - 1), lambda z: alpha * np.exp(z))
    return pieces(below, (0, lambda z: z, constant(1.0)))(x)


def clip(x: Dual, low: float, high: float) -> Dual:
    inside = (low, lambda z: z, constant(1.0))
    return pieces((0, constant(low), constant(0.0)), inside, (high, constant(high), constant(0.0)))(x)


def silu(x: Dual) -> Dual:
    return multiply(x, sigmoid(x))


def gelu(x: Dual, approximate: str) -> Dual:
    """Hendrycks and Gimpel 2016: x P(X <= x) for a standard normal X, and its approximation by tanh."""
    if approximate == "none":
        return multiply(x, affine(erf(affine(x, 1 / math.sqrt(2))), 0.5, 0.5))
    cubed = multiply(square(x), x)
    inner = affine(add(x, affine(cubed, 0.044715)), math.sqrt(2 / math.pi))
    return multiply(x, affine(tanh(inner), 0.5, 0.5))


def to_the(x: Dual, exponent: float) -> Dual:
    if exponent == 0:
        return affine(x, 0.0, 1.0)
    domain = (lambda z: z > 0.1) if exponent != int(exponent) else (lambda z: abs(z) > 0.1)
    return smooth(lambda z: z**exponent, lambda z: exponent * z ** (exponent - 1), domain)(x)


def power(x: Dual, y: Dual) -> Dual:
    require(abs(y.value) < 4)
    return exp(multiply(log(x), y))


# --- sums and products


def add(x: Dual, y: Dual) -> Dual:
    return Dual(np.asarray(x.value + y.value), np.array([a + b for a, b in zip(x.tangents, y.tangents, strict=True)]))


def subtract(x: Dual, y: Dual) -> Dual:
    return add(x, affine(y, -1.0))


def bilinear(product: Callable[[Any, Any], Any]) -> Callable[[Dual, Dual], Dual]:
    def rule(x: Dual, y: Dual) -> Dual:
        pairs = zip(x.tangents, y.tangents, strict=True)
        return Dual(
            np.asarray(product(x.value, y.value)),
            np.array([product(a, y.value) + product(x.value, b) for a, b in pairs]),
        )

    return rule


multiply = bilinear(lambda x, y: x * y)
matmul = bilinear(lambda x, y: x @ y)
dot = bilinear(np.dot)
outer = bilinear(np.outer)


def divide(x: Dual, y: Dual) -> Dual:
    return multiply(x, reciprocal(y))


def einsum(*operands: Dual, subscripts: str) -> Dual:
    if len(operands) == 1:
        return linear(lambda x: np.einsum(subscripts, x))(operands[0])
    return bilinear(lambda x, y: np.einsum(subscripts, x, y))(*operands)


def affine_layer(x: Dual, weight: Dual, bias: Dual) -> Dual:
    return add(matmul(x, linear(lambda w: w.T)(weight)), bias)


def remainder(x: Dual, y: Dual) -> Dual:
    require(abs(y.value) > 0.2)
    quotient = x.value.real / y.value.real
    require(abs(quotient - np.round(quotient)) > MARGIN)
    return subtract(x, scaled(y, np.floor(quotient)))


def where(x: Dual, y: Dual, condition: Any) -> Dual:
    picked = np.asarray(condition, float)
    return add(scaled(x, picked), scaled(y, 1 - picked))


def scaled(x: Dual, factor: np.ndarray) -> Dual:
    """Multiply by a constant array, which may broadcast the value."""
    return Dual(np.asarray(x.value * factor), along(x, lambda tangent: tangent * factor))


def maximum(x: Dual, y: Dual) -> Dual:
    require(abs(x.value.real - y.value.real) > MARGIN)
    return where(x, y, x.value.real > y.value.real)


def minimum(x: Dual, y: Dual) -> Dual:
    return affine(maximum(affine(x, -1.0), affine(y, -1.0)), -1.0)


# --- linear maps


def linear(function: Callable[[Any], Any]) -> Callable[[Dual], Dual]:
    return lambda x: Dual(np.asarray(function(x.value)), along(x, function))


def joined(function: Callable[[Sequence[Any]], Any], *parts: Dual) -> Dual:
    tangents = [function(each) for each in zip(*(part.tangents for part in parts), strict=True)]
    return Dual(np.asarray(function([part.value for part in parts])), np.array(tangents))


def broadcast(x: Dual, shape: tuple[int, ...]) -> Dual:
    return linear(lambda value: np.broadcast_to(value, shape))(x)


def pad(x: Dual, pad_width: Any, constant_values: float) -> Dual:
    def padded(value: np.ndarray, filling: float) -> np.ndarray:
        return np.pad(value, pad_width, constant_values=filling)

    return Dual(padded(x.value, constant_values), along(x, lambda tangent: padded(tangent, 0.0)))


# --- reductions


def total(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    return linear(lambda value: np.sum(value, axis=axis, keepdims=keepdims))(x)


def mean(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    summed = total(x, axis, keepdims)
    return affine(summed, max(summed.value.size, 1) / x.value.size)


def largest(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    real = x.value.real
    top = real.max(axis=axis, keepdims=True)
    require(((top - real < MARGIN).sum(axis=axis)) == 1)
    return total(scaled(x, (real == top).astype(float)), axis, keepdims)


def smallest(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    return affine(largest(affine(x, -1.0), axis, keepdims), -1.0)


def product(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    """Multiply the slices one by one, along one axis after another."""
    axes = tuple(range(x.value.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for place in axes:
        slices = [linear(lambda v, p=place, k=k: np.take(v, [k], axis=p))(x) for k in range(x.shape[place])]
        x = slices[0]
        for piece in slices[1:]:
            x = multiply(x, piece)
    return x if keepdims else linear(lambda value: np.squeeze(value, axis=axes))(x)


def variance(x: Dual, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Dual:
    squares = square(subtract(x, mean(x, axis, keepdims=True)))
    count = x.value.size / max(mean(x, axis).value.size, 1)
    require(count > ddof)
    return affine(total(squares, axis, keepdims), 1 / (count - ddof))


def deviation(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    return sqrt(variance(x, axis, keepdims))


def norm(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    return sqrt(total(square(x), axis, keepdims))


def cumsum(x: Dual, axis: Any = None) -> Dual:
    return linear(lambda value: np.cumsum(value, axis=axis))(x)


def logsumexp(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    require(abs(x.value) < 20)
    return smooth(np.log, lambda z: 1 / z)(total(exp(x), axis, keepdims))


def log_softmax(x: Dual, axis: Any = -1) -> Dual:
    return subtract(x, logsumexp(x, axis, keepdims=True))


def softmax(x: Dual, axis: Any = -1) -> Dual:
    return exp(log_softmax(x, axis))


# --- losses


def nll_loss(log_p: Dual, targets: Any, label_smoothing: float, reduction: str) -> Dual:
    """Take class indices, or the classes' shares as a dual number."""
    classes = log_p.shape[-1]
    if not isinstance(targets, Dual):
        targets = Dual(np.eye(classes)[targets], np.zeros_like(log_p.tangents))
    wanted = affine(targets, 1 - label_smoothing, label_smoothing / classes)
    losses = affine(total(multiply(wanted, log_p), axis=-1), -1.0)
    return {"none": losses, "mean": mean(losses), "sum": total(losses)}[reduction]


def cross_entropy(logits: Dual, targets: Any, label_smoothing: float, reduction: str) -> Dual:
    return nll_loss(log_softmax(logits), targets, label_smoothing, reduction)


def sigmoid_cross_entropy(logits: Dual, targets: Dual) -> Dual:
    """Minus t log s(z) - (1 - t) log(1 - s(z)), which is softplus(z) - t z."""
    return subtract(softplus(logits), multiply(targets, logits))


def binary_cross_entropy(logits: Dual, targets: Dual) -> Dual:
    """Minus t log p - (1 - t) log(1 - p) of the probability p = s(z), written out."""
    require(abs(logits.value) < 4)
    hit = smooth(np.log, lambda p: 1 / p)(sigmoid(logits))
    miss = smooth(np.log, lambda p: 1 / p)(sigmoid(affine(logits, -1.0)))
    return affine(add(multiply(targets, hit), multiply(affine(targets, -1.0, 1.0), miss)), -1.0)
