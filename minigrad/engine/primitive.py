"""Primitive: a function of arrays and its derivatives, one rule for each input, side by side."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from minigrad.engine import half
from minigrad.engine.arrays import as_operand
from minigrad.engine.explain import explain_call, explain_failure
from minigrad.engine.mode import current_scope, is_recording, observers
from minigrad.engine.node import CONSTANT, LEAF, NUMBER, RESULT, Node, constant_of_array
from minigrad.engine.protected import protected, returns_array
from minigrad.engine.rule import Plan, Rule, named_by
from minigrad.engine.value import Value, copy_if_shared, of_parts
from minigrad.errors import DtypeError, MinigradError, RuleError

P = ParamSpec("P")
T = TypeVar("T", bound=Value)
_MOST_PLANS = 100  # of one primitive that are remembered: one of any number of inputs may have any number of plans
_PLAIN = frozenset({bool, int, float, str, type(None), type(...)})


class Primitive(Generic[P, T]):
    """A differentiable function of arrays, made with ``@mg.primitive``.

    Called with tensors it computes on their arrays and, where a gradient will be needed, records a node. The rules are
    run by the backward walk.

    A rule names what it needs, and the node saves that alone: ``lambda g, y: g * y``. After the gradient ``g`` it may
    name an input (``x``), the shape of an input (``x_shape``), the output (``out``), what the function keeps for its
    rules (``kept``) and any option (``axis``). A function of ``*arrays`` has one rule for all of them, which may also
    name ``position``.

    Attributes:
        name: what drawings and errors call it.
        forward: the function on arrays.
        rules: for each input its derivative, or None where no gradient flows.
        signature, parameters: those of the function.
        variadic: whether it takes any number of inputs.
        arity: how many inputs there are.
        defaults: the options by name, with their default values.
        make_tensor: makes the result a tensor: of an array, its node, and whether the array is captured.
        broadcasts: whether inputs broadcast, so that the walk sums over the stretched axes.
        keeps: whether the function returns ``(result, kept)``, with what only its rules need.
        in_single: whether half precision is computed in single, and rounded once at the end.
        random: whether it draws random numbers, so that its result cannot be computed again.
        trusted: whether it is the library's own, and writes into no argument.
        takes_none: whether None is an argument like any other, as in ``t == None``.
    """

    def __init__(
        self,
        forward: Callable[P, Any],
        make_tensor: Callable[[Any, Node | None, bool], T],
        *,
        broadcasts: bool = False,
        keeps: bool = False,
        in_single: bool = False,
        random: bool = False,
        trusted: bool = False,
    ) -> None:
        self.name = forward.__name__.strip("_") or forward.__name__
        self.__name__ = self.__qualname__ = forward.__name__
        self.__module__ = getattr(forward, "__module__", "numpy")
        self.__wrapped__ = forward
        self.make_tensor = make_tensor
        self.broadcasts, self.keeps, self.in_single = broadcasts, keeps, in_single
        self.random, self.trusted = random, trusted
        self.signature = self.__signature__ = _signature(forward)
        self.parameters = list(self.signature.parameters.values())
        self.variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in self.parameters)
        self.__doc__ = f"{self.name}{self.signature}\n\n{forward.__doc__ or ''}"  # for help(), as NumPy's have
        names = [parameter.name for parameter in self.parameters]
        self.forward: Callable[..., Any] = forward
        if not trusted:
            self.forward = returns_array(protected(forward, self.name, names), self.name, keeps)
        if in_single:
            self.forward = half.in_single(self.forward)
        self.rules: tuple[Rule | None, ...] = ()
        self.arity = -1  # of inputs, once there are rules; a variadic function has none
        self.defaults: dict[str, Any] = {}
        self.takes_none = False
        self._option_names: frozenset[str] = frozenset()
        self._plans: dict[tuple[int, ...], Plan] = {}  # by the kinds of the inputs

    def derivatives(self, *rules: Callable[..., Any] | None) -> None:
        """Give the rule of each input, in order; None for an input through which no gradient flows.

        A rule is pure, plain NumPy, so it can be differentiated in turn: it runs on arrays, and on tensors where the
        backward pass is itself recorded. ``kept`` is None there, and the rule computes it anew.

        Raises:
            RuleError: when there are more rules than inputs, or a rule names something that does not exist.
        """
        possible = sum(parameter.kind is not parameter.KEYWORD_ONLY for parameter in self.parameters)
        if len(rules) > possible or (self.variadic and len(rules) != 1):
            one = f"one rule for all of *{self.parameters[0].name}" if self.variadic else "at most one for each"
            raise RuleError(f"{self.name}: {len(rules)} rules for {possible} positional arguments; give {one}")
        inputs = [parameter.name for parameter in self.parameters[: len(rules)]]
        self._check_names(inputs)
        self.defaults = {parameter.name: parameter.default for parameter in self.parameters[len(rules) :]}
        self._option_names = frozenset(self.defaults)
        known = {*inputs, *[f"{name}_shape" for name in inputs], "out", *self.defaults}
        known |= ({"kept"} if self.keeps else set()) | ({"position"} if self.variadic else set())
        self.rules = tuple([None if rule is None else self._bind_rule(rule, known) for rule in rules])
        self._plans = {}
        self.arity = -1 if self.variadic else len(rules)

    def __call__(self, *args: P.args, **options: P.kwargs) -> T:
        """Compute, and record a node if a gradient will be needed."""
        inputs: Sequence[Any] = args
        if options or len(args) != self.arity:
            inputs, options = self._bind_call(args, options)  # type: ignore[assignment]
        arrays, nodes, exported, kinds = self._read(inputs)
        plan, node = None, None
        if kinds and is_recording():
            plan = self._plans.get(kinds) or self._plan(kinds)
            # the graph holds copies, and the function runs on these, so that it can run again
            if exported and plan.rules:
                arrays = _with_copies(arrays, exported)
        try:
            out = self.forward(*arrays, **options) if options else self.forward(*arrays)
        except MinigradError:
            raise
        except (ValueError, TypeError, IndexError, OverflowError) as problem:
            raise explain_failure(self, inputs, arrays, options, problem) from (None if self.trusted else problem)
        out, kept = out if self.keeps else (out, None)
        if type(out) is not np.ndarray:  # NumPy gives a scalar where an array would have no axes
            out = np.asanyarray(out)
        if plan and plan.rules and out.dtype.kind == "f":
            if not all(nodes):  # None for one that does not exist yet; a 0 is harmless
                nodes = list(map(_node_for, nodes, inputs, arrays))
            saved, operands = plan.saved(arrays, options, out, kept)
            scope = current_scope()
            node = Node(out.shape, out.dtype, RESULT, self, tuple(nodes), plan.rules, saved, operands, options, scope)
        elif exported:
            out = copy_if_shared(out, exported)
        result = self.make_tensor(out, node, True)  # captured: the graph, or an argument, may hold this very array
        for observer in observers():
            observer.operation(self, inputs, options, result)
        return result

    def _read(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any], tuple[int, ...]]:
        """Return the arguments as arrays, their nodes, the exported ones among the arrays, and the kinds of all.

        A node that does not exist yet is None; a number is its own node. The kinds are empty if no input needs a
        gradient. The result of an operation that has been exported counts as a leaf: it may have been written into.
        """
        arrays: list[Any] = []
        nodes: list[Any] = []
        exported: list[Any] = []
        kinds: list[int] = []
        needed = False
        for value in inputs:
            array: Any
            node: Any
            if isinstance(value, Value):
                array, node = value._array, value.node
                kind = CONSTANT if node is None else node.kind
                if kind >= LEAF:
                    needed = True
                if value._exported:
                    exported.append(array)
                    kind = min(kind, LEAF)
                else:  # as capture() does
                    value._captured = True
            elif type(value) is float and self.broadcasts:
                array, node, kind = value, value, NUMBER
            else:
                array = self._operand(value, len(arrays))
                node, kind = array, NUMBER
                if isinstance(array, np.ndarray):
                    exported.append(array)
                    node, kind = None, CONSTANT
            arrays.append(array)
            nodes.append(node)
            kinds.append(kind)
        return arrays, nodes, exported, tuple(kinds) if needed else ()

    def dispatch(self, *inputs: Any, **options: Any) -> Any:
        """Call it from inside a rule: tensors give a tensor, arrays give an array."""
        for value in inputs:
            if isinstance(value, Value):
                return self(*inputs, **options)
        out = self.forward(*inputs, **options)
        return out[0] if self.keeps else out

    def _plan(self, kinds: tuple[int, ...]) -> Plan:
        """Return what a node does for inputs of these kinds, and remember it."""
        names = [parameter.name for parameter in self.parameters[: len(self.rules)]]
        plan = Plan(self.rules, names, self.defaults, kinds, variadic=self.variadic, random=self.random)
        if len(self._plans) < _MOST_PLANS:
            self._plans[kinds] = plan
        return plan

    def _check_names(self, inputs: list[str]) -> None:
        """Raise where a parameter has a name that means something else to rules, or cannot be passed as an option."""
        taken = {"out", "kept", *[f"{name}_shape" for name in inputs], *(("position",) if self.variadic else ())}
        for place, parameter in enumerate(self.parameters):
            if parameter.name in taken:
                raise RuleError(
                    f"{self.name}: {parameter.name!r} means something else in a rule; give the parameter another name"
                )
            is_option = place >= len(inputs)
            if parameter.kind is parameter.VAR_KEYWORD or (is_option and parameter.kind is parameter.POSITIONAL_ONLY):
                raise RuleError(
                    f"{self.name}: the options of a primitive have names and can be passed by them, got {parameter}"
                )

    def _bind_rule(self, rule: Callable[..., Any], known: set[str]) -> Rule:
        """Return a rule with the names of what it needs: one that does not exist is an error now, not in the walk."""
        names = named_by(rule, self.name, known)
        arguments = list(inspect.signature(rule).parameters)
        return Rule(rule if self.trusted else protected(rule, f"a rule of {self.name}", arguments), names)

    def _bind_call(self, args: Sequence[Any], options: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Sort a call into inputs and options: inputs may come by keyword, options by position."""
        if not self.rules:
            raise RuleError(f"{self.name} has no derivative rules yet; give them with {self.name}.derivatives(...)")
        if not self.variadic and (len(args) != self.arity or not self._option_names.issuperset(options)):
            try:
                options = self.signature.bind(*args, **options).arguments
            except TypeError as problem:
                raise explain_call(self, options, problem) from None
            args = [options.pop(parameter.name, parameter.default) for parameter in self.parameters[: self.arity]]
        if not _PLAIN.issuperset(map(type, options.values())) and not all(map(_holds_no_arrays, options.values())):
            options = {name: own_option(f"{self.name}: {name}", option) for name, option in options.items()}
        return args, options

    def _operand(self, value: Any, position: int) -> Any:
        """Return an argument that is not a tensor: an array, or a number where it promotes as Python's do."""
        if value is None:
            parameter = self.parameters[0 if self.variadic else position]
            if parameter.default is not None and not self.takes_none:
                which = f"argument {position}" if self.variadic else parameter.name
                raise DtypeError(f"{self.name}: {which} is None (NoneType), expected real numbers or booleans")
        return as_operand(value, weak=self.broadcasts)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _node_for(node: Any, value: Any, array: Any) -> Any:
    """Return what stands for an argument in the graph: its node, made now if it has none, or a number as it is."""
    if node is not None:
        return node
    if isinstance(value, Value):
        return value.ensure_node()
    if isinstance(value, np.ndarray):  # of the user's own array, not of the copy: so its variable's name can be found
        return constant_of_array(value)
    return constant_of_array(array) if isinstance(array, np.ndarray) else value


