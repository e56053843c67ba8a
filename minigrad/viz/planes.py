"""Planes and lines in the space of a model's parameters: how they are chosen, and the loss over them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis.curvature import Curvature
from minigrad.checks import is_iterable
from minigrad.engine.mode import no_grad
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError, StateDictError
from minigrad.nn.module import Module
from minigrad.viz.axes import Array, plain

Floats = npt.NDArray[np.float64]
Loss = Callable[[], Any]


@dataclass(frozen=True)
class Plane:
    """Two directions from the present parameters, each ``(size,)``, and what a picture calls them."""

    directions: tuple[Floats, Floats]
    names: tuple[str, str]
    title: str
    path: Floats | None = None  # (points, 2): where the training path lies in the plane


class Place:
    """A model's parameters as one vector, and the loss at other places than where they are.

    Args:
        model: a module, or tensors.
        loss: computes the loss anew from the parameters' present values.
    """

    def __init__(self, function: str, model: Any, loss: Any) -> None:
        if not callable(loss):
            raise DtypeError(f"{_wanted(function)}, got {type(loss).__name__}")
        _check_needs_nothing(function, loss)
        self.function, self.model, self.loss = function, model, loss
        self.parameters = _parameters(function, model)
        self.size = sum(parameter.size for parameter in self.parameters)
        self.here = np.concatenate([parameter._array.ravel().astype(np.float64) for parameter in self.parameters])

    def split(self, vector: Floats) -> Iterator[tuple[Tensor, Array]]:
        """Yield each parameter with its part of a vector, in its shape."""
        at = 0
        for parameter in self.parameters:
            yield parameter, vector[at : at + parameter.size].reshape(parameter.shape)
            at += parameter.size

    def losses(self, vectors: Iterable[Floats]) -> Floats:
        """Return the loss at each of these places, without recording; afterwards all is as it was."""
        found = []
        with _unchanged(self.model, self.parameters), no_grad(), np.errstate(all="ignore"):
            for vector in vectors:
                for parameter, part in self.split(vector):
                    parameter.assign(part.astype(parameter.dtype))
                value = plain(self.loss())
                if value.size != 1:
                    raise ShapeError(
                        f"{self.function}: loss must return a scalar, it returned shape {value.shape}; "
                        "take its mean() or sum()"
                    )
                found.append(float(value.item()))
        return np.array(found)

    def vector(self, state: Any, name: str) -> Floats:
        """Return a state dict, or a flat array, as one vector of all parameters.

        Raises:
            StateDictError: when a state dict lacks a parameter.
            DtypeError: when it is neither, such as a module itself.
            ShapeError: when something has another shape.
            ArgumentError: when a value is not finite.
        """
        if isinstance(state, Mapping):
            vector = np.concatenate([array.ravel() for array in self._from_state(state, name)])
        elif isinstance(state, Module):
            raise DtypeError(
                f"{self.function}: {name} must be a state dict, or all parameters in one array of shape "
                f"({self.size},), got a {type(state).__name__}: pass its .state_dict()"
            )
        else:
            vector = plain(state)
            if vector.shape != (self.size,):
                raise ShapeError(
                    f"{self.function}: {name} must be a state dict, or all parameters in one array of shape "
                    f"({self.size},), got shape {vector.shape}"
                )
        if not np.isfinite(vector).all():
            raise ArgumentError(f"{self.function}: {name} must be finite, it contains NaN or infinity")
        return vector.astype(np.float64)

    def _from_state(self, state: Mapping[str, Any], name: str) -> Iterator[Array]:
        if not isinstance(self.model, Module):
            raise DtypeError(
                f"{self.function}: {name} is a state dict, which names the parameters of a module; the model is none: "
                "pass flat arrays"
            )
        for path, parameter in _moved(self.model):
            if path not in state:
                raise StateDictError(f"{self.function}: {name} lacks the parameter {path!r}; record model.state_dict()")
            array = plain(state[path])
            if array.shape != parameter.shape:
                raise ShapeError(
                    f"{self.function}: {path!r} in {name} must have shape {parameter.shape}, got {array.shape}"
                )
            yield array


def _wanted(function: str) -> str:
    return (
        f"{function}: loss must be a function without arguments that computes the loss anew, such as "
        "lambda: criterion(model(X), y)"
    )


def _check_needs_nothing(function: str, loss: Any) -> None:
    """Refuse a loss that cannot be called without arguments, such as a criterion."""
    called = loss.forward if isinstance(loss, Module) else loss
    name = type(loss).__name__ if isinstance(loss, Module) else getattr(loss, "__name__", repr(loss))
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # of some functions written in C there is none
        return
    try:
        signature.bind()
    except TypeError:
        raise DtypeError(f"{_wanted(function)}, got {name}, which needs arguments: {name}{signature}") from None


def random_plane(place: Place, rng: np.random.Generator | None) -> Plane:
    """Return two random directions, each filter of which is as long as the parameters' own (Li et al., 2018, 4)."""
    random = generator(rng)
    matrices = any(parameter.ndim > 1 for parameter in place.parameters)
    one, other = (_filter_normalised(place, random, matrices) for _ in range(2))
    for direction in (one, other):
        if not direction.any():
            raise ArgumentError(
                f"{place.function}: every parameter is zero, so a direction as long as they are is none; "
                "use directions='hessian', or initialise the model"
            )
    names = ("direction 1 (filter norms)", "direction 2 (filter norms)")
    return Plane((one, other), names, "loss over two random directions")


