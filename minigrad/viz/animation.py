"""An animation as one page: its pictures, a button and a slider, and nothing from the network."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.viz.browser.page import json_text
from minigrad.viz.render import as_path, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minigrad.viz.axes import Array

_DOTS_PER_INCH = 90

_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:0;padding:.5rem;background:#fff;color:#1b2733}"
    "#stage{position:relative;display:inline-block}img{display:block;max-width:100%}#frame{position:absolute;inset:0}"
    "#controls{display:flex;gap:.75rem;align-items:center;max-width:60rem;margin-top:.5rem}"
    "button{font:inherit;min-width:5rem;padding:.3rem .8rem}#position{flex:1}#caption{min-width:8rem}"
)
_SCRIPT = """
const data = JSON.parse(document.getElementById("data").textContent);
const [frame, play, position, caption] = ["frame", "play", "position", "caption"].map(
  id => document.getElementById(id));
const last = data.frames.length - 1;
let timer = null;
function show(index) {
  frame.src = "data:image/png;base64," + data.frames[index];
  position.value = index;
  caption.textContent = data.captions[index];
  position.setAttribute("aria-valuetext", data.captions[index]);
}
function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
}
function advance() {
  const index = Number(position.value) + 1;
  if (index <= last) show(index);
  if (index >= last) stop();
}
play.addEventListener("click", () => {
  if (timer !== null) return stop();
  if (Number(position.value) >= last) show(0);
  timer = setInterval(advance, 120);
  play.textContent = "Pause";
});
position.addEventListener("input", () => { stop(); show(Number(position.value)); });
position.max = last;
document.getElementById("ground").src = "data:image/png;base64," + data.ground;
show(0);
""".strip()


@dataclass(frozen=True, repr=False)
class TrajectoryAnimation:
    """Frames of growing paths, as a page with a button that plays them and a slider.

    Attributes:
        title: the page's title.
        steps: the step that each frame shows.
        ground: what stays, as a PNG file.
        frames: the paths up to each step, as PNG files with a transparent ground.

    >>> from minigrad import analysis, optim, viz
    >>> surface = analysis.surfaces.quadratic_bowl()
    >>> animation = viz.animate_trajectory([lambda p: optim.SGD(p, lr=0.1)], surface, steps=20, frames=3)
    >>> animation
    <TrajectoryAnimation of 3 frames: Optimizers on: quadratic bowl, condition 10>
    >>> "://" in animation.html
    False
    """

    title: str
    steps: tuple[int, ...]
    ground: bytes
    frames: tuple[bytes, ...]

    @classmethod
    def of(cls, figure: Figure, curves: Sequence[tuple[Any, Array]], steps: Sequence[int], *, title: str) -> Self:
        """Return the animation of a figure's lines, each with its points: up to one more step in each picture."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure.set_dpi(_DOTS_PER_INCH)
        canvas: Any = FigureCanvasAgg(figure)
        for line, _ in curves:
            line.set_animated(True)  # what stays is drawn once
        canvas.draw()
        ground, frames = _png(canvas), []
        for step in steps:
            canvas.get_renderer().clear()
            for line, points in curves:
                line.set_data(*points[: step + 1].T)
                line.axes.draw_artist(line)
            frames.append(_png(canvas))
        return cls(title, tuple(steps), ground, tuple(frames))

    @property
    def html(self) -> str:
        """The page, as text."""
        data = {
            "ground": base64.b64encode(self.ground).decode("ascii"),
            "frames": [base64.b64encode(frame).decode("ascii") for frame in self.frames],
            "captions": [f"step {step} of {self.steps[-1]}" for step in self.steps],
        }
        parts = {
            "TITLE": escape(self.title, quote=True),
            "POLICY": f"default-src 'none'; img-src data:; script-src {_hash(_SCRIPT)}; "
            f"style-src {_hash(_STYLE)}; base-uri 'none'; form-action 'none'",
            "STYLE": _STYLE,
            "DATA": json_text(data),
            "SCRIPT": _SCRIPT,
        }
        template = resources.files(__package__).joinpath("animation.html").read_text(encoding="utf-8")
        return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to an ``.html`` file and return its path; folders are made as needed.

        Raises:
            ArgumentError: when the suffix is another one.
            DtypeError: when it is no path.
        """
        path = as_path("save()", path)
        if path.suffix.lower() != ".html":
            raise ArgumentError(f"an animation is saved as an .html file, by the suffix; got {str(path)!r}")
        write(path, self.html.encode("utf-8"))
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html, quote=True)}" sandbox="allow-scripts" '
            f'title="{escape(self.title, quote=True)}" style="width: 100%; height: 480px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<TrajectoryAnimation of {len(self.frames)} frames: {self.title}>"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _png(canvas: Any) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).save(buffer, "png", optimize=True)
    return buffer.getvalue()