def _with_copies(arrays: list[Any], exported: list[Any]) -> list[Any]:
    """Return the arrays with copies of the exported ones; one that appears twice is copied once."""
    copies = {id(array): array.copy("K") for array in exported}
    return [copies.get(id(array), array) for array in arrays]


def _holds_no_arrays(option: Any) -> bool:
    if type(option) is tuple:
        return all(map(_holds_no_arrays, option))
    if type(option) is slice:
        return type(option.start) in _PLAIN and type(option.stop) in _PLAIN and type(option.step) in _PLAIN
    return type(option) in _PLAIN


def own_option(name: str, option: Any) -> Any:
    """Return an option with copies of the arrays in it, for the graph to hold, and arrays in the place of tensors."""
    if isinstance(option, (tuple, list, dict)):
        return of_parts(lambda part: own_option(name, part), option)
    if isinstance(option, slice):
        return slice(*[own_option(name, part) for part in (option.start, option.stop, option.step)])
    if isinstance(option, Value):
        if option.node is not None and option.node.requires_grad and is_recording():
            raise DtypeError(f"{name} has no derivative rule, and {option!r} requires a gradient; pass .detach()")
        option = option._array
    return option.copy() if isinstance(option, np.ndarray) else option


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a signature without types, which say little about arrays."""
    if isinstance(function, np.ufunc):
        names = ("x", "y")[: function.nin]
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names])
    signature = inspect.signature(function)
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
