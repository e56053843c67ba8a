"""Odd arguments in each position of everything public: a call works, or raises one of the library's own errors.

Every parameter of every public function, class and method is given each odd value in turn, the others a sound one.
"""

from __future__ import annotations

import inspect
import io
import os
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

import minigrad as mg
from minigrad import analysis, data, memory, nn, optim, viz
from minigrad.engine.value import Value
from minigrad.errors import MinigradError
from minigrad.optim import lr_scheduler
from tests.bad_input.given import (
    BATCHES,
    DATASET,
    LOSS,
    OPTIMIZERS,
    SURFACE,
    a_flow,
    a_spectrum,
    a_study,
    a_trace,
    hill,
    make_optimizer,
    net,
    net_loss,
    ones,
    other_state,
    sgd,
    squares,
    total,
)
from tests.bad_input.test_every_public_function import PUBLIC

ODD: dict[str, Callable[[], Any]] = {
    "an array": lambda: np.zeros(3),
    "a matrix of integers": lambda: np.ones((2, 3), np.int8),
    "an array without axes": lambda: np.array(1.0),
    "an empty array": lambda: np.zeros((0, 2)),
    "an array of text": lambda: np.array(["a", "b"]),
    "a tensor": lambda: mg.ones((2, 3), requires_grad=True),
    "None": lambda: None,
    "nan": lambda: np.nan,
    "infinity": lambda: -np.inf,
    "a negative number": lambda: -1,
    "a fraction": lambda: 2.5,
    "a huge number": lambda: 2**70,
    "one that is no float": lambda: 10**400,
    "a complex number": lambda: 1j,
    "text": lambda: "text",
    "bytes": lambda: b"a",
    "a class": lambda: nn.ReLU,
    "a function": lambda: lambda: 3,
    "a generator": lambda: (number for number in (1, 2)),
    "an empty list": list,
    "a ragged list": lambda: [[1], [1, 2]],
    "a list of None": lambda: [None],
    "a dict": lambda: {"a": 1},
    "a date": lambda: np.datetime64("2020-01-01"),
    "an object": object,
}

LEAF = ones(2, 3)


def with_gradient() -> list[mg.Tensor]:
    LEAF.grad = np.ones((2, 3))
    return [LEAF]


@cache
def scheduled() -> optim.SGD:
    return sgd()


# what a parameter of this name may well be given, where it has no default
SOUND: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(("x", "y", "X", "data", "tensor", "condition", "v"), lambda: ones(2, 3)),
    **dict.fromkeys(("prediction", "target", "probability", "direction"), lambda: ones(2, 3)),
    **dict.fromkeys(("value", "gradient", "g"), lambda: np.ones((2, 3))),
    **dict.fromkeys(("logits", "log_probabilities"), lambda: ones(2, 3)),
    **dict.fromkeys(("targets", "indices"), lambda: np.array([0, 1])),
    **dict.fromkeys(("axis", "axis1", "axis2", "source", "destination", "index"), lambda: 0),
    **dict.fromkeys(("n", "depth", "width", "num_features", "in_features", "out_features", "step_size"), lambda: 3),
    **dict.fromkeys(("num_embeddings", "embedding_dim", "normalized_shape", "T_max", "epochs", "step"), lambda: 3),
    **dict.fromkeys(("start", "fill_value", "val", "max_norm", "clip_value", "gamma", "minimum"), lambda: 0.5),
    **dict.fromkeys(("params", "parameters"), lambda: [ones(2, 3)]),
    **dict.fromkeys(("train", "dataset"), lambda: DATASET),
    **dict.fromkeys(("path", "root", "folder"), lambda: Path("nowhere")),
    **dict.fromkeys(("running_mean", "running_var"), lambda: mg.ones(3)),
    "f": lambda: squares,
    "function": lambda: total,
    "dtype": lambda: np.float64,
    "shape": lambda: (2, 3),
    "axes": lambda: (1, 0),
    "arrays": lambda: [np.ones((2, 3)), np.ones((2, 3))],
    "subscripts": lambda: "ij->ji",
    "operands": lambda: [ones(2, 3)],
    "output": lambda: LEAF.sum(),
    "inputs": lambda: [LEAF],
    "model": net,
    "batches": lambda: BATCHES,
    "loss": lambda: LOSS,
    "optimizer": sgd,
    "weight": lambda: ones(2, 3),
    "pad_width": lambda: 1,
    "indices_or_sections": lambda: 2,
    "sizes": lambda: [2, 4, 2],
    "modules": lambda: [nn.ReLU(), nn.ReLU()],
    "module": nn.ReLU,
    "nonlinearity": lambda: "relu",
    "defaults": lambda: {"lr": 0.1},
    "schedulers": lambda: [lr_scheduler.StepLR(sgd(), 2)],
    "milestones": list,
    "lengths": lambda: [2, 4],
    "name": lambda: "name",
    "state": lambda: net().state_dict(),
    "minima": tuple,
    "bounds": lambda: ((-1, 1), (-1, 1)),
    "domain": lambda: (-1, 1),
    "contains": lambda: lambda x: True,
    "make_model": lambda: lambda: nn.Linear(2, 2, rng=np.random.default_rng(0)),
    "make_optimizer": lambda: make_optimizer,
    "surface": lambda: SURFACE,
    "angles": lambda: [0.0, 1.0],
    "A": lambda: np.eye(2),
    "trace": a_trace,
    "optimizers": lambda: OPTIMIZERS,
    "study": a_study,
    "flow": a_flow,
    "h": lambda: mg.training.History([1.0], [], {}),
    "other_state": other_state,
    "spectrum": a_spectrum,
}

