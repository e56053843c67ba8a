"""The gradient of a loss as a graph: what products with the Hessian are differentiated from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.analysis.calls import call
from minigrad.analysis.lanczos import Floats
from minigrad.engine.backward import grad
from minigrad.engine.mode import GradMode
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, GraphError

EXPECTED = "Curvature: loss must be a function without arguments, such as lambda: criterion(model(X), y)"


class RecordedGradient:
    """A loss evaluated once, and its gradient as a graph that can be differentiated any number of times."""

    def __init__(self, parameters: list[Tensor], loss: Callable[[], Tensor]) -> None:
        with GradMode(True):
            value = call(EXPECTED, loss)
        if not isinstance(value, Tensor):
            raise DtypeError(f"Curvature: loss() must return a tensor, it returned {type(value).__name__}")
        if value.size != 1:
            raise GraphError(
                f"Curvature: loss() must return a scalar, it returned shape {value.shape}; "
                "reduce it with .mean() or .sum()"
            )
        self.parameters = parameters
        found: Sequence[Tensor | None] = [None] * len(parameters)
        if value.requires_grad:
            found = grad(value, parameters, create_graph=True, allow_unused=True)
        if all(gradient is None for gradient in found):
            raise GraphError(
                "Curvature: the loss depends on none of the parameters; compute it anew inside loss(), from the "
                "tensors that Curvature was given"
            )
        self.gradients = found
        self.gradient = self._flat(found)
        for name, numbers in (("loss", value.numpy()), ("gradient of the loss", self.gradient)):
            if not np.isfinite(numbers).all():
                raise ArgumentError(
                    f"Curvature: the {name} is not finite at the parameters' present values, so it has no curvature "
                    "there; look for an overflow, or for a learning rate that was too large"
                )

    def product(self, vector: Floats) -> Floats:
        """Multiply the Hessian by a vector: the gradient of ``gradient . vector``."""
        slope: Any = 0
        start = 0
        with GradMode(True):
            for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
                part = vector[start : start + parameter.size]
                start += parameter.size
                if gradient is not None and gradient.requires_grad:
                    slope = slope + (gradient * part.astype(parameter.dtype).reshape(parameter.shape)).sum()
        if not isinstance(slope, Tensor):
            return np.zeros_like(vector)  # the loss is linear
        product = self._flat(grad(slope, self.parameters, retain_graph=True, allow_unused=True))
        if not np.isfinite(product).all():
            raise ArgumentError(
                "Curvature: the second derivatives of the loss are not finite at the parameters' present values; "
                "look for sqrt, log or a power at zero"
            )
        return product

    def hessian(self) -> Floats:
        """Return the whole Hessian, symmetrised: one product for each element of the parameters."""
        size = len(self.gradient)
        hessian = np.empty((size, size))
        direction = np.zeros(size)
        for row in range(size):
            direction[row] = 1
            hessian[row] = self.product(direction)
            direction[row] = 0
        return np.asarray((hessian + hessian.T) / 2)

    def _flat(self, gradients: Sequence[Tensor | None]) -> Floats:
        parts = [
            np.zeros(parameter.size) if gradient is None else gradient.numpy().ravel()
            for parameter, gradient in zip(self.parameters, gradients, strict=True)
        ]
        return np.concatenate(parts).astype(np.float64, copy=False)
