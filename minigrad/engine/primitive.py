"""Primitive: a function and its derivatives, one rule for each input, side by side."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, ParamSpec, overload

from numpy import asanyarray, ndarray

from minigrad.engine import numpy_protocol
from minigrad.engine.arrays import as_operand
from minigrad.engine.explain import explain_failure
from minigrad.engine.listener import hear_operation
from minigrad.engine.mode import GRAPH, LINES, OPERATIONS, current_scope, records_now
from minigrad.engine.node import Node, constant
from minigrad.engine.sharing import apart, saved, still_shared
from minigrad.engine.source import calling_line
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, MinigradError, RuleError, checked_arguments

P = ParamSpec("P")
Rule = Callable[..., Any]
_NO_OPTIONS: dict[str, Any] = {}  # one for all nodes that have none


class Primitive(Generic[P]):
    """A differentiable function of arrays, made with ``@mg.primitive``.

    Called with tensors, it computes on their arrays and, where a gradient will be needed,
    records a node. The rules are run by the backward walk.

    Attributes:
        name: what drawings and errors call it.
        forward: the function on arrays.
        rules: for each input, ``rule(gradient, out, *inputs, **options)``, or None where no
            gradient flows.
        broadcasts: whether inputs broadcast, so that the walk sums the stretched axes out.
        keeps: whether the function also returns an array that only its rules need.
        passes_gradients: whether any input has a rule; the results of others require no gradient.
    """

    def __init__(self, forward: Callable[P, Any], *, broadcasts: bool = False, keeps: bool = False) -> None:
        functools.update_wrapper(self, forward)
        self.name = forward.__name__.strip("_") or forward.__name__
        self.__doc__ = f"{self.name}{_signature(forward)}\n\n{forward.__doc__ or ''}"  # for help(), as NumPy's have
        self.forward: Callable[..., Any] = forward
        self.broadcasts = broadcasts
        self.keeps = keeps
        self.rules: Sequence[Rule | None] = ()
        self.passes_gradients = False
        self.arity = -1  # of inputs, once there are rules; a variadic function has none
        self.parameters = list(inspect.signature(forward).parameters.values())
        self.variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in self.parameters)

    def derivatives(self, *rules: Rule | None) -> None:
        """Give the rule of each input, in order; None for an input through which no gradient flows.

        A rule gets the gradient of the output, the output, the inputs and the options, and returns
        the gradient of its input. It is pure, plain NumPy, so it can be differentiated in turn. What a
        function keeps stands after the inputs; it is None where the pass itself is recorded.

        Raises:
            RuleError: when there are more rules than inputs.
        """
        if len(rules) > len(self.parameters):
            raise RuleError(f"{self.name}: {len(rules)} rules for {len(self.parameters)} arguments")
        self.rules = rules
        self.arity = len(rules)
        self.passes_gradients = any(rule is not None for rule in rules)

    def derivatives_of_each(self, rule: Rule) -> None:
        """Give one rule for every input of a function of ``*arrays``; it gets the input's position first."""
        self.rules = _EachInput(rule)
        self.passes_gradients = True

    def __call__(self, *args: P.args, **options: P.kwargs) -> Tensor:
        """Compute, and record a node if a gradient will be needed."""
        inputs: Sequence[Any] = args
        if len(args) != self.arity:
            inputs, options = self._bind(args, options)  # type: ignore[assignment]
        arrays: list[Any] = []
        nodes: list[Any] = []
        needed = placeless = outside = False
        records = records_now()
        for value in inputs:
            if isinstance(value, Tensor):
                node: Any = value.node
                if node is None:
                    node, placeless = value, True
                elif node.requires_grad:
                    needed = True
                if value._shared and still_shared(value):
                    outside = True
                nodes.append(node)
                arrays.append(value._data)
            else:
                if type(value) is not float or not self.broadcasts:
                    if value is None:
                        self._check_none(len(arrays))
                    value, placeless = as_operand(value, weak=self.broadcasts), True
                    if isinstance(value, ndarray):
                        outside = True
                nodes.append(value)
                arrays.append(value)
        if outside and needed and records & GRAPH:
            arrays, outside = [saved(*pair) for pair in zip(inputs, arrays, strict=True)], False
        try:
            out = self.forward(*arrays, **options) if options else self.forward(*arrays)
        except MinigradError:
            raise
        except (ValueError, TypeError, IndexError, OverflowError) as problem:
            raise explain_failure(self, inputs, arrays, options, problem) from problem
        if type(out) is not ndarray:
            if self.keeps:
                out, *kept = out
                arrays += kept
            if isinstance(out, (tuple, list)):
                raise RuleError(f"{self.name} must return one array, it returned a {type(out).__name__} of {len(out)}")
            out = asanyarray(out)
        if outside or (needed and out.base is not None):
            out = apart(out, inputs, arrays if outside else ())
        if records & OPERATIONS:
            hear_operation(self, inputs, options, out)
        dtype = out.dtype
        if not needed or not records & GRAPH or not self.passes_gradients or dtype.kind != "f":
            return Tensor(out, None, False)
        if placeless:
            nodes = [_place(value) for value in nodes]
        kept, options = (out, *arrays), options or _NO_OPTIONS  # type: ignore[assignment]
        place = Node(self, tuple(nodes), kept, options, out.shape, dtype, True, current_scope())
        if records & LINES:
            place.line = calling_line()
        return Tensor(out, place, False)

    def dispatch(self, *inputs: Any, **options: Any) -> Any:
        """Call it from inside a rule: tensors give a tensor, arrays give an array."""
        for value in inputs:
            if isinstance(value, Tensor):
                return self(*inputs, **options)
        out = self.forward(*inputs, **options)
        return out[0] if self.keeps else out

    def _check_none(self, position: int) -> None:
        """Refuse None for an input that cannot be left out; nothing equals None, which may be asked of any tensor."""
        parameter = self.parameters[0 if self.variadic else position]
        if parameter.default is not None and self.name not in ("equal", "not_equal"):
            which = f"argument {position}" if self.variadic else parameter.name
            raise DtypeError(f"{self.name}: {which} is None (NoneType), expected real numbers or booleans")

    def _bind(self, args: Sequence[Any], options: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Sort a call into inputs and options: inputs may come by keyword, options by position."""
        if not self.rules:
            raise RuleError(f"{self.name} has no derivative rules yet; give them with {self.name}.derivatives(...)")
        if self.variadic:
            return args, options
        try:
            bound = inspect.signature(self.forward).bind(*args, **options).arguments
        except TypeError as problem:
            raise explain_failure(self, args, args, options, problem) from None
        inputs = self.parameters[: len(self.rules)]
        while inputs[-1].name not in bound:  # an input in between that is left out stands at its default
            inputs.pop()
        return [bound.pop(parameter.name, parameter.default) for parameter in inputs], bound

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a signature without types, which say little about arrays."""
    signature = inspect.signature(function)
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)


