"""Parameter: a tensor that a module learns."""

from __future__ import annotations

from typing import Any

from minigrad.engine.arrays import as_array
from minigrad.engine.tensor import Tensor


class Parameter(Tensor):
    """A leaf that requires a gradient, which a module finds when it is assigned as an attribute.

    Its name is its path in the module tree, such as ``"layers.0.weight"``.

    Raises:
        DtypeError: when the data are not floating-point.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.Parameter(mg.zeros(2))
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(as_array(data._array if isinstance(data, Tensor) else data).copy("K"), None)
        self.requires_grad = requires_grad
