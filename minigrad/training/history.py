"""History: what ``fit`` measured, one entry an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """What happened in each completed epoch of a training run.

    Attributes:
        train_loss: the mean loss over the samples, as the model was when each batch came.
        validation_loss: the mean loss on the validation data after the epoch; empty without such data.
        metrics: for each metric, under ``"train_accuracy"``, ``"validation_accuracy"`` and so on.
        learning_rate: that of the first parameter group, during the epoch.
        seconds: the time that the epoch took, validation included.
        note: why the run ended early; empty if it did not.
    """

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return len(self.train_loss)

    def add(self, train: dict[str, float], validation: dict[str, float], learning_rate: float, seconds: float) -> None:
        """Append one epoch's figures."""
        for split, figures in (("train", train), ("validation", validation)):
            for name, value in figures.items():
                series = (
                    getattr(self, f"{split}_loss") if name == "loss" else self.metrics.setdefault(f"{split}_{name}", [])
                )
                series.append(value)
        self.learning_rate.append(learning_rate)
        self.seconds.append(seconds)

    def last(self) -> dict[str, float]:
        """Return the figures of the last epoch, by name."""
        series = {"train_loss": self.train_loss, "validation_loss": self.validation_loss, **self.metrics}
        return {name: values[-1] for name, values in series.items() if values}

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.last().items())
        note = f"; {self.note}" if self.note else ""
        return f"<History of {self.epochs} epochs in {sum(self.seconds):.1f} s: {figures or 'nothing yet'}{note}>"
