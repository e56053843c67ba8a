"""One headless Chromium for all tests of the player; without one they are skipped, and say why."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz.browser.window import NoBrowserError, Window, start_browser


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium with a profile of its own, driven by selenium."""
    try:
        driver = start_browser(tmp_path_factory.mktemp("profile"))
    except NoBrowserError as problem:
        pytest.skip(str(problem))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def shared_window(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Window:
    return Window(chrome, tmp_path_factory.mktemp("pages"))


@pytest.fixture
def window(shared_window: Window) -> Window:
    """The browser's window, as if it were new."""
    shared_window.reset()
    return shared_window


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which looks for what keeps people out."""
    if importlib.util.find_spec("axe_core_python") is None:
        pytest.skip("axe-core-python is not installed")
    import axe_core_python

    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
