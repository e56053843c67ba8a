"""What a script leaves in this process is put back."""

import sys

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to run scripts in; what they leave in this process is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setenv("CI", "1")
    return tmp_path


@pytest.fixture
def traces(monkeypatch):
    """What is written, as (trace, path, title), in place of the files."""
    found = []
    monkeypatch.setattr("minigrad.capture.command.write", lambda *what: found.append(what))
    return found
