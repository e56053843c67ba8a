"""Why an operation failed, in one sentence with the user's own names and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DtypeError, MinigradError, OutOfRangeError, ShapeError
from minigrad.pytorch_names import check_arguments


def explain_call(primitive: Any, options: dict[str, Any], problem: TypeError) -> Exception:
    """Return the exception to raise for a call that does not fit the signature, of which ``problem`` tells."""
    try:
        check_arguments(primitive.name, primitive.signature.parameters, options)
    except MinigradError as advice:
        return advice
    unknown = [word for word in options if word not in primitive.signature.parameters]
    words = f"got an unexpected keyword argument {unknown[0]!r}" if unknown else str(problem)
    return TypeError(f"{primitive.name}() {'' if words.startswith(('got', 'missing')) else 'got '}{words}")


def explain_failure(
    primitive: Any,
    inputs: Sequence[Any],
    arrays: Sequence[Any],
    options: dict[str, Any],
    problem: Exception,
) -> Exception:
    """Return the exception to raise when ``primitive`` failed on these arguments with ``problem``."""
    if isinstance(problem, TypeError):
        try:
            primitive.signature.bind(*arrays, **options)
        except TypeError as wrong_call:
            return explain_call(primitive, options, wrong_call)
    operands = [_described(primitive, position, value) for position, value in enumerate(inputs) if value is not None]
    if isinstance(problem, IndexError):
        return OutOfRangeError(f"{primitive.name}: {problem}, for {', '.join(operands)}")
    if isinstance(problem, OverflowError):
        return ArgumentError(f"{primitive.name}: {problem}, for {', '.join(operands)}")
    if isinstance(problem, TypeError):
        return DtypeError(f"{primitive.name}: {problem}, for {', '.join(operands)}")
    shapes = [np.shape(array) for array in arrays]
    if primitive.name in ("matmul", "dot") and len(shapes) == 2:
        return ShapeError(_products(primitive.name, shapes, operands))
    if primitive.name == "linear" and shapes[0][-1] != shapes[1][-1]:
        features = f"x has {shapes[0][-1]} features, weight takes {shapes[1][-1]}"
        return ShapeError(f"linear: {features}: {', '.join(operands)}; the weight is (out_features, in_features)")
    if primitive.name == "power" and _broadcast(shapes):
        hint = "make one of them floating-point, such as x.astype(np.float32)"
        return ArgumentError(f"power: integers have no negative integer power: {' ** '.join(operands)}; {hint}")
    if primitive.broadcasts and not primitive.variadic and not _broadcast(shapes):
        return ShapeError(
            f"{primitive.name}: shapes do not broadcast: {' and '.join(operands)}; counted from the last, "
            "each pair of axes must be equal or one of them 1"
        )
    return ShapeError(f"{primitive.name}: {problem}, for {', '.join(operands)}")


def _described(primitive: Any, position: int, value: Any) -> str:
    """Return, for example, ``x 'W1' (3, 4)``."""
    names = [parameter.name for parameter in primitive.parameters if parameter.kind is not parameter.VAR_POSITIONAL]
    name = f"argument {position}" if primitive.variadic else names[position]
    given = getattr(value, "name", None)
    return f"{name}{f' {given!r}' if given else ''} {np.shape(getattr(value, '_array', value))}"


def _products(name: str, shapes: list[tuple[int, ...]], operands: list[str]) -> str:
    left, right = shapes
    if not left or not right:
        return f"{name}: needs at least one axis on each side: {' @ '.join(operands)}; use multiply for numbers"
    inner = right[0] if len(right) == 1 else right[-2]
    if left[-1] != inner:
        hint = ""
        if left[-1] == right[-1]:
            hint = "; transpose the second with .T or swapaxes(-1, -2)?"
        return f"{name}: inner sizes differ, {left[-1]} and {inner}: {' @ '.join(operands)}{hint}"
    return f"{name}: the leading axes do not broadcast: {' @ '.join(operands)}"


def _broadcast(shapes: list[tuple[int, ...]]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True
