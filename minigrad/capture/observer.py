"""``Capture``: observe a script's backward passes, and make a trace of one of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np

from minigrad.capture.names import variable_names
from minigrad.engine.backward import Step
from minigrad.engine.mode import Observer
from minigrad.engine.tensor import Tensor
from minigrad.source import calling_frame
from minigrad.viz.build import root_of
from minigrad.viz.recording.recorder import Recorder
from minigrad.viz.recording.steps import UpdateStep
from minigrad.viz.recording.trace import Trace


class ScriptStopped(SystemExit):
    """Ends the script after the pass that was wanted; an ``except Exception`` in it lets this through."""


class Capture(Observer):
    """Makes a trace of the n-th backward pass that it observes, and of the optimizers' updates that follow it.

    The pass is the script's own: each rule runs once. The trace is complete when every parameter that got a
    gradient has been updated, when the next pass begins, or when the script ends, whichever comes first.

    Attributes:
        number: which pass is wanted, from 1.
        passes: how many have begun.
        captured: whether the trace has been made, and handed to ``finish``.
        problem: what went wrong in making the trace, or in ``finish``.

    >>> import minigrad as mg
    >>> from minigrad.engine.mode import observing
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> capture = Capture(2, print)
    >>> with observing(capture):
    ...     (x + x).backward()
    ...     (x * x).backward()
    >>> capture.complete()
    1  forward   multiply of x and x gives 9.
    2  seed      The backward pass starts at multiply with 1.
    3  backward  multiply sends 3 to x.
    4  backward  multiply sends 3 to x: 3 + 3 = 6.
    """

    def __init__(self, number: int, finish: Callable[[Trace], None], *, stop: bool = False) -> None:
        self.number = number
        self.passes = 0
        self.captured = False
        self.problem: Exception | None = None
        self._finish = finish  # gets the trace as soon as it is complete: the script may not come to its end
        self._stop = stop
        self._recorder: Recorder | None = None  # of the pass that was wanted, once it is over
        self._process = os.getpid()
        self._thread = threading.get_ident()

    @property
    def is_here(self) -> bool:
        """Whether this is the process that is to be observed, and not a fork of it."""
        return os.getpid() == self._process

    @property
    def _is_observing(self) -> bool:
        # a task that runs in another thread may have a copy of this one's context
        return self.is_here and threading.get_ident() == self._thread

    def backward(self, output: Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        """Count a pass; record it if it is the one."""
        if not self._is_observing:
            return steps
        self.complete()
        self.passes += 1
        return self._recorded(output, steps, calling_frame()) if self.passes == self.number else steps

    def grad(self, output: Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        """Leave out the passes of ``mg.grad``: ``backward()`` is what is counted."""
        return steps

    def _recorded(self, output: Tensor, steps: Iterator[Step], frame: FrameType | None) -> Iterator[Step]:
        recorder = None
        with self._keeping_problems():
            recorder = Recorder(output, variable_names(root_of(output), frame))
            frame = None  # it would keep the script's variables alive
        try:
            for step in steps:
                if recorder is not None and self.problem is None:
                    with self._keeping_problems():
                        recorder.record(step)
                yield step
        except GeneratorExit:  # a loop over mg.backprop() was left: what did run can be shown
            self._recorder = recorder
            raise
        self._recorder = recorder
        if self._stop:
            self.complete()
            raise ScriptStopped

    def before_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Keep what the parameters are."""
        if self._recorder is not None and self._is_observing:
            with self._keeping_problems():
                self._recorder.before_update(optimizer, parameters)

    def after_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Record what they have become; two optimizers may share the parameters of one pass."""
        recorder = self._recorder
        if recorder is not None and self._is_observing:
            with self._keeping_problems():
                recorder.after_update(optimizer, parameters)
            updated = {step.node for step in recorder.steps if isinstance(step, UpdateStep)}
            leaves = {id for node, id in recorder.ids.items() if node in recorder.arrived and node.primitive is None}
            if leaves <= updated:
                self.complete()

    def complete(self) -> None:
        """Make the trace of what has been recorded; nothing more is added to it."""
        recorder, self._recorder = self._recorder, None
        if recorder is None or self.problem is not None or not self.is_here:
            return
        with self._keeping_problems():
            self._finish(recorder.trace())
            self.captured = True

    @contextmanager
    def _keeping_problems(self) -> Iterator[None]:
        """Keep from the script what happens in a block: NumPy's warnings, and errors, which are reported at its end."""
        try:
            with np.errstate(all="ignore"):
                yield
        except Exception as problem:
            self.problem = self.problem or problem
