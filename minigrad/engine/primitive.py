"""Primitive: a function of arrays and its derivatives, one rule for each input, side by side."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from minigrad.engine.arrays import as_operand
from minigrad.engine.explain import explain_failure
from minigrad.engine.mode import current_scope, is_recording, observers
from minigrad.engine.node import CONSTANT, LEAF, NUMBER, RESULT, Node, leaf_of_array
from minigrad.engine.protected import protected
from minigrad.engine.rule import Plan, Rule, named_by
from minigrad.engine.value import Value, copy_if_shared, of_parts
from minigrad.errors import DtypeError, MinigradError, RuleError

P = ParamSpec("P")
T = TypeVar("T", bound=Value)
_PLAIN = frozenset({bool, int, float, str, type(None)})  # options that hold no arrays


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
        rules: for each input the derivative as a function, or None where no gradient flows.
        broadcasts: whether inputs broadcast, so that the walk sums over the stretched axes.
        keeps: whether the function returns ``(result, kept)``, with what only its rules need.
        in_single: whether half precision is computed in single, and rounded once at the end.
        random: whether it draws random numbers, so that its result cannot be computed again.
        trusted: whether it is the library's own, and writes into no argument.
    """

    def __init__(
        self,
        forward: Callable[P, Any],
        result: type[T],
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
        self.result = result
        self.broadcasts, self.keeps, self.in_single = broadcasts, keeps, in_single
        self.random, self.trusted = random, trusted
        self.signature = self.__signature__ = _signature(forward)
        self.parameters = list(self.signature.parameters.values())
        self.variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in self.parameters)
        self.__doc__ = f"{self.name}{self.signature}\n\n{forward.__doc__ or ''}"  # for help(), as NumPy's have
        names = [parameter.name for parameter in self.parameters]
        self.forward: Callable[..., Any] = forward if trusted else protected(forward, self.name, names)
        self.rules: tuple[Callable[..., Any] | None, ...] = ()
        self.arity = -1  # of inputs, once there are rules; a variadic function has none
        self.options: dict[str, Any] = {}  # with their defaults
        self._option_names: frozenset[str] = frozenset()
        self._bound: tuple[Rule | None, ...] = ()
        self._plans: dict[int, Plan] = {}  # by the kinds of the inputs

    def derivatives(self, *rules: Callable[..., Any] | None) -> None:
        """Give the rule of each input, in order; None for an input through which no gradient flows.

        A rule is pure, plain NumPy, so it can be differentiated in turn: it runs on arrays, and on tensors where the
        backward pass is itself recorded. ``kept`` is None there, and the rule computes it anew.

        Raises:
            RuleError: when there are more rules than inputs, or a rule names something that does not exist.
        """
        if len(rules) > len(self.parameters) or (self.variadic and len(rules) != 1):
            one = f"one rule for all of *{self.parameters[0].name}" if self.variadic else "at most one for each"
            raise RuleError(f"{self.name}: {len(rules)} rules for {len(self.parameters)} arguments; give {one}")
        inputs = [parameter.name for parameter in self.parameters[: len(rules)]]
        self.options = {parameter.name: parameter.default for parameter in self.parameters[len(rules) :]}
        self._option_names = frozenset(self.options)
        known = {*inputs, *[f"{name}_shape" for name in inputs], "out", *self.options}
        known |= ({"kept"} if self.keeps else set()) | ({"position"} if self.variadic else set())
        self._bound = tuple([None if rule is None else self._bind_rule(rule, known) for rule in rules])
        self._plans = {}
        self.rules = rules
        self.arity = -1 if self.variadic else len(rules)

    def __call__(self, *args: P.args, **options: P.kwargs) -> T:
        """Compute, and record a node if a gradient will be needed."""
        inputs: Sequence[Any] = args
        if options or len(args) != self.arity:
            inputs, options = self._bind_call(args, options)  # type: ignore[assignment]
        arrays, nodes, exported, kinds = self._read(inputs)
        recorded = kinds and is_recording()
        if recorded and exported:  # the graph holds copies, and the function runs on these, so that it can run again
            arrays = _copied(arrays, exported)
        out, kept = self.compute(arrays, options, inputs)
        node = None
        if recorded:
            if None in nodes:
                nodes = list(map(_place, nodes, inputs, arrays))
            node = self._record(kinds, nodes, arrays, options, out, kept, exported)
        elif exported:
            out = copy_if_shared(out, exported)
        result = self.result(out, node, True)
        for observer in observers():
            observer.operation(self, inputs, options, result)
        return result

    def _read(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any], int]:
        """Return the arguments as arrays, their nodes, the exported ones among the arrays, and the kinds of all.

        A node that does not exist yet is None; a number is its own node. The kinds make one number, two bits for each
        input after a 1 that counts them; 0 if no input needs a gradient.
        """
        arrays: list[Any] = []
        nodes: list[Any] = []
        exported: list[Any] = []
        needed, kinds = False, 1
        for value in inputs:
            node, kind = None, CONSTANT
            array: Any
            if isinstance(value, Value):
                array, node = value._array, value.node
                if node is not None:
                    kind = node.kind
                    if kind >= LEAF:
                        needed = True
                if value._exported:
                    exported.append(array)
                else:
                    value._captured = True
            else:
                array = value if type(value) is float and self.broadcasts else self._operand(value, len(arrays))
                if isinstance(array, np.ndarray):
                    exported.append(array)
                else:
                    node, kind = array, NUMBER
            arrays.append(array)
            nodes.append(node)
            kinds = 4 * kinds + kind
        return arrays, nodes, exported, kinds if needed else 0

    def compute(self, arrays: Sequence[Any], options: dict[str, Any], inputs: Sequence[Any] = ()) -> tuple[Any, Any]:
        """Return the result as an array, and what the function keeps for its rules.

        Args:
            arrays: the arguments as arrays and numbers.
            options: the keyword arguments.
            inputs: the arguments as the user gave them, for errors.
        """
        narrow = False
        if self.in_single and arrays and is_half(arrays[0]):  # NumPy widens others, where the first is not half
            narrow = not any(isinstance(array, np.ndarray) and array.dtype.char in "fd" for array in arrays)
            arrays = [*map(widened, arrays)]
        try:
            out = self.forward(*arrays, **options) if options else self.forward(*arrays)
        except MinigradError:
            raise
        except (ValueError, TypeError, IndexError, OverflowError) as problem:
            raise explain_failure(self, inputs or arrays, arrays, options, problem) from problem
        kept = None
        if self.keeps:
            out, kept = out
        if type(out) is not np.ndarray or not self.trusted:
            out = self._checked(out)
        if narrow and out.dtype.kind == "f":
            out = out.astype(np.float16)
        return out, kept

    def dispatch(self, *inputs: Any, **options: Any) -> Any:
        """Call it from inside a rule: tensors give a tensor, arrays give an array."""
        for value in inputs:
            if isinstance(value, Value):
                return self(*inputs, **options)
        return self.compute(inputs, options)[0] if self.in_single or self.keeps else self.forward(*inputs, **options)

    def _record(
        self,
        kinds: int,
        nodes: list[Any],
        arrays: list[Any],
        options: dict[str, Any],
        out: Any,
        kept: Any,
        exported: list[Any],
    ) -> Node | None:
        """Return the node of a result; None if no gradient flows through it."""
        plan = self._plans.get(kinds) or self._plan(kinds, len(nodes))
        if not plan.rules or out.dtype.kind != "f":
            return None
        saved: dict[str, Any] = {}
        for name, position in plan.inputs:
            saved[name] = arrays[position]
        if plan.out:
            saved["out"] = out
        if plan.others:
            plan.save_others(saved, arrays, options, kept)
        operands: tuple[Any, ...] = ()
        if exported:
            operands = tuple(arrays)
        elif plan.holds:
            operands = plan.operands(arrays)
        scope = current_scope()
        return Node(out.shape, out.dtype, RESULT, self, tuple(nodes), plan.rules, saved, operands, options, scope)

    def _plan(self, kinds: int, count: int) -> Plan:
        inputs = [parameter.name for parameter in self.parameters[: len(self.rules)]]
        kind_of = [kinds >> 2 * (count - 1 - position) & 3 for position in range(count)]
        plan = Plan(self._bound, inputs, self.options, kind_of, variadic=self.variadic, random=self.random)
        self._plans[kinds] = plan
        return plan

    def _bind_rule(self, rule: Callable[..., Any], known: set[str]) -> Rule:
        """Return a rule with the names of what it needs: one that does not exist is an error now, not in the walk."""
        names = named_by(rule, self.name, known)
        arguments = list(inspect.signature(rule).parameters)
        return Rule(rule if self.trusted else protected(rule, f"a rule of {self.name}", arguments), names)

    def _bind_call(self, args: Sequence[Any], options: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Sort a call into inputs and options: inputs may come by keyword, options by position."""
        if not self._bound:
            raise RuleError(f"{self.name} has no derivative rules yet; give them with {self.name}.derivatives(...)")
        if not self.variadic and (len(args) != self.arity or not self._option_names.issuperset(options)):
            try:
                options = self.signature.bind(*args, **options).arguments
            except TypeError as problem:
                raise explain_failure(self, args, args, options, problem) from None
            args = [options.pop(parameter.name, parameter.default) for parameter in self.parameters[: self.arity]]
        if not _PLAIN.issuperset(map(type, options.values())):
            options = {name: own_option(self.name, option) for name, option in options.items()}
        return args, options

    def _operand(self, value: Any, position: int) -> Any:
        """Return an argument that is not a tensor: an array, or a number where it promotes as Python's do."""
        if value is None:
            parameter = self.parameters[0 if self.variadic else position]
            # whether something equals None may be asked of any tensor
            if parameter.default is not None and self.name not in ("equal", "not_equal"):
                which = f"argument {position}" if self.variadic else parameter.name
                raise DtypeError(f"{self.name}: {which} is None (NoneType), expected real numbers or booleans")
        return as_operand(value, weak=self.broadcasts)

    def _checked(self, out: Any) -> Any:
        """Return a function's result as an array of numbers."""
        if isinstance(out, (np.floating, np.integer, np.bool_)):
            return np.asarray(out)
        array = None if out is None or isinstance(out, (tuple, list)) else np.asanyarray(out)
        if array is None or array.dtype.kind not in "biuf":
            what = f"a {type(out).__name__} of {len(out)}" if isinstance(out, (tuple, list)) else repr(out)
            raise RuleError(f"{self.name} must return one array of real numbers or booleans, it returned {what:.80}")
        return array

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _place(node: Any, value: Any, array: Any) -> Any:
    """Return what stands for an argument in the graph: its node, made now if it has none, or a number as it is."""
    if node is not None:
        return node
    if isinstance(value, Value):
        return value.place()
    if isinstance(value, np.ndarray):
        return leaf_of_array(value)
    return leaf_of_array(array) if isinstance(array, np.ndarray) else value


def _copied(arrays: list[Any], exported: list[Any]) -> list[Any]:
    """Return copies of the exported arrays, for the graph to hold; one that appears twice is copied once."""
    copies = {id(array): array.copy("K") for array in exported}
    return [copies.get(id(array), array) for array in arrays]


def own_option(name: str, option: Any) -> Any:
    """Return an option with copies of the arrays in it, for the graph to hold, and arrays in the place of tensors."""
    if isinstance(option, (tuple, list, dict)):
        return of_parts(lambda part: own_option(name, part), option)
    if isinstance(option, slice):
        return slice(*[own_option(name, part) for part in (option.start, option.stop, option.step)])
    if isinstance(option, Value):
        if option.node is not None and option.node.requires_grad and is_recording():
            raise DtypeError(f"{name}: no gradient flows to an option, and {option!r} requires one; pass .detach()")
        option = option._array
    return option.copy() if isinstance(option, np.ndarray) else option


def is_half(value: Any) -> bool:
    """Whether an array is of half precision."""
    return isinstance(value, np.ndarray) and value.dtype.char == "e"


def widened(value: Any) -> Any:
    """Return half-precision numbers in single precision, arrays or tensors; anything else as it is."""
    return value.astype(np.float32) if getattr(value, "dtype", None) == np.float16 else value


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a signature without types, which say little about arrays."""
    if isinstance(function, np.ufunc):
        names = ("x", "y")[: function.nin]
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names])
    signature = inspect.signature(function)
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
