"""What the player shows is what the trace holds: sentences, numbers, heat maps, badges."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import viz
from minigrad.viz.browser.player import Player
from minigrad.viz.recording.steps import ContributionStep, SumStep, UpdateStep
from minigrad.viz.recording.trace import Trace
from tests.slow import slow_after
from tests.viz.browser.traces import (
    OTHERS,
    WITH_SENTENCES,
    digits_mlp,
    holding,
    optimizers_called,
    small_mlp,
    sums,
    troubled,
    x_times_x_plus_x,
)
from tests.viz.browser.window import Window

STEP_THROUGH = """
    const said = [];
    for (let n = 0; n < arguments[0]; n++) {
      document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
      said.push(arguments[1].map((css) => document.querySelector(css)?.textContent ?? ""));
    }
    return said;"""


def step_through(window: Window, trace: Trace, *selectors: str) -> list[list[str]]:
    """Return the texts of these elements at every step."""
    return list(window.run(STEP_THROUGH, len(trace), list(selectors)))


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("name", slow_after(2, WITH_SENTENCES))
def test_the_sentence_of_every_step_is_that_of_the_trace(window: Window, name: str) -> None:
    trace = WITH_SENTENCES[name]()
    window.open(Player(trace))
    said = step_through(window, trace, "#sentence", "#step h2")
    assert [sentence for sentence, _ in said] == [trace.sentence(n) for n in range(len(trace))]
    phases = [step.phase.capitalize() for step in trace.steps]
    assert [tag for _, tag in said] == [f"Step {n} of {len(trace)} · {phase}" for n, phase in enumerate(phases, 1)]
    assert window.complaints() == []
    window.press("t")
    assert window.texts("#table td:last-child")[:200] == [trace.sentence(n) for n in range(len(trace))][:200]


def test_the_sentence_of_every_dtype(window: Window) -> None:
    for value in OTHERS:
        trace = holding(value)
        window.open(Player(trace), "#step=1")
        assert window.sentence == trace.sentence(0), repr(value)
        shown = window.texts("#step figure td")[-1].replace("−", "-")
        assert type(value)(float(shown) if value.dtype.kind == "f" else eval(shown)) == value
        assert window.texts("#step figcaption .quiet")[-1] == f"scalar {value.dtype}"


@pytest.mark.parametrize("make", [x_times_x_plus_x, sums, small_mlp], ids=lambda make: make.__name__)
def test_values_and_gradients_are_shown_with_every_digit(window: Window, make: Callable[[], Trace]) -> None:
    trace = make()
    window.open(Player(trace), f"#step={len(trace)}")
    after = {step.node: step.after for step in trace.steps if isinstance(step, UpdateStep)}
    for index, node in enumerate(trace.graph.nodes):
        window.run("document.getElementById(arguments[0]).dispatchEvent(new Event('click'))", f"box{index}")
        assert window.text("#node h2") == trace.labels[node.id]
        for holds, figure in ((trace.values | after, "array"), (trace.gradients, "array gradient")):
            if node.id not in holds:
                continue
            expected = holds[node.id].array
            assert expected is not None
            shown = window.texts(f'#node figure[class="{figure}"] td')
            read = np.array([number(text) for text in shown]).astype(expected.dtype).reshape(expected.shape)
            assert np.array_equal(read, expected), (node, figure)


def test_every_contribution_is_shown_with_its_sum(window: Window) -> None:
    trace = sums()
    window.open(Player(trace))
    said = step_through(window, trace, "#step .sum", ".chip text")
    scalar = 0
    for (line, chip), step in zip(said, trace.steps, strict=True):
        if not isinstance(step, (ContributionStep, SumStep)) or step.total is None or step.total.array is None:
            assert line == ""
            assert bool(chip) is isinstance(step, ContributionStep)
            continue
        if step.total.array.size > 4:
            continue
        sent = step.raw if isinstance(step, ContributionStep) else step.gradient
        terms = [None if known is None else known.array for known in (step.before, sent, step.total)]
        found = re.fullmatch(r"grad: (\[.*\]|nothing) \+ (\[.*\]) → (\[.*\])", line)
        assert found, line
        for text, array in zip(found.groups(), terms, strict=True):
            if array is None:
                assert text == "nothing"
                continue
            numbers = [number(part) for part in text.strip("[]").split(", ")]
            assert numbers == pytest.approx(array.ravel().tolist(), rel=2**-24)
            assert all(part[0] in "+−0" for part in text.strip("[]").split(", "))
        scalar += 1
    assert scalar > 5


def test_a_broadcast_that_is_summed_out_is_a_step_of_its_own(window: Window) -> None:
    trace = digits_mlp()
    at = next(n for n, step in enumerate(trace.steps, 1) if isinstance(step, SumStep))
    window.open(Player(trace), f"#step={at}")
    assert window.text("#step .rule pre") == "(32, 10) → sum over axis 0 → (10,)"
    assert "2.bias was used 32 times for each of its elements" in window.text("#step .rule")


def test_the_rule_is_shown_as_source_and_as_mathematics(window: Window) -> None:
    trace = x_times_x_plus_x()
    window.open(Player(trace), "#step=7")
    assert window.text("#step .rule h3") == "Rule of multiply for y"
    assert window.text("#step .mathematics").startswith("∂L/∂y = g")
    assert window.text("#step .rule pre") == "lambda g, x: g * x"
    assert window.texts("#step figcaption b") == ["upstream g: gradient of multiply", "contribution"]


def test_an_update_shows_before_change_and_after(window: Window) -> None:
    trace = optimizers_called(small_mlp(), "Best(lr=1)")
    window.open(Player(trace), f"#step={len(trace)}")
    captions = ["gradient", "2.bias before", "change", "2.bias after"]
    assert window.texts("#step figcaption b") == captions
    assert window.text("#step .rule pre") == "Best(lr=1)"
    step = trace.steps[-1]
    assert isinstance(step, UpdateStep)
    arrays = [known.array for known in (step.gradient, step.before, step.change, step.after)]
    shown = [number(text) for text in window.texts("#step figure td")]
    assert shown == pytest.approx(np.concatenate([array for array in arrays if array is not None]).tolist())


def pixels(window: Window, css: str) -> Any:
    """Return the colours of the middles of a heat map's cells, as text."""
    script = """const map = document.querySelector(arguments[0]), [rows, columns] = map.ariaLabel.match(/\\d+/g);
        const pen = map.getContext("2d"), side = map.width / columns;
        return Array.from({length: rows * columns}, (_, i) => [...pen.getImageData(
          (i % columns) * side + 1, Math.floor(i / columns) * side + 1, 1, 1).data].slice(0, 3).join(" "));"""
    return window.run(script, css)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_heat_maps(window: Window, scheme: str) -> None:
    values = np.arange(100.0).reshape(10, 10)
    weights = np.linspace(-1, 1, 100).reshape(10, 10)
    weights[5, 5], values[9, 9] = 0, np.nan
    x = mg.tensor(values, requires_grad=True, name="x")
    window.prefer(color_scheme=scheme)
    window.open(Player(viz.trace((x * weights).sum())))
    window.press("End")
    window.click(window.box("x"))
    colours = {"light": ("242 246 250", "247 247 247"), "dark": ("34 42 51", "36 42 49")}[scheme]
    value = pixels(window, '#node figure[class="array"] canvas')
    assert value[0] == colours[0]
    assert len(set(value)) > 90
    assert value[-1] == "212 160 23"  # not finite
    slope = pixels(window, "#node figure.gradient canvas")
    assert slope[55] == colours[1]
    assert slope[0] == {"light": "12 84 160", "dark": "96 165 250"}[scheme]
    assert slope[-1] == {"light": "176 58 10", "dark": "255 150 90"}[scheme]
    assert window.texts("#node figure.gradient .scale span") == ["−1", "0", "+1"]
    assert window.texts('#node figure[class="array"] .scale span') == ["0", "98"]
    assert window.count("#node .bars rect") == 2 * 20


