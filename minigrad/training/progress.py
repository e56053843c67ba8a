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
    """Shows a live bar, with rich."""

    def __init__(self, epochs: int, batches: int) -> None:
        from rich import progress

        self.epochs, self.shown = epochs, 0.0
        self.done = 0
        self.bar = progress.Progress(
            progress.TextColumn("[bold]{task.fields[epoch]}"),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.fields[figures]}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
        )
        self.task = self.bar.add_task("", total=epochs * batches, epoch="training", figures="")
        self.bar.start()

    def batch(self, epoch: int, figures: dict[str, float]) -> None:
        """Move on, ten times a second at the most."""
        self.done += 1
        now = time.perf_counter()
        if now - self.shown > 0.1:
            self.shown = now
            self._show(epoch, figures)

    def epoch(self, epoch: int, figures: dict[str, float], seconds: float) -> None:
        """Show the epoch's figures."""
        self._show(epoch, figures)

    def _show(self, epoch: int, figures: dict[str, float]) -> None:
        label = f"epoch {epoch + 1}/{self.epochs}"
        self.bar.update(self.task, completed=self.done, epoch=label, figures=describe(figures))

    def close(self, note: str) -> None:
        """Leave the bar as it is, with the note under it."""
        self.bar.stop()
        if note:
            print(note, flush=True)


def make(progress: bool, epochs: int, train: Any) -> Progress:
    """Return what fits the place where the output goes."""
    if not progress:
        return Silent()
    if sys.stdout.isatty() and hasattr(train, "__len__"):
        return Bar(epochs, len(train))
    return Lines(epochs)


def describe(figures: dict[str, float]) -> str:
    """Return the figures as text: losses as numbers, accuracies in per cent."""
    parts = []
    for name, value in figures.items():
        words = name.removeprefix("train_").replace("_", " ")
        parts.append(f"{words} {value:7.2%}" if name.endswith("accuracy") else f"{words} {value:.4f}")
    return "  ".join(parts)
