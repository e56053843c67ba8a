"""The player in a browser: every key, every button, the address, breakpoints, dialogs, the table."""

from __future__ import annotations

import time

import pytest

from minigrad.viz.browser.player import Player
from tests.viz.browser.traces import digits_mlp, small_mlp, x_times_x_plus_x
from tests.viz.browser.window import Window, labelled

XX, MLP, DIGITS = (Player(trace()) for trace in (x_times_x_plus_x, small_mlp, digits_mlp))
LAST = len(MLP.trace)  # 5 forward, 1 seed, 10 backward, 4 update
SEED, BACKWARD, UPDATE = 6, 7, 17

# from which step, which keys or buttons, to which step
KEYS = [
    (3, ["ArrowRight"], 4),
    (3, ["ArrowLeft"], 2),
    (0, ["ArrowLeft"], 0),
    (LAST, ["ArrowRight"], LAST),
    (3, ["End"], LAST),
    (3, ["Home"], 0),
    (0, ["]"], 1),
    (1, ["]"], SEED),
    (3, ["]", "]"], BACKWARD),
    (9, ["]"], UPDATE),
    (UPDATE, ["]"], LAST),
    (9, ["["], BACKWARD),
    (BACKWARD, ["["], SEED),
    (1, ["["], 0),
    (3, ["g", "1", "2", "Enter"], 12),
    (3, ["g", "9", "9", "Enter"], LAST),
    (3, ["g", "Escape"], 3),
]
BUTTONS = [
    (3, "Start (Home)", 0),
    (3, "One step back (left)", 2),
    (3, "One step on (right)", 4),
    (3, "Last step (End)", LAST),
    (3, "Go to the phase forward", 1),
    (3, "Go to the phase seed", SEED),
    (3, "Go to the phase backward", BACKWARD),
    (3, "Go to the phase update", UPDATE),
]


def test_keys(window: Window) -> None:
    window.open(MLP)
    for start, keys, end in KEYS:
        window.visit(start)
        window.press(*keys)
        assert window.step == end, (start, keys)
    assert window.complaints() == []


def test_buttons(window: Window) -> None:
    window.open(MLP)
    for start, label, end in BUTTONS:
        window.visit(start)
        window.click(labelled(label))
        assert window.step == end, (start, label)
    assert window.pressed(labelled("Go to the phase update"))
    assert window.complaints() == []


def test_the_scrubber(window: Window) -> None:
    window.open(MLP, "#step=2")
    window.run("document.querySelector('input[type=range]').focus()")
    window.press("ArrowRight", "ArrowRight")
    assert window.step == 4
    assert window.attribute("input[type=range]", "aria-valuetext") == MLP.trace.sentence(3)
    window.press("End")
    assert window.step == LAST
    window.click("input[type=range]")
    assert window.step == LAST // 2


def test_the_step_in_the_address(window: Window) -> None:
    path = window.open(MLP, "#step=7")
    assert (window.step, window.sentence) == (7, MLP.trace.sentence(6))
    window.press("ArrowRight")
    window.until("return location.hash === '#step=8'")
    window.run("location.hash = '#step=3'")
    window.until("return document.querySelector('#controls output').textContent.startsWith('3 ')")
    window.run("location.hash = '#elsewhere'")
    window.press("ArrowRight")
    assert window.step == 4
    for fragment, step in (("#step=999", LAST), ("#step=-1", 0), ("#step=x", 0), ("", 0)):
        window.driver.get("about:blank")
        window.driver.get(f"{path.as_uri()}{fragment}")
        assert window.step == step, fragment


# writes down the milliseconds that the page asks to wait
DELAYS = """
    const wait = window.setTimeout;
    window.delays = [];
    window.setTimeout = (work, delay) => { delays.push(delay); return wait(work, delay); };"""


