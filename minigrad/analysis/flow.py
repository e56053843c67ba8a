"""Gradient flow: how large activations and gradients are in each layer, and what that says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis.buffers import keeping_buffers
from minigrad.analysis.calls import call, kind_of, scalar_loss
from minigrad.analysis.flow_diagnosis import Findings, change, diagnose
from minigrad.checks import check_integer, is_iterable
from minigrad.engine.backward import grad
from minigrad.engine.mode import enable_grad
from minigrad.engine.node import Node
from minigrad.engine.recompute import values_of
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.nn import Module
from minigrad.nn.parameter import Parameter

Floats = npt.NDArray[np.float64]
Outputs = dict[str, list[Tensor]]  # what each layer returned, by its path

LOSS = "gradient_flow: loss must be a function of (output, targets), such as nn.CrossEntropyLoss()"
# where a unit's derivative is below a twentieth of the function's greatest: y * (1 - y) < 1/80, and 1 - y**2 < 1/20
FLAT: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda y: y * (1 - y) < 1 / 80,
    "tanh": lambda y: 1 - y * y < 1 / 20,
}


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlow:
    """The sizes of activations and gradients by step and layer; its text is a table of the medians over the steps.

    Attributes:
        layers: the paths of the modules that own parameters, in the order in which the model calls them.
        losses: ``(steps,)``.
        activations: ``(steps, layers)``, the root mean square of each layer's own output, before an activation
            function that follows it.
        activation_gradients: ``(steps, layers)``, the root mean square of the loss's gradient with respect to
            that output; nan where none flows, as before the first layer that is not frozen.
        weight_gradients: ``(steps, layers)``, the Euclidean norm of the gradient of the layer's ``weight``, or of all
            its own parameters if it has none of that name; nan for what is frozen.
        dead_units: for each relu before the last layer, the share of its units that are 0 on a whole batch.
        saturated_units: for each sigmoid and tanh before the last layer, the share of its outputs where the
            derivative is below a twentieth of its greatest.
        kind: ``"healthy"``, ``"vanishing"``, ``"exploding"``, ``"saturated"``, ``"dying"`` or ``"not finite"``.
        diagnosis: one sentence.
        remedy: one sentence.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> from minigrad.analysis import gradient_flow
    >>> model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False))
    >>> model[0].weight.data, model[1].weight.data = np.eye(3, 2), np.full((1, 3), 0.5)
    >>> flow = gradient_flow(model, [(mg.ones((1, 2)), mg.zeros((1, 1)))], nn.MSELoss())
    >>> flow
    GradientFlow(healthy: layers 0, 1; steps: 1)
    >>> flow.ratio
    0.5
    """

    layers: tuple[str, ...]
    losses: Floats
    activations: Floats
    activation_gradients: Floats
    weight_gradients: Floats
    dead_units: dict[str, float]
    saturated_units: dict[str, float]
    kind: str
    diagnosis: str
    remedy: str

    @property
    def ratio(self) -> float:
        """The first layer's activation gradient divided by the last layer's, of the medians over the steps."""
        return change(_typical(self.activation_gradients, self.losses)[::-1])

    def __repr__(self) -> str:
        return f"GradientFlow({self.kind}: layers {', '.join(self.layers)}; steps: {len(self.losses)})"

    def __str__(self) -> str:
        columns = (self.activations, self.activation_gradients, self.weight_gradients)
        rows = np.stack([_typical(column, self.losses) for column in columns], axis=1)
        width = max(map(len, ("layer", *self.layers)))
        lines = [f"{'layer':{width}}  activation  its gradient  weight's gradient"]
        lines += [
            f"{name:{width}}  {activation:10.2e}  {gradient:12.2e}  {weight:17.2e}"
            for name, (activation, gradient, weight) in zip(self.layers, rows, strict=True)
        ]
        steps = f"median of {len(self.losses)} steps" if len(self.losses) > 1 else "one step"
        lines.append(f"({steps}; root mean squares, and for the weight the norm; first / last {self.ratio:.2e})")
        return "\n".join([*lines, self.diagnosis, self.remedy])


def gradient_flow(
    model: Module,
    batches: Iterable[Any],
    loss: Callable[[Any, Any], Tensor],
    *,
    optimizer: Any = None,
    steps: int | None = None,
) -> GradientFlow:
    """Measure in each layer how large activations and gradients are, and say whether they vanish or explode.

    Without an optimizer nothing changes: parameters, buffers, gradients and modes are afterwards what they were;
    dropout draws random numbers as always. With one each batch is also a training step. The model stays in the mode
    that it has. A loss that is not finite ends the measurement, without an update.

    The diagnosis compares the two ends of the network: a gradient that is less than 1e-3 of what it was, on its way
    from the last layer to the first, has vanished, one that is more than 1e3 times as large has exploded; likewise the
    activations on their way forward. Otherwise a layer is saturated when more than half of its sigmoids' or tanhs'
    outputs are, and dying when more than 80% of its relus are 0 on a whole batch. X. Glorot and Y. Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", 2010, section 4, measure the same.

    Args:
        model: a module; a layer is a module in it that owns parameters and returns a tensor (or several).
        batches: ``(inputs, targets)`` each, such as a ``DataLoader`` gives, or a list of one batch.
        loss: a function of ``(output, targets)`` that returns a scalar.
        optimizer: steps after each batch, if given.
        steps: how many batches to take, from the start again when there are fewer; each one once if None.

    Raises:
        ArgumentError: when there are no batches, no layer with parameters was called, or ``steps`` is no positive
            integer.
        ShapeError: when a batch is not ``(inputs, targets)``.
        DtypeError: when the model is no module, or the loss no function that returns a tensor.
        GraphError: when the loss is not a scalar, or depends on no parameter.
        UnknownArgumentError: when the loss is a function that does not take ``(output, targets)``.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> from minigrad.analysis import deep_network, gradient_flow
    >>> rng = np.random.default_rng(0)
    >>> model = deep_network(20, 32, "sigmoid", "xavier", rng=rng)
    >>> batch = mg.tensor(rng.normal(size=(16, 32))), mg.tensor(rng.normal(size=(16, 32)))
    >>> flow = gradient_flow(model, [batch], nn.MSELoss())
    >>> flow.kind, flow.ratio < 1e-6
    ('vanishing', True)
    """
    layers = _layers(model, loss, optimizer)
    limit = None if steps is None else check_integer("gradient_flow: steps", steps, least=1)
    table = _Table(layers)
    kept = keeping_buffers(model if optimizer is None else None)
    with kept, model.keeping_modes(), np.errstate(all="ignore"), _noting_outputs(layers) as outputs:
        for inputs, targets in _batches(batches, limit):
            outputs.clear()
            with enable_grad():
                value = call(LOSS, loss, model(*inputs), targets)
            gradients = table.add(scalar_loss("gradient_flow", value), outputs, _parameters(model, optimizer))
            if not np.isfinite(table.losses[-1]):
                break
            if optimizer is not None:
                _step(optimizer, gradients)
    return table.result()


@dataclass
class _Table:
    """The rows so far: one for each batch."""

    modules: dict[str, Module]
    layers: tuple[str, ...] = ()
    losses: list[float] = field(default_factory=list)
    rows: list[list[tuple[float, float, float]]] = field(default_factory=list)
    dead: dict[str, list[float]] = field(default_factory=dict)
    saturated: dict[str, list[float]] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)

    def add(self, value: Tensor, outputs: Outputs, parameters: list[Tensor]) -> dict[int, tuple[Tensor, Any]]:
        """Measure one batch; return each parameter that has a gradient with it, by the parameter's id."""
        if not outputs:
            raise ArgumentError(
                "gradient_flow: the model called none of its layers with parameters; call them in forward()"
            )
        self.layers = self.layers or tuple(outputs)
        self._look_at_units([tensor.node for tensor in outputs[self.layers[-1]] if tensor.node is not None])
        wanted = [*(tensor for tensors in outputs.values() for tensor in tensors), *parameters]
        wanted = [tensor for tensor in wanted if tensor.requires_grad]
        found = grad(value, wanted, allow_unused=True)
        gradients = {id(tensor): (tensor, gradient) for tensor, gradient in zip(wanted, found, strict=True)}
        self.losses.append(float(value))
        self.rows.append([self._sizes(name, outputs.get(name, []), gradients) for name in self.layers])
        return {id(parameter): gradients[id(parameter)] for parameter in parameters if parameter.requires_grad}

    def _sizes(self, name: str, tensors: list[Tensor], gradients: Any) -> tuple[float, float, float]:
        flowing = [_gradient_of(tensor, gradients) for tensor in tensors if tensor.requires_grad]
        weights = [_gradient_of(weight, gradients) for weight in _weights(self.modules[name]) if weight.requires_grad]
        sizes = _root_mean_square([tensor._array for tensor in tensors]), _root_mean_square(flowing)
        return *sizes, _root_mean_square(weights) * sum(weight.size for weight in weights) ** 0.5

    def _look_at_units(self, last: list[Node]) -> None:
        """Note how many units are dead or saturated in what the last layer was computed from."""
        for name, function, values in _activation_functions(last):
            self.functions.add(function)
            if function in FLAT:
                self.saturated.setdefault(name, []).append(float(FLAT[function](values).mean()))
            else:
                self.dead.setdefault(name, []).append(float((values == 0).all(axis=0).mean()))

    def result(self) -> GradientFlow:
        losses = np.array(self.losses, np.float64)
        activations, gradients, weights = np.moveaxis(np.array(self.rows, np.float64), 2, 0)
        dead, saturated = (
            {name: float(np.median(shares)) for name, shares in kind.items()} for kind in (self.dead, self.saturated)
        )
        typical = _typical(activations, losses), _typical(gradients, losses)
        told = diagnose(Findings(self.layers, *typical, dead, saturated, frozenset(self.functions), losses))
        sizes = (activations, gradients, weights)
        return GradientFlow(self.layers, losses, *sizes, dead, saturated, told.kind, told.sentence, told.remedy)


