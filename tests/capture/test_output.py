"""A trace becomes a file, and a file is shown in the browser."""

import sys
import webbrowser
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import capture
from minigrad.capture import output


def test_each_kind_of_file_is_written_by_its_suffix(here, monkeypatch):
    class Player:
        def __init__(self, trace, title=None):
            self.text = f"{title}: {len(trace)}"

        def save(self, path):
            Path(path).write_text(self.text)

    player = type(sys)("minigrad.viz.browser.player")
    player.Player = Player
    monkeypatch.setitem(sys.modules, "minigrad.viz.browser.player", player)
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    trace = mg.viz.trace((x * x).sum())
    for suffix, start in {
        ".svg": b"<?xml",
        ".png": b"\x89PNG",
        ".pdf": b"%PDF",
        ".dot": b"//",
        ".HTML": b"T: 6",
    }.items():
        capture.write(trace, here / f"graph{suffix}", "T")
        content = (here / f"graph{suffix}").read_bytes()
        assert content.startswith(start) or suffix == ".dot", content[:20]
    assert "gradient" in (here / "graph.dot").read_text()


@pytest.mark.parametrize(
    ("command", "shown"),
    [("lynx", False), ("/usr/bin/w3m", False), ("www-browser %s", False), ("firefox", True), ("", False)],
)
def test_only_a_browser_with_windows_is_started(monkeypatch, command, shown):
    class Browser:
        name = command.removesuffix(" %s")

        def open(self, url):
            opened.append(url)
            return True

    opened = []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROWSER", command)
    monkeypatch.setattr("webbrowser.get", Browser)
    assert output.opened(Path("page.html")) is shown
    assert opened == ([Path("page.html").absolute().as_uri()] if shown else [])
    monkeypatch.setenv("CI", "true")
    assert not output.opened(Path("page.html"))


def test_a_browser_that_cannot_be_had_or_started_is_none(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("BROWSER", "no-such-program-anywhere")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    assert not output.opened(Path("page.html"))
    monkeypatch.setattr("webbrowser.get", lambda: (_ for _ in ()).throw(webbrowser.Error("none")))
    assert not output.opened(Path("page.html"))
