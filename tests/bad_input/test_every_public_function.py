"""Bad input to everything public, by its name: three cases at the least, each with the error and its message."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.errors import MinigradError, UnknownArgumentError
from tests.bad_input.analysis import ANALYSIS
from tests.bad_input.data import DATA
from tests.bad_input.functional import FUNCTIONAL
from tests.bad_input.given import FOLDER, Cases
from tests.bad_input.nn import NN
from tests.bad_input.optim import OPTIM
from tests.bad_input.training import TRAINING
from tests.bad_input.viz import VIZ
from tests.ops.test_bad_input_by_name import NAMED

# where public names are, and how the cases call it
ROOMS = {
    "minigrad": "",
    "minigrad.nn": "nn.",
    "minigrad.nn.functional": "F.",
    "minigrad.nn.init": "init.",
    "minigrad.optim": "optim.",
    "minigrad.optim.lr_scheduler": "lr_scheduler.",
    "minigrad.data": "data.",
    "minigrad.training": "training.",
    "minigrad.analysis": "analysis.",
    "minigrad.viz": "viz.",
    "minigrad.testing": "testing.",
}
CASES: Cases = {**NN, **FUNCTIONAL, **OPTIM, **DATA, **TRAINING, **ANALYSIS, **VIZ}
# what the library makes and returns, a protocol, a warning, and a function that others are made with
MADE = {
    *("Contribution", "History", "Node", "Primitive", "Step", "Tensor", "training.History", "training.Saved"),
    *("data.Dataset", "training.TrainingWarning", "F.tensor_of"),
    *("viz.Drawing", "viz.Trace", "viz.TrajectoryAnimation"),
    *(f"analysis.{name}" for name in ("BatchSizeRow", "BatchSizeStudy", "ConvexSetCheck", "ConvexityCheck", "Path")),
    *(f"analysis.{name}" for name in ("CriticalPoint", "EigenDecomposition", "Estimate", "Extremes", "GradientFlow")),
    *(f"analysis.{name}" for name in ("JensenWitness", "SegmentWitness", "Spectrum")),
}


def names_of(room: str) -> set[str]:
    """Return what a room defines, or exports under the name that it has."""
    module = importlib.import_module(room)
    names = set(dir(module)) if room == "minigrad" else set()
    for node in ast.parse(Path(str(module.__file__)).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names if alias.asname == alias.name}
    return {name for name in names if not name.startswith("_") and callable(getattr(module, name))}


PUBLIC: dict[str, Callable[..., Any]] = {
    prefix + name: getattr(importlib.import_module(room), name)
    for room, prefix in ROOMS.items()
    for name in sorted(names_of(room))
    if prefix + name not in MADE
}
EACH = [(name, *case) for name, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(
    ("name", "call", "kind", "piece"),
    EACH,
    ids=[f"{name} {piece.replace(str(FOLDER), 'FOLDER')[:50]}" for name, _, _, piece in EACH],
)
def test_bad_input(name: str, call: Callable[[], Any], kind: type[MinigradError], piece: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert piece in str(caught.value)


def test_everything_public_has_three_cases_at_the_least() -> None:
    """Add cases to the room's file beside this one; what stands under two names needs them under one."""
    counted: Counter[int] = Counter()
    for name, *_ in NAMED:
        counted[id(getattr(mg, name))] += 1
    for name, cases in CASES.items():
        assert name in PUBLIC, f"{name} is not public, or nothing that a user calls"
        counted[id(PUBLIC[name])] += len(cases)
    assert not {name: counted[id(value)] for name, value in PUBLIC.items() if counted[id(value)] < 3}


def test_what_the_library_makes_is_still_there() -> None:
    known = {prefix + name for room, prefix in ROOMS.items() for name in names_of(room)}
    assert not MADE - known


ONCE = {id(value): name for name, value in PUBLIC.items()}


@pytest.mark.parametrize("name", ONCE.values())
def test_an_unknown_argument_is_answered_with_those_that_there_are(name: str) -> None:
    value = PUBLIC[name]
    if name.startswith(("optim.", "lr_scheduler.")):
        with pytest.raises(TypeError, match="got an unexpected keyword argument 'no_such_thing'"):
            value(no_such_thing=1)
        return
    with pytest.raises(UnknownArgumentError, match=r"\(\) has no argument 'no_such_thing'") as caught:
        value(no_such_thing=1)
    called = value.name if isinstance(value, mg.Primitive) else inspect.unwrap(value).__name__
    assert called in str(caught.value)
