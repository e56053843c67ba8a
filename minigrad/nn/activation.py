"""Activation functions as modules."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.checks import axis_number, one_of
from minigrad.engine.tensor import Tensor
from minigrad.nn import functional
from minigrad.nn.checks import finite_number, number_between
from minigrad.nn.module import Module


class ReLU(Module):
    """``max(x, 0)``, element by element; its derivative at 0 is 0.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.ReLU()(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, x: Any) -> Tensor:
        """Return the positive part."""
        return ops.activation.relu(x)


class LeakyReLU(Module):
    """``x`` where it is positive, ``negative_slope * x`` elsewhere.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.LeakyReLU(0.1)(mg.tensor([-1.0, 2.0]))
    tensor([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = finite_number("LeakyReLU", "negative_slope", negative_slope)

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return ops.activation.leaky_relu(x, negative_slope=self.negative_slope)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"negative_slope={self.negative_slope:g}"


class ELU(Module):
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere (Clevert et al., 2015).

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.ELU()(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number_between("ELU", "alpha", alpha, -float("inf"))

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return ops.activation.elu(x, alpha=self.alpha)

    def extra_repr(self) -> str:
        """Return alpha."""
        return f"alpha={self.alpha:g}"


class GELU(Module):
    """``x * Phi(x)`` with the standard normal distribution function (Hendrycks and Gimpel, 2016).

    Args:
        approximate: ``"none"``, or ``"tanh"`` for the faster approximation.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.GELU()(mg.tensor([-1.0, 0.0]))
    tensor([-0.1587,  0.    ])
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = one_of("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return ops.activation.gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """``x * sigmoid(x)``, also called swish.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.SiLU()(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.7311])
    """

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return ops.activation.silu(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Sigmoid()(mg.tensor([0.0]))
    tensor([0.5])
    """

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return ops.activation.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Tanh()(mg.tensor([0.0]))
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return ops.elementwise.tanh(x)


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``, exact for ``x`` of any size.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Softplus()(mg.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.    ])
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = number_between("Softplus", "beta", beta, 1e-30)

    def forward(self, x: Any) -> Tensor:
        """Return the activations."""
        return functional.softplus(x, beta=self.beta)

    def extra_repr(self) -> str:
        """Return beta."""
        return f"beta={self.beta:g}"


class Softmax(Module):
    """``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that sum to 1.

    Cross-entropy takes logits: a model that ends in a softmax is not meant for it.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Softmax()(mg.tensor([0.0, 0.0]))
    tensor([0.5, 0.5])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis_number("Softmax", "axis", axis)

    def forward(self, x: Any) -> Tensor:
        """Return the probabilities."""
        return ops.softmax.softmax(x, axis=self.axis)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"


class LogSoftmax(Module):
    """The logarithm of the softmax along ``axis``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.LogSoftmax()(mg.tensor([0.0, 0.0]))
    tensor([-0.6931, -0.6931])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis_number("LogSoftmax", "axis", axis)

    def forward(self, x: Any) -> Tensor:
        """Return the log-probabilities."""
        return ops.softmax.log_softmax(x, axis=self.axis)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"
