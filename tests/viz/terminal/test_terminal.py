"""The keys, and the screen at a step."""

import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from minigrad import viz
from minigrad.viz.recording.replay import touched
from minigrad.viz.terminal.keys import decode
from minigrad.viz.terminal.state import Stepper
from minigrad.viz.terminal.view import Screen, visible
from tests.viz.terminal.terminals import draw, leaf, network, parabola, press, text_of

SIZES = [(80, 24), (120, 40), (60, 20), (200, 50), (30, 10), (24, 9), (10, 4), (2, 2), (1, 1)]


@pytest.fixture(scope="module")
def small():
    return parabola()


@pytest.fixture(scope="module")
def mlp():
    return network()


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        ([], 0),
        (["n", "right", " ", "enter"], 4),
        (["n", "n", "p"], 1),
        (["N", "N", "left"], 1),
        (["]"], 2),
        (["]", "]", "n", "["], 3),
        (["end"], 6),
        (["end", "home"], 0),
        (["g", "5", "enter"], 4),
        (["g", "9", "backspace", "5", "enter"], 4),
        (["g", "5", "escape"], 0),
        (["g", "9", "9", "clear", "3", "enter"], 2),
        (["f", "x", "enter"], 4),
        (["f", "x", "enter", "f", "enter"], 5),
        (["b", "x", "enter", "c"], 4),
        (["n", "b", "enter", "n", "n", "c"], 4),
        (["c"], 6),
        (["?", "n", "n"], 1),
    ],
)
def test_keys(small, keys, index):
    assert press(small, *keys).position.index == index


@pytest.mark.parametrize("key", ["q", "Q", "escape", "end of input"])
def test_keys_that_leave(small, key):
    assert not Stepper(small).press(key)


def test_escape_leaves_a_question_and_the_help_first(small):
    for keys in (["g"], ["f", "q"], ["b"], ["?"]):
        stepper = press(small, *keys, "escape")
        assert not stepper.mode
        assert not stepper.press("escape")


def test_a_key_that_is_no_character_is_no_part_of_an_answer(small):
    assert press(small, "g", "1", "up", "page down", "2").typed == "12"


def test_an_unknown_key_says_so_and_a_nameless_one_nothing(small):
    assert press(small, "z").remark == "The key z does nothing; ? shows those that do."
    assert press(small, "redraw").remark == ""
    assert press(small, "z", "n").remark == ""


def test_sequences_are_decoded_to_keys():
    def keys(text, count):
        characters = iter(text)
        return [decode(lambda seconds: next(characters, ""), 0) for _ in range(count)]

    assert keys("\x1b[C\x1bOD\x1b[A\x1b[B", 4) == ["right", "left", "up", "down"]
    assert keys("\x1b[H\x1b[F\x1bOH\x1bOF\x1b[1~\x1b[4~", 6) == ["home", "end"] * 3
    assert keys("\x1b[5~\x1b[6~", 2) == ["page up", "page down"]
    assert keys("n\r\n \x7f\x03\x1a", 7) == ["n", "enter", "enter", " ", "backspace", "interrupt", "suspend"]
    assert keys("\x1b", 2) == ["escape", ""]
    assert keys("é中", 2) == ["é", "中"]
    # sequences and characters without a meaning do nothing, to their end
    assert keys("\x1b[1;5Cn", 2) == ["", "n"]
    assert keys("\x1b[200~n", 2) == ["", "n"]
    assert keys("\x1bxn", 2) == ["", "n"]
    assert keys("\x00n", 2) == ["", "n"]
    assert keys("\x1b[" + "1" * 40, 1) == [""]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_screen_is_as_large_as_the_terminal_at_every_step(small, mlp, width, height):
    for trace in (small, mlp):
        stepper = Stepper(trace)
        for _ in trace.steps:
            lines = draw(stepper, width, height).split("\n")
            assert len(lines) <= height
            assert all(cell_len(line) <= width for line in lines)
            stepper.press("n")
        for keys in (["?"], ["g", *"1234567890" * 5], ["f"], ["b", *"中文" * 50], ["z"]):
            lines = draw(press(trace, *keys), width, height).split("\n")
            assert len(lines) <= height
            assert all(cell_len(line) <= width for line in lines)