def _filter_normalised(place: Place, random: np.random.Generator, matrices: bool) -> Floats:
    """Draw a direction: rows of weights normalised to their own length, biases and scales left where they are."""
    parts = []
    for _, here in place.split(place.here):
        rows = here.reshape(len(here), -1) if here.ndim > 1 else here.reshape(1, -1)
        drawn = random.standard_normal(rows.shape)
        if matrices and here.ndim < 2:
            drawn[:] = 0
        else:
            drawn *= np.linalg.norm(rows, axis=1, keepdims=True) / np.linalg.norm(drawn, axis=1, keepdims=True)
        parts.append(drawn.ravel())
    return np.concatenate(parts)


def hessian_plane(place: Place) -> Plane:
    """Return the Hessian's eigenvectors of the two eigenvalues of largest magnitude."""
    wanted = min(2, place.size)
    with _unchanged(place.model, place.parameters):
        found = Curvature(place.parameters, place.loss).eigenvalues(top=wanted, bottom=wanted, vectors=True)
    values = np.concatenate([found.top, found.bottom])
    vectors = np.hstack([columns for columns in (found.top_vectors, found.bottom_vectors) if columns is not None]).T
    chosen: list[int] = []
    for candidate in np.argsort(-np.abs(values), kind="stable"):
        if all(abs(vectors[candidate] @ vectors[other]) < 0.5 for other in chosen):  # both ends may hold the same one
            chosen.append(int(candidate))
    one, other = chosen[:2]
    names = tuple(f"eigenvector of eigenvalue {values[number]:.3g} (distance)" for number in (one, other))
    return Plane((vectors[one], vectors[other]), (names[0], names[1]), "loss along the Hessian's sharpest directions")


def path_plane(place: Place, path: Any) -> Plane:
    """Return the leading principal components of a training path, and the path in their plane (Li et al., 2018, 7)."""
    if isinstance(path, (str, Mapping)) or not is_iterable(path):
        raise DtypeError(
            f"{place.function}: path must be a list of what was recorded during training, such as "
            f"model.state_dict() after each epoch, got {type(path).__name__}"
        )
    points = np.array([place.vector(state, f"path[{number}]") for number, state in enumerate(path)])
    if len(points) < 3:
        raise ArgumentError(f"{place.function}: path needs at least 3 points to span a plane, got {len(points)}")
    _, sizes, components = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    if not sizes[1] > 1e-6 * sizes[0]:
        raise ArgumentError(
            f"{place.function}: the points of path lie on a line or in one point, so they span no plane; record more "
            "of the training, or use landscape_line()"
        )
    shares = sizes**2 / np.sum(sizes**2)
    names = tuple(f"principal component {number + 1} ({shares[number]:.0%} of the variance)" for number in range(2))
    directions = (components[0], components[1])
    inside = (points - place.here) @ components[:2].T
    return Plane(directions, (names[0], names[1]), "loss around the training path", inside)


def _parameters(function: str, model: Any) -> list[Tensor]:
    if not isinstance(model, (Module, Sequence)) or isinstance(model, str):
        raise DtypeError(f"{function}: model must be a module or a list of tensors, got {type(model).__name__}")
    parameters: list[Any] = [tensor for _, tensor in _moved(model)] if isinstance(model, Module) else list(model)
    for position, parameter in enumerate(parameters):
        if not isinstance(parameter, Tensor) or parameter.dtype.kind != "f":
            kind = parameter.dtype if isinstance(parameter, Tensor) else type(parameter).__name__
            raise DtypeError(f"{function}: parameter {position} must be a tensor of floating-point numbers, got {kind}")
        if not np.isfinite(parameter._array).all():
            raise ArgumentError(f"{function}: {parameter.describe()} is not finite, so there is nothing around it")
    if not any(parameter.size for parameter in parameters):
        raise ArgumentError(f"{function}: the model has no parameters, so there is nowhere to go from it")
    return parameters


def _moved(model: Module) -> list[tuple[str, Tensor]]:
    """Return the parameters that a plane has a part in, as ``Curvature`` counts them: frozen ones stay."""
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


@contextmanager
def _unchanged(model: Any, parameters: list[Tensor]) -> Iterator[None]:
    """Give parameters, gradients, buffers and modes back at the end of a block, however it ends: the same arrays."""
    buffers = list(model.named_buffers()) if isinstance(model, Module) else []
    kept = [(tensor, tensor._array, tensor._exported, tensor._grad) for tensor in parameters]
    values = [(buffer, buffer._array, buffer._exported, buffer._array.copy()) for _, buffer in buffers]
    with ExitStack() as stack:
        if isinstance(model, Module):
            stack.enter_context(model.keeping_modes())
        try:
            for tensor in parameters:
                tensor._grad = None  # a loss that calls backward() adds to none of the user's
            yield
        finally:
            for tensor, array, exported, gradient in kept:
                tensor.put_back(array, exported)
                tensor._grad = gradient
            for buffer, array, exported, copy in values:
                buffer.put_back(array, exported)
                if array.flags.writeable:
                    array[...] = copy
