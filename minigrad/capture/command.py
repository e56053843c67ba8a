"""``run``: run a script, write what was captured, and tell where it is."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from minigrad.capture.observer import Capture
from minigrad.capture.output import check_suffix, opened, temporary, write
from minigrad.capture.script import ScriptInterrupted, read, run_script
from minigrad.errors import MinigradError
from minigrad.viz.recording.trace import Trace


def run(
    script: str,
    arguments: Sequence[str] = (),
    *,
    output: Path | None = None,
    suffix: str = ".svg",
    number: int = 1,
    stop: bool = False,
    terminal: bool = False,
) -> int:
    """Run a script as Python does, show one of its backward passes, and return the exit code.

    That is the script's own; 1 if the script ended with 0 and there is nothing to show. What is told goes
    to stderr, after the script's last line; its threads and its atexit functions may write after that.

    Args:
        script: its path.
        arguments: what it finds in ``sys.argv[1:]``.
        output: the file to write; None for a temporary one, which is shown in the browser.
        suffix: of that temporary file.
        number: which of its backward passes to show, from 1.
        stop: whether to end the script after that pass.
        terminal: step through it in the terminal after the script's end; no file then, unless ``output`` says so.

    Raises:
        MissingFileError: when the script cannot be opened.
        ArgumentError: when the suffix of ``output`` is none that can be written.
        ScriptInterrupted: when Ctrl-C ended the script; after everything else.
    """
    if output is not None:
        check_suffix(output)
    source = read(script)
    _import_what_shows(terminal)
    report = _Report(script, number)
    target = None if output is None else output.absolute()  # the script may go to another folder

    def finish(trace: Trace) -> None:
        if terminal:
            report.trace = trace
        if target is not None or not terminal:
            path = target or temporary(script, suffix)
            report.path = output or path
            write(trace, path, report.title)

    capture = Capture(number, finish, stop=stop)
    ended = run_script(script, source, arguments, capture)
    shown = True
    if capture.is_here:  # else a fork has come to the script's end too: the picture is its parent's
        capture.complete()
        shown = report.tell(capture, ended.code, browser=output is None)
        if report.trace is not None:
            from minigrad.viz.terminal.stepper import show

            show(report.trace)
    if ended.interrupted:
        raise ScriptInterrupted
    return ended.code or (0 if shown else 1)


def _import_what_shows(terminal: bool) -> None:
    """Import now what else were imported where it is used: beside the script there may be a file of the same name."""
    import graphviz  # noqa: F401

    if terminal:
        import rich.console  # noqa: F401


class _Report:
    """What is told after the script's end."""

    def __init__(self, script: str, number: int) -> None:
        self.script = os.path.basename(script)
        self.number = number
        self.title = f"{self.script}, backward() {number}"
        self.path: Path | None = None
        self.trace: Trace | None = None  # kept for the terminal alone: it is as large as all the values
        self.stderr = sys.stderr  # the script may put another one there

    def tell(self, capture: Capture, code: int, *, browser: bool) -> bool:
        """Say where the picture is, or why there is none; return whether there is one."""
        if capture.problem is not None:
            self._say(self._reason(capture.problem))
        elif not capture.captured:
            failed = f"{self.script} stopped before there was a backward() to show"
            self._say(failed if code and not capture.passes else self._absence(capture.passes))
        elif self.path is not None:
            where = "shown in the browser" if browser and opened(self.path) else "written to"
            self._say(f"{self.title}: {where} {self.path}")
        return capture.captured

    def _reason(self, problem: Exception) -> str:
        if isinstance(problem, (MinigradError, MemoryError)):
            return f"{self.title}: {problem}"
        if isinstance(problem, OSError):
            return f"{self.title}: {self.path} could not be written: {problem.strerror or problem}"
        said = "".join(traceback.format_exception(problem))
        return f"{self.title}: this is a fault of minigrad, please report it\n{said.rstrip()}"

    def _absence(self, passes: int) -> str:
        if passes >= self.number:
            return f"{self.title} did not run to its end, so there is nothing to show"
        if passes:
            times = "once" if passes == 1 else f"{passes} times"
            return f"{self.script} called backward() {times}; --backward {self.number} is beyond that"
        return (
            f"{self.script} ended without calling backward(), so there is nothing to show "
            "(what calls mg.grad(), or runs in another thread, is not observed)"
        )

    def _say(self, text: str) -> None:
        if self.stderr is not None:  # as under pythonw
            with suppress(OSError, ValueError):  # nobody reads it, or the script has closed it
                print(f"minigrad: {text}", file=self.stderr, flush=True)
