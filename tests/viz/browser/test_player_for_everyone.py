"""The player for everyone: the keyboard alone, screen readers, light and dark, small windows, little motion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import viz
from minigrad.viz.browser.player import Player
from tests.viz.browser.traces import digits_mlp, small_mlp, troubled, x_times_x_plus_x
from tests.viz.browser.window import Window

XX, MLP, DIGITS = (Player(trace()) for trace in (x_times_x_plus_x, small_mlp, digits_mlp))
TABLE, PREDICT, HELP, FIND = "t", "p", "?", "f"


TOO_WIDE = """const wide = (element) => element.getBoundingClientRect().width;
    return [...document.querySelectorAll(".box text")].filter((text) =>
      wide(text) > wide(text.parentNode.querySelector(".card")) - 4).map((text) => text.textContent)"""


def wide_numbers() -> Player:
    """Return a player with everything that is wide: long names, exact 8 x 8 arrays of float64, a long line."""
    rng = np.random.default_rng(0)
    x, y = (
        mg.tensor(rng.standard_normal((8, 8)) / 1e5, requires_grad=True, name=name * 12)
        for name in ("a_long_name_", "names ")
    )
    with mg.source_lines():
        made = (x @ y + y * 0.333333333333333333333333333333333 - x * y + x * y * x * y * x * y * x * y).sum()
    return Player(viz.trace(made), "A title that goes on and on, as titles of experiments_do_when_nobody_stops_them")


def test_the_keyboard_alone_suffices(window: Window) -> None:
    window.open(MLP, "#step=10")
    window.press("Tab")
    stops = [window.focused]
    while len(stops) < 80:
        window.press("Tab")
        if window.focused == stops[0]:
            break
        stops.append(window.focused)
    assert stops.count("graph") == 1
    assert window.count(".box") == 11
    assert not any(stop.startswith("box") for stop in stops)  # one stop for the whole graph
    buttons = window.run("""return [...document.querySelectorAll("button")].filter((button) => button.checkVisibility())
        .map((button) => button.ariaLabel || button.textContent)""")
    assert set(buttons) <= set(stops)
    assert {"graph", "step", "Step", "Steps a second"} <= set(stops)
    outlines = window.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outlines == "solid"


def test_the_graph_by_keyboard(window: Window) -> None:
    window.open(MLP, "#step=10")
    while window.focused != "graph":
        window.press("Tab")
    chosen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        window.press(key)
        box = window.attribute("#graph", "aria-activedescendant")
        assert window.attribute(f"#{box}", "aria-selected") == "true"
        assert window.count('[aria-selected="true"]') == 1
        chosen.append(window.text(f"#{box} .title"))
        assert window.text("#node h2") == chosen[-1]
    labels = list(MLP.trace.labels.values())
    assert chosen == [labels[0], labels[1], labels[2], labels[1]]
    window.press("ArrowRight")
    assert window.step == 11
    window.press("Enter")
    assert window.focused == "Break here (b)"
    window.press("Enter")
    assert window.focused == "Remove breakpoint"
    while not window.focused.startswith("Step "):
        window.press("Tab")
    window.press("Enter")
    assert window.step == int(window.focused.split()[1])
    assert window.run("return document.querySelector('#node').contains(document.activeElement)")


def test_going_to_another_node_keeps_the_focus_in_the_panel(window: Window) -> None:
    window.open(MLP, "#step=1")
    window.run("document.querySelector('#node p .link').focus()")
    window.press("Enter")
    assert window.text("#node h2") == "X"
    assert window.run("return document.querySelector('#node').contains(document.activeElement)")


def test_what_has_to_be_scrolled_can_be_reached_and_scrolled(window: Window) -> None:
    window.open(wide_numbers(), "#step=1")
    window.click(".box")
    reachable = window.run("return [...document.querySelectorAll('#node .scroll')].map((part) => part.tabIndex)")
    assert set(reachable) == {0}
    window.run("document.querySelector('#node .scroll').focus()")
    window.press("ArrowRight")
    assert window.step == 1  # the arrow scrolls the numbers
    assert window.run("return [...document.querySelectorAll('pre')].every((part) => part.tabIndex === -1)")


def test_every_step_is_announced(window: Window) -> None:
    window.open(XX)
    assert window.attribute("#sentence", "aria-live") == "polite"
    window.run("""const sentence = document.querySelector("#sentence");
        window.said = [];
        new MutationObserver(() => said.push(sentence.textContent)).observe(sentence, {childList: true});""")
    window.press(*["ArrowRight"] * 3)
    assert window.run("return window.said") == [XX.trace.sentence(n) for n in range(3)]


def test_boxes_say_what_they_show(window: Window) -> None:
    window.open(XX)
    window.press("End")
    assert window.attribute(window.box("x"), "aria-label") == "x, scalar, value 3, gradient +7"
    window.open(Player(troubled()))
    window.press("End")
    label = window.attribute(window.box("relu"), "aria-label")
    assert label == "relu, (10, 10), value all 0, gradient all +1, dead: relu is never active"


SIZES = [(320, 640), (320, 256), (480, 800), (1280, 800)]


@pytest.mark.parametrize(("width", "height"), SIZES, ids=lambda size: str(size))
@pytest.mark.parametrize("player", [wide_numbers(), DIGITS], ids=["wide", "digits"])
def test_no_size_of_the_window_scrolls_sideways(window: Window, player: Player, width: int, height: int) -> None:
    window.resize(width, height)
    window.open(player, "#step=1")
    for keys in ([], ["End"], ["t"], ["t", "p", "["], ["?"]):
        window.press(*keys)
        assert window.run("return document.scrollingElement.scrollWidth") <= width, keys
    window.press("Escape")
    script = """return [...document.querySelectorAll("button, select, input")].filter((control) => {
        if (!control.checkVisibility()) return false;
        control.scrollIntoView({block: "center"});
        const {left, top, right, bottom} = control.getBoundingClientRect();
        const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
        return left < 0 || right > innerWidth || !(above === control || control.contains(above));
      }).map((control) => control.ariaLabel || control.textContent)"""
    assert window.run(script) == []
    small = """return [...document.querySelectorAll("button, select")].filter((control) => {
        if (!control.checkVisibility()) return false;
        const {width, height} = control.getBoundingClientRect(); return width < 24 || height < 24;
      }).map((control) => control.ariaLabel || control.textContent)"""
    assert window.run(small) == []


@pytest.mark.parametrize("player", [MLP, DIGITS], ids=["2-3-2", "64-32-10"])
def test_a_small_network_is_seen_whole_and_legible(window: Window, player: Player) -> None:
    window.open(player)
    outside = """const frame = document.querySelector("#graph").getBoundingClientRect();
        return [...document.querySelectorAll(".box .card, .group rect")].filter((box) => {
          const {left, top, right, bottom} = box.getBoundingClientRect();
          return left < frame.left || right > frame.right || top < frame.top || bottom > frame.bottom;
        }).length"""
    assert window.run(outside) == 0
    scale = window.run("return Number(/scale\\((.*)\\)/.exec(document.querySelector('#graph>g').style.transform)[1])")
    assert 12 * scale > 10  # pixels


@pytest.mark.parametrize("player", [XX, MLP, DIGITS], ids=["x * x + x", "2-3-2", "64-32-10"])
def test_nothing_hides_the_text_of_a_box(window: Window, player: Player) -> None:
    window.open(player)
    hidden = """const hits = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        const box = (element) => element.getBoundingClientRect();
        return [...document.querySelectorAll(".chip rect")].flatMap((chip) =>
          [...document.querySelectorAll(".box text")].filter((text) => text.textContent && hits(box(chip), box(text)))
            .map((text) => text.textContent));"""
    for _ in range(len(player.trace)):
        window.press("ArrowRight")
        assert window.run(hidden) == [], window.sentence
    assert window.run(TOO_WIDE) == []


def test_long_texts_fit_into_their_boxes(window: Window) -> None:
    window.open(wide_numbers())
    window.press("End")
    assert window.run(TOO_WIDE) == []


def test_light_and_dark_follow_the_system(window: Window) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        window.prefer(color_scheme=scheme)
        window.open(DIGITS, "#step=1")
        script = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        colours[scheme] = window.run(script)
    assert colours == {
        "light": ["rgb(255, 255, 255)", "rgb(27, 39, 51)"],
        "dark": ["rgb(17, 22, 28)", "rgb(232, 237, 242)"],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_the_picture_has_contrast(window: Window, scheme: str) -> None:
    script = """
        const light = (colour) => colour.match(/\\d+/g).slice(0, 3).map((c) => c / 255)
          .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
          .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0) + 0.05;
        const fill = (element) => light(getComputedStyle(element).fill);
        return [...document.querySelectorAll("svg text")].filter((text) => text.textContent).map((text) => {
          const ends = [fill(text), fill(text.parentNode.querySelector("rect"))].sort((a, b) => a - b);
          return [ends[1] / ends[0], text.parentNode.classList.value + ": " + text.textContent];
        })"""
    window.prefer(color_scheme=scheme)
    texts = []
    for player in (DIGITS, Player(troubled())):
        window.open(player, "#step=8")
        texts += window.run(script)
        window.press("c", "End")
        texts += window.run(script)
    assert len({text.split(":")[0] for _, text in texts}) > 8  # boxes of all kinds, groups, what is sent
    assert [(round(ratio, 2), text) for ratio, text in texts if ratio < 4.5] == []


def test_reduced_motion_is_respected(window: Window) -> None:
    window.resize(480, 800)
    window.open(DIGITS)
    running = """document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "g", bubbles: true}));
        const field = document.querySelector("dialog input");
        field.value = arguments[0];
        field.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter"}));
        document.body.getBoundingClientRect();
        return document.getAnimations().length"""
    assert [window.run(running, step) for step in (1, 5)][1] == 1
    window.prefer(reduced_motion="reduce")
    assert [window.run(running, step) for step in (1, 5)] == [0, 0]


VIEWS: dict[str, list[str]] = {
    "graph": [],
    "chosen": ["f", "r", "e", "l", "u", "Enter"],
    "table": [TABLE],
    "help": [HELP],
    "find": [FIND],
    "predict": [PREDICT, "ArrowRight"],
}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(window: Window, axe: str, scheme: str) -> None:
    window.prefer(color_scheme=scheme, reduced_motion="reduce")
    found: list[tuple[Any, ...]] = []
    for player, steps in ((MLP, (0, 2, 12, 20)), (Player(troubled()), (32,)), (wide_numbers(), (1,))):
        for step in steps:
            window.open(player, f"#step={step}")
            window.run(axe)
            for view, keys in VIEWS.items() if step == 12 else [("graph", [])]:
                window.press(*keys)
                for violation in window.run("return axe.run()")["violations"]:
                    nodes = [(node["target"], node["any"][:1]) for node in violation["nodes"][:3]]
                    found.append((violation["impact"], violation["id"], view, step, nodes))
                window.press("Escape", *([TABLE] if view == "table" else []))
    assert [finding for finding in found if finding[0] in ("serious", "critical")] == []
    assert found == []