def test_play_and_pause_at_a_speed(window: Window) -> None:
    window.open(MLP)
    window.run(DELAYS)
    window.press(" ")
    assert window.attribute(".play", "aria-label") == "Pause (space)"
    window.press(" ")
    assert window.run("return delays") == [1000]
    window.hurry()
    window.run("delays.length = 0")
    window.press(" ")
    window.until("return document.querySelector('#controls output').textContent.startsWith('5 ')")
    assert set(window.run("return delays")) == {100}
    window.press(" ")
    step = window.step
    time.sleep(0.25)
    assert window.step == step
    window.click(".play")
    window.until(f"return document.querySelector('#controls output').textContent === '{LAST} / {LAST}'")
    assert window.attribute(".play", "aria-label") == "Play (space)"
    window.press(" ")  # from the end it starts again
    window.until("return document.querySelector('#controls output').textContent.startsWith('2 ')")


def test_play_stops_at_a_breakpoint(window: Window) -> None:
    window.open(MLP)
    window.click(window.box("relu"))
    window.press("b")
    assert window.sentence == "Play stops at relu."
    assert window.count(".break.set") == 1
    window.hurry()
    stops = []
    for _ in range(3):
        window.press(" ")
        window.until("return document.querySelector('.play').textContent.includes('Play')")
        stops.append(window.step)
    relu = next(id for id, label in MLP.trace.labels.items() if label == "relu")
    steps = enumerate(MLP.trace.steps, 1)
    assert stops == [n for n, step in steps if relu in (step.node, getattr(step, "parent", ""))][:3]
    window.click("[data-key=break]")
    assert window.count(".break.set") == 0
    assert window.sentence == "Play no longer stops at relu."


def test_a_breakpoint_needs_a_node(window: Window) -> None:
    window.open(XX)
    window.press("b")
    assert window.sentence == "Choose a node first: f finds one."
    window.press("ArrowRight", "b")  # none is chosen: the one that acts
    assert window.sentence == "Play stops at multiply."


def test_modules_fold_and_unfold(window: Window) -> None:
    window.open(MLP, "#step=10")
    assert window.count(".box") == 11
    window.click(window.box("0.weight"))
    window.press("c")
    assert window.count(".box") == 6
    assert window.count(".box.module") == 4
    assert window.step == 10
    assert window.pressed(labelled("Fold modules into boxes (c)"))
    chosen = window.attribute("#graph", "aria-activedescendant")
    assert window.text(f"#{chosen} .title") == "MLP.0"
    assert "Inside MLP.0: click the box again for the next of its 3 nodes." in window.text("#node")
    assert window.text("#node h2") == "0.weight"
    window.click(window.box("MLP.0"))
    assert window.text("#node h2") != "0.weight"
    window.click(labelled("Fold modules into boxes (c)"))
    assert window.count(".box") == 11
    window.open(XX)
    assert not window.seen(labelled("Fold modules into boxes (c)"))
    window.press("c")
    assert window.sentence == "There are no modules to fold."


def test_all_steps_as_a_table(window: Window) -> None:
    window.open(MLP, "#step=4")
    window.press("t")
    assert (window.seen("#table"), window.seen("#graph")) == (True, False)
    assert window.texts("#table td:last-child") == [MLP.trace.sentence(n) for n in range(LAST)]
    assert window.attribute("#row4", "aria-current") == "step"
    window.press("ArrowRight")
    assert window.attribute("#row5", "aria-current") == "step"
    assert window.count("[aria-current]") == 1
    window.click("#row9 button")
    assert window.step == 9
    assert window.focused == "Go to step 9"
    window.press("c")  # folding shows the graph
    assert (window.seen("#table"), window.seen("#graph")) == (False, True)


def test_finding_a_node(window: Window) -> None:
    window.open(MLP)
    window.press("f")
    window.type("softm")
    assert window.texts(".found button") == ["log_softmax"]
    window.press("Enter")
    assert not window.seen("dialog")
    assert window.text("#node h2") == "log_softmax"
    assert window.text(".box.chosen .title") == "log_softmax"
    window.press("f")
    window.type("2.WEI")
    window.click(".found button")
    assert window.text("#node h2") == "2.weight"
    window.click(labelled("Find a node (f)"))
    window.type("no such node")
    assert window.text(".found") == "No node has this in its name."
    window.press("Enter")
    assert window.seen("dialog")
    window.press("Escape")
    assert not window.seen("dialog")


