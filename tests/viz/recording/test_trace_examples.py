"""Every example: its backward passes and updates are what their traces show."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigrad import viz
from minigrad.engine.mode import observing
from minigrad.viz.build import node_ids
from minigrad.viz.recording.steps import UpdateStep
from tests.viz.recording.programs import Capture, replayed, same_bits

EXAMPLES = Path(__file__).parents[3] / "examples"


class Check(Capture):
    """Compares some of an example's passes with what they did."""

    def __init__(self) -> None:
        super().__init__()
        self.passes, self.updates, self.checked = 0, 0, 0
        self.parameters: dict[int, Any] = {}

    def backward(self, output: Any, steps: Iterator[Any]) -> Iterator[Any]:
        self.passes += 1
        self.recorders.clear()
        if self.passes > 3 and self.passes % 100:
            yield from steps
            return
        expected = viz.trace(output, gradient=None if output.size == 1 else np.ones_like(output.data))
        leaves = {id: node.tensor() for node, id in node_ids(output.node).items() if node.tensor is not None}
        before = {
            id: None if tensor is None or tensor.grad is None else tensor.grad.data for id, tensor in leaves.items()
        }
        yield from super().backward(output, steps)
        trace = self.trace()
        assert trace.diff(expected) is None
        assert viz.Trace.from_json(trace.to_json()).diff(trace) is None
        for id, gradient in replayed(trace).items():
            tensor = leaves.get(id)
            if tensor is not None:
                assert same_bits(tensor.grad.data, gradient if before[id] is None else before[id] + gradient)
                self.checked += 1

    def grad(self, output: Any, steps: Iterator[Any]) -> Iterator[Any]:
        return steps  # may start with any gradient, and ends at the inputs that were asked for

    def before_update(self, optimizer: object, parameters: Iterable[Any]) -> None:
        self.updates += 1
        if self.recorders:
            kept = list(parameters)
            self.parameters = {id(parameter): parameter.data.copy() for parameter in kept}
            super().before_update(optimizer, kept)

    def after_update(self, optimizer: object, parameters: Iterable[Any]) -> None:
        if self.recorders:
            kept = list(parameters)
            super().after_update(optimizer, kept)
            updates = [step for step in self.trace().steps if isinstance(step, UpdateStep)]
            assert len(updates) == len(kept)
            for parameter, step in zip(kept, updates, strict=True):
                assert step.optimizer == repr(optimizer)
                assert same_bits(step.before.array, self.parameters[id(parameter)])
                assert same_bits(step.after.array, parameter.data)
                assert same_bits(step.gradient.array, parameter.grad.data)
                assert same_bits(step.change.array, parameter.data - self.parameters[id(parameter)])


def differentiates(path: Path) -> bool:
    text = path.read_text()
    if "subprocess.run(" in text:  # its passes run in processes of their own
        return False
    return "backward()" in text or "backprop(" in text or "fit(" in text


@pytest.mark.parametrize(
    "path", [path for path in sorted(EXAMPLES.glob("*.py")) if differentiates(path)], ids=lambda path: path.name
)
def test_the_passes_of_every_example_are_what_their_traces_show(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    specification = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "EPOCHS", 3, raising=False)
    check = Check()
    with observing(check):
        module.main()
    assert check.passes >= 1
    assert check.checked >= 1
    text = path.read_text()
    assert (check.updates > 0) == ("optimizer.step()" in text or "fit(" in text)


def test_all_examples_that_differentiate_are_found() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py") if differentiates(path)} >= {"moons.py", "xor.py"}
