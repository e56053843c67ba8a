"""Run: where ``fit`` is, saved now and then, and taken up again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data import DataLoader
from minigrad.errors import ArgumentError, CheckpointError, DtypeError, StateDictError
from minigrad.nn import Module
from minigrad.training.checkpoint.environment import warn_of_differences
from minigrad.training.checkpoint.lock import only_writer
from minigrad.training.checkpoint.position import Position, packed
from minigrad.training.checkpoint.restoring import restore_all
from minigrad.training.checkpoint.saved import Saved, content
from minigrad.training.checkpoint.store import Checkpoint
from minigrad.training.history import History

USUAL_HELP = "a lower learning rate, clipped gradients or scaled inputs usually help"


class NotFiniteError(Exception):
    """A loss or a parameter that is nan or infinite."""


class Run:
    """The position of a training run. Without a ``Checkpoint`` it counts, and saves nothing.

    Attributes:
        history: of the completed epochs.
        batch: the number of batches that the epoch under way has behind it.
        steps: the number of updates so far.
        averages: the sums over those batches, when the run was resumed in the middle of an epoch.
        last: the newest checkpoint, if there is one.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        *,
        model: Any,
        optimizer: Any,
        scheduler: Any,
        train: Any,
        validation: Any,
        metrics: Iterable[str],
    ) -> None:
        self.checkpoint, self.train, self.validation, self.metrics = checkpoint, train, validation, list(metrics)
        self.history, self.batch, self.steps, self.seconds_before = History(), 0, 0, 0.0
        self.averages: dict[str, Any] | None = None
        self.last: Path | None = None
        self.began = 0.0
        loader = train if isinstance(train, DataLoader) else None
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
        if checkpoint is not None:
            self._check()

    def _check(self) -> None:
        """Raise unless everything that the run depends on can be saved and restored."""
        model, optimizer, train = self.parts["model"], self.parts["optimizer"], self.train
        if not isinstance(self.checkpoint, Checkpoint):
            raise DtypeError(f"fit: checkpoint must be mg.Checkpoint(folder), got {self.checkpoint!r}")
        if not isinstance(model, Module):
            raise DtypeError(f"fit: checkpoint= needs a model that is an nn.Module, got {type(model).__name__}")
        for name in ("optimizer", "scheduler"):
            part = self.parts[name]
            if part is not None and not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
                raise DtypeError(
                    f"fit: checkpoint= needs state_dict() and load_state_dict() of the {name}, got {part!r}"
                )
        if not isinstance(train, (list, tuple)) and not _begins_anywhere(train):
            raise DtypeError(
                "fit: checkpoint= needs training data that can begin in the middle of an epoch: a DataLoader, or a "
                f"list of batches; got {type(train).__name__}{_own_order(train)}"
            )
        known = {id(parameter) for parameter in model.parameters()}
        for group in getattr(optimizer, "param_groups", ()):
            for parameter in group["params"]:
                if id(parameter) not in known:
                    raise ArgumentError(
                        f"fit: the optimizer updates {parameter.describe()}, which is no parameter of the model and "
                        "would not be saved; make it an attribute of the model, or train without checkpoint="
                    )

    # --- the epoch under way

    def batches(self) -> Iterator[Any]:
        """Begin an epoch, or go on with the one under way."""
        self.began = time.perf_counter() - self.seconds_before
        if not self.batch:
            return iter(self.train)
        if isinstance(self.train, (list, tuple)):
            return iter(self.train[self.batch :])
        self.train.set_epoch(self.train.epoch - 1)
        return iter(self.train.batches(self.batch))

    def seconds(self) -> float:
        """Return how long the epoch has taken so far."""
        return time.perf_counter() - self.began

    def step_done(self, averages: Any) -> None:
        """Hear that an update was made."""
        self.batch += 1
        self.steps += 1
        if self.checkpoint is not None and self.checkpoint.every and self.steps % self.checkpoint.every == 0:
            self.save(averages.state_dict())

    def epoch_done(self) -> None:
        """Hear that an epoch has been validated and is in the history."""
        self.batch, self.seconds_before, self.averages = 0, 0.0, None
        if self.checkpoint is not None:
            self.save(None)

    # --- saving

    def save(self, averages: dict[str, Any] | None) -> None:
        """Save everything.

        Raises:
            NotFiniteError: when a parameter is not finite: the last good checkpoint stays.
        """
        when = f"batch {self.batch}" if self.batch else "its last batch"
        for name, parameter in self.parts["model"].named_parameters():
            if not np.isfinite(parameter._array).all():
                raise NotFiniteError(
                    f"after {when}, {name} is not finite, so no checkpoint was made; run it within "
                    f"mg.detect_anomaly(), which names where that comes from; {USUAL_HELP}"
                )
        self._write(averages)

    def _write(self, averages: dict[str, Any] | None) -> None:
        assert self.checkpoint is not None
        position = {
            "batch": self.batch,
            "steps": self.steps,
            "seconds": self.seconds() if self.batch else 0.0,
            "averages": averages,
            "history": packed(self.history),
            "setting": self._setting(),
            "validation": self.validation.state_dict() if isinstance(self.validation, DataLoader) else None,
        }
        self.last = self.checkpoint.put(self.steps, content(**self.parts, fit=position))

    def _setting(self) -> dict[str, Any]:
        return {
            "metrics": self.metrics,
            "validation": self.validation is not None,
            "batches an epoch": len(self.train),
            "scheduler": type(self.parts["scheduler"]).__name__,
            "optimizer": type(self.parts["optimizer"]).__name__,
        }

    # --- resuming

    def alone(self) -> AbstractContextManager[None]:
        """Return a block in which no other run can write to the folder.

        Raises:
            CheckpointError: on entering, when one is doing so.
        """
        return nullcontext() if self.checkpoint is None else only_writer(self.checkpoint.folder)

    def start(self, resume: bool, epochs: int) -> None:
        """Go on from the newest checkpoint if that is wished and there is one; else save the beginning.

        Raises:
            ArgumentError: when there is no place for checkpoints, or it has those of another run.
            StateDictError: when a checkpoint does not fit this run; nothing has been changed then.
            CheckpointError: when every checkpoint is damaged, or was not written by ``fit``.
        """
        if self.checkpoint is None:
            if resume:
                raise ArgumentError("fit: resume=True needs checkpoint=mg.Checkpoint(folder) to resume from")
            return
        if not resume and self.checkpoint.paths():
            raise ArgumentError(
                f"fit: {self.checkpoint.folder} has checkpoints of an earlier run: pass resume=True to go on with it, "
                "or another folder to begin anew"
            )
        saved = self.checkpoint.load() if resume else None
        if saved is None:
            self.began = time.perf_counter()
            self._write(None)
        else:
            self._take_up(saved, epochs)
            self.checkpoint.tidy(saved.path)
            warn_of_differences(saved.path, saved.environment)

    def _take_up(self, saved: Saved, epochs: int) -> None:
        if saved.fit is None:
            raise CheckpointError(f"{saved.path} was written by mg.save, not by fit, which cannot resume from it")
        try:
            position = Position(**saved.fit)
        except (TypeError, ValueError, KeyError, AttributeError) as problem:
            raise CheckpointError(f"{saved.path} does not say where fit was: {problem}") from None
        here = self._setting()
        problems = [
            f"{name} {position.setting.get(name)!r} there, {value!r} here"
            for name, value in here.items()
            if position.setting.get(name) != value
        ]
        if problems:
            raise StateDictError(f"fit: {saved.path} is of another training run: {'; '.join(problems)}")
        if position.history.epochs + bool(position.batch) > epochs:
            raise ArgumentError(
                f"fit: {saved.path} is in epoch {position.history.epochs + bool(position.batch)}, and epochs={epochs}; "
                "epochs counts from the beginning of the run, not from where it is resumed"
            )
        parts = {"validation": (self.validation, position.validation)} if position.validation is not None else {}
        for name, part in self.parts.items():
            state = getattr(saved, name)
            if (part is None) != (state is None):
                raise StateDictError(
                    f"fit: {saved.path} {'has a' if part is None else 'has no'} {name}, unlike this run"
                )
            if part is not None:
                parts[name] = part, state
        restore_all(parts, saved.generators)
        self.batch, self.steps, self.seconds_before = position.batch, position.steps, position.seconds
        self.history, self.averages, self.last = position.history, position.averages, saved.path
        if self.steps and hasattr(self.parts["optimizer"], "has_stepped"):
            self.parts["optimizer"].has_stepped = True


def _begins_anywhere(train: Any) -> bool:
    return isinstance(train, DataLoader) and not _own_order(train)


def _own_order(train: Any) -> str:
    """Say why a loader cannot begin at any batch: its class iterates in a way of its own."""
    kind = type(train)
    if (
        not isinstance(train, DataLoader)
        or kind.__iter__ is DataLoader.__iter__
        or kind.batches is not DataLoader.batches
    ):
        return ""
    return ", which has an __iter__ of its own: override batches(start) instead, which __iter__ calls"
