"""What the terminal shows at a step: the graph on the left, the step on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from minigrad.viz.recording.replay import Replay, touched
from minigrad.viz.recording.snapshot import Snapshot
from minigrad.viz.recording.steps import Phase
from minigrad.viz.recording.trace import Trace
from minigrad.viz.terminal.state import Stepper
from minigrad.viz.terminal.text import facts, lines, place, rule
from minigrad.viz.text import number, printable, shorten

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

SIDE_BY_SIDE = 72  # columns from which on the graph and the step stand next to one another
STYLES: dict[Phase, str] = {"forward": "cyan", "seed": "yellow", "backward": "magenta", "update": "green"}

# where room is short: of which arrays the numbers are written out
RESULTS = ("contribution", "value", "after")
WRITTEN_OUT = {1: ("upstream g", "before", *RESULTS), 2: RESULTS, 3: RESULTS, 4: ()}

LEGEND = ("▶ acts", "◀ receives", "+ more will arrive", "● breakpoint", "‖norm‖ of an array")
HINTS = ("n next", "p back", "g go to", "f find", "b break", "c continue", "] phase", "q quit", "? help")

HELP = """\
n → space enter   the next step
p ←               the step before
] [               the next phase, the start of this one
Home End          the first step, the last step
g                 go to a step: type its number
f                 find a node: type a part of its name, and come
                  to the next step with it; f enter: once more
b                 set or remove a breakpoint: type a name;
                  b enter: at the node of this step
c                 continue to the next breakpoint
↓ ↑               all about the step, where room is short
q Esc             leave; Ctrl-C: stop the script as well

The list has what is known after this step, nothing later.
▶ it computes, sends or changes   ◀ it receives a gradient
+ contributions are still to come   ● it has a breakpoint
‖0.5‖ the norm of an array: the root of its sum of squares
L is the output, g = ∂L/∂out the gradient that has arrived"""


class Screen:
    """The whole screen at a step, for rich to print: as many lines as the terminal has, each as wide as it is.

    Attributes:
        most: how far the step can be scrolled, as found when it was last printed.
    """

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        self.trace = stepper.position.trace
        self.replay = Replay(self.trace)
        self.most = 0
        # constants stand in the operations that use them
        self.listed = [node.id for node in self.trace.graph.nodes if node.kind != "constant"]
        self.place = {id: row for row, id in enumerate(self.listed)}
        self.names = {id: _call(self.trace, id) for id in self.listed}
        self.longest = max(len(label) + len(rest) for label, rest in self.names.values())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        width, height = options.size
        made = self._lines(console, width, height)[:height]
        for line in made:
            line.truncate(width, overflow="ellipsis", pad=True)
        yield Text("\n", no_wrap=True, overflow="crop", end="").join(made)

    def _lines(self, console: Console, width: int, height: int) -> list[Text]:
        from rich.text import Text

        room = height - 5  # the header has two lines and a rule, the footer two lines
        if self.stepper.mode == "help":
            body = [_title("keys", width), *(Text(f" {line}") for line in HELP.splitlines()[: room + 1])]
        elif room < 4 or width < 24:  # nothing but the step
            return [*_padded(self._step(console, width, height - 1), height - 1), self._ask(width)]
        elif width >= SIDE_BY_SIDE:
            body = self._beside(console, width, room)
        else:
            above = min(len(self.listed) + 1, room // 3) if room > 10 else 0
            body = [_title("graph", width), *_padded(self._graph(width, above), above)] if above else []
            step = self._step(console, width - 2, room - len(body))
            body += [_title("this step", width), *(Text(" ") + line for line in step)]
        return [self._where(width), self._bar(width), *_padded(body, room + 1), self._ask(width), _hints(HINTS, width)]

    def _beside(self, console: Console, width: int, room: int) -> list[Text]:
        from rich.text import Text

        left = min(max(self.longest + 30, 34), width * 49 // 100)
        right = width - left - 3
        graph = _padded(self._graph(left, room), room)
        step = _padded(self._step(console, right, room), room)
        for line in graph:
            line.truncate(left, overflow="ellipsis", pad=True)
        title = _title("graph", left + 1) + Text("┬", "dim") + _title("this step", right + 1)
        return [title, *(one + Text(" │ ", "dim") + other for one, other in zip(graph, step, strict=True))]

    def _where(self, width: int) -> Text:
        """Say which step of how many this is."""
        from rich.text import Text

        position = self.stepper.position
        phase, start, stop = position.stretch
        line = Text(f" step {position.index + 1:,} of {len(self.trace):,}", "bold")
        line.append(f"   {phase} {position.index - start + 1:,} of {stop - start:,}", STYLES[phase])
        stops = [self.trace.labels[node] for node in position.breakpoints]
        note = f"● {stops[0]}" if len(stops) == 1 else f"● {len(stops)} breakpoints" if stops else ""
        free = width - line.cell_len - len(note) - 1
        return line.append(" " * free + note) if note and free > 2 else line

    def _bar(self, width: int) -> Text:
        """Show how far along one is: a bar for each phase."""
        from rich.text import Text

        position = self.stepper.position
        here = position.stretch
        names = [("▶" if stretch == here else "") + stretch.phase for stretch in position.stretches]
        cells = width - 1 - sum(len(name) + 3 for name in names)
        if cells < 2 * len(names):  # no room for names
            names, cells = ["▶" if stretch == here else "" for stretch in position.stretches], width - 16
        line = Text(" ")
        for name, (phase, start, stop) in zip(names, position.stretches, strict=True):
            size = max(2, cells * (stop - start) // len(self.trace))
            done = min(max(position.index + 1 - start, 0), stop - start)
            full = -(-size * done // (stop - start))  # rounded up: one step done is seen
            line.append(f"{name} ", "bold" if phase == here.phase else "")
            line.append("█" * full + "░" * (size - full), STYLES[phase]).append("  ")
        return line

    def _graph(self, width: int, rows: int) -> list[Text]:
        """Return the list of nodes, scrolled to those that the step touches, with what is known of each."""
        from rich.text import Text

        step = self.stepper.position.step
        numbers = min(24, max(9, (width - 5) // 4))
        head = f"   {'node'.ljust(width - 2 * numbers - 4)}{'value'.rjust(numbers - 1)}{'gradient'.rjust(numbers)}"
        made = [Text(head, "dim")] if rows > 3 else []
        marked = [self.place[node] for node in touched(step)]
        for row in visible(len(self.listed), rows - len(made), marked):
            made.append(Text("   ⋮", "dim") if row is None else self._node(self.listed[row], width, numbers))
        return made

    def _node(self, id: str, width: int, numbers: int) -> Text:
        from rich.text import Text

        index, step = self.stepper.position.index, self.stepper.position.step
        role = "▶" if id == step.node else "◀" if id in touched(step) else " "
        stop = "●" if id in self.stepper.position.breakpoints else " "
        label, rest = self.names[id]
        name = Text(label).append(rest, "dim")
        name.truncate(width - 2 * numbers - 4, overflow="ellipsis", pad=True)
        value, gradient = self.replay.value(id, index), self.replay.gradient(id, index)
        arrived, due = self.replay.arrived(id, index)
        line = Text(f"{role}{stop} ").append_text(name)
        line.append(_cell(value, numbers - 2, _shape).rjust(numbers - 1))
        line.append(_cell(gradient, numbers - 1, _norm).rjust(numbers))
        line.append(" +" if 0 < arrived < due else "  ")
        if role != " ":
            line.stylize(f"bold {STYLES[step.phase]}")
        return line

    def _step(self, console: Console, width: int, rows: int) -> list[Text]:
        """Return what there is to say of the step: all of it if there is room, else the most important."""
        from rich.text import Text

        full = self._said(console, width, 0)
        self.most = 0
        if len(full) <= rows:
            return full
        self.most = len(full) - rows + 2
        if self.stepper.scroll:
            first = min(self.stepper.scroll, self.most) - 1
            shown = full[first : first + rows - 1]
            return [*shown, Text(f"↑ ↓  lines {first + 1} to {first + len(shown)} of {len(full)}", "dim")]
        shorter = (self._said(console, width, level) for level in (1, 2, 3, 4))
        short = next((said for said in shorter if len(said) < rows), self._said(console, width, 4))
        return [*_padded(short[: rows - 1], rows - 1), Text("↓  every line and number", "dim")]

    def _said(self, console: Console, width: int, level: int) -> list[Text]:
        """Return the step in words, formulas and numbers.

        Args:
            console: for which it is wrapped.
            width: how long a line may be.
            level: 0 for everything; 1 for the start of a long rule, and the numbers of the upstream and the result;
                2 for those of the result; 3 for no long rule, no line of the script and no blank lines; 4 for no
                array's numbers.
        """
        from rich.text import Text

        index = self.stepper.position.index
        step = self.trace.steps[index]
        mathematics, source = rule(self.trace, step)
        made = [Text(self.trace.sentence(index), "bold"), *([Text("")] if level < 3 else [])]
        if mathematics and level:
            mathematics = mathematics.partition(";")[0]
        if mathematics:
            made.append(Text.assemble(("mathematics: ", "bold"), mathematics))
        said = [line for text in made for line in text.wrap(console, width, overflow="fold")]
        code = list(_highlighted(source).wrap(console, width, overflow="fold")) if source else []
        if level and len(code) > 4:
            code = [*code[:3], Text("...", "dim")] if level < 3 else []
        said += code
        if (code or mathematics) and level < 3:
            said.append(Text(""))
        for fact in facts(self.trace, self.replay, index):
            if fact.label == "receiver" and level > 2:
                continue
            brief = level > 0 and fact.label not in WRITTEN_OUT[level]
            for row, line in enumerate(lines(fact, width, brief=brief)):
                text = Text(line)
                if row == 0:
                    text.stylize("bold", 0, len(fact.label) + 1)
                said += text.wrap(console, width, overflow="fold")
        where = place(self.trace, step)
        if where and level < 3:
            said += [Text(""), *Text(where, "dim").wrap(console, width, overflow="fold")]
        return said

    def _ask(self, width: int) -> Text:
        """Return the line for questions, their answers and remarks; it explains the marks where there are none."""
        from rich.text import Text

        if self.stepper.question:
            question = Text(shorten(f" {self.stepper.question}", max(width - 12, 1)) + " ", "bold")
            typed = Text(printable(self.stepper.typed))
            while typed and question.cell_len + typed.cell_len >= width:
                typed = typed[1:]  # the end is where one types
            return question.append_text(typed).append("_", "blink")
        if self.stepper.remark:
            return Text(f" {printable(self.stepper.remark)}", "bold")
        if self.stepper.mode == "help":
            return Text(" any key goes back to the step", "bold")
        known = list(LEGEND)
        while known and len("   ".join(known)) > width - 2:
            known.pop()
        return Text(" " + "   ".join(known), "dim")


def visible(count: int, rows: int, marked: Sequence[int]) -> list[int | None]:
    """Return which of so many lines to show in so many rows, the marked ones among them; None stands for a gap.

    >>> visible(4, 5, [1]), visible(100, 5, [50]), visible(100, 5, [3, 90])
    ([0, 1, 2, 3], [48, 49, 50, 51, 52], [2, 3, None, 90, 91])
    """
    if count <= rows or rows < 1:
        return list(range(min(count, max(rows, 0))))
    low, high = min(marked), max(marked)
    if high - low < rows:
        start = min(max((low + high - rows + 1) // 2, 0), count - rows)
        return list(range(start, start + rows))
    if rows < 3:
        return [marked[0]]
    above = (rows - 1) // 2
    below = rows - 1 - above
    first = min(max(low - above // 2, 0), low)
    last = min(max(high - (below - 1) // 2, 0), count - below)
    return [*range(first, first + above), None, *range(last, last + below)]


def _call(trace: Trace, id: str) -> tuple[str, str]:
    """Return what a node is called, and what it is computed from."""
    node, label = trace.graph.index[id], trace.labels[id]
    arguments = ", ".join(trace.labels[edge.source] for edge in trace.graph.arguments[id])
    if not node.operation:
        return label, ""
    return label, f" = {printable(node.operation)}({arguments})" if node.name else f" ({arguments})"


def _cell(snapshot: Snapshot | None, width: int, otherwise: Callable[[Snapshot, int], str]) -> str:
    """Return an array in at most ``width`` characters: its numbers if they fit."""
    if snapshot is None:
        return ""
    array = snapshot.array
    if array is not None and array.size == 1:
        return next((text for digits in (4, 3, 2, 1) if len(text := number(array.item(), digits)) <= width), "...")
    if array is not None and array.ndim == 1 and 0 < array.size <= 8:
        for digits in (4, 3):
            text = f"[{', '.join(number(value, digits) for value in array.tolist())}]"
            if len(text) <= width:
                return text
    text = otherwise(snapshot, width)
    return text if len(text) <= width else text[: width - 1] + "…"


def _shape(snapshot: Snapshot, width: int) -> str:
    text = str(snapshot.shape)
    return text if len(text) <= width else "×".join(map(str, snapshot.shape))


def _norm(snapshot: Snapshot, width: int) -> str:
    summary = snapshot.summary
    if summary.not_a_number:
        return f"{summary.not_a_number:,} NaN"
    if summary.infinite:
        return f"{summary.infinite:,} inf"
    if summary.norm is None:
        return "empty"
    text = f"‖{number(summary.norm, 2)}‖"
    return text if len(text) <= width else f"‖{number(summary.norm, 1)}‖"


def _highlighted(source: str) -> Text:
    from rich.syntax import Syntax
    from rich.text import Text

    text = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(source)
    text.rstrip()
    return Text.assemble(("rule:", "bold"), "\n" if "\n" in source else " ", text)


def _title(title: str, width: int) -> Text:
    from rich.text import Text

    return Text("─ ", "dim").append(title, "not dim bold").append(" " + "─" * max(width - len(title) - 3, 0))


def _hints(hints: Iterable[str], width: int) -> Text:
    """Return as many of the keys as fit, and the last in any case."""
    from rich.text import Text

    *some, last = hints
    while some and sum(len(hint) + 2 for hint in some) + len(last) + 1 > width:
        some.pop(-2 if len(some) > 1 else -1)
    line = Text(" ")
    for hint in (*some, last):
        key, _, meaning = hint.partition(" ")
        line.append(key, "bold reverse").append(f" {meaning}  ", "dim")
    return line


def _padded(texts: list[Text], rows: int) -> list[Text]:
    from rich.text import Text

    return [*texts[:rows], *(Text("") for _ in range(rows - len(texts)))]
