"""The backward walk: reverse-mode differentiation, one node at a time.

The walk runs on nodes and rules, and needs no tensors. ``backward()`` exhausts it, ``grad()`` collects from it,
observers look on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from minigrad.engine.half import widened
from minigrad.engine.mode import GradMode
from minigrad.engine.node import Node, backward_order
from minigrad.engine.primitive import Primitive
from minigrad.errors import GraphError, RuleError

# what a node sends along one edge: the parent, which argument of the operation it is, the gradient as the rule returned
# it, the same in the parent's shape and dtype, and the parent's gradient with this added
Sent = tuple[Node, int, Any, Any, Any]
# one node of a backward pass: the node, its complete gradient, and what it sends
Visit = tuple[Node, Any, list[Sent]]


def walk(
    seeds: dict[Node, Any],
    *,
    targets: Collection[Node] | None = None,
    recorded: bool = False,
    release: bool = False,
) -> Iterator[Visit]:
    """Yield each node that the seeds' gradients reach, the output first, with its gradient and what it sends.

    Args:
        seeds: the nodes to start from, each with the gradient it starts with.
        targets: send gradients only towards these nodes; None means towards every leaf.
        recorded: run the rules on tensors, so that they are recorded themselves, and not on plain arrays.
        release: free what each node has saved once it has been visited.

    Raises:
        GraphError: when saved values that the walk needs were released before.
        RuleError: when a rule returns something that is not a gradient of its input.
    """
    nodes = backward_order(seeds)
    towards = None if targets is None else _leading_to(nodes, targets)
    _check_not_released(nodes, towards)
    arrived = dict(seeds)
    for node in nodes:
        gradient = arrived.pop(node, None)
        if gradient is None:
            continue
        sent: list[Sent] = []
        if node.rules and (towards is None or not towards.isdisjoint(node.inputs)):
            if recorded:
                with GradMode(True):
                    _send(node, gradient, _as_tensors(node), arrived, towards, sent)
            else:
                _send(node, gradient, node.saved, arrived, towards, sent)
        yield node, gradient, sent
        if release and sent:  # else its rules have not run
            node.saved = node.operands = None


def _send(
    node: Node, gradient: Any, saved: Any, arrived: dict[Node, Any], towards: set[Node] | None, sent: list[Sent]
) -> None:
    """Run the rules of a node, and add what they return to the gradients of its parents."""
    primitive, inputs = node.primitive, node.inputs
    if primitive.in_single and gradient.dtype.char == "e":  # fitted() rounds the result, once
        gradient, saved = widened(gradient), {name: widened(value) for name, value in saved.items()}
    for position, rule in node.rules:
        parent = inputs[position]
        if towards is not None and parent not in towards:
            continue
        raw = rule.function(gradient, *map(saved.__getitem__, rule.names))
        try:
            fits = raw.dtype is parent.dtype and raw.shape == parent.shape  # the usual case, without a call
        except AttributeError:
            fits = False
        part = raw if fits else fitted(raw, parent, primitive, position)
        arrived[parent] = total = arrived[parent] + part if parent in arrived else part
        sent.append((parent, position, raw, part, total))


def fitted(raw: Any, parent: Node, primitive: Primitive[Any, Any], position: int) -> Any:
    """Bring what a rule returned to the shape and dtype of its input: broadcast axes are summed over."""
    if not hasattr(raw, "dtype"):
        raise RuleError(
            f"{primitive.name}: the rule of argument {position} must return an array of shape {parent.shape}, "
            f"it returned {type(raw).__name__} {raw!r}"
        )
    found = sum_to_shape(raw, parent.shape) if primitive.broadcasts else raw
    if found.shape != parent.shape:
        raise RuleError(
            f"{primitive.name}: the rule of argument {position} must return a gradient of the argument's shape "
            f"{parent.shape}, it returned {raw.shape}"
            + ("" if primitive.broadcasts else "; if its arguments broadcast, declare @primitive(broadcasts=True)")
        )
    return found if found.dtype == parent.dtype else found.astype(parent.dtype)


def sum_to_shape(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which a value of ``shape`` was broadcast; float16 is accumulated in float32."""
    extra = gradient.ndim - len(shape)
    if extra == len(shape) == 1 and type(gradient) is np.ndarray and gradient.dtype.char in "fd":
        ones = np.empty(len(gradient), gradient.dtype)
        ones.fill(1)
        gradient = ones.dot(gradient)  # the same sum as a matrix product: faster
    elif gradient.dtype.char == "e":
        return sum_to_shape(gradient.astype(np.float32), shape).astype(np.float16)
    elif extra > 0:
        gradient = np.add.reduce(gradient, axis=0 if extra == 1 else tuple(range(extra)))
    if gradient.shape == shape or extra < 0:
        return gradient
    stretched = tuple([axis for axis, size in enumerate(shape) if size == 1])
    return np.add.reduce(gradient, axis=stretched, keepdims=True)


def _as_tensors(node: Node) -> dict[str, Any]:
    """Return what a node has saved, with tensors in the place of its output and its differentiable inputs."""
    assert node.saved is not None
    primitive, inputs = node.primitive, node.inputs

    def at(array: Any, parent: Any) -> Any:
        differentiable = isinstance(parent, Node) and parent.requires_grad
        return primitive.make_tensor(array, parent, True) if differentiable else array

    names = [parameter.name for parameter in primitive.parameters]
    saved = dict(node.saved)
    for name, value in node.saved.items():
        if name == "out":
            saved[name] = primitive.make_tensor(value, node, True)
        elif name == "kept":
            saved[name] = None  # not part of the graph: the rule computes it anew
        elif primitive.variadic and name == names[0]:
            saved[name] = tuple(map(at, value, inputs))
        elif not primitive.variadic and name in names[: len(inputs)]:
            saved[name] = at(value, inputs[names.index(name)])
    return saved


def _leading_to(nodes: list[Node], targets: Collection[Node]) -> set[Node]:
    """Return the targets and those nodes through which a gradient reaches one."""
    towards = set(targets)
    for node in reversed(nodes):  # parents before what was made of them
        if not towards.isdisjoint(node.inputs):
            towards.add(node)
    return towards


def _check_not_released(nodes: list[Node], towards: set[Node] | None) -> None:
    for node in nodes:
        if node.saved is not None or node.primitive is None:
            continue
        if towards is None or not towards.isdisjoint(node.inputs):
            raise GraphError(
                f"the saved values of {node.operation!r} were released by an earlier backward pass; compute the "
                "forward pass again, or keep them with backward(retain_graph=True)"
            )
