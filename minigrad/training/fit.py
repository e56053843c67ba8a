"""``fit``: the training loop, and ``evaluate``: the same without learning."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from minigrad.calls import call
from minigrad.checks import check_flag
from minigrad.engine.mode import no_grad
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.nn import Module
from minigrad.training.checkpoint import Checkpoint
from minigrad.training.checkpoint.run import USUAL_HELP, NotFiniteError, Run
from minigrad.training.checks import (
    check_batches,
    check_learns,
    check_loss,
    check_model,
    check_steps,
    number,
    sample_count,
)
from minigrad.training.history import History
from minigrad.training.interrupts import interrupts_deferred
from minigrad.training.metrics import Metric, are_classes, named_metrics
from minigrad.training.progress import Progress, make

MODEL = "the model must be a function of the inputs of a batch, all that it has but the last"
LOSS = "the loss must be a function of (output, targets)"
METRIC = "the metric {!r} must be a function of (output, targets)"
DEFAULT_METRICS: tuple[str | Metric, ...] = ("accuracy",)


class TrainingWarning(UserWarning):
    """A training run that ended before its time."""


def fit(
    model: Callable[..., Any],
    train: Iterable[Any],
    *,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Any,
    epochs: int,
    validation: Iterable[Any] | None = None,
    metrics: Sequence[str | Metric] = DEFAULT_METRICS,
    scheduler: Any = None,
    progress: bool = True,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
) -> History:
    """Train a model: for each batch forward, loss, backward, update; after each epoch validate.

    Ctrl-C, or a loss that is not finite, ends the run; what it has measured is returned, with a note. Ctrl-C lets an
    update that is under way finish first.

    Args:
        model: a module, or any function of the inputs.
        train: batches ``(inputs, targets)``, such as a ``DataLoader`` gives; gone through once an epoch.
        loss: a function of ``(output, targets)`` that returns the batch's mean loss.
        optimizer: holds parameters of the model; has ``step`` and ``zero_grad``.
        epochs: how many times to go through the training data.
        validation: batches to measure loss and metrics on after each epoch.
        metrics: names (``"accuracy"``) or functions of ``(output, targets)``, averaged over the samples.
            By default the accuracy, if the targets are classes.
        scheduler: changes the learning rate after each epoch; one that wants a metric gets the
            validation loss, or without validation the training loss.
        progress: whether to show a live bar in a terminal, and one line an epoch elsewhere.
        checkpoint: where to save the whole state of the run, and how often; the model is then a module, and the
            training data a ``DataLoader`` or a list of batches.
        resume: whether to go on from the newest checkpoint, if there is one. Everything else is made as it was for the
            run that was interrupted, ``epochs`` included. The weights and the history end as those of a run that was
            never interrupted, bit for bit, on the same machine with the same NumPy and number of threads, as long as
            all that they depend on is saved. The optimizer's options, such as ``lr``, and the loader's seed are then
            those of the checkpoint, whatever is given here. Not saved: a generator inside of a dataset, and what a
            module keeps that is no parameter, buffer, module or ``numpy.random.Generator``, such as a counter.

    Returns:
        The ``History`` of the completed epochs. Averages count each batch with its size.

    Raises:
        ArgumentError: when ``epochs`` is not a positive integer, a metric is unknown, there are no batches, or none of
            the optimizer's parameters is the model's; when the folder has checkpoints and ``resume`` is False.
        DtypeError: when the training data are not batches, the loss is no tensor, or a part is of another kind.
        UnknownArgumentError: when the model, the loss or a metric takes other arguments.
        StateDictError: when the checkpoint is of another model, optimizer or division of the data; nothing has been
            changed then.
        CheckpointError: when every checkpoint is damaged, or another run is writing to the folder.
        CheckpointFileError: when a checkpoint cannot be written.

    >>> import minigrad as mg
    >>> from minigrad import data, nn, optim
    >>> mg.seed(0)
    >>> model = nn.MLP([2, 8, 2])
    >>> history = mg.fit(model, data.DataLoader(data.xor(), batch_size=4), loss=nn.CrossEntropyLoss(),
    ...                  optimizer=optim.SGD(model.parameters(), lr=0.5, momentum=0.9), epochs=100, progress=False)
    >>> history.metrics["train_accuracy"][-1]
    1.0
    """
    if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or epochs < 1:
        raise ArgumentError(f"fit: epochs must be a positive integer, got {epochs!r}")
    check_model("fit", model)
    check_steps("fit", "optimizer", optimizer, ("step", "zero_grad"), "optim.SGD(model.parameters(), lr=0.1)")
    check_loss("fit", loss)
    check_learns(model, loss, optimizer)
    named = named_metrics(metrics)
    check_batches("train", train)
    if validation is not None:
        check_batches("validation", validation)
    if scheduler is not None:
        check_steps("fit", "scheduler", scheduler, ("step",), "optim.lr_scheduler.StepLR(optimizer, step_size=10)")
    run = Run(
        checkpoint,
        model=model,
        optimizer=optimizer,
        scheduler=scheduler,
        train=train,
        validation=validation,
        metrics=named,
    )
    resume, progress = check_flag("fit: resume", resume), check_flag("fit: progress", progress)
    optional = metrics is DEFAULT_METRICS
    with run.alone(), _modes_of(model):
        run.start(resume, epochs)
        history, display = run.history, make(progress, epochs, train, run.steps)
        try:
            for epoch in range(history.epochs, epochs):
                rate, averages = _learning_rate(optimizer), _Averages(named, optional, run.averages)
                figures = _train_one_epoch(model, run, loss, optimizer, averages, display, epoch)
                checked = {}
                if validation is not None:
                    checked = _evaluate(model, validation, loss, _Averages(named, optional), "validation")
                if scheduler is not None:
                    _step_scheduler(scheduler, checked.get("loss", figures["loss"]))
                history.add(figures, checked, rate, run.seconds())
                display.epoch(epoch, history.last(), history.seconds[-1])
                run.epoch_done()
        except KeyboardInterrupt:
            history.note = (
                f"interrupted in epoch {history.epochs + 1} of {epochs}; the parameters are as the last update left "
                f"them{_last_checkpoint(run)}"
            )
        except NotFiniteError as problem:
            history.note = f"stopped in epoch {epoch + 1} of {epochs}: {problem}{_last_checkpoint(run)}"
            warnings.warn(history.note, TrainingWarning, stacklevel=3)
        finally:
            display.close(history.note)
    return history


def evaluate(
    model: Callable[..., Any],
    batches: Iterable[Any],
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    metrics: Sequence[str | Metric] = DEFAULT_METRICS,
) -> dict[str, float]:
    """Return a model's mean loss and metrics over batches, in evaluation mode and without recording.

    Args:
        model: a module, or any function of the inputs.
        batches: ``(inputs, targets)``, such as a ``DataLoader`` gives.
        loss: a function of ``(output, targets)``; left out of the result if None.
        metrics: names (``"accuracy"``) or functions of ``(output, targets)``.

    Raises:
        ArgumentError: when a metric is unknown, or there are no batches.
        DtypeError: when these are not batches, or the loss or a metric returns no number.
        UnknownArgumentError: when the model, the loss or a metric takes other arguments.

    >>> import minigrad as mg
    >>> from minigrad import data
    >>> mg.evaluate(lambda x: x, [(mg.tensor([[0.0, 1.0]]), mg.tensor([1]))])
    {'accuracy': 1.0}
    """
    check_model("evaluate", model)
    check_batches("batches", batches)
    if loss is not None:
        check_loss("evaluate", loss)
    averages = _Averages(named_metrics(metrics), optional=metrics is DEFAULT_METRICS)
    with _modes_of(model):
        figures = _evaluate(model, batches, loss, averages, "batches")
    if not figures:
        raise ArgumentError(
            "evaluate has nothing to measure: the targets are no classes of shape (N,) or (N, C), and there is no "
            "loss; reshape labels to (N,), or pass loss= or metrics="
        )
    return figures


class _Averages:
    """Means over samples: each batch counts with its size."""

    def __init__(self, metrics: dict[str, Metric], optional: bool, saved: dict[str, Any] | None = None) -> None:
        self.metrics, self.optional = dict(metrics), optional
        self.totals: dict[str, float] = {}
        self.samples = 0
        if saved is not None:
            self.metrics = {name: metrics[name] for name in saved["metrics"]}
            self.totals, self.samples = dict(saved["totals"]), saved["samples"]

    def state_dict(self) -> dict[str, Any]:
        """Return the sums so far."""
        return {"metrics": list(self.metrics), "totals": dict(self.totals), "samples": self.samples}

    def add(self, output: Any, targets: Any, loss: float | None) -> None:
        """Count a batch in."""
        if not self.samples and self.optional and not are_classes(output, targets):
            self.metrics = {}  # nobody asked for an accuracy, and regression has none
        size = sample_count("batches", targets)
        figures = {} if loss is None else {"loss": loss}
        for name, metric in self.metrics.items():
            figures[name] = number(f"the metric {name!r}", call(METRIC.format(name), metric, output, targets))
        for name, value in figures.items():
            self.totals[name] = self.totals.get(name, 0.0) + value * size
        self.samples += size

    def means(self) -> dict[str, float]:
        """Return the means so far."""
        return {name: total / self.samples for name, total in self.totals.items()}


def _train_one_epoch(
    model: Any, run: Run, loss: Any, optimizer: Any, averages: _Averages, display: Progress, epoch: int
) -> dict[str, float]:
    _set_mode(model, True)
    for inputs, targets in _batches("train", run.batches()):
        optimizer.zero_grad()
        output = call(MODEL, model, *inputs)
        value = call(LOSS, loss, output, targets)
        if not isinstance(value, Tensor) or value.size != 1:
            came = f"shape {value.shape} (reduction='none'?)" if isinstance(value, Tensor) else type(value).__name__
            raise DtypeError(f"fit: the loss must be a scalar tensor, the function returned {came}")
        number_of_loss = value.item()
        if not math.isfinite(number_of_loss):
            raise NotFiniteError(
                f"the loss of batch {run.batch + 1} is {number_of_loss}, and no update was made with it; run it within "
                f"mg.detect_anomaly(), which names where that comes from; {USUAL_HELP}"
            )
        value.backward()
        with interrupts_deferred():
            optimizer.step()
        averages.add(output.detach() if isinstance(output, Tensor) else output, targets, number_of_loss)
        display.batch(epoch, averages.means())
        run.step_done(averages)
    if not averages.samples:
        reason = "is an iterator that can be gone through only once" if epoch else "gives no batches"
        raise ArgumentError(f"fit: train {reason}; pass a DataLoader, or a list of batches")
    return averages.means()


def _evaluate(model: Any, batches: Any, loss: Any, averages: _Averages, what: str) -> dict[str, float]:
    _set_mode(model, False)
    with no_grad():
        for inputs, targets in _batches(what, batches):
            output = call(MODEL, model, *inputs)
            value = None if loss is None else number("the loss", call(LOSS, loss, output, targets))
            averages.add(output, targets, value)
    if not averages.samples:
        raise ArgumentError(f"{what} gives no batches; pass a DataLoader, or a list of batches")
    return averages.means()


def _batches(what: str, batches: Any) -> Iterable[tuple[tuple[Any, ...], Any]]:
    """Yield each batch as its inputs and its targets, which come last."""
    for batch in batches:
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise ShapeError(f"{what}: a batch is (inputs, targets), got {type(batch).__name__}")
        yield tuple(batch[:-1]), batch[-1]


def _last_checkpoint(run: Run) -> str:
    return "" if run.last is None else f"; the last good checkpoint is {run.last}"


def _learning_rate(optimizer: Any) -> float:
    groups = getattr(optimizer, "param_groups", None)
    return float(groups[0]["lr"]) if groups else math.nan


def _step_scheduler(scheduler: Any, loss: float) -> None:
    parameters = inspect.signature(scheduler.step).parameters.values()
    if any(parameter.default is parameter.empty for parameter in parameters):  # as of ReduceLROnPlateau
        scheduler.step(loss)
    else:
        scheduler.step()


def _modes_of(model: Any) -> AbstractContextManager[None]:
    return model.keeping_modes() if isinstance(model, Module) else nullcontext()


def _set_mode(model: Any, training: bool) -> None:
    if isinstance(model, Module):
        model.train(training)
