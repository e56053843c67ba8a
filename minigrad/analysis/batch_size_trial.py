"""One training of the batch-size study, and what is measured of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis.calls import call, scalar_loss
from minigrad.analysis.curvature import Curvature
from minigrad.data import DataLoader, Subset
from minigrad.data.dataset import Dataset
from minigrad.engine.backward import grad
from minigrad.engine.mode import enable_grad
from minigrad.engine.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn import Module
from minigrad.training import evaluate

Floats = npt.NDArray[np.float64]

LOSS = "batch_size_study: loss must be a function of (output, targets), such as nn.MSELoss()"
CHUNK = 1024  # samples at once, where the result is a mean over all
NOISE_BATCHES = 64  # batches whose gradients are compared with the whole set's
SHARPNESS_SAMPLES = 512  # samples of the loss whose Hessian is looked at


@dataclass(frozen=True, eq=False)
class BatchSizeRow:
    """What was measured for one batch size; nan where the training diverged, None where there was nothing to measure.

    Attributes:
        batch_size: the number of samples in a batch.
        updates_an_epoch: ``ceil(N / batch_size)``.
        seconds_an_update: the median over the updates: forward, loss, backward and step.
        seconds_an_epoch: the median over the epochs: the updates, and loading the batches.
        gradient_noise: the mean of ``|g_batch - g_all|**2 / |g_all|**2`` at the end of the training.
        train_loss: of all training samples, at the end.
        test_loss: of all test samples, at the end.
        test_accuracy: from 0 to 1; None where the targets are no classes.
        sharpness: the greatest eigenvalue of the Hessian of the training loss, at the end.
        losses: of each batch before its update, ``(updates,)``.
        diverged: whether a loss was not finite, which ended the training of this size.

    >>> from minigrad import data, nn
    >>> from minigrad.analysis import batch_size_study
    >>> row = batch_size_study(lambda: nn.MLP([2, 4, 2]), data.xor(), [2], epochs=3, sharpness=False).rows[0]
    >>> row.updates_an_epoch, row.losses.shape, row.test_loss, row.diverged
    (2, (6,), None, False)
    """

    batch_size: int
    updates_an_epoch: int
    seconds_an_update: float
    seconds_an_epoch: float
    gradient_noise: float
    train_loss: float
    test_loss: float | None
    test_accuracy: float | None
    sharpness: float | None
    losses: Floats
    diverged: bool


class Trial:
    """The training with batches of one size.

    Args:
        samples: what to train on.
        batch_size: the number of samples in a batch.
        loss: a function of ``(output, targets)`` that returns the mean.
        epochs: how many times to go through the samples.
        seed: of their order, and of those that the sharpness is measured on.
    """

    def __init__(self, samples: Dataset, batch_size: int, loss: Any, epochs: int, seed: int) -> None:
        self.samples, self.batch_size, self.loss, self.epochs, self.seed = samples, batch_size, loss, epochs, seed
        self.loader = DataLoader(samples, batch_size, shuffle=True, seed=seed)
        self.losses: list[float] = []
        self.updates: list[float] = []
        self.epoch_times: list[float] = []

    def train(self, model: Module, optimizer: Any) -> None:
        """Train, until a loss is not finite at the latest."""
        model.train()
        for _ in range(self.epochs):
            start = time.perf_counter()
            for batch in self.loader:
                before = time.perf_counter()
                optimizer.zero_grad()
                value = mean_loss(model, self.loss, batch)
                self.losses.append(value.item())
                if not np.isfinite(self.losses[-1]):
                    return
                value.backward()
                optimizer.step()
                self.updates.append(time.perf_counter() - before)
            self.epoch_times.append(time.perf_counter() - start)

    def row(self, model: Module, tests: Dataset | None, with_sharpness: bool) -> BatchSizeRow:
        """Return what is measured at the end, in evaluation mode."""
        model.eval()
        train_loss = self.losses[-1]
        if np.isfinite(train_loss):
            train_loss = evaluate(model, DataLoader(self.samples, CHUNK), loss=self.loss)["loss"]
        diverged = not np.isfinite(train_loss)
        tested: dict[str, float] = {}
        if tests is not None:
            tested = {"loss": np.nan} if diverged else evaluate(model, DataLoader(tests, CHUNK), loss=self.loss)
        sharpness = None
        if with_sharpness:
            sharpness = np.nan if diverged else self.sharpness(model)
        return BatchSizeRow(
            self.batch_size,
            len(self.loader),
            _median(self.updates),
            _median(self.epoch_times),
            np.nan if diverged else self.noise(model),
            np.nan if diverged else train_loss,
            tested.get("loss"),
            tested.get("accuracy", np.nan if diverged and tests is not None else None),
            sharpness,
            np.array(self.losses),
            diverged,
        )

    def noise(self, model: Module) -> float:
        """Return the mean squared distance of the batches' gradients from that of all samples, in units of its own."""
        of_all = np.zeros(())
        for batch in DataLoader(self.samples, CHUNK):
            of_all = of_all + _flat_gradient(model, self.loss, batch) * (len(batch[-1]) / len(self.samples))
        loader = DataLoader(self.samples, self.batch_size, shuffle=True, drop_last=True, seed=self.seed)
        loader.set_epoch(self.loader.epoch)
        distances = [
            float(np.sum((_flat_gradient(model, self.loss, batch) - of_all) ** 2))
            for batch, _ in zip(loader, range(NOISE_BATCHES), strict=False)
        ]
        with np.errstate(divide="ignore"):
            return float(np.mean(distances) / np.sum(of_all**2))

    def sharpness(self, model: Module) -> float:
        """Return the greatest eigenvalue of the Hessian of the mean loss of some samples."""
        chosen = np.random.default_rng(self.seed).permutation(len(self.samples))[:SHARPNESS_SAMPLES]
        batch = next(iter(DataLoader(Subset(self.samples, chosen), len(chosen))))
        curvature = Curvature(model, lambda: mean_loss(model, self.loss, batch))
        return float(curvature.eigenvalues(top=1, bottom=0).top[0])


def mean_loss(model: Module, loss: Any, batch: Any) -> Tensor:
    """Return the scalar loss of a batch.

    Raises:
        ShapeError: when a sample is not ``(inputs, target)``.
        DtypeError: when the loss is no tensor.
        GraphError: when it is no scalar.
    """
    if not isinstance(batch, tuple) or len(batch) < 2:
        raise ShapeError(f"batch_size_study: a sample must be (inputs, target), batches are {type(batch).__name__}")
    with enable_grad():
        return scalar_loss("batch_size_study", call(LOSS, loss, model(*batch[:-1]), batch[-1]))


def _flat_gradient(model: Module, loss: Any, batch: Any) -> Floats:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    gradients = grad(mean_loss(model, loss, batch), parameters, allow_unused=True)
    parts = [np.zeros(p.size) if g is None else g._array.ravel() for p, g in zip(parameters, gradients, strict=True)]
    return np.concatenate(parts).astype(np.float64)


def _median(seconds: list[float]) -> float:
    return float(np.median(seconds)) if seconds else float("nan")
