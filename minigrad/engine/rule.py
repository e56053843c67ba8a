"""Rules: the derivatives of a function, each with the names of what it needs, and the plan of what a node saves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.engine.node import LEAF, NUMBER, RESULT
from minigrad.errors import RuleError


class Rule:
    """The derivative with respect to one input (a VJP rule): a function of the gradient and of what else it names.

    Attributes:
        function: takes the gradient of the output, and returns that of the input.
        names: what it needs after the gradient.
    """

    __slots__ = ("function", "names")

    def __init__(self, function: Callable[..., Any], names: tuple[str, ...]) -> None:
        self.function = function
        self.names = names

    def at(self, position: int) -> Rule:
        """Return the rule of one input of a function of any number of inputs, which may name its position."""
        if "position" not in self.names:
            return self
        index, function = self.names.index("position"), self.function
        names = self.names[:index] + self.names[index + 1 :]
        return Rule(lambda g, *needed: function(g, *needed[:index], position, *needed[index:]), names)


def named_by(rule: Callable[..., Any], title: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the names of what a rule needs after the gradient.

    Args:
        rule: a function such as ``lambda g, y: g * y``.
        title: what errors call the function that it differentiates.
        known: the names that exist.

    Raises:
        RuleError: when it is not such a function, or names something that does not exist.
    """
    if not callable(rule):
        raise RuleError(f"{title}: a rule is a function such as `lambda g, y: g * y`, got {rule!r}")
    parameters = list(inspect.signature(rule).parameters.values())
    if not parameters or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.KEYWORD_ONLY) for p in parameters):
        raise RuleError(
            f"{title}: a rule takes the gradient, and then names each thing that it needs, as in `lambda g, y: g * y`; "
            f"got the parameters ({', '.join(map(str, parameters))})"
        )
    first, *names = [parameter.name for parameter in parameters]
    if "g" not in known and (first in known or "g" in names):
        raise RuleError(
            f"{title}: the first parameter of a rule is the gradient that arrives, as in `lambda g: ...`; got "
            f"the parameters ({', '.join(map(str, parameters))})"
        )
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = "; to keep something for the rules, declare @mg.primitive(keeps=True)" if "kept" in unknown else ""
        raise RuleError(
            f"{title}: a rule needs {', '.join(map(repr, unknown))}, which does not exist; after the gradient it may "
            f"name {', '.join(sorted(known))}{hint}"
        )
    return tuple(names)


class Plan:
    """What a node does for inputs of certain kinds: which rules it runs, and what it saves for them.

    Args:
        rules: of each input; of a function of any number of inputs, the one that serves all.
        inputs: their names; of a function of any number of inputs, the one name of all.
        defaults: the options by name, with their default values.
        kinds: of each input.
        variadic: whether the function takes any number of inputs.
        random: whether it draws random numbers.

    Attributes:
        rules: for each input that a gradient flows to, its position and its rule.
    """

    __slots__ = ("holds", "inputs", "kept", "not_held", "options", "others", "out", "rules", "shapes", "variadic")

    def __init__(
        self,
        rules: Sequence[Rule | None],
        inputs: Sequence[str],
        defaults: Mapping[str, Any],
        kinds: Sequence[int],
        *,
        variadic: bool,
        random: bool,
    ) -> None:
        if variadic:
            rules = [None if rules[0] is None else rules[0].at(position) for position in range(len(kinds))]
        pairs = enumerate(zip(rules, kinds, strict=True))
        self.rules = tuple([(i, rule) for i, (rule, kind) in pairs if rule is not None and kind in (LEAF, RESULT)])
        named = {name for _, rule in self.rules for name in rule.names}
        positions = [] if variadic else list(enumerate(inputs))
        self.inputs = [(name, position) for position, name in positions if name in named]
        self.shapes = [(f"{name}_shape", position) for position, name in positions if f"{name}_shape" in named]
        of_all = ((inputs[0], tuple), (f"{inputs[0]}_shape", _shapes)) if variadic else ()
        self.variadic = [(name, function) for name, function in of_all if name in named]
        self.options = [(name, default) for name, default in defaults.items() if name in named]
        self.out = "out" in named or random  # what was drawn cannot be computed again
        self.kept = "kept" in named
        self.others = self.kept or bool(self.shapes or self.options or self.variadic)
        self.not_held = [position for position, kind in enumerate(kinds) if kind in (RESULT, NUMBER)]
        self.holds = len(self.not_held) < len(kinds)

    def saved(
        self, arrays: list[Any], options: Mapping[str, Any], out: Any, kept: Any
    ) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Return what the rules name, and the operands: the arrays of leaves and constants. The list is used up."""
        saved: dict[str, Any] = {}
        for name, position in self.inputs:
            saved[name] = arrays[position]
        if self.out:
            saved["out"] = out
        if self.others:
            if self.kept:
                saved["kept"] = kept
            for name, position in self.shapes:
                saved[name] = np.shape(arrays[position])
            for name, default in self.options:
                saved[name] = options[name] if name in options else _own(default)
            for name, of_all in self.variadic:
                saved[name] = of_all(arrays)
        if not self.holds:
            return saved, ()
        for position in self.not_held:
            arrays[position] = None
        return saved, tuple(arrays)


def _shapes(arrays: list[Any]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(np.shape, arrays))


def _own(default: Any) -> Any:
    """Return the default of an option, of an array a copy: it is the user's, who may write into it."""
    return default.copy() if isinstance(default, np.ndarray) else default