def _layers(model: Any, loss: Any, optimizer: Any) -> dict[str, Module]:
    """Return the modules that own parameters, by their paths; the root's is its class's name."""
    if not isinstance(model, Module):
        raise DtypeError(f"gradient_flow: model must be a module, such as nn.MLP([2, 8, 2]); got {kind_of(model)}")
    if not callable(loss) or isinstance(loss, type):
        hint = f"make one: nn.{loss.__name__}()" if isinstance(loss, type) else "the order is (model, batches, loss)"
        raise DtypeError(f"{LOSS}; {hint}; got {kind_of(loss)}")
    if isinstance(optimizer, type) or not (optimizer is None or hasattr(optimizer, "step")):
        hint = "make one, such as optim.SGD(model.parameters(), lr=0.1)"
        raise DtypeError(f"gradient_flow: optimizer must have step(): {hint}; got {kind_of(optimizer)}")
    layers = {
        path or type(model).__name__: module
        for path, module in model.named_modules()
        if any(isinstance(value, Parameter) for value in vars(module).values())
    }
    if not layers:
        raise ArgumentError(f"gradient_flow: {type(model).__name__} has no layer with parameters, such as nn.Linear")
    return layers


@contextmanager
def _noting_outputs(layers: dict[str, Module]) -> Iterator[Outputs]:
    """Give a dict that fills with the layers' outputs, in the order of their calls, while the block lasts."""
    outputs: Outputs = {}

    def noted(name: str, forward: Callable[..., Any], *args: Any, **options: Any) -> Any:
        output = forward(*args, **options)
        parts = output if isinstance(output, (tuple, list)) else (output,)
        tensors = [part for part in parts if isinstance(part, Tensor)]
        if tensors:
            outputs.setdefault(name, []).extend(tensors)
        return output

    before = {name: vars(module).get("forward") for name, module in layers.items()}
    try:
        for name, module in layers.items():
            vars(module)["forward"] = partial(noted, name, module.forward)
        yield outputs
    finally:
        for name, module in layers.items():
            vars(module).pop("forward", None)
            if before[name] is not None:
                vars(module)["forward"] = before[name]


