"""What users hand over: functions that are called."""

from __future__ import annotations

from typing import Any

from minigrad.calls import call as call
from minigrad.calls import fits as fits
from minigrad.calls import kind_of as kind_of
from minigrad.engine.tensor import Tensor
from minigrad.errors import DtypeError, GraphError


def scalar_loss(owner: str, value: Any) -> Tensor:
    """Return what a user's loss returned, if it is a scalar tensor."""
    if not isinstance(value, Tensor):
        raise DtypeError(f"{owner}: the loss must return a scalar tensor, it returned {type(value).__name__}")
    if value.size != 1:
        raise GraphError(
            f"{owner}: the loss must be a scalar, it has shape {value.shape} (reduction='none'?); use its mean"
        )
    return value
