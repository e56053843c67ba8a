"""Parts of a training run put back where they were: all of them, to the last bit, or none."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.errors import DtypeError, MinigradError, StateDictError
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.optim.state import does_not_fit, in_order_of, layout_problems
from minigrad.training.checkpoint import generators


def restore_all(parts: dict[str, tuple[Any, Any]], states: dict[str, Any]) -> None:
    """Restore every part from its state, and the generators; or nothing, when something does not fit."""
    with ExitStack() as undo:
        model = parts["model"][0] if "model" in parts else None
        for name, (part, state) in parts.items():
            if isinstance(part, Optimizer):
                state = _in_order(part, state, model)
            _restore_part(name, part, state, undo)
        generators.restore(states, model)
        undo.pop_all()


def _restore_part(name: str, part: Any, state: Any, undo: ExitStack) -> None:
    """Load one state, so that ``undo`` takes it back; raise unless every bit has arrived."""
    if isinstance(part, type) or not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
        raise DtypeError(f"restore: {name} must have state_dict() and load_state_dict(), got {reprlib.repr(part)}")
    undo.callback(_undoing(part))
    laid_out = [(tensor, tensor._array) for tensor in _tensors(part)]
    try:
        part.load_state_dict(state)
    except MinigradError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as problem:
        raise StateDictError(f"restore: the saved {name} does not fit: {type(problem).__name__}: {problem}") from None
    for tensor, before in laid_out:  # a product's last bits may depend on the order in memory
        array = _laid_out_as(tensor._array, before)
        if array is not tensor._array:
            tensor.assign(array)
    different = _first_difference(part.state_dict(), state, name)
    if different:
        raise StateDictError(
            f"restore: {different}; make the {name} as it was made before, or let "
            f"{name}.load_state_dict(saved.{name}) convert it"
        )


def _in_order(optimizer: Optimizer, state: Any, model: Any) -> Any:
    """Return the state of an optimizer with its parameters in the order of those here, paired by their names."""
    named = model.named_parameters() if isinstance(model, Module) else ()
    names: dict[Tensor, str] = {parameter: name for name, parameter in named}
    if layout_problems(state, optimizer.param_groups):
        return state  # loading it lists them
    try:
        ordered, problems = in_order_of(optimizer.param_groups, names, state)
    except TypeError as problem:
        raise StateDictError(f"restore: the saved optimizer does not fit: {problem}") from None
    if problems:
        raise does_not_fit("the optimizer", problems)
    return ordered


def _undoing(part: Any) -> Callable[[], None]:
    """Return what gives a part its present state back."""
    if not isinstance(part, Module):
        return partial(part.load_state_dict, part.state_dict())
    # loading puts other arrays in their place
    before = [(tensor, tensor._array, tensor._exported) for tensor in _tensors(part)]

    def put_back() -> None:
        for tensor, array, exported in before:
            tensor.put_back(array, exported)

    return put_back


def _tensors(part: Any) -> list[Any]:
    return [*part.parameters(), *part.buffers()] if isinstance(part, Module) else []


def _laid_out_as(values: Any, before: Any) -> Any:
    array = np.empty_like(before, dtype=values.dtype)
    if array.strides == values.strides:
        return values
    array[...] = values
    return array


def _first_difference(own: Any, saved: Any, path: str) -> str:
    """Return where two states differ, and how; empty if they do not. Numbers may be of another type."""
    if isinstance(own, np.ndarray) and isinstance(saved, np.ndarray):
        if own.dtype != saved.dtype or own.shape != saved.shape:
            return f"{path} is {saved.dtype} of shape {saved.shape} in the file, {own.dtype} of shape {own.shape} here"
        return "" if own.tobytes() == saved.tobytes() else f"{path} did not take over the saved values"
    if isinstance(own, dict) and isinstance(saved, dict):
        if set(own) != set(saved):
            return f"{path} has {sorted(map(str, saved))} in the file, {sorted(map(str, own))} here"
        return next(filter(None, (_first_difference(own[key], saved[key], f"{path}.{key}") for key in own)), "")
    if isinstance(own, (list, tuple)) and isinstance(saved, (list, tuple)):
        if len(own) != len(saved):
            return f"{path} has {len(saved)} values in the file, {len(own)} here"
        pairs = enumerate(zip(own, saved, strict=True))
        return next(filter(None, (_first_difference(a, b, f"{path}.{i}") for i, (a, b) in pairs)), "")
    if isinstance(own, np.ndarray) or isinstance(saved, np.ndarray):  # PyTorch keeps a number of steps as an array
        same = np.ndim(own) == np.ndim(saved) == 0 and bool(np.asarray(own) == np.asarray(saved))
    else:
        same = own == saved or (own != own and saved != saved)
    return "" if same else f"{path} is {saved!r} in the file, {own!r} here"
