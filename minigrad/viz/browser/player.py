"""``player``: a backward pass as a page that steps through it in the browser."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, MissingExtraError, RenderError
from minigrad.optim.optimizer import Optimizer
from minigrad.viz.browser.page import framed, page
from minigrad.viz.browser.payload import Payload
from minigrad.viz.drawing import Drawing
from minigrad.viz.folding.modules import fold
from minigrad.viz.recording.recorder import trace
from minigrad.viz.recording.trace import Trace
from minigrad.viz.render import as_path, render, write
from minigrad.viz.text import printable

FRAME = 680  # the height of the player in a notebook, in pixels


class Player:
    """A page that plays a trace. Shows itself in a notebook; ``save`` writes it.

    Attributes:
        trace: what is played.
        title: the heading of the page.
    """

    def __init__(self, trace: Trace, title: str | None = None) -> None:
        if not isinstance(trace, Trace):
            raise DtypeError(f"Player plays a trace, such as viz.trace(loss); got {type(trace).__name__}")
        if title is not None and not isinstance(title, str):
            raise DtypeError(f"title must be a string, got {type(title).__name__}")
        self.trace = trace
        self.title = printable(title or f"Backpropagation from {trace.labels[trace.graph.output]}")

    @cached_property
    def html(self) -> str:
        """The page: one file that needs no other; the same trace gives the same text.

        Raises:
            MissingExtraError: when no Graphviz is installed to lay the graph out.
            RenderError: when Graphviz failed.
        """
        return page(Payload(self.trace, self.title).data())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to an ``.html`` file and return its path; folders are made as needed.

        Raises:
            ArgumentError: when the suffix is another one.
            DtypeError: when it is no path.
            MissingExtraError: when no Graphviz is installed.
            RenderError: when Graphviz failed.
        """
        path = as_path("save()", path)
        if path.suffix.lower() != ".html":
            raise ArgumentError(f"a player is saved as an .html file, by the suffix; got {str(path)!r}")
        write(path, self.html.encode("utf-8"))
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        drawing = Drawing(self.trace.graph, fold(self.trace.graph, "auto"), "LR", self.title)
        text = f"{self!r}\n{self.trace}"
        try:
            svg = render(drawing.source, "svg").decode("utf-8")
            html = self.html
        except (MissingExtraError, RenderError) as problem:
            return {"text/plain": f"{text}\n({problem})"}
        return {"text/html": framed(html, FRAME), "image/svg+xml": svg[svg.index("<svg") :], "text/plain": text}

    def __repr__(self) -> str:
        return f"<Player of {len(self.trace.steps)} steps over {len(self.trace.graph.nodes)} nodes>"


def player(
    output: Tensor, *, optimizer: Optimizer | None = None, gradient: Any = None, title: str | None = None
) -> Player:
    """Return a page that steps through the forward and the backward pass of a tensor in the browser.

    The backward pass is the walk that ``backward()`` runs; here it changes no ``.grad`` and releases
    nothing. An optimizer's update is computed on a copy, as after ``zero_grad()`` and ``backward()``.

    Args:
        output: the tensor to differentiate, such as a loss.
        optimizer: whose ``step()`` to show after the backward pass.
        gradient: the gradient to start from, in the output's shape; 1 everywhere by default.
        title: the heading of the page.

    Raises:
        GraphError: when the tensor depends on nothing that requires a gradient, or its graph was released.
        ArgumentError: when the optimizer has no parameter that the output depends on, or cannot be copied.
        DtypeError: when an argument is of the wrong kind.

    >>> import minigrad as mg
    >>> from minigrad import viz
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> viz.player(x * x)
    <Player of 4 steps over 2 nodes>
    """
    return Player(trace(output, gradient=gradient, optimizer=optimizer), title)
