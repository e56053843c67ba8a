"""A window of a headless browser: opens pages, presses keys, clicks, and reads what is there."""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigrad.viz.browser.player import Player

CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35}
CODES |= {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
TEXTS = {"Enter": "\r", "Tab": "", "Escape": ""}
WIDTH, HEIGHT = 1280, 800
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)


class NoBrowserError(Exception):
    """There is no browser that can be driven; the message says what is missing."""


def start_browser(profile: Path) -> Any:
    """Return a headless Chromium with its profile in a folder, driven by selenium; raise NoBrowserError without one."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    service = shutil.which("chromedriver")
    if importlib.util.find_spec("selenium") is None:
        raise NoBrowserError("selenium is not installed")
    if program is None or service is None:
        raise NoBrowserError(f"no {'Chromium' if program is None else 'chromedriver'} on the PATH")
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        return webdriver.Chrome(options=options, service=Service(service))
    except WebDriverException as problem:
        raise NoBrowserError(f"the browser does not start: {problem.msg}") from problem


def labelled(label: str) -> str:
    """Return a selector for what a screen reader would call so."""
    return f'[aria-label="{label}"]'


class Window:
    """A tab of a browser that selenium drives; keys and clicks are the real ones, through the devtools protocol.

    Args:
        driver: selenium's.
        folder: where pages are written.
    """

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self.folder = folder
        self.numbers = itertools.count()

    def reset(self) -> None:
        """Return to an empty page, the usual size, light and no complaints."""
        self.driver.get("about:blank")
        self.resize(WIDTH, HEIGHT)
        self.prefer()
        self.complaints()
        self.driver.get_log("performance")

    def open(self, page: Player | str, fragment: str = "") -> Path:
        """Open a player, or the text of a page, and return the file that it was written to."""
        path = self.folder / f"page{next(self.numbers)}.html"
        path.write_bytes((page if isinstance(page, str) else page.html).encode("utf-8"))
        self.driver.get(f"{path.as_uri()}{fragment}")
        return path

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the devtools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns; a promise is waited for."""
        return self.driver.execute_script(script, *arguments)

    # --- the world around the page

    def resize(self, width: int, height: int) -> None:
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def prefer(self, **features: str) -> None:
        """Set what the system prefers, such as ``color_scheme="dark"``; everything else is back to the default."""
        chosen = {"color-scheme": "light", "reduced-motion": "no-preference"}
        chosen |= {name.replace("_", "-"): value for name, value in features.items()}
        listed = [{"name": f"prefers-{name}", "value": value} for name, value in chosen.items()]
        self.devtools("Emulation.setEmulatedMedia", features=listed)

    def complaints(self) -> list[str]:
        """Return what the browser has written to its console since the last time, violations of policies included."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last time, other than the pages themselves."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = (m["params"] for m in messages if m["method"] == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in sent if params["type"] != "Document"]

    def until(self, script: str, seconds: float = 30.0) -> None:
        """Wait for a script to return something true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.02)

    def visit(self, step: int) -> None:
        """Go to a step by the address."""
        self.run("history.replaceState(null, '', '#'); location.hash = arguments[0]", f"#step={step}")
        self.until(f"return document.querySelector('#controls output').textContent.startsWith('{step} ')")

    def hurry(self) -> None:
        """Let the player play at its greatest speed."""
        self.run("const s = document.querySelector('select'); s.value = '10'; s.dispatchEvent(new Event('change'))")

    # --- keys and clicks

    def press(self, *keys: str) -> None:
        """Press keys one after the other, each named as ``KeyboardEvent.key`` names it."""
        for key in keys:
            code = CODES.get(key, ord(key.upper()[0]))
            event = {"key": key, "windowsVirtualKeyCode": code, "code": key if len(key) > 1 else ""}
            text = TEXTS.get(key, key if len(key) == 1 else "")
            self.devtools("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
            self.devtools("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text: str) -> None:
        self.devtools("Input.insertText", text=text)

    def click(self, selector: str, **extra: Any) -> None:
        """Click the middle of an element with the mouse; what lies above it gets the click, as in life."""
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.devtools("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, **extra)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with the mouse from a point to another."""
        points = [("mousePressed", start), ("mouseMoved", end), ("mouseMoved", end), ("mouseReleased", end)]
        for kind, (x, y) in points:
            self.devtools("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def middle(self, selector: str) -> tuple[float, float]:
        """Return where the middle of an element is, once it is in sight."""
        script = """const element = document.querySelector(arguments[0]);
            element.scrollIntoView({block: "nearest"});
            const {x, y, width, height} = element.getBoundingClientRect();
            return [x + width / 2, y + height / 2];"""
        x, y = self.run(script, selector)
        return x, y

    # --- what is there

    def text(self, selector: str) -> str:
        """Return the text of the first element that fits, nothing if there is none."""
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that fit."""
        return list(self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector))

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def seen(self, selector: str) -> bool:
        """Whether an element is shown."""
        return bool(self.run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector))

    def attribute(self, selector: str, name: str) -> str | None:
        found: str | None = self.run(
            "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null", selector, name
        )
        return found

    def pressed(self, selector: str) -> bool:
        """Whether a button is down."""
        return self.attribute(selector, "aria-pressed") == "true"

    @property
    def step(self) -> int:
        return int(self.text("#controls output").split("/")[0])

    @property
    def sentence(self) -> str:
        return self.text("#sentence")

    @property
    def focused(self) -> str:
        """What has the focus: an element's id, or else its label or text."""
        script = "const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.textContent"
        return str(self.run(script))

    def box(self, title: str) -> str:
        """Return a selector for the box with this title."""
        script = """return [...document.querySelectorAll(".box")].find(
            (box) => box.querySelector(".title")?.textContent === arguments[0]).id"""
        return f"#{self.run(script, title)}"

    @contextmanager
    def inside(self, selector: str) -> Iterator[None]:
        """Look into a frame."""
        self.driver.switch_to.frame(self.driver.find_element("css selector", selector))
        try:
            yield
        finally:
            self.driver.switch_to.default_content()
