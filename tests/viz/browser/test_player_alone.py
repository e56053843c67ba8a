"""The player on its own: no request, no complaint, in a sandboxed frame as in a notebook; and with large graphs."""

from __future__ import annotations

import functools
import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from minigrad.viz.browser.player import Player
from tests.viz.browser.traces import chain, digits_mlp, small_mlp
from tests.viz.browser.window import Window

MLP, DIGITS = Player(small_mlp()), Player(digits_mlp())
EVERY_KEY = ["]", "]", "ArrowRight", "ArrowLeft", "[", "End", "Home", "p", "]", "]", "ArrowRight", "Enter", "p", "t"]
EVERY_KEY += [
    "ArrowRight",
    "t",
    "c",
    "c",
    "b",
    "+",
    "-",
    "0",
    "?",
    "Escape",
    "f",
    "Enter",
    "b",
    "g",
    "4",
    "Enter",
    " ",
    " ",
]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A web server for a folder, as a page is not always opened from a disk."""
    folder = tmp_path_factory.mktemp("server")
    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running, folder
        running.shutdown()
        thread.join()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        asked.append(self.path)


asked: list[str] = []


def test_nothing_is_asked_of_any_network_and_nothing_complained_of(window: Window, server: Any) -> None:
    running, folder = server
    DIGITS.save(folder / "player.html")
    asked.clear()
    window.driver.get(f"http://127.0.0.1:{running.server_address[1]}/player.html")
    window.run("""window.violations = [];
        document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));""")
    window.press(*EVERY_KEY)
    assert window.step >= 4
    assert window.run("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []
    assert window.run("return window.violations") == []
    assert window.requests() == []
    assert window.complaints() == []
    assert asked == ["/player.html"]


def test_the_policy_lets_no_other_script_in(window: Window) -> None:
    window.open(
        DIGITS.html.replace("</noscript>", "</noscript><script>window.stranger = 1</script><img src=x onerror=1>")
    )
    assert window.run("return window.stranger ?? null") is None
    refused = "\n".join(window.complaints())
    assert "script-src" in refused
    assert "img-src" in refused
    window.press("ArrowRight")
    assert window.step == 1


def test_a_changed_script_does_not_run(window: Window) -> None:
    window.open(DIGITS.html.replace('"use strict"', '"use strict" '))
    assert window.text("#title") == ""
    assert "script-src" in "\n".join(window.complaints())


def test_it_plays_in_the_sandboxed_frame_of_a_notebook(window: Window) -> None:
    bundle = MLP._repr_mimebundle_()
    window.open(
        f"<!DOCTYPE html><title>notebook</title><p>cell</p>{bundle['text/html']}<script>window.canary = 1</script>"
    )
    with window.inside("iframe"):
        assert window.run("return [origin, innerWidth > 600]") == ["null", True]
    give_focus(window)
    window.press(*EVERY_KEY)
    with window.inside("iframe"):
        assert window.step == 4
        assert window.sentence == MLP.trace.sentence(3)
        for label in ("One step on (right)", "Go to the phase update", "One step back (left)"):
            window.run("document.querySelector(arguments[0]).click()", f'[aria-label="{label}"]')
        assert window.step == 16
        with pytest.raises(Exception, match="cross-origin"):
            window.run("return parent.canary")
    assert window.complaints() == []
    assert window.requests() == []
    scale = "return document.querySelector('#graph>g').style.transform"
    with window.inside("iframe"):
        before = window.run(scale)
    window.run("document.body.style.height = '3000px'")
    window.devtools("Input.dispatchMouseEvent", type="mouseWheel", x=640, y=250, deltaX=0, deltaY=100)
    window.until("return scrollY > 0")  # the wheel scrolls the notebook
    with window.inside("iframe"):
        assert window.run(scale) == before


def give_focus(window: Window) -> None:
    """Click into the frame, until the keys go there: it may live in a process of its own."""
    for _ in range(50):
        window.click("iframe")
        with window.inside("iframe"):
            if window.run("return document.hasFocus()"):
                window.run("document.querySelector('[aria-label=\"Start (Home)\"]').click()")
                return
        time.sleep(0.05)
    pytest.fail("the frame does not get the focus")


# --- large graphs

TWENTY_STEPS = """
    for (let n = 0; n < 20; n++)
      document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));"""


@pytest.fixture(scope="module")
def large() -> Player:
    return Player(chain(5000))


def test_five_thousand_nodes_open_folded_and_unfold(window: Window, large: Player) -> None:
    assert len(large.trace.graph.nodes) == 5000
    window.open(large)
    assert 4000 < window.count(".box") < 5000
    window.press("c")
    assert window.count(".box") == 5000


@pytest.mark.slow
@pytest.mark.parametrize("view", [[], ["t"], ["c"], ["p"]], ids=["graph", "table", "unfolded", "predict"])
def test_steps_through_five_thousand_nodes(window: Window, large: Player, view: list[str]) -> None:
    window.open(large)
    window.press(*view)
    for start in (0, 190, 4990, 9980):  # the table turns its page at 200; at 4,999 the backward pass begins
        window.run("history.replaceState(null, '', '#'); location.hash = arguments[0]", f"#step={start}")
        window.until(f"return document.querySelector('#controls output').textContent.startsWith('{start} ')")
        window.run(TWENTY_STEPS)
        assert window.step > start or start == 9980