def _place(value: Any) -> Any:
    """Return what stands for an argument in the graph: its node, made now if it has none, or the number itself."""
    if isinstance(value, Tensor):
        return value.place()
    return constant(value) if isinstance(value, ndarray) else value


class _EachInput(Sequence[Rule]):
    """The rules of a function of any number of inputs."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __len__(self) -> int:
        return 1

    def __getitem__(self, position: Any) -> Any:
        return functools.partial(self.rule, position)

    def __iter__(self) -> Iterator[Rule]:
        return iter((self[0],))  # there is one, however many inputs it serves


@overload
def primitive(forward: Callable[P, Any]) -> Primitive[P]: ...
@overload
def primitive(
    *, broadcasts: bool = False, keeps: bool = False, numpy: Callable[..., Any] | None = None
) -> Callable[[Callable[P, Any]], Primitive[P]]: ...
@checked_arguments
def primitive(
    forward: Any = None, *, broadcasts: bool = False, keeps: bool = False, numpy: Callable[..., Any] | None = None
) -> Any:
    """Make a function of arrays differentiable: the library's own functions are made so, and users' too.

    The function's parameters are its array inputs, in the order of the rules, then its options.

    Args:
        forward: the function on arrays; it returns a new array and changes nothing.
        broadcasts: whether its inputs broadcast; the walk then sums the stretched axes out.
        keeps: whether it returns ``(result, kept)``, where ``kept`` is an array that saves its rules work: these
            get it after the inputs, or None where the pass itself is recorded and they must compute it anew.
        numpy: the NumPy function that this one stands for when it is called with a tensor.

    Raises:
        DtypeError: when ``forward`` is no function.
        ArgumentError: when another primitive stands for the NumPy function already.

    >>> import minigrad as mg, numpy as np
    >>> @mg.primitive(broadcasts=True)
    ... def hypotenuse(x, y):
    ...     return np.sqrt(x * x + y * y)
    >>> hypotenuse.derivatives(
    ...     lambda g, out, x, y: g * x / out,
    ...     lambda g, out, x, y: g * y / out,
    ... )
    >>> x = mg.tensor([3.0, 5.0], requires_grad=True)
    >>> hypotenuse(x, [4.0, 12.0]).sum().backward()
    >>> x.grad
    tensor([0.6   , 0.3846])
    """

    def make(function: Callable[P, Any]) -> Primitive[P]:
        if not callable(function) or not hasattr(function, "__name__"):
            raise DtypeError(f"primitive: expected a function on arrays, got {type(function).__name__}")
        made = Primitive(function, broadcasts=broadcasts, keeps=keeps)
        if numpy is not None:
            taken = numpy_protocol.implementations.get(numpy)
            if taken is not None:
                raise ArgumentError(f"primitive: np.{numpy.__name__} already stands for {taken.__name__}")
            numpy_protocol.implementations[numpy] = made
        return made

    return make if forward is None else make(forward)
