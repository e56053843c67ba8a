"""The batch-size study: the same model from the same start, trained with batches of several sizes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis.batch_size_trial import LOSS, BatchSizeRow, Trial
from minigrad.analysis.calls import call, fits, kind_of
from minigrad.checks import check_flag, check_integer, is_iterable
from minigrad.data.dataset import as_dataset
from minigrad.engine.random import generator
from minigrad.engine.random import seed as seed_generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError
from minigrad.nn import CrossEntropyLoss, Module
from minigrad.optim import SGD

LEARNING_RATE = 0.05
ROUNDING = 1e-9  # what rounding leaves of the gradient noise of all samples


@dataclass(frozen=True, eq=False, repr=False)
class BatchSizeStudy:
    """A row for each batch size; its text is a table.

    Attributes:
        rows: in the order in which the sizes were given.
        samples: the number of training samples.
        epochs: how many times each training went through them.

    >>> from minigrad import data, nn
    >>> from minigrad.analysis import batch_size_study
    >>> study = batch_size_study(lambda: nn.MLP([2, 4, 2]), data.xor(), [1, "full"], epochs=2, sharpness=False)
    >>> study
    BatchSizeStudy(batch sizes 1, 4; 2 epochs)
    >>> print(str(study)[:25])
    batch size  updates/epoch
    """

    rows: list[BatchSizeRow]
    samples: int
    epochs: int

    def __repr__(self) -> str:
        return f"BatchSizeStudy(batch sizes {', '.join(str(row.batch_size) for row in self.rows)}; {self._epochs})"

    def __str__(self) -> str:
        cells = [COLUMNS, *map(_cells, self.rows)]
        kept = [column for column in zip(*cells, strict=True) if set(column[1:]) != {""}]
        widths = [max(map(len, column)) for column in kept]
        lines = [
            "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
            for row in zip(*kept, strict=True)
        ]
        shown = [column[0] for column in kept]
        notes = [f"{name}: {meaning}" for name, meaning in MEANINGS.items() if name in shown]
        return "\n".join([*lines, f"({self.samples} samples, {self._epochs})", *notes])

    @property
    def _epochs(self) -> str:
        return f"{self.epochs} epoch{'s' * (self.epochs != 1)}"


OPTIMIZER = (
    "batch_size_study: make_optimizer must be a function of (parameters, batch_size), or of the parameters alone, such "
    "as lambda parameters: optim.SGD(parameters, lr=0.1)"
)
COLUMNS = (
    "batch size",
    "updates/epoch",
    "ms/update",
    "s/epoch",
    "gradient noise",
    "train loss",
    "test loss",
    "test accuracy",
    "sharpness",
)
MEANINGS = {
    "ms/update": "median, without loading the batch; s/epoch: median, with loading",
    "gradient noise": "mean of |g_batch - g_all|^2 / |g_all|^2, g_all being the gradient of all samples;\n"
    "  like the columns right of it, after the last update",
    "sharpness": "greatest eigenvalue of the training loss's Hessian",
}


def _cells(row: BatchSizeRow) -> tuple[str, ...]:
    def number(value: float | None, form: str) -> str:
        return "" if value is None else "diverged" if np.isnan(value) else format(value, form)

    return (
        str(row.batch_size),
        str(row.updates_an_epoch),
        number(row.seconds_an_update * 1e3, ".3f"),
        number(row.seconds_an_epoch, ".4f"),
        "0 (to rounding)" if row.gradient_noise < ROUNDING else number(row.gradient_noise, ".3g"),
        number(row.train_loss, ".4f"),
        number(row.test_loss, ".4f"),
        number(row.test_accuracy, ".1%"),
        number(row.sharpness, ".3g"),
    )


def batch_size_study(
    make_model: Callable[[], Module],
    train: Any,
    sizes: Sequence[int | str],
    *,
    test: Any = None,
    loss: Callable[[Any, Any], Tensor] | None = None,
    make_optimizer: Callable[..., Any] | None = None,
    epochs: int = 5,
    seed: int = 0,
    sharpness: bool = True,
) -> BatchSizeStudy:
    """Train a model with batches of several sizes from the same initial weights, and measure what differs.

    All sizes go through a ``DataLoader`` that shuffles by the same seed, from one sample (stochastic gradient descent)
    to all of them (gradient descent). For each the default generator starts anew from the seed, then the model is made;
    afterwards the generator goes on as if nothing had been drawn. A training that diverges ends, and is told in its
    row. What is measured at the end is measured in evaluation mode.

    The gradient noise is the mean over up to 64 batches, drawn without replacement by the same loader, of the squared
    distance of the batch's gradient from that of all samples, divided by the squared norm of the latter. For one model
    its expectation is ``(N - B) / (N - 1) / B`` times that of single samples, and 0 for B = N (S. McCandlish et al.,
    "An empirical model of large-batch training", 2018, section 2.2, for B much smaller than N). The sharpness is the
    greatest eigenvalue of the Hessian of the mean loss of 512 training samples, the same for all sizes, or of all if
    there are fewer. That large batches find sharper minima is a claim of N. S. Keskar et al., "On large-batch training
    for deep learning: generalization gap and sharp minima", 2017, who measure it by perturbations instead.

    Args:
        make_model: makes the model, with weights that come from the default generator or are always the same.
        train: a dataset, or a tuple of arrays ``(X, y)``.
        sizes: batch sizes from 1 to the number of samples; ``"full"`` is all of them.
        test: likewise, for the loss and the accuracy of what was not trained on.
        loss: a function of ``(output, targets)`` that returns the batch's mean loss; the cross-entropy if None.
        make_optimizer: makes an optimizer from the list of parameters and the batch size, or from the parameters
            alone; if None, ``optim.SGD(parameters, lr=0.05)`` without momentum, whatever the size. A second
            argument that has a default gets the batch size only if its name is ``batch_size``.
        epochs: how many times to go through the training data.
        seed: of the weights, the order of the samples and the samples for the sharpness.
        sharpness: whether to compute it; it takes far longer than an update.

    Raises:
        ArgumentError: when there are no sizes, a size is not from 1 to the number of samples, another number is
            not allowed, or the models do not start alike.
        DtypeError: when something is of the wrong kind.
        ShapeError: when a sample is not ``(inputs, target)``.
        GraphError: when the loss is not a scalar.
        UnknownArgumentError: when a function takes other arguments than those it is called with.

    >>> from minigrad import data, nn
    >>> from minigrad.analysis import batch_size_study
    >>> study = batch_size_study(lambda: nn.MLP([2, 8, 2]), data.xor(), [1, 2, "full"], epochs=1, sharpness=False)
    >>> [(row.batch_size, row.updates_an_epoch) for row in study.rows]
    [(1, 4), (2, 2), (4, 1)]
    """
    _check_functions(make_model, loss, make_optimizer)
    samples = as_dataset(train, "batch_size_study: train")
    tests = None if test is None else as_dataset(test, "batch_size_study: test")
    epochs = check_integer("batch_size_study: epochs", epochs, least=1)
    seed = check_integer("batch_size_study: seed", seed, least=0)
    with_sharpness = check_flag("batch_size_study: sharpness", sharpness)
    trials = [Trial(samples, size, loss or CrossEntropyLoss(), epochs, seed) for size in _sizes(sizes, len(samples))]
    rows: list[BatchSizeRow] = []
    start: dict[str, npt.NDArray[Any]] = {}
    with _keeping_the_generator(), np.errstate(over="ignore", invalid="ignore"):  # what diverges is told
        for trial in trials:
            seed_generator(seed)
            model = call("batch_size_study: make_model must be a function without arguments", make_model)
            start = _checked_start(model, start)
            optimizer = _optimizer(make_optimizer, list(model.parameters()), trial.batch_size)
            trial.train(model, optimizer)
            rows.append(trial.row(model, tests, with_sharpness))
    return BatchSizeStudy(rows, len(samples), epochs)


def _optimizer(make_optimizer: Callable[..., Any] | None, parameters: list[Tensor], batch_size: int) -> Any:
    if make_optimizer is None:
        return SGD(parameters, lr=LEARNING_RATE)
    if _needs_no_batch_size(make_optimizer):
        return make_optimizer(parameters)
    return call(OPTIMIZER, make_optimizer, parameters, batch_size)


def _needs_no_batch_size(make_optimizer: Callable[..., Any]) -> bool:
    """Return whether parameters are enough, and a second argument would be something else."""
    if not fits(make_optimizer, None, 0):
        return fits(make_optimizer, None)
    try:
        second = list(inspect.signature(make_optimizer).parameters.values())[1:2]
    except (TypeError, ValueError):
        return False
    return any(one.default is not one.empty and one.name != "batch_size" for one in second)


def _check_functions(make_model: Any, loss: Any, make_optimizer: Any) -> None:
    if not callable(make_model) or isinstance(make_model, Module):
        raise DtypeError(
            "batch_size_study: make_model must make a new model for each size, such as lambda: nn.MLP([2, 8, 2]); "
            f"got {kind_of(make_model)}"
        )
    if loss is not None and (isinstance(loss, type) or not callable(loss)):
        raise DtypeError(f"{LOSS}; got {kind_of(loss)}")
    if make_optimizer is not None and (isinstance(make_optimizer, type) or not callable(make_optimizer)):
        raise DtypeError(f"{OPTIMIZER}; got {kind_of(make_optimizer)}")


def _sizes(sizes: Any, samples: int) -> list[int]:
    listed = isinstance(sizes, (Sequence, np.ndarray)) and not isinstance(sizes, str) and is_iterable(sizes)
    if not listed or len(sizes) == 0:
        raise ArgumentError(f"batch_size_study: sizes must be a list such as [1, 32, 'full'], got {sizes!r}")
    checked = []
    for size in sizes:
        if isinstance(size, str) and size != "full":
            raise ArgumentError(f"batch_size_study: a size is a positive integer or 'full', got {size!r}")
        number = samples if isinstance(size, str) else check_integer("batch_size_study: a size", size, least=1)
        if number > samples:
            raise ArgumentError(
                f"batch_size_study: a batch of {number} is more than the {samples} training samples; 'full' is all"
            )
        checked.append(number)
    return checked


def _checked_start(model: Any, start: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return the model's state, which has to be that of the first one, if there was one."""
    if not isinstance(model, Module):
        raise DtypeError(f"batch_size_study: make_model must return a module, it returned {type(model).__name__}")
    state = model.state_dict()
    alike = start.keys() == state.keys() and all(np.array_equal(start[name], state[name]) for name in start)
    if start and not alike:
        raise ArgumentError(
            "batch_size_study: make_model must return a new model with the same initial weights each time; this one "
            "differs from the first: make it anew in the function, and let the default generator draw (no rng=)"
        )
    return state


@contextmanager
def _keeping_the_generator() -> Iterator[None]:
    state = generator().bit_generator.state
    try:
        yield
    finally:
        generator().bit_generator.state = state
