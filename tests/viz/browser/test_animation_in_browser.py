"""The page of an animation, in a browser: it plays, it can be scrubbed, and it asks for nothing."""

import pytest

from minigrad import analysis, optim, viz


@pytest.fixture(scope="module")
def animation():
    bowl = analysis.surfaces.quadratic_bowl()
    return viz.animate_trajectory([lambda p: optim.SGD(p, lr=0.05)], bowl, steps=8, frames=5)


def test_it_plays_to_the_end_and_pauses(window, animation):
    window.open(animation.html)
    assert window.text("#caption") == "step 0 of 8"
    first = window.attribute("#frame", "src")
    window.click("#play")
    assert window.text("#play") == "Pause"
    window.until("return document.querySelector('#caption').textContent === 'step 8 of 8'")
    assert window.text("#play") == "Play"
    assert window.attribute("#frame", "src") != first
    window.click("#play")
    window.until("return document.querySelector('#caption').textContent !== 'step 8 of 8'")  # from the start again


def test_the_slider_follows_the_keyboard(window, animation):
    window.open(animation.html)
    window.run("document.querySelector('#position').focus()")
    window.press("ArrowRight", "ArrowRight")
    assert window.text("#caption") == "step 4 of 8"
    assert window.attribute("#position", "aria-valuetext") == "step 4 of 8"


def test_both_pictures_are_shown_and_nothing_is_asked_for(window, animation):
    window.open(animation.html)
    for picture in ("#ground", "#frame"):
        window.until(f"return document.querySelector('{picture}').naturalWidth > 500")
    boxes = window.run(
        "return ['ground', 'frame'].map((id) => JSON.stringify(document.getElementById(id).getBoundingClientRect()))"
    )
    assert boxes[0] == boxes[1]
    assert window.complaints() == []
    assert [address for address in window.requests() if not address.startswith("data:")] == []
