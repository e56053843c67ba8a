"""Any script, unchanged: beside `python SCRIPT`, each in a process of its own."""

import os
import signal
import textwrap

import pytest

from tests.capture.helpers import TRAIN, side_by_side, without_last_line, written


def test_a_script_finds_its_surroundings_as_under_python(tmp_path):
    written(tmp_path, "def value():\n    return 'a neighbour'\n", "beside.py")
    source = '''
    # -*- coding: latin-1 -*-
    """What the module says."""
    print(sorted(globals()), __name__, __doc__, __file__, __spec__, __package__, __cached__)
    print(__builtins__, type(__loader__), __loader__.path, __annotations__)
    import atexit, pickle, sys, threading, warnings
    import beside, numpy as np, minigrad as mg
    atexit.register(lambda: print("atexit", pickle.loads(pickle.dumps(Point(3))), sys.argv))
    print(sys.argv, sys.path, beside.value(), len("é"), sys.stdin.read(), sys.exc_info())
    print(vars(sys.modules["__main__"]) is globals(), threading.current_thread() is threading.main_thread())

    class Point:
        def __init__(self, x: "0" + "1"):
            self.x = x
        def __repr__(self):
            return f"Point({self.x})"

    print(pickle.dumps(Point(2)), Point.__init__.__annotations__)
    thread = threading.Thread(target=lambda: print("thread", pickle.dumps(Point(4)), sys.argv))
    warnings.warn("once", DeprecationWarning)
    if __name__ == "__main__":
        x = mg.tensor(2.0, requires_grad=True)
        x.grad = None
        (x * x).backward()
        print(x.grad, np.geterr(), mg.grad(x ** 3, x))
        thread.start()
    '''
    (tmp_path / "train.py").write_bytes(textwrap.dedent(source).lstrip("\n").encode("latin-1"))
    plain, drawn = side_by_side(
        tmp_path, ["./train.py", "--epochs", "3", "-h", "é"], given=b"some input\nand more", flags=["-W", "always"]
    )
    assert plain[0] == 0, plain[2].decode()
    assert drawn[:2] == plain[:2]
    warned, said = without_last_line(drawn[2])
    assert warned == plain[2]
    assert b"train.py:19: DeprecationWarning: once" in warned
    assert said == "train.py, backward() 1: written to graph.dot"
    assert "multiply" in (tmp_path / "graph.dot").read_text()


def test_without_the_folder_of_the_script_among_the_paths(tmp_path):
    written(tmp_path, "def value():\n    return 1\n", "beside.py")
    written(tmp_path, "import sys\nprint(sys.path)\nimport beside\n")
    plain, drawn = side_by_side(tmp_path, ["train.py"], flags=["-P"])
    assert drawn[:2] == plain[:2]
    assert b"No module named 'beside'" in plain[2]
    assert without_last_line(drawn[2])[0] == plain[2]