def test_the_screen_of_a_step(small):
    lines = [line.rstrip() for line in draw(press(small, "g", "6", "enter")).split("\n")]
    assert lines[0] == " step 6 of 7   backward 3 of 4"
    assert re.fullmatch(r" forward █+  seed █+  ▶backward █+░+", lines[1])
    left, right = zip(*(line.split("│") for line in lines[3:14]), strict=True)
    assert [line.split() for line in left[:5]] == [
        ["node", "value", "gradient"],
        ["◀", "x", "2", "3", "+"],
        ["▶", "multiply", "(x,", "x)", "4", "1"],
        ["add", "(multiply,", "x)", "6", "1"],
        [],
    ]
    said = [line.strip() for line in right if line.strip()]
    assert said[0] == "multiply sends 2 to x: 1 + 2 = 3."
    assert said[1] == "mathematics: ∂L/∂x = g · y"
    assert said[2].startswith("rule: lambda g, y: g * y")
    assert said[3:7] == ["upstream g: [1.0]", "y, here x: [2.0]", "contribution: [2.0]", "grad: [1.0] + [2.0] -> [3.0]"]
    assert re.fullmatch(r"terminals\.py line \d+: y = x \* x \+ x", said[7])
    assert "n next" in lines[-1]


def test_the_list_shows_nothing_before_it_is_known(small):
    first = draw(Stepper(small))
    assert re.search(r"multiply \(x, x\) +4 ", first)
    assert re.search(r"add \(multiply, x\) +│", first)
    assert re.search(r"  x +2 +│", first)
    assert re.search(r"◀  x +2 +1 \+ │", draw(press(small, "g", "5", "enter")))
    assert re.search(r"◀  x +2 +5   │", draw(press(small, "end")))


def test_breakpoints_remarks_and_questions_are_on_the_screen(small):
    screen = draw(press(small, "b", "x", "enter"))
    assert re.search(r" ● x +2", screen)
    assert screen.split("\n")[0].rstrip().endswith("● x")
    assert "A breakpoint is at x: c goes on to it." in screen
    assert "Go to step (1 to 7): 12_" in draw(press(small, "g", "1", "2"))
    assert "● 2 breakpoints" in draw(press(small, "b", "x", "enter", "b", "enter"))
    assert "c                 continue to the next breakpoint" in draw(press(small, "?"))
    assert "There is no step 9: they go from 1 to 7." in draw(press(small, "g", "9", "enter"))


def test_a_small_array_is_written_out_and_a_large_one_is_not(mlp):
    assert "-0.125   0.0     0.0" in draw(press(mlp, "g", "7", "enter"), 120, 40)
    big = leaf(np.arange(27.0).reshape(3, 9), "big")
    screen = draw(press(viz.trace((big * 2.0).sum()), "end"), 120, 40)
    assert "contribution: (3, 9) float64, all 2, norm 10.4" in screen
    assert "‖10‖" in screen


def test_what_does_not_fit_is_shortened_and_can_be_scrolled(mlp):
    stepper = press(mlp, "g", "1", "0", "enter")
    console = Console(width=80, height=24, file=io.StringIO())
    screen = Screen(stepper)
    console.print(screen)
    assert screen.most > 0
    assert "def _linear" not in draw(stepper)
    assert "↓  every line and number" in draw(stepper)
    seen = ""
    for _ in range(screen.most):
        stepper.press("down")
        seen += draw(stepper)
    assert "def _linear" in seen
    assert "grad: none yet + (3, 4) -> (3, 4)" in seen
    assert f"of {screen.most + 17}" in seen
    stepper.press("n")
    assert stepper.scroll == 0


