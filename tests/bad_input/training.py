"""Bad input to training, checkpoints, what holds for a block, and ``gradcheck``."""

from __future__ import annotations

from typing import Any

import minigrad as mg
from minigrad import nn, optim, testing
from minigrad.errors import (
    ArgumentError,
    CheckpointError,
    CheckpointFileError,
    DtypeError,
    GradientCheckError,
    GraphError,
    MissingFileError,
    ShapeError,
    UnknownArgumentError,
)
from tests.bad_input.given import BATCHES, DATASET, FOLDER, LOSS, NOWHERE, Cases, X, itself, ones


def fit(**changes: Any) -> Any:
    """Train a model for an epoch, with other arguments than the usual ones."""
    model = nn.Linear(2, 2)
    usual = {"model": model, "train": BATCHES, "loss": LOSS, "optimizer": optim.SGD(model.parameters(), lr=0.1)}
    return mg.fit(**{**usual, "epochs": 1, "progress": False, **changes})


def evaluate(**changes: Any) -> Any:
    """Evaluate a model, with other arguments than the usual ones."""
    return mg.evaluate(**{"model": nn.Linear(2, 2), "batches": BATCHES, **changes})


def first(output: Any, targets: Any) -> Any:
    return output


def nothing(output: Any, targets: Any) -> None:
    return None


def constant(output: Any, targets: Any) -> Any:
    return mg.tensor(1.0)


