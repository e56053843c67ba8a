"""NumPy's functions on tensors: ``np.exp(t)``, ``np.where(m, t, 0)`` and ``array @ t`` record the graph.

NumPy asks an argument's class before it computes (NEP 13 and NEP 18). What has no
counterpart here raises: never a silent ndarray that has left the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError
from minigrad.pytorch_names import NAMES

# NumPy's function -> ours; filled by @primitive(numpy=...) and @implements where the functions stand
implementations: dict[Callable[..., Any], Callable[..., Any]] = {}

# np.add.reduce(t) is sum(t), and so on
_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}


def implements(*numpy_functions: Callable[..., Any]) -> Callable[[Any], Any]:
    """Mark a function as what these NumPy functions mean for tensors."""

    def mark(function: Any) -> Any:
        for numpy_function in numpy_functions:
            implementations[numpy_function] = function
        return function

    return mark


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Answer NumPy's ``__array_ufunc__``."""
    name = f"np.{ufunc.__name__}"
    if "out" in options:
        raise UnsupportedError(
            f"{name} cannot write into an array with out= when a tensor takes part: the graph needs a new result; "
            "omit out= (for `array += tensor` write `array = array + tensor`; to update a parameter by hand, "
            "`w.data -= lr * w.grad.data`, or `with mg.no_grad(): w -= lr * w.grad`)"
        )
    if method == "reduce" and ufunc in _REDUCTIONS:
        options.setdefault("axis", 0)
        return call_function(_REDUCTIONS[ufunc], inputs, options)
    if method != "__call__":
        raise UnsupportedError(f"{name}.{method} is not supported on tensors; use the functions of minigrad")
    return call_function(ufunc, inputs, options)


def call_function(function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Answer NumPy's ``__array_function__``."""
    implementation = implementations.get(function)
    if implementation is not None:
        return implementation(*args, **options)
    raise UnsupportedError(
        f"{_full_name(function)} is not supported on tensors{_advice(function.__name__)}. Compose it from supported "
        "functions, write it with @mg.primitive, or leave the graph with .detach().numpy()"
    )


def _full_name(function: Callable[..., Any]) -> str:
    """Return, for example, ``np.linalg.svd``."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"np{module.removeprefix('numpy')}.{function.__name__}"


def _advice(name: str) -> str:
    """Return a sentence end with what to use instead, where the table has the name."""
    advice = NAMES["minigrad"].get(name)
    return f": {advice}" if advice else ""
