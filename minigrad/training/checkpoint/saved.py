"""Saved: what a checkpoint holds; made into bytes, and read from a file."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, CheckpointError, DtypeError
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.training.checkpoint import files, format, generators
from minigrad.training.checkpoint.environment import environment
from minigrad.training.checkpoint.restoring import restore_all
from minigrad.training.checkpoint.tree import Arrays, Packer, plain, unpack

PARTS = ("optimizer", "scheduler", "loader", "generators", "environment", "fit", "extra")


@dataclass(frozen=True, repr=False)
class Saved:
    """What a checkpoint holds; what was not saved is None.

    Attributes:
        path: the file.
        model: the weights and buffers as arrays by name, for ``model.load_state_dict``.
        optimizer: for ``optimizer.load_state_dict``.
        scheduler: for ``scheduler.load_state_dict``.
        loader: for ``loader.load_state_dict``.
        extra: what was given as ``extra=``, each value of the type that it had.
        generators: the state of the default generator, of those of the process, and of those that modules own.
        environment: versions, processor and threads where it was saved; the last bits of a result depend on them.
        fit: where ``fit`` was: its position, averages and ``History``.
    """

    path: Path
    model: Arrays | None = None
    optimizer: dict[str, Any] | None = None
    scheduler: dict[str, Any] | None = None
    loader: dict[str, Any] | None = None
    extra: Any = None
    generators: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    fit: dict[str, Any] | None = None

    def __repr__(self) -> str:
        parts = [repr(str(self.path))]
        if self.model is not None:
            parts.append(f"model of {len(self.model)} arrays, {sum(map(np.size, self.model.values())):,} numbers")
        parts += [name for name in ("optimizer", "scheduler", "loader", "fit") if getattr(self, name) is not None]
        if self.extra is not None:
            parts.append(f"extra={reprlib.repr(self.extra)}")
        return f"Saved({', '.join(parts)})"

    def restore(self, *, model: Any = None, optimizer: Any = None, scheduler: Any = None, loader: Any = None) -> None:
        """Put everything back where it was, the random generators too; what is given must have been saved.

        The generators of the process, ``np.random``'s and ``random``'s, are put back whatever is given.

        Every value comes back with its own bits: unlike ``load_state_dict``, this changes no dtype.

        Args:
            model: a module made as the saved one was. Its layers' own generators are restored with it.
            optimizer: of that model's parameters.
            scheduler: of that optimizer.
            loader: a ``DataLoader`` of the same data.

        Raises:
            StateDictError: when something does not fit; nothing has been changed then.
            ArgumentError: when something was not saved.

        >>> import os, tempfile
        >>> import minigrad as mg
        >>> from minigrad import nn
        >>> model, other = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> mg.save(path, model=model)
        >>> mg.load(path).restore(model=other)
        >>> (other.weight.data == model.weight.data).all()
        np.True_
        """
        given = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
        given = {name: value for name, value in given.items() if value is not None}
        for name in given:
            if getattr(self, name) is None:
                raise ArgumentError(f"restore: {self.path} holds no {name}; leave it out, or save it: {name}=...")
        restore_all({name: (part, getattr(self, name)) for name, part in given.items()}, self.generators)


def content(*, model: Any = None, extra: Any = None, fit: Any = None, **others: Any) -> bytearray:
    """Return the bytes of a checkpoint; see ``save``."""
    weights = {} if model is None else _state("model", model)
    packer = Packer(weights)
    values = {name: None if part is None else _state(name, part) for name, part in others.items()}
    optimizer, state = others.get("optimizer"), values.get("optimizer")
    if isinstance(model, Module) and isinstance(optimizer, Optimizer) and state is not None:
        add_names(state, optimizer, model)
    values |= {"generators": generators.capture(model), "environment": environment(), "fit": fit, "extra": extra}
    document = {name: packer.pack(value, name) for name, value in values.items()}
    document["model"] = None if model is None else list(weights)
    return format.encode({name: plain(array, name) for name, array in weights.items()} | packer.arrays, document)


def add_names(state: dict[str, Any], optimizer: Optimizer, model: Module) -> None:
    """Add the names that the model gives its parameters, so that their order does not matter."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    for group, saved in zip(optimizer.param_groups, state["param_groups"], strict=True):
        if "param_names" not in saved and all(parameter in names for parameter in group["params"]):
            saved["param_names"] = [names[parameter] for parameter in group["params"]]


def _state(name: str, part: Any) -> Any:
    if isinstance(part, type) or not hasattr(part, "state_dict"):
        came = reprlib.repr(part)
        if isinstance(part, dict):
            came = f"a dict; pass the {name} itself, not its state_dict(), or put the dict into extra="
        raise DtypeError(f"save: {name} must have state_dict(), got {came}")
    return part.state_dict()


def load_file(path: Path) -> Saved:
    """Load one file; see ``load``."""
    with files.reading(path) as (file, size):
        try:
            arrays, values = format.decode(file, size)
            return _saved(path, arrays, values)
        except CheckpointError as problem:
            raise CheckpointError(f"{path} cannot be loaded: {problem}") from None


def _saved(path: Path, arrays: Arrays, values: dict[str, Any]) -> Saved:
    names = values.pop("model", None)
    if set(values) != set(PARTS):
        raise CheckpointError(f"expected the values {', '.join(PARTS)}, got {', '.join(values)[:200]}")
    weights = None
    if names is not None:
        if not isinstance(names, list) or not all(isinstance(name, str) and name in arrays for name in names):
            raise CheckpointError("its model names tensors that are not there")
        weights = {name: arrays.pop(name) for name in dict.fromkeys(names)}
    parts = {name: unpack(values[name], arrays) for name in PARTS}
    if arrays:
        raise CheckpointError(f"it has tensors that belong to nothing: {', '.join(arrays)[:200]}")
    for name, part in parts.items():
        needed = name in ("generators", "environment")
        if name != "extra" and not isinstance(part, dict if needed else (dict, type(None))):
            raise CheckpointError(f"its {name} is no dict")
    return Saved(path, weights, **parts)
