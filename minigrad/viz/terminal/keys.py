"""Keys, one by one as they are pressed, and the state of a terminal while that is wanted."""

from __future__ import annotations

import codecs
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

NAMES = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\x15": "clear"}
NAMES |= {"\x03": "interrupt", "\x04": "end of input", "\x1a": "suspend", "\x0c": "redraw"}

# what a terminal sends for a key after escape: the parameters, then the letter that ends it
_SEQUENCES = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_SEQUENCES |= {"1~": "home", "7~": "home", "4~": "end", "8~": "end", "5~": "page up", "6~": "page down"}

_WINDOWS = {
    "H": "up",
    "P": "down",
    "M": "right",
    "K": "left",
    "G": "home",
    "O": "end",
    "I": "page up",
    "Q": "page down",
}

ESCAPE_SECONDS = 0.1  # what follows an escape sooner than this belongs to it: a person is slower


def decode(read: Callable[[float], str], timeout: float) -> str:
    r"""Return the next key: a character or the name of a key; empty if none was pressed, or one without a meaning.

    Args:
        read: returns the next character, or nothing after so many seconds; raises EOFError at the end.
        timeout: how many seconds to wait for the key.

    >>> typed = iter(["n", "\x1b", "[", "C", "\x1b", ""])
    >>> [decode(lambda seconds: next(typed), 1.0) for _ in range(3)]
    ['n', 'right', 'escape']
    """
    character = read(timeout)
    if character != "\x1b":
        return named(character)
    start = read(ESCAPE_SECONDS)
    if start not in ("[", "O"):
        return "escape" if start in ("", "\x1b") else ""
    sequence = ""
    while len(sequence) < 32:
        character = read(ESCAPE_SECONDS)
        sequence += character
        if not character or "@" <= character <= "~":
            break
    return _SEQUENCES.get(sequence, "")


def named(character: str) -> str:
    """Return a printable character as it is, any other by its key's name; empty if it has none."""
    return NAMES.get(character, character if character.isprintable() else "")


class Keyboard:
    """A terminal's keys, one by one. Whoever opens it closes it, and then the terminal is as it was before.

    Args:
        stream: the terminal's input.
    """

    if sys.platform == "win32":  # pragma: no cover - its own way to read keys

        def __init__(self, stream: TextIO) -> None:
            pass

        def open(self) -> None:
            """Nothing is to be done: keys come one by one anyway."""

        def close(self) -> None:
            """Nothing is to be done."""

        def key(self, timeout: float) -> str:
            """Return the next key, as ``decode`` names it; empty if none is pressed in so many seconds."""
            import msvcrt

            end = time.monotonic() + timeout
            while not msvcrt.kbhit():
                if time.monotonic() > end:
                    return ""
                time.sleep(0.01)
            character = msvcrt.getwch()
            if character in ("\x00", "\xe0"):
                return _WINDOWS.get(msvcrt.getwch(), "")
            return "escape" if character == "\x1b" else named(character)

    else:

        def __init__(self, stream: TextIO) -> None:
            import termios

            self.descriptor = stream.fileno()
            self.settings = termios.tcgetattr(self.descriptor)
            self.characters = codecs.getincrementaldecoder("utf-8")("replace")

        def open(self) -> None:
            """Let each key come at once, and unseen."""
            import termios

            changed = termios.tcgetattr(self.descriptor)
            changed[3] &= ~(termios.ECHO | termios.ICANON)
            changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
            # Ctrl-Z comes as a key, so that the screen is tidied up before the process stops
            changed[6][termios.VSUSP] = bytes([os.fpathconf(self.descriptor, "PC_VDISABLE") & 0xFF])
            termios.tcsetattr(self.descriptor, termios.TCSADRAIN, changed)

        def close(self) -> None:
            """Make the terminal what it was, unless it has gone."""
            import termios

            with suppress(termios.error):
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self.settings)

        def key(self, timeout: float) -> str:
            """Return the next key, as ``decode`` names it; empty if none is pressed in so many seconds."""
            return decode(self._read, timeout)

        def _read(self, timeout: float) -> str:
            import select

            while True:
                ready, _, _ = select.select([self.descriptor], [], [], timeout)
                if not ready:
                    return ""
                byte = os.read(self.descriptor, 1)
                if not byte:
                    raise EOFError
                character = self.characters.decode(byte)
                if character:  # else it is the start of one that takes several bytes
                    return character


@contextmanager
def exit_on_termination() -> Iterator[None]:
    """Turn a signal that would end the process at once into ``SystemExit``, so that the terminal is tidied up."""
    number = signal.SIGTERM
    main = threading.current_thread() is threading.main_thread()  # only there can it be changed
    if not main or signal.getsignal(number) != signal.SIG_DFL:
        yield
        return

    def leave(*_: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(number, leave)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


def suspend() -> None:
    """Stop this process and its group, as Ctrl-Z does, until the shell lets them go on."""
    if sys.platform != "win32":
        os.kill(0, signal.SIGTSTP)
