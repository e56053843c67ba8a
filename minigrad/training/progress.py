"""What ``fit`` shows: a live bar in a terminal, one line an epoch elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol


class Progress(Protocol):
    """What ``fit`` tells of itself."""

    def batch(self, epoch: int, figures: dict[str, float]) -> None:
        """Hear that a batch is done, and the epoch's figures so far."""

    def epoch(self, epoch: int, figures: dict[str, float], seconds: float) -> None:
        """Hear that an epoch is done."""

    def close(self, note: str) -> None:
        """Hear that the run is over, and why if it ended early."""


class Silent:
    """Shows nothing."""

    def batch(self, epoch: int, figures: dict[str, float]) -> None:
        """Ignore."""

    def epoch(self, epoch: int, figures: dict[str, float], seconds: float) -> None:
        """Ignore."""

    def close(self, note: str) -> None:
        """Ignore."""


class Lines:
    """Prints one line an epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def batch(self, epoch: int, figures: dict[str, float]) -> None:
        """Ignore: a log has no room for batches."""

    def epoch(self, epoch: int, figures: dict[str, float], seconds: float) -> None:
        """Print the epoch's figures."""
        number = f"{epoch + 1:{len(str(self.epochs))}}/{self.epochs}"
        print(f"epoch {number}  {describe(figures)}  {seconds:.2f} s", flush=True)

    def close(self, note: str) -> None:
        """Print why the run ended early, if it did."""
        if note:
            print(note, flush=True)


class Bar:
    """Shows a live bar, with rich: the epoch, the running loss and metrics, the last validation, the time left."""

    def __init__(self, epochs: int, batches: int, done: int = 0) -> None:
        from rich import progress

        self.epochs, self.shown, self.done = epochs, 0.0, done
        self.validation = ""
        self.bar = progress.Progress(
            progress.TextColumn("[bold]{task.fields[epoch]}"),
            progress.BarColumn(bar_width=16),
            progress.TextColumn("{task.fields[figures]}"),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("left"),
        )
        self.task = self.bar.add_task("", total=epochs * batches, completed=done, epoch="training", figures="")
        self.bar.start()

    def batch(self, epoch: int, figures: dict[str, float]) -> None:
        """Move on, ten times a second at the most."""
        self.done += 1
        now = time.perf_counter()
        if now - self.shown > 0.1:
            self.shown = now
            self._show(epoch, figures)

    def epoch(self, epoch: int, figures: dict[str, float], seconds: float) -> None:
        """Show the epoch's figures; of the validation, the one that says most."""
        checked = {name: value for name, value in figures.items() if name.startswith("validation_")}
        name = next((name for name in checked if name.endswith("accuracy")), next(iter(checked), ""))
        self.validation = f"  validation {_number(name, checked[name]).strip()}" if name else ""
        self._show(epoch, {name: value for name, value in figures.items() if name not in checked})

    def _show(self, epoch: int, figures: dict[str, float]) -> None:
        label = f"epoch {epoch + 1}/{self.epochs}"
        self.bar.update(self.task, completed=self.done, epoch=label, figures=describe(figures) + self.validation)

    def close(self, note: str) -> None:
        """Leave the bar as it is, with the note under it."""
        self.bar.stop()
        if note:
            print(note, flush=True)


def make(progress: bool, epochs: int, train: Any, done: int = 0) -> Progress:
    """Return what fits the place where the output goes; ``done`` batches were trained on before."""
    if not progress:
        return Silent()
    if sys.stdout.isatty() and hasattr(train, "__len__"):
        return Bar(epochs, len(train), done)
    return Lines(epochs)


def describe(figures: dict[str, float]) -> str:
    """Return the figures as text: losses as numbers, accuracies in per cent."""
    return "  ".join(
        f"{name.removeprefix('train_').replace('_', ' ')} {_number(name, value)}" for name, value in figures.items()
    )


def _number(name: str, value: float) -> str:
    return f"{value:6.1%}" if name.endswith("accuracy") else f"{value:.4f}"
