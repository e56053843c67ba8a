"""The page of ``x * x + x``, kept in the repository, so that every change of it is seen.

Run after a change that is meant: python -m tests.viz.browser.golden
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from minigrad.viz.browser.player import Player
from tests.viz.browser.traces import x_times_x_plus_x

PAGE = Path(__file__).parents[2] / "golden" / "player_x_times_x_plus_x.html"
VERSION = PAGE.with_suffix(".graphviz")
COMMAND = "python -m tests.viz.browser.golden"


def page() -> str:
    return Player(x_times_x_plus_x(), "x * x + x").html


def graphviz() -> str:
    """Return which Graphviz lays graphs out here: two of them may place a box differently."""
    program = shutil.which("dot")
    if program is None:
        return f"pygraphviz {metadata.version('pygraphviz')}"
    said = subprocess.run([program, "-V"], capture_output=True, text=True, check=True)
    return (said.stderr or said.stdout).strip()


def without_positions(html: str) -> tuple[str, Any]:
    """Return a page without its data, and the data without where things stand."""
    before, text, after = re.split('(?<=id="data">)(.*?)(?=</script>)', html, maxsplit=1, flags=re.S)
    data = json.loads(text)
    for view in data["views"]:
        del view["size"], view["groups"]
        view["boxes"] = [box[2:] for box in view["boxes"]]
        view["edges"] = [edge[:3] for edge in view["edges"]]
    return before + after, data


if __name__ == "__main__":
    PAGE.write_bytes(page().encode("utf-8"))
    VERSION.write_text(f"{graphviz()}\n", encoding="utf-8")
    print(PAGE)
