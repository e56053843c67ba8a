"""What is written into a page: arrays packed right, small enough, and the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.errors import ArgumentError, DtypeError, GraphError, MissingExtraError
from minigrad.viz import render
from minigrad.viz.browser import page
from minigrad.viz.browser.arrays import ArrayTable, packed
from minigrad.viz.browser.payload import Payload
from minigrad.viz.browser.player import Player, player
from minigrad.viz.layout import placement as layout
from minigrad.viz.recording.snapshot import Snapshot
from tests.viz.browser import golden
from tests.viz.browser.traces import OTHERS, digits_mlp, small_mlp, troubled, x_times_x_plus_x

FOLDER = Path(page.__file__).parent
GREATEST = np.finfo(np.float64).max


def pack(array: Any, *, signed: bool = False, cells: int = 16) -> list[Any]:
    return packed(Snapshot.of(array), signed=signed, cells=cells)


def unpack(text: str) -> bytes:
    """Read what ``arrays`` writes: base 85 without the characters that HTML has a use for."""
    return base64.b85decode(text.translate(str.maketrans(".,/", "&<>")))


def levels(row: list[Any]) -> Any:
    rows, columns, _, _, text = row[5]
    return np.frombuffer(unpack(text), np.uint8).reshape(rows, columns).astype(int)


# --- arrays


@pytest.mark.parametrize(
    "array", [np.float32([[1.5, -2], [0, 3]]), np.arange(8), np.ones((8, 8)) / 3, *OTHERS, np.float16(7)]
)
def test_a_small_array_is_packed_bit_for_bit(array: Any) -> None:
    array = np.asarray(array)
    shape, dtype, text = pack(array)
    assert tuple(shape) == array.shape
    read = np.frombuffer(unpack(text), dtype if dtype != "b1" else "?").reshape(shape)
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)
    assert not set(text) & set("<>&\"'\\")


@pytest.mark.parametrize(
    ("shape", "exact"), [((), 1), ((64,), 1), ((65,), 0), ((8, 8), 1), ((9, 8), 0), ((2, 9), 0), ((2, 4, 8), 1)]
)
def test_what_is_larger_than_8_by_8_is_packed_as_statistics(shape: tuple[int, ...], exact: int) -> None:
    row = pack(np.ones(shape))
    assert len(row) == (3 if exact else 7)
    assert (row[2] != "") is bool(exact)


def test_statistics_are_those_of_the_finite_elements() -> None:
    array = np.arange(100.0)
    array[3], array[4], array[5] = np.nan, np.inf, -np.inf
    finite = array[np.isfinite(array)]
    _, _, _, statistics, odd, _, _ = pack(array)
    assert statistics == [0, float(f"{finite.mean():.5g}"), 99, float(f"{np.linalg.norm(finite):.5g}")]
    assert odd == [1, 2]


def test_a_heat_map_spans_from_the_least_to_the_greatest() -> None:
    array = np.arange(81.0).reshape(9, 9)
    row = pack(array)
    assert row[5][:4] == [9, 9, 0, 80]
    assert np.array_equal(levels(row), np.rint(array / 80 * 254))


def test_a_gradients_heat_map_is_centred_on_zero() -> None:
    array = np.linspace(-1, 4, 81).reshape(9, 9)
    array[2, 3] = 0
    row = pack(array, signed=True)
    assert row[5][2:4] == [-4, 4]
    found = levels(row)
    assert found[2, 3] == 127
    assert ((found > 127) == (np.rint(array / 8 * 254 + 127) > 127)).all()
    assert found[8, 8] == 254


def test_an_all_zero_gradient_is_in_the_middle_of_its_scale() -> None:
    assert set(levels(pack(np.zeros((9, 9)), signed=True)).ravel()) == {127}


def test_cells_that_are_not_finite_are_marked() -> None:
    array = np.arange(81.0).reshape(9, 9)
    array[0, 0], array[4, 4] = np.nan, -np.inf
    found = levels(pack(array))
    assert {tuple(where) for where in np.argwhere(found == 255)} == {(0, 0), (4, 4)}
    assert set(levels(pack(np.full((9, 9), np.nan))).ravel()) == {255}


@pytest.mark.parametrize("shape", [(32, 64), (17, 33), (100, 3), (3, 100), (4, 5, 30), (16, 16)])
def test_a_large_heat_map_has_the_means_of_blocks(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).standard_normal(shape)
    table = array.reshape(-1, shape[-1])
    rows, columns = (min(length, 16) for length in table.shape)
    edges = [
        [n * length // count for n in range(count + 1)]
        for count, length in zip((rows, columns), table.shape, strict=True)
    ]
    means = np.array(
        [
            [table[top:bottom, left:right].mean() for left, right in zip(edges[1], edges[1][1:], strict=False)]
            for top, bottom in zip(edges[0], edges[0][1:], strict=False)
        ]
    )
    row = pack(array)
    assert row[5][:2] == [rows, columns]
    low, high = means.min(), means.max()
    assert row[5][2:4] == [float(f"{low:.5g}"), float(f"{high:.5g}")]
    assert np.abs(levels(row) - (means - low) / (high - low) * 254).max() <= 0.51


def test_a_vectors_heat_map_is_one_row() -> None:
    assert pack(np.arange(1000.0))[5][:2] == [1, 24]


def test_histograms_count_what_numpy_counts() -> None:
    array = np.random.default_rng(0).standard_normal(1000)
    low, high, text = pack(array)[6]
    counts, _ = np.histogram(array, bins=20)
    assert (low, high) == (float(f"{array.min():.5g}"), float(f"{array.max():.5g}"))
    assert np.array_equal(list(unpack(text)), np.ceil(counts * 255 / counts.max()))
    assert list(unpack(pack(np.full(100, 3.0))[6][2])) == [255]
    assert pack(np.full(100, np.nan))[6] == [0, 0, ""]


EXTREMES = {
    "greatest": np.linspace(-1, 1, 100) * GREATEST,
    "all greatest": np.full(100, GREATEST),
    "least": np.full(100, 5e-324),
    "infinite": np.full(100, np.inf),
    "mixed": np.array([np.nan, np.inf, -np.inf, GREATEST, -GREATEST, 5e-324, -0.0] * 10),
    "float16": np.full(100, 65504, np.float16),
    "int64": np.array([-(2**63), 2**63 - 1] * 50),
    "uint64": np.full((10, 10), 2**64 - 1, np.uint64),
    "bool": np.arange(100) % 3 == 0,
    "empty": np.zeros((0, 70)),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("signed", [False, True])
def test_extreme_arrays_can_be_packed(name: str, signed: bool) -> None:
    with np.errstate(all="raise"):
        row = pack(EXTREMES[name], signed=signed)
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_equal_arrays_stand_in_the_table_once() -> None:
    table = ArrayTable(16)
    large, small = Snapshot.of(np.ones((9, 9))), Snapshot.of(np.ones(3))
    numbers = [
        table.number(Snapshot.of(known.array), signed=signed) for known in (large, small) for signed in (0, 1, 0)
    ]
    assert numbers == [0, 1, 0, 2, 2, 2]
    assert table.number(None, signed=True) == -1
    assert len(table.rows) == 3


# --- the whole


def test_steps_refer_to_the_arrays_of_the_trace() -> None:
    trace = digits_mlp()
    data = Payload(trace, "").data()
    at = next(n for n, step in enumerate(trace.steps) if step.kind == "sum")
    step: Any = trace.steps[at]
    kind, node, parent, position, axes, raw, gradient, before, total, rule = data["steps"][at]
    assert (kind, node, parent, position) == (3, int(step.node[1:]), int(step.parent[1:]), step.position)
    assert (axes, before, gradient == total) == ([0], -1, True)
    assert data["arrays"][raw][0] == [32, 10]
    assert np.array_equal(np.frombuffer(unpack(data["arrays"][total][2]), "<f4"), step.total.array)
    assert data["rules"][rule] == [trace.rules[step.node, 2].source, trace.rules[step.node, 2].mathematics]


def test_a_trace_from_json_can_be_played() -> None:
    trace = viz.Trace.from_json(digits_mlp().to_json())
    data = Payload(trace, "").data()
    assert [len(row) for row in data["arrays"]].count(5) > 5  # statistics, and no heat map
    assert Player(trace).html


def eight_by_eight(dtype: str, count: int) -> viz.Trace:
    rng = np.random.default_rng(0)
    made = mg.tensor(rng.standard_normal((8, 8)).astype(dtype), name="x")
    for number in range((count - 2) // 3):
        weight = mg.tensor(rng.standard_normal((8, 8)).astype(dtype), requires_grad=True, name=f"layer {number} weight")
        made = mg.tanh(made @ weight)
    return viz.trace((made * made).sum())


def network(depth: int, width: int) -> viz.Trace:
    rng = np.random.default_rng(0)
    model = nn.MLP([width] * depth)
    with mg.source_lines():
        logits = model(mg.tensor(rng.standard_normal((width, width)).astype("float32"), name="images"))
        loss = nn.CrossEntropyLoss()(logits, mg.tensor(rng.integers(0, width, width), name="labels"))
    return viz.trace(loss, optimizer=optim.Adam(model.parameters()))


SIZES = [
    (lambda: eight_by_eight("float64", 50), 50, 120_000),
    (lambda: network(13, 8), 50, 120_000),
    (lambda: eight_by_eight("float32", 500), 500, 500_000),
    (lambda: network(126, 32), 500, 500_000),
]


@pytest.mark.parametrize(("make", "nodes", "most"), SIZES, ids=["50 exact", "50 network", "500 exact", "500 network"])
def test_pages_are_small(make: Any, nodes: int, most: int) -> None:
    trace = make()
    assert nodes <= len(trace.graph.nodes) <= nodes * 1.05
    assert len(Player(trace).html.encode("utf-8")) < most


def test_script_and_style_are_small() -> None:
    assert sum((FOLDER / name).stat().st_size for name in ("player.min.js", "player.css")) < 40_000


MAKE = """
from tests.viz.browser import traces
from minigrad.viz.browser.player import Player
import hashlib
print([hashlib.sha256(Player(make()).html.encode()).hexdigest() for make in (traces.digits_mlp, traces.sums)])
"""


def test_the_same_trace_gives_the_same_bytes_in_every_process() -> None:
    found = set()
    for seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", MAKE]
        found.add(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert len(found) == 1
    assert hashlib.sha256(Player(digits_mlp()).html.encode()).hexdigest() in found.pop()


def test_the_page_of_x_times_x_plus_x_is_the_golden_one() -> None:
    kept, made = golden.PAGE.read_bytes().decode("utf-8"), golden.page()
    advice = f"the page has changed; if that is meant: {golden.COMMAND}"
    assert golden.without_positions(made) == golden.without_positions(kept), advice
    if golden.graphviz() == golden.VERSION.read_text(encoding="utf-8").strip():
        assert made == kept, advice


def test_the_script_is_built_from_the_sources_that_are_there() -> None:
    path = Path(__file__).parents[3] / "docs" / "build_player.py"
    if not path.exists():
        pytest.skip("no docs/ beside the tests")
    spec = importlib.util.spec_from_file_location("build_player", path)
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    first, *_ = (FOLDER / "player.min.js").read_text(encoding="utf-8").splitlines()
    assert first == build.fingerprint(), "the sources have changed since the script was built: make player"
    assert set(build.SOURCES) == {path.name for path in FOLDER.glob("*.js")} - {"player.min.js"}


def test_the_policy_names_the_very_script_and_style() -> None:
    html = golden.page()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)
    assert policy
    script, style = re.findall(r"<script>(.*?)</script>|<style>(.*?)</style>", html, flags=re.S)[::-1]
    for text in (script[0], style[1]):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]


# --- what users call


def test_a_player_writes_a_page_and_makes_its_folder(tmp_path: Path) -> None:
    x = mg.tensor(3.0, requires_grad=True, name="x")
    made = player(x * x + x, title="mine")
    path = made.save(tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == made.html
    assert "<title>mine</title>" in made.html
    assert "<title>Backpropagation from add</title>" in player(x * x + x).html
    assert repr(made) == "<Player of 7 steps over 3 nodes>"
    assert x.grad is None
    assert made.save(str(tmp_path / "UPPER.HTML")).exists()


def test_what_a_player_refuses() -> None:
    x = mg.tensor(3.0, requires_grad=True, name="x")
    for path in ("page.txt", "page.htm", "page", "page.html.zip"):
        with pytest.raises(ArgumentError, match=f"saved as an .html file, by the suffix; got '{path}'"):
            player(x * x).save(path)
    with pytest.raises(DtypeError, match="title must be a string, got int"):
        player(x * x, title=3)  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match=r"Player plays a trace, such as viz.trace\(loss\); got Tensor"):
        Player(x)  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="no graph"):
        player(mg.tensor(3.0))
    with pytest.raises(DtypeError, match="optimizer"):
        player(x * x, optimizer="Adam")  # type: ignore[arg-type]


def test_without_graphviz_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(*arguments: Any, **options: Any) -> bytes:
        raise MissingExtraError("a picture needs Graphviz")

    made = Player(small_mlp())
    for module in (layout, render, sys.modules["minigrad.viz.browser.player"]):
        monkeypatch.setattr(module, "render", missing)
    with pytest.raises(MissingExtraError, match="needs Graphviz"):
        made.save(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    bundle = made._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert bundle["text/plain"].startswith("<Player of 20 steps over 11 nodes>\n")
    assert bundle["text/plain"].endswith("(a picture needs Graphviz)")


def test_a_notebook_gets_a_sandboxed_frame_and_fallbacks() -> None:
    made = Player(x_times_x_plus_x())
    bundle = made._repr_mimebundle_()
    assert list(bundle) == ["text/html", "image/svg+xml", "text/plain"]
    assert 'sandbox="allow-scripts"' in bundle["text/html"]
    assert "allow-same-origin" not in bundle["text/html"]
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "multiply sends 3 to x: 1 + 3 = 4." in bundle["text/plain"]
    assert Player(troubled()).html
