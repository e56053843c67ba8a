import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import viz
from minigrad.errors import ArgumentError, DtypeError, GraphError, MissingExtraError, RenderError
from minigrad.viz import render as rendering
from minigrad.viz.dot import LOOKS, to_dot
from minigrad.viz.text import printable, shorten
from tests.scope import module_scope

MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}

HOSTILE = [
    "</script><script>alert(1)</script>",
    "a|b{c}<d>",
    "\"quoted\" 'twice'",
    "back\\slash \\N \\G \\E \\l \\",
    "two\nlines\r\n\t",
    "中文名字",
    "שלום עולם",
    "\x00\x07\x1b[31m",
    "a\u202ebackwards\u2066",
    "<B>&amp;&lt;</B><!-- ]]>",
    "\ud800 alone \ufffe",
    "👩\u200d👩\u200d👧 ﷽",
    "   ",
    "graph { } -> ; [label=x]",
]


def leaf(value, name=None):
    return mg.tensor(value, requires_grad=True, name=name)


def square():
    x = leaf(3.0, "x")
    return x * x + x


@pytest.fixture
def no_renderer(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def words(svg):
    """Every piece of text in a picture, joined; XML that is not well-formed raises."""
    return "".join(node.text or "" for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))


def test_the_same_graph_gives_the_same_bytes():
    assert viz.draw(square()).source == viz.draw(square()).source


def test_a_node_shows_name_shape_dtype_value_and_gradient():
    text = words(rendering.render(viz.draw(square(), title="My graph").source, "svg"))
    for part in ("My graph", "x", "multiply", "add", "scalar · float32", "value", "3", "9", "12", "gradient", "7"):
        assert part in text


def test_large_arrays_show_statistics_and_tiny_ones_numbers():
    x = leaf(np.arange(1.0, 101.0), "x")
    source = viz.draw((x * x).sum()).source
    for part in (">min<", ">mean<", ">max<", ">1<", ">50.5<", ">100<", "(100,)"):
        assert part in source
    assert ">min<" not in viz.draw(leaf([[1.5, 2.5]]) * 2).source


def test_what_is_not_finite_is_counted():
    x = leaf([np.nan, np.inf, *[1.0] * 20])
    assert "NaN 1, infinite 1" in viz.draw(x * 2).source


def test_no_two_kinds_share_a_colour_or_a_shape():
    assert len({look.fill for look in LOOKS.values()}) == len(LOOKS)
    assert len({(look.shape, look.style, look.outlines) for look in LOOKS.values()}) == len(LOOKS)


def test_the_legend_has_the_kinds_that_there_are():
    source = viz.draw(square()).source
    assert re.findall(r"legend_(\w+) \[label", source) == ["parameter", "operation", "output"]


def test_two_edges_where_one_tensor_enters_twice():
    assert viz.draw(square()).source.count("n0 -> n1 ") == 2


def test_the_order_of_arguments_is_told_where_it_matters():
    x, y = leaf(2.0, "a"), leaf(3.0, "b")
    source = viz.draw(x - y).source
    assert re.findall(r">(1st|2nd)<", source) == ["1st", "2nd"]
    assert ">1st<" not in viz.draw(x + y).source
    loss = mg.ops.loss.nll_loss(leaf(np.zeros((2, 3))), np.array([0, 1])).sum()
    assert re.findall(r">(1st|2nd)<", viz.draw(loss).source) == ["1st", "2nd"]  # log_probabilities would not fit
    loss = mg.ops.loss.sigmoid_cross_entropy(leaf(np.zeros(3)), np.ones(3)).sum()
    assert ">targets<" in viz.draw(loss).source
    linear = mg.linear(leaf(np.ones((2, 3))), leaf(np.ones((4, 3)), "0.weight"), leaf(np.ones(4)))
    assert re.findall(r">(weight|bias)<", viz.draw(linear).source) == ["bias"]


