"""Names and numbers as text that is safe to show anywhere."""

from __future__ import annotations

from typing import Any

from minigrad.viz.graph import GraphNode
from minigrad.viz.summary import Summary

# Joiners are part of how Persian words and emoji are written; nothing else invisible is let through.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    r"""Return the text on one line, with characters that cannot be seen written as escapes.

    >>> print(printable("two\nlines, a\u202ebackwards"))
    two\nlines, a\u202ebackwards
    """
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character.isspace() and character > "\x7f" else character.encode("unicode_escape").decode("ascii")


def shorten(text: str, length: int) -> str:
    """Return the text, its end replaced by an ellipsis where it is longer than ``length``."""
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: Any, digits: int = 4) -> str:
    """Return a number in few characters.

    >>> number(3.0), number(-0.0001234567), number(1234567), number(True)
    ('3', '-0.0001235', '1234567', 'True')
    """
    if isinstance(value, float):
        return f"{value + 0.0:.{digits}g}"  # -0.0 reads 0
    return str(value)


def shape(dimensions: tuple[int, ...]) -> str:
    """Return a shape as NumPy writes it; no axes are a scalar."""
    return str(dimensions) if dimensions else "scalar"


def options(node: GraphNode) -> str:
    """Return an operation's options as they are written in a call: ``axis=1, keepdims=True``."""
    return printable(", ".join(f"{name}={value}" for name, value in node.options.items()))


def counts(node: GraphNode) -> str:
    """Return what is inside of a folded module: ``3 operations · 650 parameters``."""
    parts = [f"{node.operations:,} operation{'s' * (node.operations != 1)}"]
    if node.parameters:
        parts.append(f"{node.parameters:,} parameter{'s' * (node.parameters != 1)}")
    return " · ".join(parts)


def ordinal(number: int) -> str:
    """Return a place in a row.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 22, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd', '113th']
    """
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def heading(node: GraphNode) -> str:
    """Return what a node is called: its name, else its operation, else its number, else its kind."""
    if node.name:
        times = f" ×{node.repeats:,}" if node.repeats > 1 else ""
        return shorten(printable(node.name), 60) + times
    if node.operation:
        return printable(node.operation)
    if node.kind == "constant" and node.value is not None and node.value.numbers is not None:
        return number(node.value.numbers.item(), 6)
    return node.kind


def rows(summary: Summary) -> list[list[str]]:
    """Return the elements of a tiny array, row by row: at most 4 rows, 12 in all, 5 in a row; else nothing."""
    array = summary.numbers
    if array is None or array.ndim > 2 or not 0 < array.size <= 12:
        return []
    if (array.ndim and array.shape[-1] > 5) or (array.ndim == 2 and array.shape[0] > 4):
        return []
    table = array.reshape(1, -1) if array.ndim < 2 else array
    return [[number(element, 6 if array.size == 1 else 4) for element in row] for row in table.tolist()]


def statistics(summary: Summary) -> list[tuple[str, str]]:
    """Return the pairs to show of a larger array: its least, mean and greatest element, and what is not finite."""
    pairs = []
    if summary.minimum is not None and summary.mean is not None and summary.maximum is not None:
        if summary.minimum == summary.maximum and not summary.not_a_number and not summary.infinite:
            return [("all", number(summary.minimum, 3))]
        pairs = [
            ("min", number(summary.minimum, 3)),
            ("mean", number(summary.mean, 3)),
            ("max", number(summary.maximum, 3)),
        ]
    if summary.not_a_number:
        pairs.append(("NaN", f"{summary.not_a_number:,}"))
    if summary.infinite:
        pairs.append(("infinite", f"{summary.infinite:,}"))
    return pairs or [("", "empty")]


def brief(summary: Summary) -> str:
    """Return an array on one line.

    >>> from minigrad.viz.summary import summarise
    >>> brief(summarise([[1.0, 2.0], [3.0, 4.0]])), brief(summarise(range(9)))
    ('[1, 2; 3, 4]', 'min 0, mean 4, max 8')
    """
    table = rows(summary)
    if table:
        line = "; ".join(", ".join(row) for row in table)
        return line if summary.numbers is not None and summary.numbers.ndim == 0 else f"[{line}]"
    return ", ".join(f"{label} {value}".strip() for label, value in statistics(summary))
