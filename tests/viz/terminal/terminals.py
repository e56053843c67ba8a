"""Traces to step through, what the keys make of them, and a pseudo-terminal."""

import io
import os
import re
import select
import subprocess
import sys
import threading
import time

import numpy as np
from rich.console import Console

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.viz.terminal.state import Stepper
from minigrad.viz.terminal.stepper import show
from minigrad.viz.terminal.view import Screen


def leaf(value, name=None):
    return mg.tensor(value, requires_grad=True, name=name)


def parabola():
    """x * x + x at 2: multiply, add; seed; add -> multiply, add -> x, multiply -> x, multiply -> x."""
    x = leaf(2.0, "x")
    with mg.source_lines():
        y = x * x + x
    return viz.trace(y)


def network():
    mg.seed(0)
    model = nn.MLP([2, 4, 3])
    x = mg.tensor(np.arange(16.0, dtype=np.float32).reshape(8, 2) / 8, name="x")
    loss = nn.functional.nll_loss(mg.log_softmax(model(x)), np.arange(8) % 3)
    return viz.trace(loss, optimizer=optim.SGD(model.parameters(), lr=0.5))


def press(trace, *keys):
    stepper = Stepper(trace)
    for key in keys:
        assert stepper.press(key)
    return stepper


def draw(stepper, width=80, height=24):
    console = Console(width=width, height=height, file=io.StringIO(), record=True, force_terminal=True)
    console.print(Screen(stepper), end="")
    return console.export_text()


def text_of(trace):
    stream = io.StringIO()
    show(trace, output=stream)
    return stream.getvalue()


def in_a_terminal(keys, monkeypatch, call):
    """Type keys while a function of an input and an output runs in this process.

    Returns:
        What was written, without colours, what was raised, and whether the terminal is as it was.
    """
    import pty
    import termios

    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    master, slave = pty.openpty()
    written = []

    def read():
        typed = False
        while b"\x00" not in (chunk := os.read(master, 65536)):  # that is written at the end, below
            written.append(chunk)
            if not typed and b"\x1b[?25l" in b"".join(written):
                typed = os.write(master, keys.encode())  # keys come one by one from now on
        written.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    before, problem = termios.tcgetattr(slave), None
    with open(os.dup(slave), encoding="utf-8") as input, open(os.dup(slave), "w", encoding="utf-8") as output:
        try:
            call(input, output)
        except BaseException as raised:
            problem = raised
    restored = termios.tcgetattr(slave) == before
    os.write(slave, b"\x00")
    reader.join()
    os.close(slave)
    os.close(master)
    return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(written).decode().rstrip("\x00")), problem, restored


class Terminal:
    """A pseudo-terminal with a script in it."""

    def __init__(self, *arguments, rows=24, columns=80, **environment):
        import pty

        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=kept | {"TERM": "xterm-256color", "PYTHONUTF8": "1"} | environment,
        )
        os.close(slave)
        self.output = b""

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def text(self):
        return self.output.decode("utf-8", "replace")

    @property
    def screen(self):
        """The last frame as it looks: what was written since the cursor went home, without colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text.rpartition("\x1b[H")[2])

    def wait(self, pattern, where="screen", seconds=30):
        end = time.monotonic() + seconds
        while not re.search(pattern, getattr(self, where)):
            assert time.monotonic() < end, f"{pattern!r} does not come; there is:\n{self.screen}"
            self.read(0.2)

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.output += os.read(self.master, 65536)
            except OSError:  # the other side has been closed
                time.sleep(0.01)
                return False
        return True

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Return what is on the normal screen in the end, and the exit code."""
        end = time.monotonic() + 30
        while self.process.poll() is None or select.select([self.master], [], [], 0)[0]:
            assert time.monotonic() < end, self.screen
            if not self.read(0.1) and self.process.poll() is not None:
                break
        before, _, after = self.text.rpartition("\x1b[?1049l")
        assert "\x1b[?1049h" in before
        assert "\x1b[?25h" in self.text.rpartition("\x1b[?25l")[2]  # the cursor is seen again
        return after, self.process.returncode