def test_modules_are_boxes_with_their_paths():
    w = leaf(2.0, "w")
    with module_scope("Net.0"):
        h = w * w
    with module_scope("Net"):
        h = h.exp()
    source = viz.draw(h).source
    assert re.findall(r"subgraph (cluster_\d[\d_]*)", source) == ["cluster_0", "cluster_0_0"]
    assert source.index(">Net<") < source.index(">Net.0<")


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_directions(direction):
    drawing = viz.draw(square(), direction=direction)
    assert f"rankdir={direction}" in drawing.source
    assert words(rendering.render(drawing.source, "svg")).count("output") == 1


def test_notes_say_what_the_gradients_are():
    x = leaf([1.0, 2.0])
    y = x * x
    assert "the output's sum, since its shape is (2,)" in words(rendering.render(viz.draw(y).source, "svg"))
    assert "sum" not in str(viz.draw(y, gradients=False))
    total = y.sum()
    total.backward()
    after = viz.draw(total)
    assert "released" in str(after)
    assert "own .grad" in words(rendering.render(after.source, "svg"))
    assert "value released" in after.source


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "PNG"])
def test_save_writes_the_format_of_the_suffix(tmp_path, suffix):
    path = viz.draw(square()).save(str(tmp_path / "new" / "folder" / f"graph.{suffix}"))
    assert isinstance(path, Path)
    assert path.read_bytes().startswith(MAGIC[suffix.lower()])
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_save_replaces_a_file_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "graph.dot"
    path.write_text("old")

    def broken(*args):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(rendering.os, "replace", broken)
        with pytest.raises(OSError, match="disk full"):
            viz.draw(square()).save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    viz.draw(square()).save(path)
    assert path.read_text().startswith("digraph minigrad {")


