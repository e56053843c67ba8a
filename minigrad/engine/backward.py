"""``backward``, ``backprop`` and ``grad``: the walk, and how gradients reach the tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.checks import check_flag, is_iterable
from minigrad.engine.mode import GradMode, observers, records_derivatives
from minigrad.engine.node import Node
from minigrad.engine.operators import operations
from minigrad.engine.tensor import Tensor, of_dtype
from minigrad.engine.value import read_only
from minigrad.engine.walk import Visit, walk
from minigrad.errors import DtypeError, GraphError, ShapeError


class Contribution(NamedTuple):
    """What one step sends along one edge; arrays cannot be written into.

    Attributes:
        parent: the node that receives it.
        position: which argument of the operation that node is, from 0.
        raw: the gradient as the rule returned it.
        gradient: the same in the parent's shape and dtype, summed over broadcast axes.
        total: the parent's gradient with this contribution added.
    """

    parent: Node
    position: int
    raw: Any
    gradient: Any
    total: Any


class Step(NamedTuple):
    """One node of a backward pass: the gradient that has arrived, and what the node sends on.

    Attributes:
        node: the node that is visited.
        gradient: the complete gradient of the output with respect to this node's value.
        contributions: one for each edge to a parent that needs a gradient; empty for a leaf.
    """

    node: Node
    gradient: Any
    contributions: list[Contribution]

    def __repr__(self) -> str:
        sent = ", ".join(contribution.parent.name or repr(contribution.parent) for contribution in self.contributions)
        return f"<Step {self.node!r} -> {sent or 'nothing'}>"


def backprop(
    output: Tensor, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False
) -> Iterator[Step]:
    """Run a backward pass step by step: a generator of ``Step``s, the output first.

    Exhausting it is what ``output.backward()`` does: each leaf's gradient is added to its
    ``.grad`` when the walk reaches the leaf, and saved values are released on the way.

    Args:
        output: the tensor to differentiate.
        gradient: the gradient to start from, in the output's shape; 1 if the output is a scalar.
        retain_graph: keep the saved values, so that another backward pass can run; ``create_graph`` does too.
        create_graph: record the backward pass itself, so that gradients can be differentiated.

    Raises:
        GraphError: when nothing requires a gradient, the graph was released, or the output is
            not a scalar and no gradient is given.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> for step in mg.backprop(x * x + x):
    ...     print(step.node.operation or step.node.name, step.gradient)
    add 1.0
    multiply 1.0
    x 7.0
    """
    return _observed(output, _passing(_visits(output, gradient, retain_graph, create_graph), _accumulate))


def backward(output: Tensor, gradient: Any, retain_graph: bool, create_graph: bool) -> None:
    """Run a backward pass to its end; ``Tensor.backward`` documents the arguments."""
    visits = _visits(output, gradient, retain_graph, create_graph)
    if observers():
        for _ in _observed(output, _passing(visits, _accumulate)):
            pass
    else:
        for node, arrived, _ in visits:
            if node.tensor is not None:
                _accumulate(node, arrived)


def grad(
    output: Tensor,
    inputs: Tensor | Iterable[Tensor],
    *,
    gradient: Any = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Return the gradient of ``output`` with respect to each input as a tuple, and accumulate nothing.

    Args:
        output: the tensor to differentiate.
        inputs: a tensor, or several; intermediate results count too.
        gradient: the gradient to start from, in the output's shape; 1 if the output is a scalar.
        create_graph: record the backward pass itself, so that the gradients can be differentiated; inside the function
            of a transform, such as ``jacobian``, it always is.
        retain_graph: keep the saved values for another pass; by default as ``create_graph``.
        allow_unused: return None for an input on which the output does not depend.

    Returns:
        A tensor for each input, in its shape and dtype; a tuple of one for one input.

    Raises:
        GraphError: when an input requires no gradient or does not lead to the output, the graph was
            released, or the output is not a scalar and no gradient is given.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> (slope,) = mg.grad(x ** 3, x, create_graph=True)
    >>> slope, mg.grad(slope, x)
    (tensor(12., from=multiply), (tensor(12.),))
    """
    wanted = _checked_inputs(inputs)
    create_graph = check_flag("grad: create_graph", create_graph) or records_derivatives()
    release = not (create_graph if retain_graph is None else check_flag("grad: retain_graph", retain_graph))
    check_flag("grad: allow_unused", allow_unused)
    nodes = {x.node for x in wanted}
    seeds = {differentiable_node(output): start_gradient(output, gradient, recorded=create_graph)}
    visits = walk(seeds, targets=nodes, recorded=create_graph, release=release)
    found: dict[Node, Any] = {}

    def collect(node: Node, arrived: Any) -> None:
        if node in nodes:
            found[node] = arrived

    collected = _passing(visits, collect)
    for _ in _observed(output, collected, of_grad=True) if observers() else collected:
        pass
    for position, x in enumerate(wanted):
        if x.node not in found and not allow_unused:
            raise GraphError(
                f"the output does not depend on input {position}, {x.describe()}; "
                "pass allow_unused=True to get None for it"
            )
    return tuple([as_tensor(found[x.node]) if x.node in found else None for x in wanted])