# what belongs to one function alone
OWN: dict[str, Callable[[], Any]] = {
    "dot.y": lambda: ones(3),
    "matmul.y": lambda: ones(3, 2),
    "take_along_axis.indices": lambda: [[0], [1]],
    "accuracy.output": lambda: ones(2, 3),
    "vjp.x": lambda: [ones(2, 3)],
    "fit.train": lambda: BATCHES,
    "fit.optimizer": lambda: optim.SGD(net().parameters(), lr=0.1),
    "clip_grad_norm.parameters": with_gradient,
    "clip_grad_value.parameters": with_gradient,
    "SequentialLR.optimizer": scheduled,
    "SequentialLR.schedulers": lambda: [lr_scheduler.StepLR(scheduled(), 2)],
    "Curvature.parameters": net,
    "Curvature.loss": lambda: net_loss,
    "Surface.start": lambda: (0, 0),
    "batch_size_study.train": lambda: BATCHES[0],
    "directional_derivative.x": lambda: ones(2),
    "directional_derivative.direction": lambda: ones(2),
    "directional_derivatives.x": lambda: ones(2),
    "directional.x": lambda: ones(2),
    "escape.f": lambda: hill,
    "escape_direction.f": lambda: hill,
    "decision_boundary.X": lambda: np.ones((2, 2)),
    "decision_boundary.y": lambda: np.array([0, 1]),
    "landscape.loss": lambda: net_loss,
    "landscape_line.loss": lambda: net_loss,
    "Tensor().__getitem__.other": lambda: 0,
    "Tensor().__setitem__.value": lambda: 2.0,
    "nn.Linear().apply.function": lambda: lambda module: None,
    "nn.Linear().load_state_dict.state": lambda: nn.Linear(3, 2).state_dict(),
    "data.DataLoader().load_state_dict.state_dict": lambda: data.DataLoader(DATASET, 2).state_dict(),
    "analysis.Curvature().hvp.vector": lambda: np.ones(17),
    "analysis.Surface().__call__.point": lambda: (0.5, 0.5),
    "analysis.Surface().values.points": lambda: (0.5, 0.5),
    "analysis.Spectrum().density.grid": lambda: [0.0, 1.0],
    "analysis.EigenDecomposition().power.k": lambda: 2,
    "viz.Player().save.path": lambda: "player.html",
    "viz.Drawing().save.path": lambda: "drawing.dot",
    "viz.Trace().diff.other": a_trace,
    "Tensor.name = value.value": lambda: "w",
    "Tensor.requires_grad = value.value": lambda: True,
}
# what has no sound call here: a file that is missing, an argument that is needed, a function of a later release
NEVER_SOUND = {"training.load", "data.mnist", "data.fashion_mnist", "data.read_idx", "clip", "compile"}
# a huge number of these takes as long as it says
ENDLESS = {("testing.gradcheck", "order"), ("analysis.gradient_flow", "steps"), ("training.fit", "epochs")}
ENDLESS |= {("analysis.batch_size_study", "epochs")}

# objects whose public methods are called; each call has one of its own
OBJECTS: dict[str, Callable[[], Any]] = {
    "Tensor": lambda: mg.ones((2, 3)),
    "Tensor().backward": lambda: ones(2, 3).sum(),
    "Tensor().retain_grad": lambda: ones(2, 3).sum(),
    "Tensor().item": lambda: mg.ones(1),
    "nn.Linear": lambda: nn.Linear(3, 2),
    "nn.Sequential": lambda: nn.Sequential(nn.ReLU(), nn.ReLU()),
    "nn.ModuleList": lambda: nn.ModuleList([nn.ReLU(), nn.ReLU()]),
    **{f"nn.{kind.__name__}": kind for kind in (nn.ReLU, nn.Softplus, nn.Dropout, nn.Flatten, nn.Softmax, nn.ELU)},
    **{f"nn.{kind.__name__}": kind for kind in (nn.CrossEntropyLoss, nn.MSELoss, nn.BCELoss, nn.NLLLoss)},
    "nn.BatchNorm1d": lambda: nn.BatchNorm1d(3),
    "nn.LayerNorm": lambda: nn.LayerNorm(3),
    "nn.Embedding": lambda: nn.Embedding(3, 2),
    "data.DataLoader": lambda: data.DataLoader(DATASET, 2),
    "data.TensorDataset": lambda: DATASET,
    "data.Subset": lambda: data.Subset(DATASET, [0, 1]),
    "Checkpoint": lambda: mg.Checkpoint("folder"),
    "analysis.Curvature": lambda: analysis.Curvature(net(), net_loss),
    "analysis.Surface": lambda: SURFACE,
    "analysis.Spectrum": a_spectrum,
    "analysis.EigenDecomposition": lambda: analysis.eigendecompose(np.eye(2)),
    "viz.Player": lambda: viz.Player(a_trace()),
    "viz.Trace": a_trace,
    "viz.Drawing": lambda: viz.draw(ones(2, 3).sum()),
}
SPECIAL = ("__call__", "__getitem__", "__setitem__", "__contains__")
SETTERS = tuple(f"Tensor.{name} = value" for name in ("data", "grad", "name", "requires_grad"))


