"""Modules made of a list of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minigrad.errors import DtypeError, OutOfRangeError, checked_arguments
from minigrad.nn.module import Module


class _Numbered(Module):
    """Modules under the names ``"0"``, ``"1"``, ... in order."""

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int) -> Module:
        modules = list(self.children())
        try:
            return modules[index]
        except TypeError:
            raise DtypeError(f"{type(self).__name__} is indexed by an integer, got {index!r}") from None
        except IndexError:
            raise OutOfRangeError(f"{type(self).__name__} has {len(modules)} modules, there is no {index}") from None

    def append(self, module: Module) -> None:
        """Add a module at the end.

        Raises:
            DtypeError: when it is no module.
        """
        if not isinstance(module, Module):
            hint = " (a class: call it, as in nn.ReLU())" if isinstance(module, type) else ""
            raise DtypeError(f"{type(self).__name__} holds modules, got {module!r}{hint}")
        setattr(self, str(len(self)), module)


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

    @checked_arguments
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

    @checked_arguments
    def __init__(self, modules: Iterable[Module] = ()) -> None:
        try:
            iterator = iter(modules)
        except TypeError:
            raise DtypeError(f"ModuleList takes a list of modules, got {modules!r}; write ModuleList([...])") from None
        for module in iterator:
            self.append(module)
