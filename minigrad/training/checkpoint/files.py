"""Files that are there whole or not at all: written beside their target, flushed, renamed."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from minigrad.errors import CheckpointError, CheckpointFileError, MissingFileError

DEAD_AFTER = 3600.0  # seconds without a write, wherever the writer runs
WINDOWS = os.name == "nt"


def write(path: Path, content: bytearray) -> None:
    """Put a file in place: whoever looks, even after a power cut, sees the old one or the new one.

    Raises:
        CheckpointFileError: when it cannot be written; the old file is as it was.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    _check_target(path, target)
    temporary = target.with_name(f".{target.name[:100]}.{_writer()}-{secrets.token_hex(4)}.tmp")
    try:
        remove_strays(target.parent, target.name[:100] + ".")
        _write_flushed(temporary, content)
        os.replace(temporary, target)
        _flush_folder(target.parent)
    except OSError as problem:
        with suppress(OSError):
            temporary.unlink()
        raise explained("written", path, problem) from problem
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _check_target(path: Path, target: Path) -> None:
    if target.is_dir():
        raise CheckpointFileError(f"{path} is a folder, so no checkpoint can be written there; pass a file's path")
    if not target.parent.is_dir():
        raise CheckpointFileError(
            f"{path} cannot be written: there is no folder {target.parent}; make it: Path(...).mkdir(parents=True)"
        )


def _write_flushed(path: Path, content: bytearray) -> None:
    binary = getattr(os, "O_BINARY", 0)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    if not WINDOWS:  # which has no way to do it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- what dead writers leave


def _writer() -> str:
    host = "".join(letter if letter.isalnum() else "_" for letter in socket.gethostname()[:40])
    return f"{host}-{os.getpid()}"


def remove_strays(folder: Path, beginning: str) -> None:
    """Remove the temporary files of dead writers, of all targets whose names begin so.

    A writer is dead when its process is gone from this host, or nothing was written for an hour.
    """
    for path in folder.iterdir():
        if path.name.startswith(f".{beginning}") and path.name.endswith(".tmp"):
            writer = path.name.removesuffix(".tmp").rpartition(".")[2]
            with suppress(OSError):
                if _is_dead(writer) or time.time() - path.stat().st_mtime > DEAD_AFTER:
                    path.unlink()


def _is_dead(writer: str) -> bool:
    host, _, rest = writer.partition("-")
    process = rest.partition("-")[0]
    if WINDOWS or host != _writer().partition("-")[0] or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)  # asks, and sends nothing
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


# --- reading


@contextmanager
def reading(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, and give it with its size.

    Raises:
        MissingFileError: when there is none.
        CheckpointError: when it is no file.
        CheckpointFileError: when it cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path} is no file")
        with path.open("rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(f"there is no checkpoint {path}; mg.save(path, model=model) writes one") from None
    except CheckpointError:
        raise
    except OSError as problem:
        raise explained("read", path, problem) from problem
    except MemoryError:
        raise CheckpointFileError(f"{path} cannot be read: it does not fit into memory") from None


def explained(what: str, path: Path, problem: OSError) -> CheckpointFileError:
    """Return the error for what the system said of a file."""
    hints = {
        errno.ENOSPC: "; make space, and run again with resume=True",
        errno.EDQUOT: "; make space, and run again with resume=True",
        errno.EACCES: "; check the permissions",
        errno.EPERM: "; check the permissions",
        errno.EROFS: "; choose a folder that can be written to",
    }
    kept = "; what was there is unchanged" if what == "written" else ""
    hint = hints.get(problem.errno or 0, "")
    error = CheckpointFileError(f"{path} cannot be {what}: {problem.strerror or problem}{kept}{hint}")
    error.errno = problem.errno
    return error
