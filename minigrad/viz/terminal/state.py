"""Where the reader of a trace is in the terminal, and what the keys do."""

from __future__ import annotations

from minigrad.viz.recording.replay import Position
from minigrad.viz.recording.trace import Trace


class Stepper:
    """What the keys do.

    Attributes:
        position: the step that is shown.
        mode: what is asked for, ``"go"``, ``"find"`` or ``"break"``; ``"help"``; or empty.
        typed: the answer so far.
        remark: what there is to say about the last key.
        scroll: how far the text of the step is scrolled.
    """

    def __init__(self, trace: Trace) -> None:
        self.position = Position(trace)
        self.mode = self.typed = self.remark = ""
        self.scroll = 0
        move = self.position
        self._moves = {
            **dict.fromkeys(("n", "right", " ", "enter"), move.next),
            **dict.fromkeys(("p", "left", "backspace"), move.previous),
            "]": move.next_phase,
            "[": move.previous_phase,
            "home": move.first,
            "end": move.last,
            "c": move.run_on,
        }
        self._answers = {"go": move.go, "find": move.find, "break": move.toggle}

    @property
    def question(self) -> str:
        """What is asked; empty if nothing is."""
        position = self.position
        match self.mode:
            case "go":
                return f"Go to step (1 to {len(position.trace):,}):"
            case "find":
                again = f" (enter: {position.sought} again)" if position.sought else ""
                return f"Find a node whose name contains{again}:"
            case "break":
                return f"Breakpoint at the node (enter: {position.trace.labels[position.step.node]}):"
            case _:
                return ""

    def press(self, key: str) -> bool:
        """Do what a key stands for, and return whether to go on."""
        self.remark = ""
        if self.mode == "help":
            self.mode = ""
        elif self.mode:
            self._type(key)
        elif key in ("q", "Q", "escape", "end of input"):
            return False
        else:
            self._do(key.lower() if len(key) == 1 else key)
        return True

    def _do(self, key: str) -> None:
        asked = {"g": "go", "f": "find", "b": "break", "?": "help", "h": "help"}
        rows = {"down": 1, "up": -1, "page down": 10, "page up": -10}
        if key in self._moves:
            self.remark = self._moves[key]()
            self.scroll = 0
        elif key in asked:
            self.mode, self.typed = asked[key], ""
        elif key in rows:
            self.scroll = max(self.scroll + rows[key], 0)
        elif len(key) == 1:
            self.remark = f"The key {key} does nothing; ? shows those that do."

    def _type(self, key: str) -> None:
        if key == "enter":
            answer, self.mode = self._answers[self.mode], ""
            self.remark = answer(self.typed.strip())
            self.scroll = 0
        elif key in ("escape", "end of input"):
            self.mode = ""
        elif key == "backspace":
            self.typed = self.typed[:-1]
        elif key == "clear":
            self.typed = ""
        elif len(key) == 1:
            self.typed += key
