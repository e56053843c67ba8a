"""Limits on gradients, applied between ``backward()`` and ``step()``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.checks import check_flag
from minigrad.engine.arrays import Array
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, GraphError
from minigrad.optim import checks


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients together, so that the norm of all of them is at most ``max_norm``.

    Gradients that are small enough stay as they are; others are replaced, not changed in place.
    The factor is ``max_norm / (norm + 1e-6)``. Where the norm is infinite the gradients become
    0 (nan where they were infinite), where it is nan they become nan, unless ``error_if_nonfinite``.

    Args:
        parameters: tensors; those without a gradient are left out.
        max_norm: the largest norm that stays.
        norm_type: which norm: 2, 1, ``math.inf`` for the largest element, or another power.
        error_if_nonfinite: raise where the norm is not finite, and change nothing.

    Returns:
        The norm before, a tensor without axes.

    Raises:
        GraphError: when not one parameter has a gradient.
        ArgumentError: when a number is not allowed, or the norm is not finite and may not be.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = [3.0, 4.0]
    >>> optim.clip_grad_norm([w], max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6, 0.8])
    """
    owner = "clip_grad_norm"
    max_norm = checks.at_least_zero(owner, "max_norm", max_norm)
    norm_type = float(checks.number(owner, "norm_type", norm_type))
    if math.isnan(norm_type):
        raise ArgumentError(f"{owner}: norm_type must be a number such as 2 or math.inf, got nan")
    check_flag(f"{owner}: error_if_nonfinite", error_if_nonfinite)
    clipped = _with_gradients(owner, parameters)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # what is not finite is in the norm returned
        total = _norm(np.array([_norm(_gradient(tensor), norm_type) for tensor in clipped]), norm_type)
        if error_if_nonfinite and not np.isfinite(total):
            raise ArgumentError(
                f"{owner}: the norm of the gradients is {total}; look for the first loss that is not finite, lower the "
                "learning rate, or pass error_if_nonfinite=False"
            )
        factor = float(max_norm / (float(total) + 1e-6))
        if not factor >= 1:  # nan included
            for tensor in clipped:
                _replace(tensor, _gradient(tensor) * factor)
    return Tensor(np.asarray(total), None)


def clip_grad_value(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit each element of each gradient to ``-clip_value`` ... ``clip_value``; nan stays nan.

    Raises:
        GraphError: when not one parameter has a gradient.
        ArgumentError: when the value is negative or not finite.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = [3.0, -0.5]
    >>> optim.clip_grad_value([w], clip_value=1.0)
    >>> w.grad
    tensor([ 1. , -0.5])
    """
    owner = "clip_grad_value"
    limit = checks.at_least_zero(owner, "clip_value", clip_value)
    for tensor in _with_gradients(owner, parameters):
        _replace(tensor, np.clip(_gradient(tensor), -limit, limit))


def _with_gradients(owner: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """Return the parameters that have a gradient."""
    tensors = [parameters] if isinstance(parameters, Tensor) else checks.listed(owner, parameters)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise DtypeError(f"{owner}: expected tensors, got {type(tensor).__name__}; pass model.parameters()")
    chosen = [tensor for tensor in tensors if tensor._grad is not None]
    if not chosen:
        raise GraphError(f"{owner}: no parameter has a gradient; call loss.backward() before clipping")
    return chosen


def _gradient(tensor: Tensor) -> Array:
    assert tensor._grad is not None
    return tensor._grad._array


def _replace(tensor: Tensor, gradient: Any) -> None:
    tensor._grad = Tensor(np.asarray(gradient), None)


def _norm(values: Array, power: float) -> Any:
    """Return the norm of all elements, in their dtype; half precision is summed in single."""
    flat = values.ravel()
    if flat.dtype == np.float16:
        flat = flat.astype(np.float32)
    if not flat.size:
        return flat.dtype.type(0)
    return np.linalg.norm(flat, power)
