"""What ``fit`` and ``evaluate`` are given: each part is looked at before anything is trained."""

from __future__ import annotations

from typing import Any

from minigrad.calls import kind_of
from minigrad.checks import is_iterable
from minigrad.data import Subset, TensorDataset
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.nn import Module


def check_function(owner: str, name: str, value: Any, what: str, example: str) -> None:
    """Raise unless a part can be called, and is no class that was not instantiated.

    Raises:
        DtypeError: says what was expected.
    """
    if isinstance(value, type):
        raise DtypeError(f"{owner}: {name} is the class {value.__name__}; make one: {name}={example}")
    if not callable(value):
        raise DtypeError(f"{owner}: {name} must be {what}, such as {example}; got {value!r}")


def check_model(owner: str, model: Any) -> None:
    """Raise unless a model can be called."""
    name = model.__name__ if isinstance(model, type) else "MLP"
    example = "nn.MLP([2, 8, 2])" if name == "MLP" else f"{name}(...)"
    check_function(owner, "model", model, "a module or a function of the inputs", example)


def check_loss(owner: str, loss: Any) -> None:
    """Raise unless a loss can be called."""
    name = loss.__name__ if isinstance(loss, type) else "CrossEntropyLoss"
    check_function(owner, "loss", loss, "a function of (output, targets)", f"nn.{name}()")


def check_steps(owner: str, name: str, value: Any, methods: tuple[str, ...], example: str) -> None:
    """Raise unless an optimizer or a scheduler has its methods, and is no class that was not instantiated.

    Raises:
        DtypeError: says what was expected.
    """
    if isinstance(value, type) or not all(hasattr(value, method) for method in methods):
        wanted = " and ".join(f"{method}()" for method in methods)
        raise DtypeError(f"{owner}: {name} must have {wanted}, such as {example}; got {value!r}")


def check_learns(model: Any, loss: Any, optimizer: Any) -> None:
    """Raise when an optimizer has no parameter of the model, nor of the loss, though there are some.

    Raises:
        ArgumentError: says what to do.
    """
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(model, Module) or not isinstance(groups, list):
        return
    known = {id(each) for part in (model, loss) if isinstance(part, Module) for each in part.parameters()}
    theirs = [parameter for group in groups for parameter in group["params"]]
    if known and not any(id(parameter) in known for parameter in theirs):
        raise ArgumentError(
            f"fit: none of the {len(theirs)} parameters of the optimizer is the model's, which would not learn; make "
            f"the optimizer from this model: optim.{type(optimizer).__name__}(model.parameters(), ...)"
        )


def check_batches(what: str, batches: Any) -> None:
    """Raise unless something can be gone through, and is no dataset of single samples.

    Raises:
        DtypeError: says what was expected.
    """
    if isinstance(batches, (TensorDataset, Subset)):
        raise DtypeError(f"{what} is a dataset of single samples; wrap it: DataLoader(dataset, batch_size=32)")
    if not is_iterable(batches):
        raise DtypeError(
            f"{what} must give batches (inputs, targets), such as a DataLoader; got {type(batches).__name__}"
        )


def number(owner: str, value: Any) -> float:
    """Return what a user's loss or metric returned, as a number.

    Raises:
        DtypeError: when it is none.
        ShapeError: when it is an array of several numbers.
    """
    if getattr(value, "ndim", 0) and value.size != 1:
        raise ShapeError(f"{owner} must return one number, it returned an array of shape {value.shape}; use its mean")
    try:
        return value.item() if isinstance(value, Tensor) else float(value)
    except (TypeError, ValueError):
        raise DtypeError(f"{owner} must return a number, it returned {kind_of(value)}") from None


def sample_count(what: str, targets: Any) -> int:
    """Return how many samples a batch has.

    Raises:
        ShapeError: when its targets have no axis of samples.
    """
    try:
        return len(targets)
    except TypeError:
        raise ShapeError(
            f"{what}: the targets of a batch need an axis of samples, got {kind_of(targets)}; a batch is "
            "(inputs, targets)"
        ) from None
