"""From DOT to a picture, by whichever Graphviz there is; and files that are whole or not there."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from minigrad.errors import DtypeError, MissingExtraError, RenderError

FORMATS = ("svg", "png", "pdf")

# In a process of its own: a graph too large for the C library then ends that process, and not the user's.
_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
if sys.argv[1] == "png":
    graph.graph_attr["dpi"] = sys.argv[2]
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""
_DOTS_PER_INCH = "160"


def render(source: str, format: str, *, seconds: float | None = None) -> bytes:
    """Return DOT source as a picture: ``"svg"``, ``"png"`` or ``"pdf"``; ``"json"`` are its numbers.

    The program ``dot`` lays it out if it is on the PATH, else the package pygraphviz.

    Args:
        source: the graph.
        format: one of these.
        seconds: how long it may take; None is for ever.

    Raises:
        MissingExtraError: when there is neither; names the ways to get one.
        RenderError: when there is one, and it failed or took too long.

    >>> render("digraph { a -> b }", "svg")[:5]
    b'<?xml'
    """
    failures = []
    for name, command in _renderers(format):
        try:
            done = subprocess.run(
                command, input=source.encode("utf-8"), capture_output=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            raise RenderError(
                f"{name} had not laid out the graph after {seconds:g} seconds; draw less of it, fold modules with "
                "collapse=True, or use viz.player"
            ) from None
        if done.returncode == 0 and done.stdout:
            return done.stdout
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        failures.append(f"{name} ended with code {done.returncode}{f': {said[-1]}' if said else ''}")
    if failures:
        raise RenderError(f"the graph could not be laid out as {format}: {'; '.join(failures)}")
    raise MissingExtraError(
        "a picture needs Graphviz, and there is none: `pip install minigrad[render]`, "
        "or install Graphviz's own package (https://graphviz.org/download) so that `dot` is on the PATH"
    )


def _renderers(format: str) -> list[tuple[str, list[str]]]:
    found = []
    program = shutil.which("dot")
    if program is not None:
        resolution = [f"-Gdpi={_DOTS_PER_INCH}"] if format == "png" else []
        found.append(("dot", [program, f"-T{format}", *resolution]))
    if importlib.util.find_spec("pygraphviz") is not None:
        found.append(("pygraphviz", [sys.executable, "-P", "-c", _PYGRAPHVIZ, format, _DOTS_PER_INCH]))
    return found


def as_path(owner: str, path: Any) -> Path:
    """Return where a file is to be.

    Raises:
        DtypeError: when that is no path; the message begins with the owner.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise DtypeError(f"{owner} needs the path of a file, such as 'picture.svg', got {path!r}")
    return Path(path)


def write(path: Path, content: bytes) -> None:
    """Write a file, and its folder if need be; whoever looks sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
