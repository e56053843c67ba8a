"""Predict mode: a contribution is hidden, wherever it would be seen, until it is asked for."""

from __future__ import annotations

import pytest

from minigrad.viz.browser.player import Player
from tests.viz.browser.traces import small_mlp, x_times_x_plus_x
from tests.viz.browser.window import Window, labelled

XX, MLP = Player(x_times_x_plus_x()), Player(small_mlp())


def everything(window: Window) -> str:
    """Return all that the page says, what it says to a screen reader alone included."""
    script = """return document.body.innerText + [...document.querySelectorAll("*")].map((e) =>
        ["aria-label", "aria-valuetext", "title"].map((name) => e.getAttribute(name)).join(" ")).join(" ")"""
    return str(window.run(script))


@pytest.mark.parametrize("way", ["Enter", "button", "ArrowRight"])
def test_predict_mode_hides_a_contribution_until_it_is_asked_for(window: Window, way: str) -> None:
    window.open(XX, "#step=4")
    window.press("p")
    assert window.pressed(labelled("Hide each contribution until asked (p)"))
    window.press("t", "t", "]", "Enter", "ArrowRight", "ArrowLeft", "Home")
    window.visit(6)  # multiply sends 3 to x: 1 + 3 = 4
    assert window.sentence == "Predict: what does multiply send to x?"
    assert window.attribute("input[type=range]", "aria-valuetext") == window.sentence
    assert window.text(".chip text") == "?"
    assert window.text(f"{window.box('x')} .slope") == "∂ +1"
    assert "+3" not in window.text("#step")
    assert "4" not in window.text("#step h3 ~ *")
    assert "+4" not in everything(window)
    window.press("t")
    assert window.text("#row5") == f"5Backward{XX.trace.sentence(4)}"
    assert window.text("#row6") == "6BackwardPredict: what does multiply send to x?"
    assert window.text("#row7") == "7BackwardPredict: what does multiply send to x?"
    assert "1 + 3 = 4" not in everything(window)
    window.press("t")
    if way == "button":
        window.click(".reveal")
    else:
        window.press(way)
    assert (window.step, window.sentence) == (6, XX.trace.sentence(5))
    assert window.text(".chip text") == "+3"
    assert window.text("#step .sum") == "grad: [+1] + [+3] → [+4]"
    assert window.text(f"{window.box('x')} .slope") == "∂ +4"
    window.press("p")
    window.press("ArrowRight")
    assert window.sentence == XX.trace.sentence(6)


def test_predict_mode_hides_both_halves_of_a_broadcast_contribution(window: Window) -> None:
    steps = [n for n, step in enumerate(MLP.trace.steps, 1) if step.kind == "sum"]
    window.open(MLP, f"#step={steps[0] - 2}")
    window.press("p", "ArrowRight")
    assert window.sentence == "Predict: what does linear 2 send to 2.bias?"
    assert window.count("#step figure") == 1
    window.press("Enter")
    assert window.count("#step figure") == 2
    window.press("ArrowRight")
    assert window.sentence == "Predict: what does linear 2 send to 2.bias?"
    assert window.count("#step figure") == 1
    assert window.text("#step figcaption b") == "what the rule gave"
    window.press("Enter")
    assert window.sentence == MLP.trace.sentence(steps[0] - 1)


def test_play_in_predict_mode_waits_for_an_answer(window: Window) -> None:
    window.open(XX)
    window.press("p")
    window.hurry()
    window.press(" ")
    window.until("return document.querySelector('.play').textContent.includes('Play')")
    assert (window.step, window.text(".chip text")) == (4, "?")