def test_what_is_large_has_statistics_a_heat_map_and_opened_a_histogram(window: Window) -> None:
    trace = digits_mlp()
    window.open(Player(trace), "#step=1")
    assert window.count("#step canvas") == 3  # the bias has few enough elements to be shown as numbers
    assert window.count("#step figure:nth-child(3) td") == 32
    assert window.count("#step .bars") == 0
    assert window.count("#node .bars") == 1
    images = trace.values["n0"].array
    assert images is not None
    shown = [number(text) for text in window.texts("#step figure:first-child dd")]
    assert shown == pytest.approx([images.min(), images.mean(), images.max(), np.linalg.norm(images)], rel=1e-3)
    assert "16 × 16 cells, each the mean of a block" in window.text("#step figure")


def test_numbers_of_many_elements_are_short_but_opened_they_are_whole(window: Window) -> None:
    x = mg.tensor(np.linspace(-1, 1, 64).reshape(8, 8) / 3, requires_grad=True, name="x")
    window.open(Player(viz.trace((x * 1).sum())), "#step=1")
    whole = str(-1 / 3)
    assert window.text("#step td") == "−0.3333"
    assert window.attribute("#step td", "title") == whole
    window.click(window.box("x"))
    assert window.text("#node td") == whole.replace("-", "−")
    script = (
        "const {scrollWidth, clientWidth} = document.querySelector('#step .scroll'); return scrollWidth - clientWidth"
    )
    assert window.run(script) == 0


def test_signs_are_written_and_not_only_coloured(window: Window) -> None:
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    window.open(Player(viz.trace((x * np.array([-1.0, 0.0, 2.0])).sum())))
    window.press("End")
    window.click(window.box("x"))
    assert window.texts("#node .gradient td") == ["−1", "0", "+2"]
    assert window.texts('#node figure[class="array"] td') == ["1", "2", "3"]
    assert window.text(f"{window.box('x')} .slope") == "∂ [−1, 0, +2]"


def test_badges(window: Window) -> None:
    trace = troubled()
    window.open(Player(trace))
    window.press("End")
    badges = {}
    for index, node in enumerate(trace.graph.nodes):
        window.run("document.getElementById(arguments[0]).dispatchEvent(new Event('click'))", f"box{index}")
        badges[trace.labels[node.id]] = window.texts("#node .badge")
        warned = window.text(f"#box{index} .warning") == "!"
        assert warned is bool(badges[trace.labels[node.id]]) or node.kind == "constant"
    assert badges["relu"] == ["dead: relu is never active"]
    assert badges["x"] == ["all zero"]
    assert badges["log"] == ["1 Inf"]
    assert badges["divide 1"] == ["1 Inf"]
    assert badges["y"] == ["1 NaN", "1 Inf"]


def test_no_badge_where_nothing_is_odd(window: Window) -> None:
    trace = small_mlp()
    window.open(Player(trace))
    window.press("End")
    assert set(window.texts(".warning")) == {""}
    assert window.count(".badge") == 0
