"""A trace becomes a file, and a file is shown in the browser."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from pathlib import Path

from minigrad.errors import ArgumentError
from minigrad.viz.drawing import Drawing
from minigrad.viz.folding.modules import fold
from minigrad.viz.recording.trace import Trace

SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".html")

# these would take the terminal, and show no picture
_TEXT_BROWSERS = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"})


def check_suffix(path: Path) -> None:
    """Raise unless the suffix says what to write.

    Raises:
        ArgumentError: when it is none of ``SUFFIXES``.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ArgumentError(
            f"-o writes {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, by the suffix; got {str(path)!r} "
            "(a script's own -o goes after --)"
        )


def write(trace: Trace, path: Path, title: str) -> None:
    """Write a trace to a file: the page that steps through it if it ends in ``.html``, else a picture of the graph.

    Raises:
        ArgumentError: when the suffix is none of ``SUFFIXES``.
        MissingExtraError: when no Graphviz is installed.
        RenderError: when Graphviz failed.
    """
    check_suffix(path)
    if path.suffix.lower() == ".html":
        from minigrad.viz.browser.player import Player

        Player(trace, title=title).save(path)
    else:
        Drawing(trace.graph, fold(trace.graph, "auto"), "LR", title).save(path)


def temporary(script: str, suffix: str) -> Path:
    """Return the path of a file to be, named after the script, in a folder of its own."""
    return Path(tempfile.mkdtemp(prefix="minigrad-"), Path(script).stem + suffix)


def opened(path: Path) -> bool:
    """Show a file in a browser with windows; return whether there was one.

    There is none where ``CI`` is set, and on Linux without a display unless ``BROWSER`` names one.
    """
    windows = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    if os.environ.get("CI") or not (sys.platform in ("darwin", "win32") or any(map(os.environ.get, windows))):
        return False
    try:
        browser = webbrowser.get()
        command = str(getattr(browser, "name", "")).split() or [""]
        return os.path.basename(command[0]) not in _TEXT_BROWSERS and bool(browser.open(path.absolute().as_uri()))
    except (webbrowser.Error, OSError):
        return False
