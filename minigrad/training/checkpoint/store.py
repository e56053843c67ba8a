"""Checkpoint: a folder of checkpoints, of which the newest are kept."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.checks import check_integer
from minigrad.errors import (
    ArgumentError,
    CheckpointError,
    CheckpointFileError,
    CheckpointWarning,
    DtypeError,
    MissingFileError,
)
from minigrad.training.checkpoint import files
from minigrad.training.checkpoint.lock import only_writer
from minigrad.training.checkpoint.saved import Saved, content, load_file

BEGINNING = "step-"
NAME = re.compile(rf"{BEGINNING}(\d{{1,18}})\.safetensors")


class Checkpoint:
    """Where ``fit`` keeps checkpoints, and how often it makes one: after each epoch, and within it if wished.

    A checkpoint that is damaged is passed over for the one before; ``fit`` then renames it, to ``*.damaged``.

    Args:
        folder: for one run alone, which others are kept out of while it writes; made when it is first needed.
        every: also after so many updates, counted over the whole run; None for the ends of epochs only.
        keep: how many to keep; with two or more, the one before stands in for a newest that is damaged.

    Raises:
        ArgumentError: when ``every`` or ``keep`` is no positive integer.
        DtypeError: when ``folder`` is no path.

    >>> import tempfile
    >>> import minigrad as mg
    >>> checkpoint = mg.Checkpoint(tempfile.mkdtemp(), every=100)
    >>> for step in (100, 200, 300):
    ...     path = checkpoint.save(step, extra=step)
    >>> [path.name for path in checkpoint.paths()]
    ['step-000000200.safetensors', 'step-000000300.safetensors']
    >>> checkpoint.load().extra
    300
    """

    def __init__(self, folder: str | os.PathLike[str], every: int | None = None, keep: int = 2) -> None:
        if not isinstance(folder, (str, os.PathLike)) or not os.fspath(folder) or "\0" in str(folder):
            raise DtypeError(f"Checkpoint: folder must be a path such as 'runs/digits', got {folder!r}")
        self.folder = Path(folder)
        self.every = None if every is None else _positive("every", every)
        self.keep = _positive("keep", keep)

    def paths(self) -> list[Path]:
        """Return the checkpoints that there are, oldest first; a folder that is not there has none.

        Raises:
            CheckpointFileError: when the folder cannot be read, or is none.
        """
        try:
            found = {path: NAME.fullmatch(path.name) for path in self.folder.iterdir()}
        except FileNotFoundError:
            return []
        except OSError as problem:
            raise files.explained("read", self.folder, problem) from problem
        return sorted((path for path in found if found[path]), key=_step)

    def save(
        self,
        step: int,
        *,
        model: Any = None,
        optimizer: Any = None,
        scheduler: Any = None,
        loader: Any = None,
        extra: Any = None,
    ) -> Path:
        """Save as ``mg.save`` does, under the number of a step, and remove all but the newest checkpoints.

        Returns:
            The path of the file.

        Raises:
            ArgumentError: when ``step`` is not a non-negative integer.
            CheckpointError: when another run is writing to the folder, such as a ``fit`` that goes on.
            CheckpointFileError: when the file cannot be written; those that were there still are.
        """
        step = check_integer("Checkpoint.save: step", step, least=0, most=2**63)
        what = content(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader, extra=extra)
        with only_writer(self.folder):
            return self.put(step, what)

    def put(self, step: int, what: bytearray) -> Path:
        """Write a checkpoint's bytes under a step, then remove the oldest ones."""
        path = self.folder / f"{BEGINNING}{step:09d}.safetensors"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise files.explained("written", path, problem) from problem
        files.write(path, what)
        self._remove_old(step)
        return path

    def load(self) -> Saved | None:
        """Load the newest checkpoint that is whole; None if there is none at all.

        One that is damaged is passed over with a ``CheckpointWarning`` that names it and the one taken instead.

        Raises:
            CheckpointError: when there are checkpoints, and every one is damaged.
        """
        damaged: list[tuple[Path, Exception]] = []
        for path in reversed(self.paths()):
            try:
                saved = load_file(path)
            except MissingFileError:
                continue  # removed meanwhile, by a run that goes on
            except (CheckpointError, CheckpointFileError) as problem:
                damaged.append((path, problem))
                continue
            for _, reason in damaged:
                warnings.warn(f"{reason}; {path} is loaded instead", CheckpointWarning, stacklevel=3)
            return saved
        if damaged:
            listed = "\n".join(f"  - {reason}" for _, reason in damaged)
            raise CheckpointError(f"no checkpoint in {self.folder} can be loaded:\n{listed}")
        return None

    def tidy(self, path: Path) -> None:
        """Clear up what a dead run left, so that a checkpoint is the newest: more than are kept, and half a file.

        What is newer could not be loaded, and is renamed so that it counts as none.
        """
        with suppress(OSError):  # what cannot be cleared up does no harm
            for newer in self.paths():
                if _step(newer) > _step(path):
                    newer.rename(newer.with_suffix(".damaged"))
            self._remove_old(_step(path))
            files.remove_strays(self.folder, BEGINNING)

    def _remove_old(self, step: int) -> None:
        for old in [path for path in self.paths() if _step(path) <= step][: -self.keep]:
            with suppress(FileNotFoundError):
                old.unlink()

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.folder)!r}, every={self.every}, keep={self.keep})"


def _step(path: Path) -> int:
    match = NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"Checkpoint: {name} must be a positive integer, got {value!r}")
    return int(value)
