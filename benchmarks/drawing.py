"""The time of ``viz.draw``: the graph as DOT, and as a picture where there is a Graphviz."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.serve import fresh

NODES = (50, 500, 5_000)
BLOCK_LAYERS = 12
BLOCK_NODES = (
    BLOCK_LAYERS * 4 - 1
)  # of an MLP: a linear operation, two parameters and a ReLU for each layer but the last


def draw(nodes: int) -> dict[str, float | int | None]:
    """Return the milliseconds to draw a row of MLPs with about so many nodes, as DOT and then as SVG."""
    import minigrad as mg
    from minigrad import nn, viz
    from minigrad.errors import MissingExtraError

    output = mg.ones((2, 4))
    for _ in range(round(nodes / BLOCK_NODES)):
        output = nn.MLP([4] * (BLOCK_LAYERS + 1))(output)
    output = output.sum()
    start = time.perf_counter()
    drawing = viz.draw(output)
    drawing.source  # noqa: B018
    times: list[float | None] = [(time.perf_counter() - start) * 1e3]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        try:
            drawing.save(Path(folder) / "graph.svg")
            times.append((time.perf_counter() - start) * 1e3)
        except MissingExtraError:
            times.append(None)
    return {"nodes": len(drawing.graph.nodes), "shown": len(drawing.shown.nodes), "dot": times[0], "svg": times[1]}


def one_round() -> list[dict[str, float | int | None]]:
    draw(NODES[0])
    return [draw(nodes) for nodes in NODES]


def measure(rounds: int, threads: int) -> list[dict[str, float | int | None]]:
    """Return for each size the number of nodes, and the medians of the times."""
    found = [fresh("benchmarks.drawing", threads=threads) for _ in range(rounds)]
    merged = []
    for runs in zip(*found, strict=True):
        svg = [run["svg"] for run in runs if run["svg"] is not None]
        times = {"dot": statistics.median(run["dot"] for run in runs), "svg": statistics.median(svg) if svg else None}
        merged.append({**runs[0], **times})
    return merged


if __name__ == "__main__":
    print(json.dumps(one_round()))