def own_methods() -> Iterator[str]:
    """Yield the public methods of the objects, each once, where it is inherited by several."""
    seen = {
        *filter(inspect.isfunction, vars(Value).values()),
        mg.Checkpoint.put,
        mg.Checkpoint.tidy,
    }  # for the library alone
    for name in OBJECTS:
        kind = type(OBJECTS[name]())
        for member in dir(kind):
            function = inspect.getattr_static(kind, member)
            shown = not member.startswith("_") or member in SPECIAL
            if "()." not in name and shown and inspect.isfunction(function) and function not in seen:
                seen.add(function)
                if not inspect.getfullargspec(function).varkw:  # a method that hands all on to a function
                    yield f"{name}().{member}"


ONCE = {id(value): name for name, value in PUBLIC.items()}.values()
NAMES = [*ONCE, *own_methods(), *SETTERS]


def called(name: str) -> Callable[..., Any]:
    """Return a function, a class, a method of a new object, or a function that assigns an attribute of one."""
    if name in SETTERS:
        return lambda value: setattr(ones(2, 3), name.split(".")[1].split()[0], value)
    owner, _, method = name.partition("().")
    return getattr((OBJECTS.get(name) or OBJECTS[owner])(), method) if method else PUBLIC[name]  # type: ignore[no-any-return]


def parameters_of(name: str) -> list[inspect.Parameter]:
    parameters = inspect.signature(called(name)).parameters.values()
    return [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]


def sound(name: str, parameter: str) -> Any:
    owner = name if "()." in name or name in SETTERS else name.split(".")[-1]
    return (OWN.get(f"{owner}.{parameter}") or SOUND[parameter])()


def call(name: str, odd: str | None = None, how: str = "") -> Any:
    """Call with sound arguments in the place of all that have no default, and an odd one."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in parameters_of(name):
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional, named = list(named.values()), {}
            positional += [ODD[how]()] if parameter.name == odd else sound(name, parameter.name)
        elif parameter.name == odd:
            named[parameter.name] = ODD[how]()
        elif parameter.default is parameter.empty:
            named[parameter.name] = sound(name, parameter.name)
    return called(name)(*positional, **named)


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files are written into an empty folder, nobody answers questions, and no number warns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    kept = os.environ.get(memory.VARIABLE)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    pyplot.close("all")
    mg.keep_freed_memory(kept != "0")
    monkeypatch.setenv(memory.VARIABLE, kept) if kept is not None else monkeypatch.delenv(memory.VARIABLE)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEVER_SOUND])
def test_sound_arguments_are_taken(name: str) -> None:
    """Otherwise no odd argument would be looked at."""
    call(name)


def problem_of(name: str, parameter: str, how: str) -> str | None:
    """Return what is wrong with the outcome of a call with one odd argument, if anything is."""
    try:
        result = call(name, parameter, how)
        if isinstance(result, Iterator):
            next(result, None)
    except MinigradError as problem:
        return None if str(problem) else f"{name}({parameter}={how}): no message"
    except Exception as problem:
        return f"{name}({parameter}={how}): {type(problem).__name__}: {problem}"
    return None


def problems_of(name: str, share: int) -> list[str]:
    """Return the problems of every ``share``-th call, beginning with another one for each name."""
    each = [(p.name, how) for p in parameters_of(name) for how in ODD if (name, p.name) not in ENDLESS]
    found = [problem_of(name, *case) for case in each[len(name) % share :: share]]
    return [problem for problem in found if problem]


TAKING = [name for name in NAMES if parameters_of(name)]


@pytest.mark.parametrize("name", TAKING)
def test_an_odd_argument_works_or_is_explained(name: str) -> None:
    assert problems_of(name, share=11) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKING)
def test_every_odd_argument_works_or_is_explained(name: str) -> None:
    assert problems_of(name, share=1) == []
