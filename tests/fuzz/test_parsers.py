"""Damaged files, odd paths and random command lines: the library's own errors, or an exit code, and nothing else."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from minigrad import cli, data, demo
from minigrad.errors import MinigradError

BOUNDED = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


IMAGES = idx(np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28))
LABELS = idx(np.array([3, 9], np.uint8))


@st.composite
def damaged(draw: Any, content: bytes) -> bytes:
    """Change bytes, mostly near the beginning, cut off or append; gzipped before or after, or not at all."""
    when = draw(st.sampled_from(["before", "after", "never"]))
    if when == "before":
        content = gzip.compress(content, 1)
    changed = bytearray(content)
    places = st.integers(0, 31) | st.integers(0, len(content) - 1)
    for place, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        if place < len(changed):
            changed[place] = byte
    kept = draw(st.none() | st.integers(0, len(changed)))
    made = bytes(changed[:kept]) + draw(st.binary(max_size=3))
    return gzip.compress(made, 1) if when == "after" else made


@BOUNDED
@given(content=damaged(IMAGES))
def test_a_damaged_idx_file_is_read_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "damaged"
    path.write_bytes(content)
    with contextlib.suppress(MinigradError):
        assert isinstance(data.read_idx(path), np.ndarray)


@BOUNDED
@given(images=st.just(IMAGES) | damaged(IMAGES), labels=damaged(LABELS))
def test_damaged_files_of_digits_are_read_or_refused(folder: Path, images: bytes, labels: bytes) -> None:
    (folder / "t10k-images-idx3-ubyte").write_bytes(images)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(labels)
    with contextlib.suppress(MinigradError):
        pictures, classes = data.mnist(folder, train=False)[:]
        assert pictures.shape == (len(classes), 784)


@pytest.mark.parametrize("path", ["", ".", "/", "a\0b", "x" * 5000, "\udcff", "~", "/dev/null", b"a", None, 3, ["a"]])
@pytest.mark.parametrize("read", [data.read_idx, data.mnist, data.fashion_mnist])
def test_odd_paths_are_refused(read: Any, path: Any) -> None:
    with pytest.raises(MinigradError):
        read(path)


WORDS = [
    *["demo", "draw", "step", "dmeo", "-o", "--output", "--output=x.svg", "--output=", "-ox.html", "--backward"],
    *["--backward=2", "--backward=0", "--stop", "--sto", "--terminal", "--epochs", "--epochs=2", "--seed", "-h"],
    *["--help", "--version", "--", "-", "", " ", "0", "-1", "3", "1e9", "²", "missing.py", "fine.py", "folder"],
    *["x.svg", "x.nothing", "ü", "\udcff", "x" * 300, "-" * 50, "--output=" + "y" * 300, "a=b", "--no-such-thing"],
]


@pytest.fixture
def room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script that ends at once; the demo is not trained, and nothing opens in a browser."""
    monkeypatch.chdir(folder)
    (folder / "fine.py").write_text("print('fine')\n")
    (folder / "folder").mkdir(exist_ok=True)
    monkeypatch.setattr(demo, "run", lambda output, epochs, seed: 1.0)
    monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail("a browser opens"))
    return folder


@BOUNDED
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=6))
@example(words=["draw", "fine.py"])
@example(words=["step", "--terminal", "fine.py"])
def test_a_random_command_line_ends_with_an_exit_code(room: Path, words: list[str]) -> None:
    words = [word.replace("\0", "") for word in words]  # no shell can pass it
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            code = cli.main(words)
        except SystemExit as stop:
            code = stop.code
    assert code in (0, 1, 2)


@BOUNDED
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=8))
def test_no_word_of_a_command_line_is_lost(words: list[str]) -> None:
    parts = cli.split(words, cli.VALUED, cli.FLAGS["step"])
    script = [] if parts.script is None else [parts.script]
    ends = ["--"] if sum(map(len, (parts.ours, script, parts.theirs))) < len(words) else []
    assert sorted([*parts.ours, *script, *parts.theirs, *ends]) == sorted(words)


def test_the_script_of_a_command_line_is_run(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the random command lines would prove nothing."""
    cli.main(["draw", "--stop", "fine.py", "3"])
    assert "fine" in capsys.readouterr().out
