"""``step``: a backward pass in the terminal, one step a key press."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from minigrad.engine.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.viz.recording.recorder import trace
from minigrad.viz.recording.trace import Trace
from minigrad.viz.terminal.keys import Keyboard, exit_on_termination, suspend
from minigrad.viz.terminal.state import Stepper
from minigrad.viz.terminal.text import plain
from minigrad.viz.terminal.view import Screen

if TYPE_CHECKING:
    from rich.console import Console, ConsoleDimensions

LOOK_UP = 0.25  # seconds after which the size of the terminal is looked at again

# stand-ins of one character for terminals and files that have no Unicode
_ASCII = str.maketrans("▶◀●⋮█░─│┬×‖…→←↓↑∂·⊙−Σ⁻ᵀ", "><*:#.-|+x|.><v^d**-S-T")


def step(output: Tensor, *, gradient: Any = None, optimizer: Optimizer | None = None) -> None:
    """Step through the forward and the backward pass of a tensor in the terminal, one key a step; ? lists the keys.

    In a notebook, or where the output goes to a file or another program, every step is printed as plain text.
    The arguments are those of ``trace``: nothing is released, and no ``.grad`` and no parameter changes.

    Args:
        output: the tensor to differentiate, such as a loss.
        gradient: the gradient to start from, in the output's shape; 1 everywhere by default.
        optimizer: whose ``step()`` to show after the backward pass.

    Raises:
        GraphError: when the tensor depends on nothing that requires a gradient, or its graph was released.
        ArgumentError: when the optimizer has no parameter that the output depends on, or cannot be copied.
        DtypeError: when the output is no tensor, or the optimizer is none.
        ShapeError: when the gradient has another shape than the output.

    >>> import minigrad as mg
    >>> from minigrad import viz
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> viz.step(mg.square(x))
    3 steps over 2 nodes: forward 1, seed 1, backward 1
    <BLANKLINE>
    step 1 of 3, forward
      square of x gives 9.
      mathematics: out = x²
      x: [3.0]
      value: [9.0]
    <BLANKLINE>
    step 2 of 3, seed
      The backward pass starts at square with 1.
      grad: [1.0]
    <BLANKLINE>
    step 3 of 3, backward
      square sends 6 to x.
      mathematics: ∂L/∂x = g · 2x
      rule: lambda g, x: g * (2 * x)
      upstream g: [1.0]
      x: [3.0]
      contribution: [6.0]
      grad: none yet + [6.0] -> [6.0]
    """
    show(trace(output, gradient=gradient, optimizer=optimizer))


def show(trace: Trace, *, input: TextIO | None = None, output: TextIO | None = None) -> None:
    """Step through a trace: key by key where both streams are a terminal, else as plain text.

    Args:
        trace: the trace.
        input: where keys are read; the standard input by default.
        output: where the steps are shown; the standard output by default.
    """
    source = sys.stdin if input is None else input
    target = sys.stdout if output is None else output
    console = _console(target) if _is_terminal(source) and _is_terminal(target) and trace.steps else None
    if console is not None:
        _interact(Stepper(trace), source, target, console)
        return
    try:
        for text in plain(trace):
            target.write(_encodable(text, target))
        target.flush()
    except BrokenPipeError:
        # whoever read it has seen enough, as `| head` does; what Python still holds back must go somewhere
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), target.fileno())


def _interact(stepper: Stepper, source: TextIO, target: TextIO, console: Console) -> None:
    """Show a step, wait for a key, and so on; the terminal is left as it was found, whatever happens."""
    keyboard, screen = Keyboard(source), Screen(stepper)
    going = True
    while going:
        try:
            keyboard.open()
            _write(console, target, alternate=True)
            with exit_on_termination():
                going = _loop(stepper, screen, keyboard, target, console)
        finally:
            with suppress(OSError):  # the terminal may be gone
                _write(console, target, alternate=False)
            keyboard.close()
        if going:
            suspend()


def _loop(stepper: Stepper, screen: Screen, keyboard: Keyboard, target: TextIO, console: Console) -> bool:
    """Return whether to come back, as after Ctrl-Z."""
    while True:
        try:
            console.size = size = _size(target)
            _write(console, target, screen=screen)
            stepper.scroll = min(stepper.scroll, screen.most)
            key = ""
            while not key and _size(target) == size:
                key = keyboard.key(LOOK_UP)
        except (EOFError, OSError):  # the terminal is gone
            return False
        if key == "interrupt":
            raise KeyboardInterrupt
        if key == "suspend":
            return True
        if key and not stepper.press(key):
            return False


def _write(console: Console, target: TextIO, *, screen: Screen | None = None, alternate: bool | None = None) -> None:
    """Write a frame, or switch to the alternate screen and back; all at once, so that nothing flickers."""
    from rich.control import Control

    with console.capture() as captured:
        if alternate is not None:
            console.set_alt_screen(alternate)
            console.show_cursor(not alternate)
        if screen is not None:
            console.control(Control.home())
            console.print(screen, end="")
    target.write(_encodable(captured.get(), target))
    target.flush()


def _console(target: TextIO) -> Console | None:
    """Return what draws on a terminal; None if the terminal cannot be drawn on."""
    from rich.console import Console

    console = Console(file=target, force_jupyter=False, highlight=False)
    able = console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows
    return console if able else None


def _size(target: TextIO) -> ConsoleDimensions:
    from rich.console import ConsoleDimensions

    columns, rows = os.get_terminal_size(target.fileno())
    return ConsoleDimensions(columns or 80, rows or 24)  # some terminals do not tell


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.isatty(stream.fileno())
    except (AttributeError, OSError, ValueError):  # a notebook's stream, one without a file, one that is closed
        return False


def _encodable(text: str, stream: TextIO) -> str:
    """Return the text with stand-ins for what the stream's encoding does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text
