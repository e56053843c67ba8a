"""The state of an optimizer as plain numbers and arrays, and back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.errors import MinigradError, StateDictError

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Group, Optimizer, State

# what a group has besides its optimizer's options
_NOT_OPTIONS = {"params", "initial_lr", "param_names"}


def pack_state(optimizer: Optimizer) -> dict[str, Any]:
    """Return the state dict: PyTorch's layout."""
    state: dict[int, State] = {}
    groups: list[Group] = []
    index = 0
    for group in optimizer.param_groups:
        first = index
        for parameter in group["params"]:
            if optimizer.state.get(parameter):
                state[index] = copy.deepcopy(optimizer.state[parameter])
            index += 1
        options = {name: copy.copy(value) for name, value in group.items() if name != "params"}
        groups.append({**options, "params": list(range(first, index))})
    return {"state": state, "param_groups": groups}


def load_state(optimizer: Optimizer, saved: Any) -> None:
    """Put a state dict into the optimizer, or raise and change nothing."""
    loader = _Loader(optimizer)
    loader.read(saved)
    if loader.problems:
        listed = "\n".join(f"  - {problem}" for problem in loader.problems)
        raise StateDictError(f"{optimizer.title}: the state dict does not fit:\n{listed}")
    for group, options in zip(optimizer.param_groups, loader.groups, strict=True):
        params = group["params"]
        group.clear()
        group |= {"params": params, **options}
    optimizer.state.clear()
    optimizer.state.update(loader.state)
    optimizer.has_stepped = optimizer.has_stepped or bool(loader.state)


class _Loader:
    """Reads a state dict into ``groups`` and ``state``, and lists what does not fit in ``problems``."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.problems: list[str] = []
        self.groups: list[Group] = []
        self.state: dict[Tensor, State] = {}

    def read(self, saved: Any) -> None:
        if not isinstance(saved, dict) or not isinstance(saved.get("state"), dict):
            self.problems.append("expected a dict with 'state', a dict, and 'param_groups', a list")
            return
        groups, ours = saved.get("param_groups"), self.optimizer.param_groups
        if not isinstance(groups, (list, tuple)) or not all(isinstance(group, dict) for group in groups):
            self.problems.append("expected 'param_groups', a list of dicts")
            return
        if len(groups) != len(ours):
            self.problems.append(f"expected {len(ours)} parameter groups, got {len(groups)}")
            return
        if any(self.is_of_another(group, own) for group, own in zip(groups, ours, strict=True)):
            return
        places: dict[Any, tuple[Tensor, Group]] = {}
        for number, (group, own) in enumerate(zip(groups, ours, strict=True)):
            options = self.read_group(number, group, own)
            self.groups.append(options)
            places.update({index: (parameter, options) for index, parameter in self.pair(number, group, own)})
        for index, values in saved["state"].items():
            if index not in places:
                self.problems.append(f"state {index!r}: no such parameter")
            elif not isinstance(values, dict):
                self.problems.append(f"state {index!r}: expected a dict, got {type(values).__name__}")
            elif values:
                self.read_values(index, values, *places[index])

    def is_of_another(self, group: Group, own: Group) -> bool:
        """Say so if a group is that of another optimizer: options are there that are unknown, and several are not."""
        missing = [name for name in own if name not in {*group, *_NOT_OPTIONS}]
        unknown = [name for name in group if name not in {*own, *_NOT_OPTIONS}]
        if len(missing) < 2 or not unknown:
            return False
        self.problems.append(
            f"it is the state of another optimizer: it has {', '.join(map(str, unknown))}, and no "
            f"{', '.join(missing)}; make the optimizer that was saved, or begin anew with {self.optimizer.title}"
        )
        return True

    def read_group(self, number: int, group: Group, own: Group) -> Group:
        """Return the options of a group, checked as if they were new."""
        options = {name: copy.copy(value) for name, value in group.items() if name != "params"}
        expected = set(own) - _NOT_OPTIONS
        for name in sorted(expected - set(options)):
            self.problems.append(f"group {number}: {name} is missing")
        for name in options:
            if name not in {*expected, *_NOT_OPTIONS}:
                self.problems.append(f"group {number}: {name} is unknown")
        names, ours = options.get("param_names"), own.get("param_names")
        if ours is not None:
            options.setdefault("param_names", ours)
            if names is not None and list(names) != ours:
                self.problems.append(f"group {number}: its parameters are {names}, expected {ours}")
        if expected <= set(options):
            try:
                self.optimizer.check(options)
            except MinigradError as problem:
                self.problems.append(f"group {number}: {problem}")
        return options

    def pair(self, number: int, group: Group, own: Group) -> Iterator[tuple[Any, Tensor]]:
        """Pair the saved indices with the parameters here."""
        indices = group.get("params")
        if not isinstance(indices, (list, tuple)) or len(indices) != len(own["params"]):
            got = len(indices) if isinstance(indices, (list, tuple)) else repr(indices)
            self.problems.append(f"group {number}: expected {len(own['params'])} parameters, got {got}")
            return
        yield from zip(indices, own["params"], strict=True)

    def read_values(self, index: Any, values: State, parameter: Tensor, group: Group) -> None:
        """Take the state of one parameter."""
        what = f"state {index} ({parameter.describe()})"
        try:
            expected = self.optimizer.state_names(group)
        except KeyError:  # an option that is missing has been listed already
            return
        for name in expected:
            if name not in values:
                self.problems.append(f"{what}: {name} is missing")
        taken: State = {}
        for name, value in values.items():
            if name not in expected and name not in self.optimizer.optional_state_names:
                self.problems.append(f"{what}: {name} is unknown")
            elif name == "step":
                taken[name] = self.read_step(what, value)
            elif not isinstance(value, np.ndarray) or value.dtype.kind != "f":
                kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
                self.problems.append(f"{what}: {name} must be an array of floating-point numbers, got {kind}")
            elif value.shape != parameter.shape:
                self.problems.append(f"{what}: {name} must have shape {parameter.shape}, got {value.shape}")
            else:
                taken[name] = value.astype(parameter.dtype)
        self.state[parameter] = taken

    def read_step(self, what: str, value: Any) -> int:
        """Return the number of steps; PyTorch keeps it as a 0-d array."""
        if isinstance(value, (int, float, np.generic, np.ndarray)) and np.ndim(value) == 0:
            count = float(value)
            if count >= 0 and count.is_integer():
                return int(count)
        self.problems.append(f"{what}: step must be a whole number of at least 0, got {value!r}")
        return 0
