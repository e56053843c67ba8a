"""Run a script in this process as ``python SCRIPT arguments`` does in its own."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import NamedTuple

from minigrad.engine.mode import Observer, observing
from minigrad.errors import MissingFileError
from minigrad.source import source_lines


class ScriptInterrupted(KeyboardInterrupt):
    """Ctrl-C has ended the script, and its traceback has been shown."""


class Ended(NamedTuple):
    """How a script ended.

    Attributes:
        code: its exit code.
        interrupted: whether by Ctrl-C; Python then ends by the signal, whatever the code.
    """

    code: int
    interrupted: bool = False


def read(script: str) -> bytes:
    """Return the text of a script, in its own encoding.

    Raises:
        MissingFileError: when it cannot be opened; in Python's words.
    """
    try:
        with io.open_code(_absolute(script)) as file:
            return file.read()
    except OSError as problem:
        raise MissingFileError(
            f"can't open file {_absolute(script)!r}: [Errno {problem.errno}] {problem.strerror}"
        ) from None


def run_script(script: str, source: bytes, arguments: Sequence[str], observer: Observer) -> Ended:
    """Run a script as ``__main__``, with every operation's source line noted and an observer that sees it.

    Uncaught exceptions are shown as Python shows them. The process stays the script's: its module, arguments
    and import path are still there for its threads and ``atexit`` functions.

    Args:
        script: its path, as given.
        source: what ``read`` returned.
        arguments: what it finds in ``sys.argv[1:]``.
        observer: sees its backward passes and updates.
    """
    module = _become_main(script, arguments)
    problem: BaseException | None = None
    with source_lines(), observing(observer):
        try:
            exec(compile(source, _absolute(script), "exec", dont_inherit=True), vars(module))
        except BaseException as raised:
            problem = raised
    for stream in (sys.stderr, sys.stdout):  # in Python's order; what fails now is told when the process ends
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    if problem is None:
        return Ended(0)
    problem.__traceback__ = problem.__traceback__ and problem.__traceback__.tb_next  # without this very function
    if isinstance(problem, SystemExit):
        return Ended(_exit_code(problem))
    return Ended(_show(problem), type(problem) is KeyboardInterrupt)


def _absolute(script: str) -> str:
    return os.path.join(os.getcwd(), script)  # not normalised: so it stands in Python's tracebacks


def _become_main(script: str, arguments: Sequence[str]) -> ModuleType:
    """Make the script's module, and let the process be the script's."""
    module = ModuleType("__main__")
    file = _absolute(script)
    names = vars(module)
    names["__loader__"] = SourceFileLoader("__main__", file)
    if sys.version_info < (3, 14):  # later ones make it when it is asked for
        names["__annotations__"] = {}
    names |= {"__builtins__": builtins, "__file__": file, "__cached__": None}
    sys.modules["__main__"] = module
    sys.argv = [script, *arguments]
    if not sys.flags.safe_path:  # else Python puts no folder there
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    return module


def _exit_code(end: SystemExit) -> int:
    """Return the exit code that Python makes of a ``SystemExit``; what is no number is printed."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return int(end.code)
    with suppress(OSError, ValueError):  # nobody reads it
        print(end.code, file=sys.stderr)
    return 1


def _show(problem: BaseException) -> int:
    """Hand an uncaught exception to ``sys.excepthook``, which may be the script's own; return the exit code."""
    try:
        sys.excepthook(type(problem), problem, problem.__traceback__)
    except SystemExit as end:
        return _exit_code(end)
    except BaseException as other:
        other.__traceback__ = other.__traceback__ and other.__traceback__.tb_next
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(other), other, other.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(problem), problem, problem.__traceback__)
    return 1
