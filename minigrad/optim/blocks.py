"""Blocks: a large parameter is updated part by part, so that the parts stay in the cache, and by several threads.

An update makes several passes over its arrays. Where these are larger than the processor's cache, each pass reads them
from memory anew; over blocks of 128 Ki elements all passes but the first find them in the cache, and what an update
computes in need not be larger than a block. NumPy releases the interpreter's lock while it computes, so threads share
the blocks of a very large parameter. The algorithm must be elementwise: then the result is the same to the bit.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.arrays import Array

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from minigrad.optim.optimizer import Group, State

BLOCK = 131072  # elements
SHARED = 1 << 20  # elements of a parameter that threads share: to wake one costs about 50 microseconds
MOST_THREADS = 4  # more would wait for the memory

Update = Callable[[Array, Array, "State", "Group"], None]


class Scratch(threading.local):
    """Arrays to compute in, a pair for each shape and dtype; each thread has its own, and a copy begins with none."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[tuple[int, ...], np.dtype[Any]], tuple[Array, Array]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Scratch, ()


class Blocks:
    """Updates large parameters in blocks. Keeps the threads that it needed; a copy begins with none."""

    def __init__(self) -> None:
        self.threads: ThreadPoolExecutor | None = None
        self.process = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return Blocks, ()

    def update(self, update: Update, parameter: Array, gradient: Array, state: State, group: Group) -> None:
        """Update a parameter in blocks; as a whole, if it or its state is not laid out so that blocks can be cut."""
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        whole = [parameter, *arrays.values()]
        if gradient.shape != parameter.shape or not all(
            array.flags.c_contiguous and array.shape == parameter.shape for array in whole
        ):
            update(parameter, gradient, state, group)
            return
        job = Job(update, parameter, gradient, state, group)
        count = thread_count() if parameter.size >= SHARED else 1
        if count == 1:
            job.run(0, parameter.size)
        else:
            self.share(job, parameter.size, count)
        job.finish()

    def share(self, job: Job, size: int, count: int) -> None:
        """Let this thread and others each do a part of a job; none works on when this returns."""
        from concurrent.futures import ThreadPoolExecutor, wait

        if self.threads is None or self.process != os.getpid():  # a process's threads do not survive a fork
            self.threads, self.process = ThreadPoolExecutor(MOST_THREADS - 1, "minigrad-optim"), os.getpid()
        blocks = -(-size // BLOCK)
        ends = [min(blocks * part // count * BLOCK, size) for part in range(1, count + 1)]
        futures = [
            # in this thread's context, for np.errstate
            self.threads.submit(contextvars.copy_context().run, job.run, start, stop)
            for start, stop in pairwise(ends)
        ]
        try:
            job.run(0, ends[0])
        finally:
            wait(futures)
        for future in futures:
            future.result()


class Job:
    """The update of one parameter, block by block."""

    def __init__(self, update: Update, parameter: Array, gradient: Array, state: State, group: Group) -> None:
        self.call, self.group, self.state = update, group, state
        self.shape = parameter.shape
        self.parameter, self.gradient = parameter.reshape(-1), gradient.reshape(-1)
        self.arrays = {name: value.reshape(-1) for name, value in state.items() if isinstance(value, np.ndarray)}
        self.after: State = {}

    def run(self, start: int, stop: int) -> None:
        """Update the elements from ``start`` to ``stop``; each block begins with the numbers before the step."""
        for first in range(start, stop, BLOCK):
            part = slice(first, min(first + BLOCK, stop))
            state = {name: self.arrays[name][part] if name in self.arrays else self.state[name] for name in self.state}
            given = dict(state)
            self.call(self.parameter[part], self.gradient[part], state, self.group)
            for name, value in state.items():
                if isinstance(value, np.ndarray) and value is not given.get(name):  # new, so a part of a whole
                    whole = self.arrays.get(name)
                    if whole is None:
                        whole = self.arrays.setdefault(name, np.empty(self.parameter.shape, value.dtype))
                    whole[part] = value
            self.after = state

    def finish(self) -> None:
        """Put what the blocks have in common, and the arrays that they made, into the parameter's state."""
        for name, value in self.after.items():
            if not isinstance(value, np.ndarray):
                self.state[name] = value
            elif name not in self.state:
                self.state[name] = self.arrays[name].reshape(self.shape)


def thread_count() -> int:
    """Return how many threads may work: what the process may use, and what OMP_NUM_THREADS allows."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, min(count, MOST_THREADS, int(limit) if limit.isdigit() else count))
