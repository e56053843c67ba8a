"""``save`` and ``load``: the state of a training run, in one checked file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from minigrad.errors import CheckpointError, DtypeError
from minigrad.training.checkpoint import files
from minigrad.training.checkpoint.saved import Saved, content, load_file
from minigrad.training.checkpoint.store import Checkpoint


def save(
    path: str | os.PathLike[str],
    *,
    model: Any = None,
    optimizer: Any = None,
    scheduler: Any = None,
    loader: Any = None,
    extra: Any = None,
) -> None:
    """Save a model, or a whole training run, in one safetensors file that is checked whenever it is loaded.

    The file is written beside its target, flushed to the disk and renamed: an error, a crash or a power cut leaves the
    old file or the new one. Other programs find the model's weights in it under the names of ``model.state_dict()``.
    The state of the random generators is saved too: the default one's, those of ``np.random`` and ``random``, and each
    ``numpy.random.Generator`` that is an attribute of a module, as in ``Dropout(rng=...)``, or in a list or dict there.

    Args:
        path: of the file, usually ``....safetensors``; its folder must exist.
        model: a module. What it keeps outside of its parameters, buffers and generators is not saved.
        optimizer: anything with a ``state_dict``, as all that follow.
        scheduler: a learning-rate scheduler.
        loader: a ``DataLoader``: its seed and epoch.
        extra: what else is to be kept: None, bool, int, float, str, arrays of numbers, and lists, tuples and dicts of
            these.

    Raises:
        DtypeError: when something cannot be saved; says where it is.
        ArgumentError: when the values are nested too deep, or take more than a header holds.
        CheckpointFileError: when the file cannot be written.

    >>> import os, tempfile
    >>> import minigrad as mg
    >>> from minigrad import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.Adam(model.parameters(), lr=0.01)
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> mg.save(path, model=model, optimizer=optimizer, extra={"epoch": 3})
    >>> mg.load(path).extra
    {'epoch': 3}
    """
    target = _path("save", path)
    files.write(target, content(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader, extra=extra))


def load(path: str | os.PathLike[str]) -> Saved:
    """Load what ``save`` or ``fit`` wrote, after a check of every byte. Nothing in the file is executed.

    Args:
        path: of a file, or of a folder that ``fit`` keeps checkpoints in: the newest that is whole is taken.

    Returns:
        A ``Saved``: ``model.load_state_dict(saved.model)`` and so on, or ``saved.restore(model=model, ...)``.

    Raises:
        MissingFileError: when there is no file.
        CheckpointError: when it is damaged, or no checkpoint.
        CheckpointFileError: when it cannot be read.

    >>> import os, tempfile
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> mg.save(path, model=nn.Linear(2, 1))
    >>> list(mg.load(path).model)
    ['weight', 'bias']
    """
    source = _path("load", path)
    if source.is_dir():
        latest = Checkpoint(source).load()
        if latest is None:
            raise CheckpointError(f"{source} is a folder without checkpoints; pass a file's path")
        return latest
    return load_file(source)


def _path(function: str, path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path) or "\0" in str(path):
        raise DtypeError(f"{function}: path must be the path of a file, got {path!r}")
    return Path(path)
