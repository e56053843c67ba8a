"""The backward walk: reverse-mode differentiation, one node at a time.

The walk knows graphs and rules, and neither tensors nor calculus. ``backward()``
exhausts it, ``grad()`` collects from it, drawings and players listen to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.memory_changes import check_unchanged, clock
from minigrad.engine.mode import Recording
from minigrad.engine.node import Node
from minigrad.errors import GraphError, RuleError

if TYPE_CHECKING:
    from minigrad.engine.primitive import Primitive

Lift = Callable[[Any, Node], Any]
Sent = tuple[Node, int, Any, Any, Any]  # what a Contribution is made of


class Contribution:
    """What one step sends along one edge.

    Attributes:
        parent: the node that receives it.
        position: which argument of the operation that node is, from 0.
        raw: the gradient as the rule returned it.
        gradient: the same in the parent's shape and dtype, broadcast axes summed out.
        total: the parent's gradient with this contribution added.
    """

    __slots__ = ("gradient", "parent", "position", "raw", "total")

    def __init__(self, parent: Node, position: int, raw: Any, gradient: Any, total: Any) -> None:
        self.parent = parent
        self.position = position
        self.raw = raw
        self.gradient = gradient
        self.total = total


class Step:
    """One node of a backward pass: the gradient that has arrived, and what the node sends on.

    Attributes:
        node: the node that is visited.
        gradient: the complete gradient of the output with respect to this node's value.
        contributions: one for each edge to a parent that needs a gradient; empty for a leaf.
    """

    __slots__ = ("_sent", "gradient", "node")

    def __init__(self, node: Node, gradient: Any, sent: Sequence[Sent]) -> None:
        self.node = node
        self.gradient = gradient
        self._sent = sent

    @property
    def contributions(self) -> list[Contribution]:
        """The contributions, made for who looks: a pass that nobody watches does without."""
        return [Contribution(*sent) for sent in self._sent]

    def __repr__(self) -> str:
        sent = ", ".join(contribution.parent.name or repr(contribution.parent) for contribution in self.contributions)
        return f"<Step {self.node!r} -> {sent or 'nothing'}>"


def walk(
    seeds: dict[Node, Any],
    *,
    targets: Iterable[Node] | None = None,
    lift: Lift | None = None,
    release: bool = False,
    deliver: Callable[[Node, Any], None] | None = None,
    watched: bool = True,
) -> Iterator[Step]:
    """Yield a ``Step`` for each node that the seeds' gradients reach, outermost first.

    Args:
        seeds: the nodes to start from, each with the gradient it starts with.
        targets: send gradients only towards these nodes; None means towards every leaf.
        lift: makes a differentiable value of an array and its node. Given, the rules
            run on such values and are recorded themselves; else they run on plain arrays.
        release: free each node's saved arrays once it has been visited.
        deliver: is handed each node that has a tensor waiting for its gradient, and that gradient.
        watched: whether anybody looks at the steps; if not, none is made and nothing is yielded.

    Raises:
        GraphError: when saved arrays that the walk needs were released before.
        InPlaceError: when an optimizer has changed one of them since.
        RuleError: when a rule returns something that is not a gradient of its input.
    """
    order = topological_order(seeds)
    reached = None if targets is None else _leading_to(order, targets)
    _check_not_released(order, reached)
    arrived = dict(seeds)
    for node in order:
        gradient = arrived.pop(node, None)
        if gradient is None:
            continue
        sent: list[Sent] | None = [] if watched else None
        if node.primitive is not None and (reached is None or not reached.isdisjoint(node.inputs)):
            if node.made != clock.now:
                check_unchanged(node, reached)
            if lift is None:
                _send(node, gradient, node.saved, arrived, reached, sent)
            else:
                with Recording(True):
                    _send(node, gradient, _lifted(node, lift), arrived, reached, sent)
        if deliver is not None and node.tensor is not None:
            deliver(node, gradient)
        if sent is not None:
            yield Step(node, gradient, sent)
        if release:
            node.saved = None


def topological_order(roots: Iterable[Node], *, everything: bool = False) -> list[Node]:
    """Return the nodes that the roots depend on, every node before its parents (Kahn's algorithm).

    Args:
        roots: where to start; they are in the list themselves.
        everything: also follow what needs no gradient, as a drawing does.
    """
    roots = list(roots)
    waiting = dict.fromkeys(roots, 0)  # for each node, the consumers that have not been visited
    found = list(roots)
    while found:
        node = found.pop()
        for parent in node.parents if everything else node.inputs:
            if type(parent) is Node and (parent.requires_grad or everything):
                if parent in waiting:
                    waiting[parent] += 1
                else:
                    waiting[parent] = 1
                    if parent.inputs:
                        found.append(parent)
    ready = [root for root in reversed(roots) if not waiting[root]]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.inputs:
            if type(parent) is Node and (parent.requires_grad or everything):
                # consumers first: only when all have sent is this gradient complete
                left = waiting[parent] - 1
                if left:
                    waiting[parent] = left
                else:
                    ready.append(parent)
    return order


def sum_to_shape(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum out the axes along which a value of ``shape`` was broadcast to the gradient's shape; half in single."""
    if isinstance(gradient, np.ndarray) and gradient.dtype.char == "e" and gradient.shape != shape:
        return sum_to_shape(gradient.astype(np.float32), shape).astype(np.float16)
    extra = gradient.ndim - len(shape)
    if extra == 1 and len(shape) == 1 and isinstance(gradient, np.ndarray) and gradient.dtype.char in "fd":
        ones = np.empty(len(gradient), gradient.dtype)
        ones.fill(1)
        gradient = np.dot(ones, gradient)  # the same sum, and quicker: a matrix product
    elif extra > 0:
        gradient = np.add.reduce(gradient, axis=0 if extra == 1 else tuple(range(extra)))
    if gradient.shape == shape or extra < 0:
        return gradient
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return np.add.reduce(gradient, axis=stretched, keepdims=True)


def _send(
    node: Node,
    gradient: Any,
    saved: Any,
    arrived: dict[Node, Any],
    reached: set[Node] | None,
    sent: list[Sent] | None,
) -> None:
    """Run the rules of the inputs that need a gradient, and add what they return to ``arrived``."""
    primitive: Any = node.primitive
    rules, options, arguments = primitive.rules, node.options, (gradient, *saved)
    for position, parent in enumerate(node.inputs):
        if type(parent) is not Node or not parent.requires_grad or (reached is not None and parent not in reached):
            continue
        rule = rules[position]
        raw = None if rule is None else rule(*arguments, **options) if options else rule(*arguments)
        if raw is None:
            continue
        try:
            fits = raw.shape == parent.shape and raw.dtype is parent.dtype
        except AttributeError:
            fits = False
        fitted = raw if fits else _fit(raw, parent, primitive, position)
        total = fitted
        if parent in arrived:
            total = arrived[parent] + fitted
        arrived[parent] = total
        if sent is not None:
            sent.append((parent, position, raw, fitted, total))


def _lifted(node: Node, lift: Lift) -> tuple[Any, ...]:
    assert node.saved is not None
    assert node.primitive is not None
    out, *arguments = node.saved
    pairs = zip(arguments, node.parents, strict=not node.primitive.keeps)
    kept = [None] * (len(arguments) - len(node.inputs))  # no part of the graph: the rule computes it anew
    return lift(out, node), *[lift(a, parent) if parent.requires_grad else a for a, parent in pairs], *kept


def _fit(raw: Any, parent: Node, primitive: Primitive[Any], position: int) -> Any:
    """Bring what a rule returned to the shape and dtype of its input."""
    if not hasattr(raw, "dtype"):
        raise RuleError(
            f"{primitive.name}: the rule of argument {position} must return an array of shape {parent.shape}, "
            f"it returned {type(raw).__name__} {raw!r}"
        )
    fitted = sum_to_shape(raw, parent.shape) if primitive.broadcasts else raw
    if fitted.shape != parent.shape:
        raise RuleError(
            f"{primitive.name}: the rule of argument {position} must return a gradient of the argument's shape "
            f"{parent.shape}, it returned {raw.shape}"
            + ("" if primitive.broadcasts else "; if its arguments broadcast, declare @primitive(broadcasts=True)")
        )
    return fitted if fitted.dtype == parent.dtype else fitted.astype(parent.dtype)


def _leading_to(order: list[Node], targets: Iterable[Node]) -> set[Node]:
    """Return the targets and those nodes of the order through which a gradient reaches one."""
    reached = set(targets)
    for node in reversed(order):  # parents before consumers
        if not reached.isdisjoint(node.inputs):
            reached.add(node)
    return reached


def _check_not_released(order: list[Node], reached: set[Node] | None) -> None:
    for node in order:
        if node.saved is not None or node.primitive is None:
            continue
        if reached is None or (node in reached and not reached.isdisjoint(node.inputs)):
            raise GraphError(
                f"the saved values of {node.operation!r} were released by an earlier backward pass; compute the "
                "forward pass again, or keep them with backward(retain_graph=True)"
            )