def test_the_active_nodes_are_always_visible():
    x = h = leaf(1.0, "start")
    for _ in range(200):
        h = h * x
    trace = viz.trace(h)
    for size in ((80, 24), (60, 20)):
        for index in range(0, len(trace), 37):
            stepper = press(trace, "g", *str(index + 1), "enter")
            lines = draw(stepper, *size).split("\n")
            step = trace.steps[index]
            for mark, id in zip("▶◀", touched(step), strict=False):
                assert any(line.startswith(f"{mark}  {trace.labels[id]} ") for line in lines), (size, index)


def test_visible_rows_fill_the_room_and_hold_what_is_marked():
    for count in (1, 5, 12, 100):
        for rows in (3, 4, 7, 20):
            for low in range(0, count, 7):
                for high in range(low, count, 11):
                    shown = visible(count, rows, [high, low])
                    numbers = [row for row in shown if row is not None]
                    assert len(shown) == min(rows, count)
                    assert {low, high} <= set(numbers)
                    assert numbers == sorted(set(numbers))
                    assert 0 <= numbers[0] <= numbers[-1] < count
    assert visible(9, 0, [3]) == []
    assert visible(9, 1, [3, 8]) == [3]


def test_constants_are_in_the_operations_and_not_in_the_list():
    screen = draw(Stepper(viz.trace(leaf(2.0, "x") * 3.0)))
    assert "multiply (x, 3)" in screen
    assert not re.search(r"^ +3 ", screen, re.MULTILINE)


def test_infinite_and_empty_arrays_are_seen():
    many, none = leaf(np.full(90, np.inf), "many"), leaf(np.zeros((0, 3)), "none")
    screen = draw(press(viz.trace((many * many).sum() + (none + 1.0).sum()), "end"), 120, 40)
    assert re.search(r"many .*90 inf", screen)
    assert re.search(r"none .*empty", screen)


def test_what_is_not_finite_is_seen_where_there_is_no_room_for_the_numbers():
    x, y = (leaf(np.where(np.eye(4) > 0, special, 0.5), name) for special, name in ((np.nan, "x"), (np.inf, "y")))
    screen = draw(Stepper(viz.trace((x @ y).sum())))
    assert "x: (4, 4) max 0.5, NaN 4 " in screen
    assert "y: (4, 4) max 0.5, infinite 4 " in screen


def test_not_a_number_is_seen():
    x = leaf([1.0, np.nan], "x")
    with np.errstate(all="ignore"):
        trace = viz.trace((x * x).sum())
    text = text_of(trace)
    assert "[1.0, nan]" in text
    many = leaf(np.where(np.arange(90.0) > 3, np.inf, np.nan), "many")
    assert "4 NaN" in draw(press(viz.trace((many * many).sum()), "end"), 120, 40)


HOSTILE = [
    "[red]x[/red]",
    "[/]",
    "\x1b[31mred\x1b[2J",
    "two\nlines\r\n\t",
    "中文名字" * 12,
    "שלום",
    "\x00\x07\x9b",
    "\ud800 alone",
    "👩\u200d👩\u200d👧",
    "a\u202eback",
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_are_plain_text(name):
    x = leaf([2.0, 3.0], name)
    trace = viz.trace((x * x).sum())
    outputs = [text_of(trace)]
    for width, height in ((80, 24), (60, 20)):
        stepper = press(trace, "f", *[character for character in name if len(character) == 1], "enter")
        for _ in range(len(trace)):
            lines = draw(stepper, width, height).split("\n")
            assert len(lines) == height
            assert {cell_len(line) for line in lines} == {width}
            outputs += lines
            stepper.press("n")
    for output in outputs:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", output)
    if name.startswith("["):
        assert name in outputs[0]


def test_without_colour_everything_is_still_there(small, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    console = Console(width=80, height=24, file=stream, force_terminal=True)
    console.print(Screen(press(small, "g", "6", "enter")), end="")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", stream.getvalue())
    assert "◀" in stream.getvalue()