StepLR = optim.lr_scheduler.StepLR
TRAINING: Cases = {
    "fit": [
        (lambda: fit(epochs=0), ArgumentError, "fit: epochs must be a positive integer, got 0"),
        (lambda: fit(model=3), DtypeError, "model must be a module or a function of the inputs, such as nn.MLP([2, 8,"),
        (lambda: fit(model=nn.Linear), DtypeError, "fit: model is the class Linear; make one: model=Linear(...)"),
        (lambda: fit(model=lambda: X), UnknownArgumentError, "the model must be a function of the inputs of a batch"),
        (lambda: fit(train=None), DtypeError, "train must give batches (inputs, targets), such as a DataLoader; got"),
        (lambda: fit(train=DATASET), DtypeError, "train is a dataset of single samples; wrap it: DataLoader(dataset,"),
        (lambda: fit(train="ab"), ShapeError, "train: a batch is (inputs, targets), got str"),
        (lambda: fit(validation=[3]), ShapeError, "validation: a batch is (inputs, targets), got int"),
        (lambda: fit(loss=None), DtypeError, "fit: loss must be a function of (output, targets), such as nn.CrossE"),
        (lambda: fit(loss="mse"), DtypeError, "such as nn.CrossEntropyLoss(); got 'mse'"),
        (lambda: fit(loss=nn.MSELoss), DtypeError, "fit: loss is the class MSELoss; make one: loss=nn.MSELoss()"),
        (lambda: fit(loss=itself), UnknownArgumentError, "the loss must be a function of (output, targets): itself()"),
        (lambda: fit(loss=nothing), DtypeError, "the loss must be a scalar tensor, the function returned NoneType"),
        (lambda: fit(loss=first), DtypeError, "the function returned shape (4, 2) (reduction='none'?)"),
        (lambda: fit(loss=constant), GraphError, "nothing to differentiate: a tensor of shape () depends on no"),
        (lambda: fit(optimizer="sgd"), DtypeError, "optimizer must have step() and zero_grad(), such as optim.SGD("),
        (lambda: fit(optimizer=optim.SGD), DtypeError, "such as optim.SGD(model.parameters(), lr=0.1); got <class"),
        (lambda: fit(scheduler=3), DtypeError, "scheduler must have step(), such as optim.lr_scheduler.StepLR("),
        (lambda: fit(scheduler=StepLR), DtypeError, "such as optim.lr_scheduler.StepLR(optimizer, step_size=10); got"),
        (lambda: fit(metrics=3), ArgumentError, "metrics is a list of names and functions, such as ['accuracy']; got"),
        (
            lambda: fit(metrics=[itself]),
            UnknownArgumentError,
            "metric 'itself' must be a function of (output, targets)",
        ),
        (lambda: fit(metrics=[nothing]), DtypeError, "the metric 'nothing' must return a number, it returned NoneType"),
        (lambda: fit(progress="a"), DtypeError, "fit: progress must be True or False, got 'a'"),
        (lambda: fit(checkpoint="runs"), DtypeError, "fit: checkpoint must be mg.Checkpoint(folder), got 'runs'"),
        (lambda: fit(resume=True), ArgumentError, "resume=True needs checkpoint=mg.Checkpoint(folder) to resume from"),
    ],
    "evaluate": [
        (lambda: evaluate(batches=None), DtypeError, "batches must give batches (inputs, targets), such as a DataLo"),
        (lambda: evaluate(batches=[]), ArgumentError, "batches gives no batches; pass a DataLoader, or a list of"),
        (lambda: evaluate(batches=[3]), ShapeError, "batches: a batch is (inputs, targets), got int"),
        (lambda: evaluate(batches=[(X, 3)], model=itself), ShapeError, "targets of a batch need an axis of samples"),
        (lambda: evaluate(model=None), DtypeError, "evaluate: model must be a module or a function of the inputs"),
        (lambda: evaluate(model=nn.Linear), DtypeError, "evaluate: model is the class Linear; make one: model=Linear("),
        (lambda: evaluate(loss="mse"), DtypeError, "evaluate: loss must be a function of (output, targets), such as"),
        (lambda: evaluate(loss=nn.MSELoss), DtypeError, "loss is the class MSELoss; make one: loss=nn.MSELoss()"),
        (lambda: evaluate(loss=itself), UnknownArgumentError, "the loss must be a function of (output, targets)"),
        (lambda: evaluate(loss=first), ShapeError, "must return one number, it returned an array of shape (4, 2); use"),
        (lambda: evaluate(loss=nothing), DtypeError, "the loss must return a number, it returned NoneType"),
        (lambda: evaluate(metrics=["acc"]), ArgumentError, "no metric 'acc'; known: accuracy"),
        (lambda: evaluate(metrics=()), ArgumentError, "evaluate has nothing to measure: the targets are no classes"),
        (lambda: evaluate(metrics=[first]), ShapeError, "the metric 'first' must return one number, it returned an"),
    ],
    "training.accuracy": [
        (lambda: mg.training.accuracy(X, ones(2)), ShapeError, "needs outputs of shape (N, C) and integer targets of"),
        (lambda: mg.training.accuracy(X, None), DtypeError, "expected real numbers or booleans, got object"),
        (lambda: mg.training.accuracy(X, [[1], [1, 2]]), ShapeError, "nested lists must have the same length at each"),
    ],
    "save": [
        (lambda: mg.save(3), DtypeError, "save: path must be the path of a file, got 3"),
        (lambda: mg.save("a\0b"), DtypeError, r"save: path must be the path of a file, got 'a\x00b'"),
        (lambda: mg.save(FOLDER), CheckpointFileError, "is a folder, so no checkpoint can be written there; pass a"),
        (
            lambda: mg.save(NOWHERE / "a"),
            CheckpointFileError,
            f"there is no folder {NOWHERE}; make it: Path(...).mkdir",
        ),
        (lambda: mg.save(NOWHERE, model=3), DtypeError, "save: model must have state_dict(), got 3"),
        (lambda: mg.save(NOWHERE, optimizer=optim.SGD), DtypeError, "optimizer must have state_dict(), got <class"),
        (lambda: mg.save(NOWHERE, extra=print), DtypeError, "extra is of type builtin_function_or_method, which a"),
        (lambda: mg.save(X, NOWHERE), TypeError, "save() takes "),
    ],
    "load": [
        (lambda: mg.load(3), DtypeError, "load: path must be the path of a file, got 3"),
        (lambda: mg.load(NOWHERE), MissingFileError, f"no checkpoint {NOWHERE}; mg.save(path, model=model) writes one"),
        (lambda: mg.load(FOLDER), CheckpointError, f"{FOLDER} is a folder without checkpoints; pass a file's path"),
        (lambda: mg.load(__file__), CheckpointError, "it is cut off, damaged, or no checkpoint of minigrad"),
    ],
    "Checkpoint": [
        (lambda: mg.Checkpoint(3), DtypeError, "Checkpoint: folder must be a path such as 'runs/digits', got 3"),
        (lambda: mg.Checkpoint("a\0b"), DtypeError, r"folder must be a path such as 'runs/digits', got 'a\x00b'"),
        (lambda: mg.Checkpoint("a", every=0), ArgumentError, "every must be a positive integer, got 0"),
        (lambda: mg.Checkpoint("a", keep="b"), ArgumentError, "keep must be a positive integer, got 'b'"),
        (lambda: mg.Checkpoint("a").save("b"), ArgumentError, "step must be a non-negative integer, got 'b'"),
        (lambda: mg.Checkpoint("a").load(3), TypeError, "Checkpoint.load() takes "),
    ],
    # a block without arguments can be given one
    "source_lines": [
        (
            lambda: mg.source_lines(3),
            TypeError,
            "source_lines() takes 0 positional arguments but 1 was given",
        ),
        (lambda: mg.source_lines(fit), TypeError, "source_lines() takes "),
        (lambda: mg.source_lines(wrong=1), TypeError, "got an unexpected keyword argument 'wrong'"),
    ],
    "detect_anomaly": [
        (lambda: mg.detect_anomaly(3), TypeError, "detect_anomaly() takes "),
        (lambda: mg.detect_anomaly(fit), TypeError, "detect_anomaly() takes "),
        (lambda: mg.detect_anomaly(wrong=1), TypeError, "got an unexpected keyword argument 'wrong'"),
    ],
    "keep_freed_memory": [
        (lambda: mg.keep_freed_memory("a"), DtypeError, "keep_freed_memory: keep must be True or False, got 'a'"),
        (lambda: mg.keep_freed_memory(None), DtypeError, "keep_freed_memory: keep must be True or False, got None"),
        (lambda: mg.keep_freed_memory(True, 3), TypeError, "keep_freed_memory() takes "),
    ],
    "testing.gradcheck": [
        (lambda: testing.gradcheck(3, X), DtypeError, "gradcheck: expected a function of tensors, got int"),
        (lambda: testing.gradcheck(mg.sin), DtypeError, "needs at least one floating-point input to differentiate"),
        (lambda: testing.gradcheck(mg.sin, X, order=0), ArgumentError, "order must be 1, 2, ..., got 0"),
        (lambda: testing.gradcheck(mg.sin, X, tolerance="a"), ArgumentError, "a number of at least 0, got 'a'"),
        (lambda: testing.gradcheck(mg.sin, X, tolerance=-1), ArgumentError, "a number of at least 0, got -1"),
        (lambda: testing.gradcheck(lambda x: 3, X), DtypeError, "the function must return a tensor, it returned int"),
        (
            lambda: testing.gradcheck(lambda x, y: x, X),
            UnknownArgumentError,
            "f must be a function of the inputs given",
        ),
        (lambda: testing.gradcheck(lambda x: x.detach() * x, X), GradientCheckError, "'x' is wrong at index (0, 0)"),
    ],
}