@pytest.mark.parametrize("key", ["?", "g", "f"])
def test_a_dialog_opens_takes_the_keys_and_closes_with_escape(window: Window, key: str) -> None:
    window.open(MLP, "#step=4")
    window.press(key)
    assert window.seen("dialog")
    window.press("ArrowRight", "Home", "]", "?")
    assert window.step == 4
    window.press("Escape")
    assert not window.seen("dialog")
    window.press("ArrowRight")
    assert window.step == 5


def test_the_help_lists_every_key(window: Window) -> None:
    window.open(MLP)
    window.click(labelled("Keys (?)"))
    listed = {
        "←",
        "→",
        "space",
        "Home",
        "End",
        "Esc",
        "[",
        "]",
        "g",
        "f",
        "b",
        "p",
        "Enter",
        "c",
        "t",
        "↑",
        "↓",
        "+",
        "−",
        "0",
    }
    assert set(window.texts("dialog kbd")) == {*listed, "?"}
    window.click("dialog button")
    assert not window.seen("dialog")


def test_a_click_on_a_node_shows_everything_about_it(window: Window) -> None:
    window.open(MLP, f"#step={LAST}")
    window.click(window.box("linear 1"))
    shown = window.text("#node")
    assert "operation: linear" in shown
    assert "(2, 3) float32" in shown
    assert "MLP.0" in shown
    assert "traces.py:" in shown
    assert window.text("#node .line") == 'logits = model(mg.tensor([[1.0, 2.0], [3.0, 4.0]], name="X"))'
    assert window.texts("#node p .link") == ["X", "0.weight", "0.bias", "relu", "1", "13", "14", "15", "16"]
    window.click('#node [aria-label="Step 13"]')
    assert window.step == 13
    assert window.text("#node h2") == "linear 1"  # what was chosen stays
    window.click("#node p .link")
    assert window.text("#node h2") == "X"
    assert "No gradient flows to it." in window.text("#node")


def test_dragging_and_zooming(window: Window) -> None:
    window.open(DIGITS)
    x, y = window.middle(window.box("relu"))
    window.drag((x, y), (x + 60, y + 20))
    moved = window.middle(window.box("relu"))
    assert [round(moved[0] - x), round(moved[1] - y)] == [60, 20]
    assert window.count(".box.chosen") == 0  # it was no click

    def width() -> float:
        return float(window.run("return document.querySelector('.box').getBoundingClientRect().width"))

    widths = []
    for key in ("0", "+", "-", "-", "0"):
        window.press(key)
        widths.append(width())
    assert widths[3] < widths[0] < widths[1]
    assert widths == pytest.approx([widths[0], widths[0] * 1.25, widths[0], widths[0] * 0.8, widths[0]], rel=1e-3)
    window.devtools("Input.dispatchMouseEvent", type="mouseWheel", x=640, y=250, deltaX=0, deltaY=-120)
    window.until(f"return document.querySelector('.box').getBoundingClientRect().width > {widths[0]} * 1.1")
    for label, longer in (("Zoom in (+)", True), ("Zoom out (-)", False)):
        before = width()
        window.click(labelled(label))
        assert (width() > before) is longer
    window.click(labelled("Show all (0)"))
    assert width() == pytest.approx(widths[0])


def test_escape_lets_the_chosen_node_go(window: Window) -> None:
    window.open(MLP)
    window.visit(10)
    acting = window.text("#node h2")
    window.press("f")
    window.type("relu")
    window.press("Enter")
    assert window.text("#node h2") == "relu" != acting
    window.press("Escape")
    assert window.text("#node h2") == acting


def test_home_and_end_are_steps_after_a_reveal_too(window: Window) -> None:
    window.open(MLP)
    window.visit(8)
    window.press("p", "ArrowRight", "Enter", "End")
    assert window.step == LAST
    window.press("Home")
    assert window.step == 0
