"""Modules made of a list of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigrad.checks import is_iterable
from minigrad.errors import DtypeError, OutOfRangeError
from minigrad.nn.module import Module


class _Numbered(Module):
    """Modules under the names ``"0"``, ``"1"``, ... in order."""

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int) -> Module:
        if not isinstance(index, (int, np.integer)):
            raise DtypeError(f"{type(self).__name__} is indexed by an integer, got {index!r}")
        modules = list(self.children())
        if not -len(modules) <= index < len(modules):
            raise OutOfRangeError(f"{type(self).__name__} has {len(modules)} modules, there is no {index}")
        return modules[index]

    def __setitem__(self, index: int, module: Module) -> None:
        self[index]  # raises where there is none
        setattr(self, str(range(len(self))[index]), self._checked(module))

    def append(self, module: Module) -> None:
        """Add a module at the end.

        Raises:
            DtypeError: when it is not a module.
        """
        setattr(self, str(len(self)), self._checked(module))

    def _checked(self, module: Any) -> Module:
        if isinstance(module, Module):
            return module
        hint = ""
        if isinstance(module, type):
            hint = "; call the class, as in nn.ReLU()"
        elif isinstance(module, (list, tuple)):
            hint = f"; pass them one by one, as in {type(self).__name__}(*modules)"
        raise DtypeError(f"{type(self).__name__} holds modules, got {module!r}{hint}")


class Sequential(_Numbered):
    """Modules called one after the other, each on the output of the one before.

    Raises:
        DtypeError: when an argument is no module.

    >>> from minigrad import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3)
      (1): ReLU()
    )  # 9 parameters
    """

    def __init__(self, *modules: Module) -> None:
        for module in modules:
            self.append(module)

    def forward(self, x: Any) -> Any:
        """Return the last module's output."""
        for module in vars(self).values():
            if isinstance(module, Module):
                x = module(x)
        return x


class ModuleList(_Numbered):
    """A list of modules that the tree sees; it is not callable itself.

    Raises:
        DtypeError: when it is no iterable, or an element is no module.

    >>> from minigrad import nn
    >>> len(nn.ModuleList(nn.Linear(4, 4) for _ in range(3)))
    3
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if not is_iterable(modules):
            raise DtypeError(f"ModuleList takes a list of modules, got {modules!r}; write ModuleList([...])")
        for module in modules:
            self.append(module)