ENDINGS = {
    "a number": ("raise SystemExit(3)", 3),
    "a text": ("import sys; print('before', file=sys.stderr); sys.exit('a text')", 1),
    "an exception": (
        """
        def inner(x):
            return 1 / x
        def outer():
            try:
                inner(0)
            except ZeroDivisionError as problem:
                raise ValueError("from a nested function") from problem
        print("before")
        outer()
        """,
        1,
    ),
    "no syntax": ("x = 1\nif x\n    pass\n", 1),
    "Ctrl-C": (
        """
        import atexit, signal, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
        atexit.register(print, "atexit")
        def train():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                print("finally")
        train()
        """,
        -signal.SIGINT,
    ),
    "a hook": (
        """
        import sys
        def hook(kind, value, where):
            lines = []
            while where:
                lines.append(where.tb_frame.f_code.co_name)
                where = where.tb_next
            print(kind, value, lines, sys.exc_info())
        sys.excepthook = hook
        def f():
            raise KeyError("x")
        f()
        """,
        1,
    ),
    "a hook that fails": (
        "import sys\ndef hook(*problem):\n    raise ValueError('in the hook')\nsys.excepthook = hook\n{}['x']\n",
        1,
    ),
    "a hook that exits": (
        "import sys\ndef hook(*problem):\n    sys.exit(7)\nsys.excepthook = hook\n{}['x']\n",
        7,
    ),
    "at once": ("import os; print('now', flush=True); os._exit(5)", 5),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_script_ends_as_under_python(tmp_path, ending):
    source, code = ENDINGS[ending]
    written(tmp_path, textwrap.dedent(source).lstrip("\n"))
    plain, drawn = side_by_side(tmp_path, ["train.py"])
    assert drawn[:2] == plain[:2]
    assert plain[0] == code
    if ending == "at once":
        assert (drawn[2], plain[2]) == (b"", b"")
        return
    shown, said = without_last_line(drawn[2])
    assert shown == plain[2]
    stopped = "train.py stopped before there was a backward() to show"
    assert said.startswith(stopped if code else "train.py ended without calling backward()")


def test_a_reader_that_has_gone_is_told_of_as_under_python(tmp_path):
    written(tmp_path, "print('nobody reads it')\n")
    plain, drawn = side_by_side(tmp_path, ["train.py"], read=False)
    assert plain[0] == drawn[0] == 120
    assert b"BrokenPipeError" in plain[2]
    said, _, end = drawn[2].partition(b"\n")
    assert said.startswith(b"minigrad: train.py ended without")
    assert end == plain[2]


def test_a_missing_script_ends_as_under_python(tmp_path):
    plain, drawn = side_by_side(tmp_path, ["nope.py"])
    assert plain[0] == drawn[0] == 2
    assert plain[2].partition(b": ")[2] == drawn[2].partition(b": ")[2]
    assert drawn[2].startswith(b"minigrad: can't open file ")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_processes_that_a_script_starts_are_its_own(tmp_path):
    source = """
    import multiprocessing, os, sys
    import minigrad as mg

    def slope(x):
        x = mg.tensor(x, requires_grad=True)
        (x * x).backward()
        return x.grad.item()

    if __name__ == "__main__":
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.map(slope, [1.0, 2.0]))
        sys.stdout.flush()
        if os.fork():
            os.wait()
        print(slope(3.0))
    """
    written(tmp_path, source)
    flags = ["-W", "ignore::DeprecationWarning"]  # of os.fork(), from Python 3.12 on
    plain, drawn = side_by_side(tmp_path, ["train.py"], ours=["--stop", "-o", "graph.dot"], flags=flags)
    assert drawn[0] == plain[0] == 0
    assert plain[1] == b"[2.0, 4.0]\n6.0\n6.0\n"
    assert drawn[1] == b"[2.0, 4.0]\n6.0\n"  # the fork's; the script itself stopped
    assert without_last_line(drawn[2]) == (plain[2], "train.py, backward() 1: written to graph.dot")


def test_warnings_are_shown_as_often_as_under_python(tmp_path):
    source = """
    import warnings
    import numpy as np, minigrad as mg
    x = mg.tensor([1.0, 0.0, np.inf], requires_grad=True, name="x")
    for _ in range(3):
        warnings.warn("once a line")
        (mg.log(x) * mg.exp(x * 1000)).sum().backward()
    """
    written(tmp_path, source)
    plain, drawn = side_by_side(tmp_path, ["train.py"])
    assert b"once a line" in plain[2]
    assert without_last_line(drawn[2])[0] == plain[2]


def test_recording_warns_of_nothing_and_raises_nothing(tmp_path):
    source = """
    import numpy as np, minigrad as mg
    x = mg.tensor([1e30, 0.0, np.inf, np.nan, -1e-30], requires_grad=True, name="x")
    y = mg.tensor(np.array([1e200, 1e-200]), requires_grad=True, name="y")
    half = mg.tensor(np.array([6e4, 6e4], "float16"), requires_grad=True)
    with np.errstate(all="ignore"):
        loss = (mg.log(x) * mg.exp(x * 1000) * x).sum() + (half * half).sum() + (y + 1.0).sum()
        loss.backward()
    np.seterr(all="raise")
    print(x.grad.tolist(), np.geterr())
    """
    written(tmp_path, source)
    plain, drawn = side_by_side(tmp_path, ["train.py"], flags=["-X", "dev", "-W", "error"])
    assert drawn[:2] == plain[:2]
    assert plain[0] == 0
    assert (plain[2], without_last_line(drawn[2])[0]) == (b"", b"")


def test_a_script_that_leaves_at_once_has_its_file_once_the_trace_was_complete(tmp_path):
    (tmp_path / "code").mkdir()
    written(tmp_path / "code", TRAIN + "    if step == 1:\n        import os; os._exit(5)\n")
    written(tmp_path / "code", "raise AssertionError('what draws is loaded before the script')", "graphviz.py")
    _, drawn = side_by_side(tmp_path, ["code/train.py"], ours=["-o", "a/graph.svg"])
    assert drawn[0] == 5
    assert drawn[2] == b""
    assert b"train.py, backward() 1" in (tmp_path / "a/graph.svg").read_bytes()


def test_a_users_repr_and_class_are_left_alone(tmp_path):
    source = """
    import minigrad as mg
    from minigrad import optim
    class Loud(optim.SGD):
        def __repr__(self): print("repr"); raise RuntimeError("no repr")
    class Lazy:
        @property
        def __class__(self): print("class"); raise RuntimeError("no class")
    lazy = Lazy()
    x = mg.tensor(3.0, requires_grad=True)
    optimizer = Loud([x], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad(); (x * x).backward(); optimizer.step()
    print("ok", x.item())
    """
    written(tmp_path, source)
    plain, drawn = side_by_side(tmp_path, ["train.py"])
    assert plain[0] == 0, plain[2].decode()
    assert drawn[:2] == plain[:2]
    assert without_last_line(drawn[2])[1] == "train.py, backward() 1: written to graph.dot"


def test_what_the_script_lets_go_of_is_freed(tmp_path):
    source = """
    import weakref
    import minigrad as mg
    def main():
        seen = []
        for _ in range(3):
            x = mg.tensor(3.0, requires_grad=True)
            loss = x * x
            loss.backward()
            seen.append(weakref.ref(x))
            del x, loss
        return seen
    seen = main()  # until it returns, a function's variables may be held
    print([ref() is None for ref in seen])
    """
    written(tmp_path, source)
    for _, out, _ in side_by_side(tmp_path, ["train.py"]):
        assert out.split() == [b"[True,", b"True,", b"True]"]