def _checked_inputs(inputs: Any) -> list[Any]:
    """Return the tensors with respect to which to differentiate."""
    several = not isinstance(inputs, Tensor) and is_iterable(inputs)
    wanted = list(inputs) if several else [inputs]
    for position, x in enumerate(wanted):
        if not isinstance(x, Tensor):
            raise DtypeError(f"inputs must be tensors in a list or tuple, input {position} is: {type(x).__name__}")
        if not x.requires_grad:
            raise GraphError(
                f"input {position}, {x.describe()}, requires no gradient; create it with requires_grad=True"
            )
    return wanted


# --- what becomes of the visits of a walk


def _visits(output: Tensor, gradient: Any, retain_graph: bool, create_graph: bool) -> Iterator[Visit]:
    """Return the walk of a backward pass towards every leaf; recorded inside the function of a transform."""
    create_graph = check_flag("create_graph", create_graph) or records_derivatives()
    release = not (check_flag("retain_graph", retain_graph) or create_graph)
    seeds = {differentiable_node(output): start_gradient(output, gradient, recorded=create_graph)}
    return walk(seeds, recorded=create_graph, release=release)


def _accumulate(node: Node, gradient: Any) -> None:
    """Add a gradient to the ``.grad`` of the tensor that waits for it, if it is still there."""
    if node.tensor is not None and (tensor := node.tensor()) is not None:
        tensor._grad = as_tensor(gradient) if tensor._grad is None else _sum(tensor._grad, gradient)


def _passing(visits: Iterator[Visit], receive: Callable[[Node, Any], None]) -> Iterator[Visit]:
    """Pass visits on, once a receiver has got the node's gradient."""
    for visit in visits:
        receive(visit[0], visit[1])
        yield visit


def _observed(output: Tensor, visits: Iterator[Visit], *, of_grad: bool = False) -> Iterator[Step]:
    """Return the steps of a pass of ``backward`` or ``grad``, as the observers pass them on."""
    steps = steps_of(visits)
    for observer in observers():
        steps = observer.grad(output, steps) if of_grad else observer.backward(output, steps)
    return steps


def steps_of(visits: Iterator[Visit]) -> Iterator[Step]:
    """Return visits as steps, for code outside of the engine: the same array is the same read-only view.

    Where the pass is recorded, tensors of their own: writing into one does not change the pass.
    """
    for node, gradient, sent in visits:
        views: dict[int, Any] = {}
        contributions = [Contribution(e[0], e[1], *[_view(value, views) for value in e[2:]]) for e in sent]
        yield Step(node, _view(gradient, views), contributions)


def _view(value: Any, views: dict[int, Any]) -> Any:
    """Return a view of an array, or a tensor of its own, the same each time."""
    if id(value) not in views:
        views[id(value)] = as_tensor(value) if isinstance(value, Tensor) else read_only(value)
    return views[id(value)]


def _sum(before: Tensor, gradient: Any) -> Tensor:
    if not isinstance(gradient, Tensor):
        return as_tensor(before._array + gradient)
    with GradMode(True):
        return before + gradient  # type: ignore[no-any-return]


def as_tensor(gradient: Any) -> Tensor:
    """Return a gradient as a tensor; other gradients and the graph may hold its array, too."""
    if isinstance(gradient, Tensor):
        return Tensor(gradient.capture(), gradient.node, True)
    return Tensor(gradient if isinstance(gradient, np.ndarray) else np.asarray(gradient), None, True)


def differentiable_node(output: Any) -> Node:
    """Return the output's node.

    Raises:
        DtypeError: when the output is not a tensor.
        GraphError: when no gradient can flow from it.
    """
    if not isinstance(output, Tensor):
        raise DtypeError(f"expected a tensor to differentiate, got {type(output).__name__}")
    if output.node is None or not output.node.requires_grad:
        raise GraphError(
            f"nothing to differentiate: {output.describe()} depends on no tensor that requires a gradient; create "
            "the inputs with requires_grad=True, and compute outside of no_grad()"
        )
    return output.node


def start_gradient(output: Tensor, gradient: Any, *, recorded: bool) -> Any:
    """Return the gradient that a backward pass starts from: an array, or a tensor if the pass is recorded."""
    value = output._array
    if gradient is None:
        if value.size != 1:
            raise GraphError(
                f"differentiating needs a scalar, {output.describe()} has {value.size} elements; reduce it with "
                f".sum() or .mean(), or pass gradient= of shape {value.shape}"
            )
        array = np.array(1, value.dtype) if value.ndim == 0 else np.ones(value.shape, value.dtype)
        return Tensor(array, None, captured=True) if recorded else array
    with GradMode(recorded):
        start = of_dtype(gradient, output.dtype)
    if start.shape != output.shape:
        raise ShapeError(f"gradient= must have the output's shape {output.shape}, got {start.shape}")
    return as_tensor(start) if recorded else start.capture()


operations["backward"] = backward
