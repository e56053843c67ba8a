"""``mg.compile``, which is not available in this release."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from minigrad.errors import UnavailableError

P = ParamSpec("P")
R = TypeVar("R")


def compile(function: Callable[P, R] | None = None) -> Callable[P, R]:
    """Raise an error: compiling a function is not available in this release.

    It is being rebuilt on the recorded graph and comes back in a later release. Until then, call the function as it is.

    Args:
        function: the function to compile, such as a training step.

    Raises:
        UnavailableError: always, also when used as a decorator.

    >>> import minigrad as mg
    >>> @mg.compile
    ... def train_step(X, y):
    ...     return X @ y
    Traceback (most recent call last):
        ...
    minigrad.errors.UnavailableError: mg.compile is not available in this release: it is being rebuilt on the recorded
    graph and comes back in a later one; until then, remove mg.compile and call the function as it is
    """
    raise UnavailableError(
        "mg.compile is not available in this release: it is being rebuilt on the recorded graph and comes back in a "
        "later one; until then, remove mg.compile and call the function as it is"
    )
