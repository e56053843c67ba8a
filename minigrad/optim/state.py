"""The state of an optimizer as plain numbers and arrays, in PyTorch's layout, and back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.tensor import Tensor
from minigrad.errors import MinigradError, StateDictError

Group = dict[str, Any]
State = dict[str, Any]

# what a group has besides its optimizer's options
NOT_OPTIONS = {"params", "initial_lr", "param_names"}


def array_of(state: State, name: str, p: Array) -> Array:
    """Return an array of the state of a parameter, which begins as zeros."""
    if name not in state:
        state[name] = np.zeros_like(p)
    array: Array = state[name]
    return array


def pack_state(groups: list[Group], states: Mapping[Tensor, State]) -> dict[str, Any]:
    """Return the state dict: copies, and parameters as their indices."""
    parameters = [parameter for group in groups for parameter in group["params"]]
    state = {index: copy.deepcopy(states.get(parameter)) for index, parameter in enumerate(parameters)}
    packed: list[Group] = []
    first = 0
    for group in groups:
        indices = list(range(first, first := first + len(group["params"])))
        packed.append({name: copy.copy(value) for name, value in group.items() if name != "params"})
        packed[-1]["params"] = indices
    return {"state": {index: values for index, values in state.items() if values}, "param_groups": packed}


def does_not_fit(title: str, problems: list[str]) -> StateDictError:
    """Return the error that lists what keeps a state dict from being loaded."""
    listed = "\n".join(f"  - {problem}" for problem in problems)
    return StateDictError(f"{title}: the state dict does not fit:\n{listed}")


def read_state(optimizer: Any, saved: Any) -> tuple[list[Group], dict[Tensor, State], list[str]]:
    """Return the options of each group and the state of each parameter, and what does not fit the optimizer.

    Asks the optimizer for its ``param_groups``, ``elementwise``, ``check``, ``state_names`` and ``title``.
    """
    ours = optimizer.param_groups
    problems = layout_problems(saved, ours) or other_optimizer(optimizer, saved["param_groups"])
    if problems:
        return [], {}, problems
    saved, problems = in_order_of(ours, {}, saved)
    groups: list[Group] = []
    places: dict[Any, tuple[Tensor, Group]] = {}
    for number, (group, own) in enumerate(zip(saved["param_groups"], ours, strict=True)):
        options = {name: copy.copy(value) for name, value in group.items() if name != "params"}
        problems += [f"group {number}: {problem}" for problem in option_problems(optimizer, options, own)]
        groups.append(options)
        places |= {index: (parameter, options) for index, parameter in zip(group["params"], own["params"], strict=True)}
    states: dict[Tensor, State] = {}
    for index, values in saved["state"].items():
        if index not in places:
            problems.append(f"state {index!r}: no such parameter")
        elif not isinstance(values, dict):
            problems.append(f"state {index!r}: expected a dict, got {type(values).__name__}")
        elif values:
            parameter, options = places[index]
            states[parameter], found = read_values(optimizer, values, parameter, options)
            problems += [f"state {index} ({parameter.describe()}): {problem}" for problem in found]
    return groups, states, problems


def layout_problems(saved: Any, ours: list[Group]) -> list[str]:
    """Return what keeps a state dict from being read at all."""
    if not isinstance(saved, dict) or not isinstance(saved.get("state"), dict):
        return ["expected a dict with 'state', a dict, and 'param_groups', a list"]
    groups = saved.get("param_groups")
    if not isinstance(groups, (list, tuple)) or not all(isinstance(group, dict) for group in groups):
        return ["expected 'param_groups', a list of dicts"]
    if len(groups) != len(ours):
        return [f"expected {len(ours)} parameter groups, got {len(groups)}"]
    problems = []
    for number, (group, own) in enumerate(zip(groups, ours, strict=True)):
        indices = group.get("params")
        if not isinstance(indices, (list, tuple)) or len(indices) != len(own["params"]):
            got = len(indices) if isinstance(indices, (list, tuple)) else repr(indices)
            problems.append(f"group {number}: expected {len(own['params'])} parameters, got {got}")
    return problems


def other_optimizer(optimizer: Any, groups: list[Group]) -> list[str]:
    """Say so if a group is that of another optimizer: options are there that are unknown, and several are not."""
    for group, own in zip(groups, optimizer.param_groups, strict=True):
        missing = [name for name in own if name not in {*group, *NOT_OPTIONS}]
        unknown = [name for name in group if name not in {*own, *NOT_OPTIONS}]
        if len(missing) > 1 and unknown:
            return [
                f"it is the state of another optimizer: it has {', '.join(map(str, unknown))}, and no "
                f"{', '.join(missing)}; make the optimizer that was saved, or begin anew with {optimizer.title}"
            ]
    return []


def option_problems(optimizer: Any, options: Group, own: Group) -> list[str]:
    """Return what is wrong with the options of a group, which are checked as if they were new."""
    missing = [name for name in own if name not in {*options, *NOT_OPTIONS}]
    unknown = [name for name in options if name not in {*own, *NOT_OPTIONS}]
    problems = [f"{name} is missing" for name in missing] + [f"{name} is unknown" for name in unknown]
    if not missing:
        try:
            optimizer.check(options)
        except MinigradError as problem:
            problems.append(str(problem))
    return problems


def in_order_of(groups: list[Group], names: Mapping[Tensor, str], saved: Any) -> tuple[Any, list[str]]:
    """Return a state dict as an optimizer of these groups would have saved it, paired by the names of parameters.

    Args:
        groups: of the optimizer.
        names: of the parameters, for groups without names of their own.
        saved: a state dict of the right layout.

    Returns:
        The state dict, and what keeps parameters from being paired: then they are in the order that they had.
    """
    places: dict[Any, int] = {}
    packed: list[Group] = []
    problems: list[str] = []
    for number, (group, own) in enumerate(zip(saved["param_groups"], groups, strict=True)):
        expected = own.get("param_names") or [names.get(parameter, "") for parameter in own["params"]]
        indices, theirs, first = list(group["params"]), group.get("param_names"), len(places)
        if theirs is not None and all(expected) and theirs != expected:
            by_name = dict(zip(map(str, theirs), indices, strict=False)) if isinstance(theirs, (list, tuple)) else {}
            if by_name.keys() == set(expected) and len(by_name) == len(theirs) == len(expected):
                indices = [by_name[name] for name in expected]
            else:
                problems.append(f"group {number}: its parameters are {theirs}, expected {expected}")
        places |= {index: place for place, index in enumerate(indices, first)}
        options = {name: value for name, value in group.items() if name not in ("params", "param_names")}
        named = {"param_names": expected} if "param_names" in own else {}
        packed.append({**options, **named, "params": list(range(first, len(places)))})
    state = {places.get(index, index): values for index, values in saved["state"].items()}
    return {"state": state, "param_groups": packed}, problems


def read_values(optimizer: Any, values: State, parameter: Tensor, options: Group) -> tuple[State, list[str]]:
    """Return a copy of the state of one parameter, and what is wrong with it."""
    try:
        expected = optimizer.state_names(options)
    except KeyError:  # an option that is missing has been listed already
        return {}, []
    problems = [f"{name} is missing" for name in expected if name not in values]
    taken: State = {}
    for name, value in values.items():
        known = name in expected
        if known and name == "step":
            taken[name] = whole_number(value)
            if taken[name] is None:
                problems.append(f"step must be a whole number of at least 0, got {value!r}")
        elif known and (not isinstance(value, np.ndarray) or value.dtype.kind != "f"):
            kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
            problems.append(f"{name} must be an array of floating-point numbers, got {kind}")
        elif isinstance(value, np.ndarray) and (known or optimizer.elementwise):
            if value.shape != parameter.shape:
                problems.append(f"{name} must have shape {parameter.shape}, got {value.shape}")
            taken[name] = value.astype(parameter.dtype if value.dtype.kind == "f" else value.dtype)
        else:
            taken[name] = copy.deepcopy(value)
    return taken, problems


def whole_number(value: Any) -> int | None:
    """Return a number of steps, which PyTorch keeps as a 0-d array."""
    if isinstance(value, (int, float, np.generic, np.ndarray)) and np.ndim(value) == 0:
        count = float(value)
        if count >= 0 and count.is_integer():
            return int(count)
    return None
