"""One writer a folder: a lock on a file in it, which the system takes back when its process dies, however it dies."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minigrad.errors import CheckpointError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no such locks
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"

# the handles of the locks that this process holds, or is about to
_held: set[int] = set()


@functools.cache
def _stay_out_of_children() -> None:
    """Let a forked child close the handles that it inherits, which would keep the folder locked as long as it lives."""
    os.register_at_fork(after_in_child=_close_all)


def _close_all() -> None:
    for handle in _held:
        with suppress(OSError):
            os.close(handle)  # the parent's lock stays: its own handle is open
    _held.clear()


def _close(handle: int) -> None:
    _held.discard(handle)
    os.close(handle)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder for a block, where the system and the file system have locks.

    Raises:
        CheckpointError: when another run, in this process or in any other, is writing there.
    """
    path = folder / NAME
    handle, owner = None, os.getpid()
    with suppress(OSError):  # where no lock can be, no checkpoint can either, and its writing says why
        folder.mkdir(parents=True, exist_ok=True)
        handle = _locked(path)
    try:
        yield
    finally:
        if handle is not None and os.getpid() == owner:  # a child that was forked meanwhile has no lock
            with suppress(OSError):
                path.unlink()  # before it is let go: who gets it then finds that it has gone
            _close(handle)


def _locked(path: Path) -> int | None:
    """Return the handle of a locked file; None where there are no locks."""
    while fcntl is not None:
        _stay_out_of_children()
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        _held.add(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, handle):
                os.ftruncate(handle, 0)
                os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
                return handle
        except (BlockingIOError, PermissionError):
            other = os.read(handle, 200).decode(errors="replace") or "its process has just begun"
            _close(handle)
            raise CheckpointError(
                f"{path.parent} is being written to by another run ({other}); give each run a folder of its own, or "
                "wait until that one has ended and pass resume=True"
            ) from None
        except OSError:
            _close(handle)
            raise
        _close(handle)  # it was removed meanwhile by who had it
    return None


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
