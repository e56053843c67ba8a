"""Stepping in a real pseudo-terminal: keys, signals, sizes, and how the terminal is left."""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time

import pytest

from minigrad.viz.terminal import stepper as module
from minigrad.viz.terminal.stepper import show
from tests.viz.terminal.terminals import Terminal, in_a_terminal, parabola

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

PARABOLA = """
import minigrad as mg
from minigrad import viz
x = mg.tensor(2.0, requires_grad=True, name="x")
y = x * x + x
"""

# the pseudo-terminal becomes the controlling one, so that Ctrl-C is a signal
INSIDE = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
before = termios.tcgetattr(0)
{prepare}
try:
    {call}
finally:
    print("as it was:", termios.tcgetattr(0) == before)
print("the end")
"""

# a small shell: runs the script in a process group of its own and says when it has stopped
SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
before = termios.tcgetattr(0)
child = os.posix_spawn(
    sys.executable, [sys.executable, "-c", sys.argv[1]], os.environ, setpgroup=0, setsigdef=[signal.SIGTTOU]
)
os.tcsetpgrp(0, child)
_, status = os.waitpid(child, os.WUNTRACED)
os.tcsetpgrp(0, os.getpgrp())
print("stopped:", os.WIFSTOPPED(status), "as it was:", termios.tcgetattr(0) == before, flush=True)
sys.stdin.readline()
os.tcsetpgrp(0, child)
os.kill(-child, signal.SIGCONT)
os.waitpid(child, 0)
os.tcsetpgrp(0, os.getpgrp())
print("done, as it was:", termios.tcgetattr(0) == before)
"""


def script(call="viz.step(y)", prepare=PARABOLA):
    return INSIDE.format(prepare=prepare, call=call)


def step_through(input, output):
    show(parabola(), input=input, output=output)


@posix
@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("nnq", ["step 1 of 7", "step 2 of 7", "step 3 of 7"]),
        ("g5\rq", ["step 1 of 7", "Go to step", "5_", "step 5 of 7"]),
        ("f\u4e2d\r\x04", ["Find a node", "\u4e2d_", "No step touches a node called"]),
        ("n\x1an q", ["step 2 of 7", "\x1b[?1049l", "\x1b[?1049h", "step 2 of 7", "step 3 of 7"]),
    ],
)
def test_keys_in_this_process(keys, shown, monkeypatch):
    stopped = []
    monkeypatch.setattr(module, "suspend", lambda: stopped.append(True))
    written, problem, restored = in_a_terminal(keys, monkeypatch, step_through)
    assert problem is None
    assert restored
    assert len(stopped) == keys.count("\x1a")
    for text in shown:
        assert text in written
        written = written.partition(text)[2]
    assert "\x1b[?1049l" in written


@posix
@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_whatever_happens_the_terminal_is_restored(fault, monkeypatch):
    def fail(self, key):
        raise fault

    monkeypatch.setattr(module.Stepper, "press", fail)
    written, problem, restored = in_a_terminal("n", monkeypatch, step_through)
    assert type(problem) is fault
    assert restored
    assert written.rstrip().endswith("\x1b[?25h")


