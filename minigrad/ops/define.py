"""How the table is written: a function of arrays, or a ufunc of NumPy's, and the rule of each input beside it.

``primitive`` is that of users, ``mg.primitive``, without what protects arrays from users' functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.differentiable import library_primitive as primitive
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor

__all__ = ["of_ufunc", "primitive"]


def of_ufunc(
    ufunc: np.ufunc, what: str, *rules: Callable[..., Any] | None, name: str | None = None
) -> Primitive[Any, Tensor]:
    """Make a NumPy function of each element differentiable: with a rule for each input, or without any gradient.

    Args:
        ufunc: the function; its inputs are called ``x`` and ``y``.
        what: what it returns, for ``help()``.
        rules: one for each input; none where no gradient flows through it.
        name: what it is called, where that is not NumPy's name.
    """
    made: Primitive[Any, Tensor] = primitive(numpy=ufunc, broadcasts=ufunc.nin == 2)(ufunc)
    made.name = name or ufunc.__name__
    made.__name__ = made.__qualname__ = made.name  # in errors and help()
    made.__module__ = "minigrad.ops"
    made.__doc__ = f"{made.name}{made.signature}\n\nReturn {what}{'' if rules else '; no gradient flows through it'}."
    made.derivatives(*(rules or [None] * ufunc.nin))
    return made