def _batches(batches: Any, limit: int | None) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the inputs and targets of each batch, or of so many, from the start again where there are fewer."""
    if not is_iterable(batches):
        raise DtypeError(
            f"gradient_flow: batches must give (inputs, targets), such as a DataLoader; got {kind_of(batches)}"
        )
    taken = 0
    while True:
        before = taken
        for batch in batches:
            if not isinstance(batch, (tuple, list)) or len(batch) < 2:
                came = f"{type(batch).__name__}; for a single batch pass [(X, y)]"
                raise ShapeError(f"gradient_flow: each batch must be (inputs, targets), got {came}")
            yield tuple(batch[:-1]), batch[-1]
            taken += 1
            if taken == limit:
                return
        if taken == before:
            come = f"ended after {taken} of {limit} steps; pass a list or a DataLoader" if taken else "give no batch"
            raise ArgumentError(f"gradient_flow: the batches {come}")
        if limit is None:
            return


def _parameters(model: Module, optimizer: Any) -> list[Tensor]:
    groups = getattr(optimizer, "param_groups", [])
    own = {id(parameter): parameter for parameter in model.parameters()}
    return list({**own, **{id(tensor): tensor for group in groups for tensor in group["params"]}}.values())


def _step(optimizer: Any, gradients: dict[int, tuple[Tensor, Any]]) -> None:
    for parameter, gradient in gradients.values():
        parameter.grad = gradient
    optimizer.step()


def _activation_functions(last: list[Node]) -> Iterator[tuple[str, str, npt.NDArray[Any]]]:
    """Yield name, function and values of each relu, sigmoid and tanh that leads to these nodes, the first one first."""
    seen, waiting, found = set(last), list(last), []
    known = {node: value for root in last for node, value in values_of(root).items()}
    while waiting:
        node = waiting.pop()
        if node.operation in (*FLAT, "relu") and node in known:
            found.append((node, np.atleast_1d(known[node])))
        fresh = [parent for parent in node.parents if parent not in seen and parent.primitive is not None]
        seen.update(fresh)
        waiting += fresh
    count: dict[str, int] = {}
    for node, values in reversed(found):
        name = f"{node.scope.partition('.')[2] or node.scope} {node.operation}".strip()
        count[name] = count.get(name, 0) + 1
        yield name if count[name] == 1 else f"{name} {count[name]}", node.operation, values


def _weights(module: Module) -> list[Parameter]:
    own = {name: value for name, value in vars(module).items() if isinstance(value, Parameter)}
    return [own["weight"]] if "weight" in own else list(own.values())


def _gradient_of(tensor: Tensor, gradients: Any) -> npt.NDArray[Any]:
    gradient = gradients[id(tensor)][1]
    return np.zeros_like(tensor._array) if gradient is None else gradient._array


def _root_mean_square(arrays: list[npt.NDArray[Any]]) -> float:
    """Return it without overflow; nan for nothing."""
    values = np.concatenate([array.ravel() for array in arrays] or [np.zeros(0)]).astype(np.float64)
    if not values.size:
        return float("nan")
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.mean(np.square(values / largest)))) if 0 < largest < np.inf else largest


def _typical(table: Floats, losses: Floats) -> Floats:
    """Return the median over the steps whose loss is finite, or the last step if there is none."""
    finite = np.isfinite(losses)
    return np.asarray(np.median(table[finite], axis=0) if finite.any() else table[-1])
