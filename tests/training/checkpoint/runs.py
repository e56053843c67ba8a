"""Training runs that the tests interrupt: everything in them that a checkpoint must hold."""

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

EPOCHS = 3
BATCHES = 4

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.05),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.05),
}
SCHEDULERS = {
    "none": lambda o: None,
    "cosine": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS),
    "plateau": lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5),
    "sequence": lambda o: optim.lr_scheduler.SequentialLR(
        o,
        [optim.lr_scheduler.LinearLR(o, total_iters=1), optim.lr_scheduler.ExponentialLR(o, gamma=0.5)],
        milestones=[1],
    ),
}


class KilledError(Exception):
    """Stands for the end of a process."""


def make(optimizer="adam", scheduler="cosine", seed=0, batch_size=15, own_generator=True):
    """Return what fit needs, made from a seed; a resumed run is made from another one, as unseeded scripts are."""
    mg.seed(seed)
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(60, 5)).astype(np.float32), rng.integers(0, 3, 60)
    dropout = nn.Dropout(0.2, rng=np.random.default_rng(seed) if own_generator else None)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), dropout, nn.Dropout(0.1), nn.Linear(8, 3))
    descent = OPTIMIZERS[optimizer](model.parameters())
    return {
        "model": model,
        "train": data.DataLoader((X, y), batch_size, shuffle=True),
        "validation": data.DataLoader((X[:30], y[:30]), 7, shuffle=True),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": descent,
        "scheduler": SCHEDULERS[scheduler](descent),
        "epochs": EPOCHS,
        "progress": False,
    }


def killed_after(update, arguments):
    """Let a run end after so many updates, as if its process had died."""
    count, step = 0, arguments["optimizer"].step

    def counting(*args):
        nonlocal count
        if count == update:
            raise KilledError
        count += 1
        return step(*args)

    arguments["optimizer"].step = counting
    return arguments


def outcome(arguments, history):
    """Return everything that a resumed run must have in common with one that was not interrupted, as bytes."""
    model, optimizer = arguments["model"].state_dict(), arguments["optimizer"].state_dict()
    arrays = {**model, **{f"{i}.{k}": np.asarray(v) for i, s in optimizer["state"].items() for k, v in s.items()}}
    series = (history.train_loss, history.validation_loss, history.learning_rate, history.metrics)
    drawn = mg.engine.random.generator().integers(2**62)
    return {name: array.tobytes() for name, array in arrays.items()} | {
        "history": repr(series),
        "groups": repr(optimizer["param_groups"]),
        "scheduler": repr(arguments["scheduler"] and arguments["scheduler"].state_dict()),
        "loaders": repr((arguments["train"].state_dict(), arguments["validation"].state_dict())),
        "next draw": drawn,
    }
