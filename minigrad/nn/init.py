"""Initial values: each function fills a tensor anew and returns it.

``fan_in`` is the length of a weight's second axis (inputs), ``fan_out`` of its first (outputs);
further axes multiply both, as in PyTorch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from minigrad.checks import one_of
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.nn.checks import finite_number, number_between

T = TypeVar("T", bound=Tensor)
NONLINEARITIES = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")
if TYPE_CHECKING:  # NumPy imports its generators when they are first asked for
    Rng = np.random.Generator | None


def _check_tensor(name: str, tensor: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise DtypeError(f"{name}: expected a tensor to fill, got {type(tensor).__name__}")


def _fill(tensor: T, values: Any) -> T:
    tensor.data = np.asarray(values).astype(tensor.dtype)
    return tensor


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, *, rng: Rng = None) -> T:
    """Fill with numbers drawn evenly from ``a`` to ``b``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> bool((nn.init.uniform_(mg.zeros(100), -1, 1) < 1).all())
    True
    """
    _check_tensor("uniform_", tensor)
    low, high = finite_number("uniform_", "a", a), finite_number("uniform_", "b", b)
    if not low <= high:
        raise ArgumentError(f"uniform_: a must not be above b, got a={a!r}, b={b!r}")
    if not math.isfinite(high - low):
        raise ArgumentError(f"uniform_: a and b are too far from one another, got a={a!r}, b={b!r}")
    return _fill(tensor, generator(rng).uniform(low, high, tensor.shape))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, *, rng: Rng = None) -> T:
    """Fill with normally distributed numbers.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.normal_(mg.zeros(3), mean=5.0, std=0.0)
    tensor([5., 5., 5.])
    """
    _check_tensor("normal_", tensor)
    mean, std = finite_number("normal_", "mean", mean), number_between("normal_", "std", std, 0)
    return _fill(tensor, generator(rng).normal(mean, std, tensor.shape))


def constant_(tensor: T, val: float) -> T:
    """Fill with one value.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.constant_(mg.zeros(2), 0.5)
    tensor([0.5, 0.5])
    """
    _check_tensor("constant_", tensor)
    try:
        values = np.full(tensor.shape, val)
        if values.dtype.kind not in "biuf":
            raise TypeError(f"it is of dtype {values.dtype}")
        return _fill(tensor, values)
    except (TypeError, ValueError, OverflowError) as problem:
        raise ArgumentError(f"constant_: val must be a number, got {repr(val)[:80]}: {problem}") from None


def zeros_(tensor: T) -> T:
    """Fill with 0.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.zeros_(mg.ones(2))
    tensor([0., 0.])
    """
    _check_tensor("zeros_", tensor)
    return constant_(tensor, 0.0)


def ones_(tensor: T) -> T:
    """Fill with 1.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.ones_(mg.zeros(2))
    tensor([1., 1.])
    """
    _check_tensor("ones_", tensor)
    return constant_(tensor, 1.0)


def _fans(name: str, tensor: Tensor) -> tuple[int, int]:
    _check_tensor(name, tensor)
    if tensor.ndim < 2:
        raise ShapeError(f"{name}: needs a weight of at least two axes, (out, in, ...), got {tensor.describe()}")
    rest = math.prod(tensor.shape[2:])
    return max(tensor.shape[1] * rest, 1), max(tensor.shape[0] * rest, 1)  # an empty weight has nothing to fill


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which a layer's weights grow to make up for what its nonlinearity takes away.

    The values are PyTorch's: 1 for linear and sigmoid, 5/3 for tanh, sqrt(2) for relu, and
    ``sqrt(2 / (1 + slope**2))`` for leaky_relu (He et al., "Delving deep into rectifiers", 2015).

    >>> from minigrad import nn
    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    one_of("calculate_gain", "nonlinearity", nonlinearity, NONLINEARITIES)
    slope = 0.01 if param is None else number_between("calculate_gain", "param", param, -math.inf)
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + slope * slope)), "selu": 0.75}
    return gains.get(nonlinearity, 1.0)


def xavier_uniform_(tensor: T, gain: float = 1.0, *, rng: Rng = None) -> T:
    """Fill uniformly within ``gain * sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010, eq. 16).

    Raises:
        ShapeError: when the tensor has fewer than two axes.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> bool((abs(nn.init.xavier_uniform_(mg.zeros((3, 3)))) <= 1).all())
    True
    """
    fan_in, fan_out = _fans("xavier_uniform_", tensor)
    bound = number_between("xavier_uniform_", "gain", finite_number("xavier_uniform_", "gain", gain), 0) * math.sqrt(
        6 / (fan_in + fan_out)
    )
    return uniform_(tensor, -bound, bound, rng=rng)


def xavier_normal_(tensor: T, gain: float = 1.0, *, rng: Rng = None) -> T:
    """Fill normally with deviation ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot and Bengio, 2010).

    Raises:
        ShapeError: when the tensor has fewer than two axes.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.xavier_normal_(mg.zeros((2, 4))).shape
    (2, 4)
    """
    fan_in, fan_out = _fans("xavier_normal_", tensor)
    deviation = number_between("xavier_normal_", "gain", finite_number("xavier_normal_", "gain", gain), 0) * math.sqrt(
        2 / (fan_in + fan_out)
    )
    return normal_(tensor, 0.0, deviation, rng=rng)


def _kaiming_deviation(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan_in, fan_out = _fans(name, tensor)
    one_of(name, "mode", mode, ("fan_in", "fan_out"))
    one_of(name, "nonlinearity", nonlinearity, NONLINEARITIES)
    a = finite_number(name, "a", a)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan_in if mode == "fan_in" else fan_out)


def kaiming_uniform_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, rng: Rng = None
) -> T:
    """Fill uniformly so that a relu network keeps the variance of its activations (He et al., 2015).

    Args:
        tensor: the weight, ``(out, in, ...)``.
        a: the negative slope, for ``"leaky_relu"``.
        mode: ``"fan_in"`` keeps the forward pass's variance, ``"fan_out"`` the backward pass's.
        nonlinearity: what follows the layer, as in ``calculate_gain``.
        rng: draws the values; the default generator if None.

    Raises:
        ShapeError: when the tensor has fewer than two axes.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.kaiming_uniform_(mg.zeros((2, 4)), nonlinearity="relu").shape
    (2, 4)
    """
    bound = math.sqrt(3) * _kaiming_deviation("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, rng=rng)


def kaiming_normal_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, rng: Rng = None
) -> T:
    """Fill normally so that a relu network keeps the variance of its activations (He et al., 2015).

    The arguments are those of ``kaiming_uniform_``.

    Raises:
        ShapeError: when the tensor has fewer than two axes.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.init.kaiming_normal_(mg.zeros((2, 4)), nonlinearity="relu").shape
    (2, 4)
    """
    return normal_(tensor, 0.0, _kaiming_deviation("kaiming_normal_", tensor, a, mode, nonlinearity), rng=rng)
