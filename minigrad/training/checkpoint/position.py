"""Where ``fit`` was when a checkpoint was made, and what it had measured by then."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.training.history import History

SERIES = ("train_loss", "validation_loss", "learning_rate", "seconds")


class Position:
    """The position that a checkpoint holds, checked.

    Raises:
        TypeError, ValueError, KeyError, AttributeError: when it is not what ``Run`` writes.
    """

    def __init__(
        self, batch: Any, steps: Any, seconds: Any, averages: Any, history: Any, setting: Any, validation: Any
    ) -> None:
        for value in (batch, steps):
            if type(value) is not int or value < 0:
                raise ValueError(f"a position of {value!r}")
        if not isinstance(setting, dict) or not isinstance(validation, (dict, type(None))):
            raise ValueError("its setting is no dict")
        if (averages is None) != (batch == 0):
            raise ValueError("its averages do not fit its position")
        self.batch, self.steps, self.seconds = batch, steps, float(seconds)
        self.setting, self.validation = setting, validation
        self.history = _unpacked(history)
        self.averages: dict[str, Any] | None = averages
        if averages is not None:
            totals, names = averages["totals"], averages["metrics"]
            if not all(type(value) is float for value in totals.values()) or type(averages["samples"]) is not int:
                raise ValueError("its averages are no numbers")
            if not isinstance(names, list) or not set(names) <= set(setting["metrics"]):
                raise ValueError("its averages are of other metrics")


def packed(history: History) -> dict[str, Any]:
    """Return a history as arrays."""
    series: dict[str, Any] = {name: np.array(getattr(history, name), np.float64) for name in SERIES}
    return {**series, "metrics": {name: np.array(values, np.float64) for name, values in history.metrics.items()}}


def _unpacked(saved: dict[str, Any]) -> History:
    if set(saved) != {*SERIES, "metrics"}:
        raise ValueError("its history is incomplete")
    metrics = {name: _numbers(values) for name, values in saved["metrics"].items()}
    series: dict[str, Any] = {name: _numbers(saved[name]) for name in SERIES}
    return History(metrics=metrics, **series)


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 1:
        raise ValueError("its history is no series of numbers")
    numbers: list[float] = values.tolist()
    return numbers
