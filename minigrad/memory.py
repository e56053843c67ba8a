"""Freed memory stays in the process.

glibc hands the memory of large arrays back to the system when they are freed, and the system clears every page before
it hands it out again: for an MLP of 784-512-10 a third of a training step, in which each array is as large as in the
step before.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from minigrad.errors import DtypeError

VARIABLE = "MINIGRAD_KEEP_MEMORY"

# of glibc's malloc.h: above which size an array is mapped on its own (32 MiB is the most it takes), and how much free
# memory at the end of the heap makes it shrink
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_KEPT = {_M_MMAP_THRESHOLD: 32 << 20, _M_TRIM_THRESHOLD: 1 << 30}
_USUAL = {_M_MMAP_THRESHOLD: 128 << 10, _M_TRIM_THRESHOLD: 128 << 10}


def keep_freed_memory(keep: bool = True) -> bool:
    """Let the C allocator keep the memory of freed arrays for the next ones, up to 1 GiB, or hand it back as usual.

    Making an optimizer switches it on, unless this has switched it off or ``MINIGRAD_KEEP_MEMORY=0`` stands in the
    environment. It holds for the whole process, changes no result, and is there on Linux with glibc alone.

    Returns:
        Whether the allocator could be told.

    Raises:
        DtypeError: when ``keep`` is neither True nor False.

    >>> import minigrad as mg
    >>> told = mg.keep_freed_memory(False)
    """
    if not isinstance(keep, bool):
        raise DtypeError(f"keep_freed_memory: keep must be True or False, got {keep!r}")
    os.environ[VARIABLE] = "1" if keep else "0"
    return _tell(_KEPT if keep else _USUAL)


def keep_by_default() -> None:
    """Keep freed memory, unless the environment or a call has said otherwise."""
    if os.environ.get(VARIABLE) != "0":
        _tell(_KEPT)


def _tell(settings: dict[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    library = _allocator()
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(sum(library.mallopt(option, size) for option, size in settings.items()) == len(settings))


@functools.cache  # each call of ctypes makes a class that only the garbage collector frees
def _allocator() -> Any:
    import ctypes

    return ctypes.CDLL(None)