@posix
def test_every_key_in_a_terminal():
    with Terminal(script()) as terminal:
        terminal.wait(r"step 1 of 7 [\s\S]*\? help")
        for keys, expected in [
            ("n", "step 2 of 7"),
            ("p", "step 1 of 7"),
            ("\x1b[C", "step 2 of 7"),
            (" ", "step 3 of 7"),
            ("\r", "step 4 of 7"),
            ("\x1b[D", "step 3 of 7"),
            ("g5\r", "step 5 of 7"),
            ("g\x7f99\r", "There is no step 99: they go from 1 to 7"),
            ("fx\r", "step 6 of 7"),
            ("f\r", "step 7 of 7"),
            ("\x1b[H", "step 1 of 7"),
            ("bx\r", "A breakpoint is at x"),
            ("c", "step 5 of 7[\\s\\S]*Stopped at x"),
            ("[", "step 4 of 7"),
            ("[", "step 3 of 7"),
            ("]", "step 4 of 7"),
            ("\x1b[F", "step 7 of 7[\\s\\S]*grad: \\[3.0\\] \\+ \\[2.0\\] -> \\[5.0\\]"),
            ("?", "the next step[\\s\\S]*any key goes back"),
            (" ", "step 7 of 7[\\s\\S]*this step"),
            ("b", "Breakpoint at the node \\(enter: multiply\\): _"),
            ("\x1b", "^(?![\\s\\S]*Breakpoint at the node)[\\s\\S]*\\? help *$"),
        ]:
            terminal.wait(r"\? help *$")
            terminal.type(keys)
            terminal.wait(expected)
        terminal.type("q")
        after, code = terminal.end()
        assert code == 0
        assert "as it was: True" in after
        assert "the end" in after


@posix
@pytest.mark.parametrize("key", ["\x1b", "\x04"], ids=["Esc", "Ctrl-D"])
def test_leaving_goes_on_with_the_script(key):
    with Terminal(script()) as terminal:
        terminal.wait("step 1 of 7")
        terminal.type(key)
        after, code = terminal.end()
        assert code == 0
        assert "the end" in after


@posix
def test_ctrl_c_ends_the_script_and_restores_the_terminal():
    with Terminal(script()) as terminal:
        terminal.wait(r"step 1 of 7 [\s\S]*\? help *$")
        terminal.type("\x03")
        after, code = terminal.end()
        assert "as it was: True" in after
        assert "KeyboardInterrupt" in after
        assert "the end" not in after
        assert code


@posix
def test_a_signal_to_terminate_restores_the_terminal():
    with Terminal(script()) as terminal:
        terminal.wait(r"step 1 of 7 [\s\S]*\? help *$")
        terminal.process.send_signal(signal.SIGTERM)
        after, code = terminal.end()
        assert "as it was: True" in after
        assert code == 128 + signal.SIGTERM


@posix
def test_an_exception_restores_the_terminal():
    broken = PARABOLA + "viz.terminal.stepper.Screen._bar = lambda self, width: 1 / 0"
    with Terminal(script(prepare=broken)) as terminal:
        after, code = terminal.end()
        assert "as it was: True" in after
        assert "ZeroDivisionError" in after
        assert code == 1


@posix
def test_a_new_size_is_drawn_at_once():
    with Terminal(script()) as terminal:
        terminal.wait(r"─┬─")
        terminal.resize(20, 60)
        terminal.wait(r"^(?![\s\S]*┬)[\s\S]*─ this step ─[\s\S]*\? help")
        lines = terminal.screen.split("\r\n")
        assert [len(line) for line in lines] == [60] * 20
        terminal.type("q")
        assert terminal.end()[1] == 0


@posix
def test_a_terminal_of_unknown_size_has_80_by_24():
    with Terminal(script(), rows=0, columns=0) as terminal:
        terminal.wait(r"\? help *$")
        assert [len(line) for line in terminal.screen.split("\r\n")] == [80] * 24
        terminal.type("q")
        terminal.end()


@posix
def test_ctrl_z_stops_and_comes_back():
    with Terminal(SHELL, PARABOLA + "viz.step(y)") as terminal:
        terminal.wait("step 1 of 7")
        terminal.type("n")
        terminal.wait("step 2 of 7")
        terminal.type("\x1a")
        terminal.wait("stopped: True as it was: True", "text")
        assert terminal.text.count("\x1b[?1049l") == 1
        terminal.type("fg\n")
        end = time.monotonic() + 30
        while terminal.text.count("\x1b[?1049h") < 2 and time.monotonic() < end:
            terminal.read(0.2)
        terminal.wait("step 2 of 7")
        terminal.type("q")
        after, code = terminal.end()
        assert "done, as it was: True" in after
        assert code == 0


