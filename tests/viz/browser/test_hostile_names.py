"""A name is text, whatever it contains: in the page, in its data, in pictures, and in a browser."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.viz.browser.payload import Payload
from minigrad.viz.browser.player import Player
from minigrad.viz.drawing import Drawing
from minigrad.viz.render import render
from minigrad.viz.text import printable
from tests.viz.browser.hostile import NAMES, WORST, hostile
from tests.viz.browser.traces import small_mlp
from tests.viz.browser.window import Window

pytestmark = pytest.mark.slow

# 50 examples of 20 names are a thousand
THOUSAND = settings(max_examples=50, derandomize=True, database=None, deadline=None)


class Reader(HTMLParser):
    """Lists the elements of a page with their attributes, and keeps the text of some."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.texts: dict[str, str] = {}
        self.open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attributes)))
        self.open = f"{tag}#{dict(attributes).get('id')}"

    def handle_data(self, data: str) -> None:
        self.texts[self.open] = self.texts.get(self.open, "") + data


KNOWN = Reader(Player(small_mlp()).html).elements


@THOUSAND
@given(st.lists(NAMES, min_size=20, max_size=20), NAMES)
def test_the_page_has_its_own_elements_and_the_names_as_data(names: list[str], title: str) -> None:
    player = Player(hostile(names), title)
    html = player.html
    html.encode("utf-8")
    page = Reader(html)
    assert page.elements == KNOWN
    data = json.loads(page.texts["script#data"])
    assert data == json.loads(json.dumps(Payload(player.trace, player.title).data()))
    assert data["title"] == player.title
    seen = {name for node in data["nodes"] for name in (node[1], node[2], node[6])}
    seen |= {text for line in data["lines"] for text in line} | {text for rule in data["rules"] for text in rule}
    assert any(printable(name) in seen or name in seen for name in names)


@THOUSAND
@given(st.lists(NAMES, min_size=20, max_size=20), NAMES)
def test_pictures_are_well_formed(names: list[str], title: str) -> None:
    graph = hostile(names).graph
    drawing = Drawing(graph, graph, "LR", title)
    tree = ElementTree.fromstring(render(drawing.source, "svg"))
    assert {element.tag.split("}")[1] for element in tree.iter()} <= {
        *("svg", "g", "title", "polygon", "path", "polyline", "ellipse", "text", "a", "linearGradient", "stop", "defs"),
    }


CANARY = """
    window.fired = [];
    window.canary = () => fired.push("canary");
    for (const name of ["alert", "confirm", "prompt", "open"]) window[name] = () => fired.push(name);
    document.addEventListener("securitypolicyviolation", (event) => fired.push(event.violatedDirective));"""
TAGS = {"a", "aside", "b", "body", "button", "canvas", "code", "dd", "defs", "dialog", "div", "dl", "dt", "figcaption"}
TAGS |= {"figure", "g", "h1", "h2", "h3", "head", "header", "html", "input", "kbd", "li", "main", "marker", "meta", "p"}
TAGS |= {
    "circle",
    "noscript",
    "option",
    "output",
    "path",
    "pre",
    "rect",
    "script",
    "section",
    "select",
    "span",
    "style",
}
TAGS |= {"svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr", "ul"}


def hostile_pages() -> list[Player]:
    """Return twenty pages of fifty names each."""
    pages: list[Player] = []

    @settings(max_examples=20, derandomize=True, database=None, deadline=None)
    @given(st.lists(NAMES, min_size=50 - len(WORST), max_size=50 - len(WORST)))
    def collect(names: list[str]) -> None:
        mixed = names + WORST[len(pages) :] + WORST[: len(pages)]
        pages.append(Player(hostile(mixed), mixed[len(pages)]))

    collect()
    return pages


def test_nothing_of_a_name_runs_in_a_browser(window: Window) -> None:
    added = window.devtools("Page.addScriptToEvaluateOnNewDocument", source=CANARY)
    try:
        pages = hostile_pages()
        assert len(pages) == 20
        for page in pages:
            window.open(page)
            title = window.run("return document.title")
            look_at_everything(window, page)
            assert window.run("return window.fired") == []
            assert window.run("return document.title") == title
            tags = window.run("return [...new Set([...document.querySelectorAll('*')].map((e) => e.localName))]")
            assert set(tags) <= TAGS
            handlers = """return [...document.querySelectorAll("*")].flatMap((element) => element.getAttributeNames())
                .filter((name) => name.startsWith("on") || name === "href" || name === "src")"""
            assert window.run(handlers) == []
        assert window.requests() == []
        assert window.complaints() == []
    finally:
        window.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


def look_at_everything(window: Window, page: Player) -> None:
    """Go through every step, open every node, the table and the dialogs, all at once."""
    window.run(
        """const key = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
        for (let n = 0; n < arguments[0]; n++) key("ArrowRight");
        for (const box of document.querySelectorAll(".box")) box.dispatchEvent(new Event("click"));
        key("c");
        for (const box of document.querySelectorAll(".box")) box.dispatchEvent(new Event("click"));
        ["t", "p", "ArrowLeft", "t", "b", "?"].forEach(key);
        document.querySelector("dialog").close();
        key("f");""",
        len(page.trace),
    )
    assert window.step >= len(page.trace) - 1


@pytest.mark.parametrize("name", WORST)
def test_files_can_be_written_whatever_the_name(name: str, tmp_path: Any) -> None:
    player = Player(hostile([name]), name)
    assert player.save(tmp_path / "page.html").read_bytes().decode("utf-8") == player.html
    assert player._repr_mimebundle_().keys() == {"text/html", "image/svg+xml", "text/plain"}