@pytest.mark.parametrize("name", ["graph.jpg", "graph", "graph.svg.gz"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(ArgumentError, match=r"\.svg, \.png, \.pdf or \.dot"):
        viz.draw(square()).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_renderer")
def test_without_graphviz_the_error_names_both_ways_and_the_dot_is_written(tmp_path):
    drawing = viz.draw(square())
    with pytest.raises(MissingExtraError) as problem:
        drawing.save(tmp_path / "graph.svg")
    message = str(problem.value)
    assert "pip install minigrad[render]" in message
    assert "https://graphviz.org/download" in message
    assert str(tmp_path / "graph.dot") in message
    assert (tmp_path / "graph.dot").read_text("utf-8") == drawing.source
    assert not (tmp_path / "graph.svg").exists()


@pytest.mark.usefixtures("no_renderer")
def test_without_graphviz_a_notebook_gets_text_and_the_hint():
    bundle = viz.draw(square())._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert bundle["text/plain"].startswith("add: scalar")
    assert "minigrad[render]" in bundle["text/plain"]


def program(folder, text):
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_the_program_dot_comes_first(tmp_path, monkeypatch):
    program(tmp_path, 'printf "%s " "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rendering.render("digraph {}", "svg") == b"-Tsvg "
    assert rendering.render("digraph {}", "png").startswith(b"-Tpng -Gdpi=")


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_pygraphviz_stands_in_for_a_dot_that_fails(tmp_path, monkeypatch):
    program(tmp_path, "echo 'no such format' >&2; exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rendering.render("digraph {}", "svg").startswith(MAGIC["svg"])
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderError, match=r"dot ended with code 3: no such format.*graph\.dot"):
        viz.draw(square()).save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.dot").exists()


def test_a_notebook_gets_svg_and_text():
    bundle = viz.draw(square())._repr_mimebundle_(include=None, exclude=None)
    assert bundle["image/svg+xml"].startswith("<svg")
    ElementTree.fromstring(bundle["image/svg+xml"])
    assert bundle["text/plain"] == str(viz.draw(square()))


def test_the_text_is_an_indented_list():
    x = leaf([[1.0, 2.0]], "x")
    assert str(viz.draw(mg.sum(x * 2, axis=1), gradients=False, title="T")).splitlines() == [
        "T",
        "sum(axis=1): (1,) float32 = [6]",
        "  multiply: (1, 2) float32 = [2, 4]",
        "    x: (1, 2) float32 = [1, 2]",
        "    2",
    ]


def test_the_text_of_a_large_graph_ends():
    x = leaf(1.0)
    for _ in range(1_000):
        x = -x
    lines = str(viz.draw(x)).splitlines()
    assert len(lines) < 250
    assert lines[-1] == "... and 801 more nodes"
    assert max(map(len, lines)) < 200


def test_a_folded_module_tells_its_counts():
    w = leaf(np.ones((2, 3)), "w")
    with module_scope("Net"):
        y = (w * w).sum()
    drawing = viz.draw(y, collapse=True)
    assert str(drawing) == "Net (2 operations · 6 parameters): scalar float64 = 6, gradient 1"
    assert "2 operations · 6 parameters" in drawing.source
    assert len(drawing.graph.nodes) == 3


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"direction": "lr"}, ArgumentError, "LR, TB, RL, BT; got 'lr'"),
        ({"direction": 3}, ArgumentError, "got 3"),
        ({"collapse": "always"}, ArgumentError, "True, False or \"auto\"; got 'always'"),
        ({"collapse": 1}, ArgumentError, "got 1"),
        ({"title": 3}, DtypeError, "title must be a string, got int"),
        ({"gradient": False}, TypeError, "unexpected keyword argument 'gradient'"),
    ],
)
def test_bad_arguments(options, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        viz.draw(square(), **options)


def test_nothing_to_draw():
    with pytest.raises(GraphError, match="no graph to draw"):
        viz.draw(mg.tensor(1.0))
    with pytest.raises(DtypeError, match="needs a tensor"):
        viz.draw([1.0])


def test_graphviz_the_package_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(MissingExtraError, match="pip install graphviz"):
        to_dot(viz.draw(square()).graph)


def named_graph(names):
    total = leaf(1.0, "start")
    for name in names:
        with module_scope(name):
            total = total - leaf(1.0, name)
    total.name = names[0]
    return viz.draw(total, title=names[0])


def check_names(names):
    drawing = named_graph(names)
    svg = rendering.render(drawing.source, "svg")
    text = words(svg)
    root = ElementTree.fromstring(svg)
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert tags <= {"svg", "g", "title", "polygon", "path", "text", "ellipse", "polyline", "a"}
    assert not any(key.lower().startswith("on") or "href" in key for node in root.iter() for key in node.attrib)
    plain = re.sub(r"\s", "", text)
    for name in names:
        assert re.sub(r"\s", "", shorten(printable(name), 60)) in plain
        assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", str(drawing).replace("\n", ""))
    return drawing


def test_hostile_names_come_out_as_text(tmp_path):
    drawing = check_names(HOSTILE)
    for suffix, magic in MAGIC.items():
        assert drawing.save(tmp_path / f"hostile.{suffix}").read_bytes().startswith(magic)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.text(st.characters(), min_size=1, max_size=30), min_size=1, max_size=25))
def test_any_names_come_out_as_text(names):
    check_names(names)


def test_a_long_name_is_shortened_in_the_picture_alone():
    drawing = viz.draw(leaf(1.0, "long" * 100) * 2)
    assert drawing.graph.nodes[0].name == "long" * 100
    assert "long" * 16 not in drawing.source


def test_importing_loads_neither_graphviz_nor_matplotlib():
    code = "import sys, minigrad.viz; print([m for m in ('graphviz', 'pygraphviz', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_graphviz_hurries_where_one_value_is_used_often():
    def repeated(times):
        x = mg.tensor(1.0, requires_grad=True)
        result = x
        for _ in range(times):
            result = result * x
        return viz.draw(result).source

    assert "nslimit" not in repeated(10)
    assert "nslimit" in repeated(40)


def test_a_picture_is_saved_to_a_path():
    with pytest.raises(DtypeError, match=r"save\(\) needs the path of a file, such as 'picture\.svg', got 3"):
        viz.draw(mg.tensor(2.0, requires_grad=True) * 3.0).save(3)