@posix
def test_without_colours_and_without_unicode():
    with Terminal(script(), NO_COLOR="1", PYTHONIOENCODING="ascii", PYTHONUTF8="0") as terminal:
        terminal.wait(r"step 1 of 7 [\s\S]*\? help")
        assert ">  multiply (x, x)" in terminal.screen
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", terminal.text)
        terminal.type("q")
        terminal.end()


@posix
@pytest.mark.parametrize("place", ["a dumb terminal", "input from a file", "output to a file"])
def test_where_keys_cannot_be_had_every_step_is_printed(place, tmp_path):
    call = {
        "a dumb terminal": "viz.step(y)",
        "input from a file": "sys.stdin = open(os.devnull); viz.step(y)",
        "output to a file": f"sys.stdout = open({str(tmp_path / 'out')!r}, 'w'); viz.step(y); sys.stdout.close()",
    }[place]
    terminal = "dumb" if place == "a dumb terminal" else "xterm"
    with Terminal(script(call.replace("; ", "\n    "), PARABOLA), TERM=terminal) as shown:
        end = time.monotonic() + 30
        while shown.process.poll() is None and time.monotonic() < end:
            shown.read(0.1)
        while shown.read(0) and select.select([shown.master], [], [], 0)[0]:
            pass
        text = (tmp_path / "out").read_text() if place == "output to a file" else shown.text
    assert "step 7 of 7, backward" in text
    assert "\x1b" not in text


@posix
def test_a_reader_that_has_seen_enough_is_no_error():
    code = PARABOLA + "for _ in range(2000): y = y + x\nviz.step(y)\nprint('more')"
    command = f'"{sys.executable}" -c "$1" | head -n 1'
    run = subprocess.run(["sh", "-c", command, "sh", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("6,007 steps over 2,003 nodes")
    assert run.stderr == ""


@posix
def test_a_terminal_that_is_closed_ends_the_stepping():
    import pty

    (master, slave), seen = pty.openpty(), []

    def close():
        end = time.monotonic() + 5.0
        while select.select([master], [], [], max(end - time.monotonic(), 0))[0]:
            seen.append(os.read(master, 65536))
            end = min(end, time.monotonic() + 4 * module.LOOK_UP)
        os.close(master)

    closer = threading.Thread(target=close)
    closer.start()
    ended = []
    with contextlib.suppress(OSError), open(os.dup(slave), "w", encoding="utf-8") as output:  # its last words are lost
        with open(slave, encoding="utf-8") as input:
            step_through(input, output)
        ended.append(True)
    closer.join()
    assert ended
    assert b"".join(seen).count(b"step 1 of 7") == 1  # while no key comes, nothing is drawn anew


@posix
def test_ctrl_c_as_a_key_where_the_terminal_makes_no_signal_of_it(monkeypatch):
    import termios

    def without_signals(input, output):
        settings = termios.tcgetattr(input)
        settings[3] &= ~termios.ISIG
        termios.tcsetattr(input, termios.TCSANOW, settings)
        step_through(input, output)

    text, problem, _ = in_a_terminal("n\x03", monkeypatch, without_signals)
    assert type(problem) is KeyboardInterrupt
    assert "step 2 of 7" in text


@posix
def test_a_handler_of_the_users_own_for_termination_stays(monkeypatch):
    def mine(*_):
        raise AssertionError

    seen, before = [], signal.signal(signal.SIGTERM, mine)
    try:
        _, problem, _ = in_a_terminal("nq", monkeypatch, lambda *streams: step_through(*streams))
        seen.append(signal.getsignal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert problem is None
    assert seen == [mine]


def test_without_a_standard_input_every_step_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)  # as under pythonw
    show(parabola())
    assert "step 7 of 7, backward" in capsys.readouterr().out
