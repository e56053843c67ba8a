"""Which line of the user's own code made a node."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from minigrad.engine.mode import Observer, observing


class SourceLine(NamedTuple):
    """A line of a user's script.

    Attributes:
        file: the path of the file, or a notebook's name for the cell.
        number: the line in it, from 1.
        function: the function that the line is in; ``"<module>"`` outside of all.
    """

    file: str
    number: int
    function: str


@contextmanager
def source_lines() -> Iterator[None]:
    """Note for each operation of a block which line of the script made it; drawings and players then show it.

    It costs a few microseconds an operation, so it is off by default; ``minigrad step`` switches it on.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> with mg.source_lines():
    ...     y = x * x
    >>> y.node.line.number
    2
    """
    with observing(_LineObserver()):
        yield


class _LineObserver(Observer):
    """Notes the line of each node that is made."""

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], result: Any) -> None:
        if result.node is not None:
            result.node.line = calling_line()

    def leaf(self, tensor: Any) -> None:
        tensor.node.line = calling_line()


def calling_line() -> SourceLine | None:
    """Return the innermost line outside of minigrad's own files that led here, or None if there is none."""
    frame = calling_frame()
    return None if frame is None else SourceLine(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def calling_frame() -> FrameType | None:
    """Return the innermost call outside of minigrad's own files that led here, or None if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    return frame


# the folder of the library, as its code objects name it: a module's name can be anything, as in a doctest
_OWN = os.path.dirname(calling_line.__code__.co_filename) + os.sep
