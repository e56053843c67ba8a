"""Module: a function with parameters, made of other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from minigrad.calls import call
from minigrad.checks import check_flag
from minigrad.engine.arrays import as_array
from minigrad.engine.mode import enter_scope, leave_scope
from minigrad.engine.tensor import Tensor
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    MissingMethodError,
    StateDictError,
)
from minigrad.nn.parameter import Parameter
from minigrad.pytorch_names import AdvisesOnArguments, check_name


class LoadedKeys(NamedTuple):
    """What ``load_state_dict`` did not find, and what it found and did not need."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module(AdvisesOnArguments):
    """The base of layers and models: assign parameters and modules as attributes, define ``forward``.

    Attributes that are a ``Parameter`` or a ``Module`` are found by looking; nothing needs to be
    declared, and ``super().__init__()`` is not needed either. Calling the module runs
    ``forward`` and marks what it records with the module's path, for drawings.

    Attributes:
        training: whether dropout and batch normalisation behave as in training; see ``train`` and ``eval``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter(mg.ones(1))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> Scale()(mg.tensor([2.0]))
    tensor([2.], from=multiply)
    """

    training: bool = True
    _buffer_names: tuple[str, ...] = ()
    _path: str = ""  # in the module tree; empty for the root
    _scope: str = "Module"  # the path for drawings, from the root's class: "MLP.0"

    def __init__(self) -> None:
        """Take nothing; modules with arguments define their own."""

    def forward(self, *args: Any, **options: Any) -> Any:
        """Compute the output; each module defines its own."""
        raise MissingMethodError(f"{type(self).__name__} has no forward(); define it to say what the module computes")

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run ``forward``; what it records carries this module's path."""
        token = enter_scope(self._scope)
        try:
            return self.forward(*args, **options)
        finally:
            leave_scope(token)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._scope = cls.__name__  # until it is part of another module

    # --- the tree

    def __setattr__(self, name: str, value: Any) -> None:
        self._check_not_hidden(name, value)
        if isinstance(vars(self).get(name), Parameter) and not isinstance(value, Parameter) and value is not None:
            raise DtypeError(
                f"{type(self).__name__}.{name} is a parameter, and would be lost; assign an nn.Parameter, or change "
                f"its values with {name}.data = ..."
            )
        object.__setattr__(self, name, value)
        if isinstance(value, Parameter):
            value.name = _join(self._path, name)
        elif isinstance(value, Module):
            self._mount(self._path, self._scope)

    if not TYPE_CHECKING:  # a type checker shall see only what there is

        def __getattr__(self, name: str) -> Any:
            """Give advice for a name that PyTorch's modules have."""
            if not hasattr(type(self), name):
                check_name(type(self).__name__, "a module", name)
            # Python's own error, or that of a property
            return object.__getattribute__(self, name)

    def _check_not_hidden(self, name: str, value: Any) -> None:
        if isinstance(value, (list, tuple, dict)) and _holds_modules(value):
            raise DtypeError(
                f"{type(self).__name__}.{name}: a {type(value).__name__} hides its modules or parameters from "
                "parameters() and state_dict(); use nn.ModuleList or nn.Sequential, or one attribute each"
            )

    def _mount(self, path: str, scope: str) -> None:
        """Tell all below their paths, scopes and parameter names; what stands in several places has its first."""
        for name, module in self.named_modules():
            object.__setattr__(module, "_path", _join(path, name))
            object.__setattr__(module, "_scope", _join(scope, name))
        for name, parameter in self.named_parameters():
            parameter.name = _join(path, name)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules that are attributes of this one, with their names."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def children(self) -> Iterator[Module]:
        """Yield the modules that are attributes of this one."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it once each, with their paths."""
        if not isinstance(prefix, str):
            raise DtypeError(f"prefix must be a string, got {type(prefix).__name__}")
        yield from self._places(prefix, set())

    def _places(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) not in seen:
            seen.add(id(self))
            yield prefix, self
            for name, value in vars(self).items():
                self._check_not_hidden(name, value)  # a list may have been filled after it was assigned
            for name, child in self.named_children():
                yield from child._places(_join(prefix, name), seen)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it once each."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter of the tree once, with its path: a module's own, then its children's."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter of the tree once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def register_buffer(self, name: str, value: Any) -> None:
        """Add a tensor that belongs to the module's state and is not learned, such as a running mean.

        Raises:
            ArgumentError: when the name is no identifier, or taken.
        """
        if not isinstance(name, str) or not name.isidentifier() or hasattr(self, name):
            raise ArgumentError(f"register_buffer: the name must be a new identifier, got {name!r}")
        self._buffer_names = (*self._buffer_names, name)
        setattr(self, name, value if isinstance(value, Tensor) else Tensor(as_array(value)))

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Yield every buffer of the tree, with its path."""
        for path, module in self.named_modules(prefix):
            for name in module._buffer_names:
                yield _join(path, name), getattr(module, name)

    def buffers(self) -> Iterator[Tensor]:
        """Yield every buffer of the tree."""
        for _, buffer in self.named_buffers():
            yield buffer

    # --- what is done to all

    def train(self, mode: bool = True) -> Self:
        """Let this module and all below it behave as in training; return the module."""
        mode = check_flag("train: mode", mode)
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Let this module and all below it behave as in evaluation; return the module."""
        return self.train(False)

    @contextmanager
    def keeping_modes(self) -> Iterator[None]:
        """Give every module its own mode back at the end of a block, however it ends."""
        modes = [(module, module.training) for module in self.modules()]
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradient of every parameter; ``set_to_none`` is there for PyTorch's scripts."""
        for parameter in self.parameters():
            parameter.grad = None

    def apply(self, function: Callable[[Module], object]) -> Self:
        """Call a function on every module below and then on this one; return the module."""
        if not callable(function):
            raise DtypeError(f"apply: function must be a function of a module, got {type(function).__name__}")
        for child in self.children():
            child.apply(function)
        call("apply: function must be a function of a module", function, self)
        return self

    # --- state

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """Return a copy of every parameter and buffer as an array, by its path."""
        return {name: tensor._array.copy() for name, tensor in self._state()}

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        # every name of a shared parameter, as PyTorch's: looked up by path, not by identity
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) or name in module._buffer_names:
                    yield _join(path, name), value

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadedKeys:
        """Copy arrays into the parameters and buffers of the same paths; each keeps its dtype.

        Args:
            state: arrays or tensors by path, as ``state_dict`` returns.
            strict: whether missing and unexpected paths are errors.

        Raises:
            StateDictError: lists every missing and unexpected path and every wrong shape; nothing
                has been changed then.
        """
        if not isinstance(state, Mapping):
            raise StateDictError(f"load_state_dict needs a dict of arrays by name, got {type(state).__name__}")
        strict = check_flag("load_state_dict: strict", strict)
        own = dict(self._state())
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        arrays = {name: _array(state[name]) for name in own if name in state}
        problems = [f"missing: {name}" for name in missing if strict]
        problems += [f"unexpected: {name}" for name in unexpected if strict]
        problems += [
            f"dtype of {name}: {array.dtype}" for name, array in arrays.items() if array.dtype.kind not in "biuf"
        ]
        problems += [
            f"shape of {name}: expected {own[name].shape}, got {array.shape}"
            for name, array in arrays.items()
            if array.shape != own[name].shape
        ]
        if problems:
            hint = "; with strict=False missing and unexpected names are left out" if missing or unexpected else ""
            raise StateDictError(f"the state does not fit {type(self).__name__}{hint}:\n  " + "\n  ".join(problems))
        for name, array in arrays.items():
            own[name].data = array.astype(own[name].dtype)
        return LoadedKeys(missing, unexpected)

    # --- text

    def extra_repr(self) -> str:
        """Return what the parentheses of the ``repr`` hold; each layer defines its own."""
        return ""

    def __repr__(self) -> str:
        total = sum(parameter.size for parameter in self.parameters())
        tree = self._tree()
        return f"{tree}  # {total:,} parameters" if "\n" in tree and not self._path else tree

    def _tree(self) -> str:
        children = [f"({name}): {child._tree()}" for name, child in self.named_children()]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = "\n".join(children).replace("\n", "\n  ")
        return f"{type(self).__name__}({self.extra_repr()}\n  {lines}\n)"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _holds_modules(value: Any, around: tuple[Any, ...] = ()) -> bool:
    if isinstance(value, (Module, Parameter)):
        return True
    if not isinstance(value, (list, tuple, dict)) or any(value is outer for outer in around):
        return False
    items = value.values() if isinstance(value, dict) else value
    return any(_holds_modules(item, (*around, value)) for item in items)


def _array(value: Any) -> npt.NDArray[Any]:
    return value._array if isinstance(value, Tensor) else np.asarray(value)
