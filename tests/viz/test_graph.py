import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DtypeError, GraphError
from minigrad.viz.build import build
from minigrad.viz.folding.groups import group
from minigrad.viz.folding.modules import READABLE, fold
from minigrad.viz.summary import KEPT_NUMBERS, summarise
from tests.scope import module_scope


def leaf(value, name=None, dtype=np.float64):
    return mg.tensor(np.asarray(value, dtype), requires_grad=True, name=name)


def tower(depth):
    """A chain of modules, each with a parameter and two operations, in an outer module."""
    x = h = mg.tensor(np.ones((2, 3)), name="x")
    for number in range(depth):
        weight = leaf(np.eye(3), f"{number}.weight")
        with module_scope(f"Tower.{number}"):
            h = mg.tanh(h @ weight)
    with module_scope("Loss"):
        return mg.mean(h * h), x


def test_ids_follow_the_topological_order_and_not_the_address():
    def names():
        x = leaf(2.0, "x")
        return [(node.id, node.name or node.operation) for node in build((x * 3 + x).exp()).nodes]

    assert names() == names()
    assert [id for id, _ in names()] == ["n0", "n1", "n2", "n3", "n4"]
    assert [what for _, what in names()][-1] == "exp"


def test_every_node_comes_after_its_arguments():
    loss, _ = tower(3)
    graph = build(loss)
    place = {node.id: position for position, node in enumerate(graph.nodes)}
    assert all(place[edge.source] < place[edge.target] for edge in graph.edges)
    assert graph.output == graph.nodes[-1].id


def test_kinds():
    x, w = mg.tensor([1.0, 2.0], name="x"), leaf([1.0, 2.0], "w", np.float32)
    graph = build((x * w * 2).sum())
    kinds = {node.name or node.operation or node.kind: node.kind for node in graph.nodes}
    assert kinds == {"x": "input", "w": "parameter", "constant": "constant", "multiply": "operation", "sum": "output"}


def test_a_tensor_used_twice_has_two_edges():
    x = leaf(3.0)
    edges = build(x * x).edges
    assert [(edge.source, edge.target, edge.position) for edge in edges] == [("n0", "n1", 0), ("n0", "n1", 1)]


def test_arguments_keep_their_order_and_their_names():
    logits, targets = leaf(np.zeros((2, 3)), "logits"), np.array([0, 1])
    edges = build(mg.ops.loss.nll_loss(logits, targets)).edges
    assert [(edge.position, edge.argument, edge.ordered) for edge in edges] == [
        (0, "log_probabilities", True),
        (1, "targets", True),
    ]
    assert [edge.carries_gradient for edge in edges] == [True, False]
    assert not any(edge.ordered for edge in build(logits + 1).edges)
    assert [edge.argument for edge in build(mg.concatenate([logits, logits])).edges] == ["", ""]


def test_an_argument_that_was_not_given_is_no_node():
    x, w = leaf(np.ones((2, 3))), leaf(np.ones((4, 3)))
    graph = build(mg.linear(x, w, None))
    assert [node.kind for node in graph.nodes] == ["parameter", "parameter", "output"]
    assert len(graph.edges) == 2


def test_options_are_shown_where_they_are_not_the_default():
    x = leaf(np.ones((2, 3)))
    assert build(mg.sum(x, axis=1)).nodes[-1].options == {"axis": "1"}
    assert build(mg.sum(x, axis=None, keepdims=False)).nodes[-1].options == {}
    assert build(x[0, 1:, None]).nodes[-1].options == {"index": "(0, 1:, None)"}
    assert build(x[np.array([0, 1])]).nodes[-1].options == {"index": "array (2,)"}
    assert build(x[...]).nodes[-1].options == {"index": "..."}


def test_values_and_gradients_are_those_of_backward_bit_for_bit():
    rng = np.random.default_rng(0)
    w, b = leaf(rng.normal(size=(3, 4)), "w"), leaf(rng.normal(size=4), "b")
    hidden = mg.tanh(mg.tensor(rng.normal(size=(5, 3)), name="x") @ w + b)
    hidden.retain_grad()
    loss = (hidden * hidden / 3).sum() + b.exp().mean()
    graph = build(loss)
    assert w.grad is None
    assert b.grad is None
    assert hidden.grad is None
    loss.backward()
    shown = {node.name or node.operation: node for node in graph.nodes}
    for tensor, name in ((w, "w"), (b, "b"), (hidden, "tanh")):
        np.testing.assert_array_equal(shown[name].gradient.numbers, tensor.grad.data, strict=True)
        np.testing.assert_array_equal(shown[name].value.numbers, tensor.data, strict=True)
    assert shown["x"].gradient is None
    assert graph.nodes[-1].gradient.numbers == 1.0


def test_building_touches_no_gradient_that_is_there():
    x = leaf(2.0)
    (x * x).backward()
    before = x.grad
    build(x * x * x)
    assert x.grad is before
    assert x.grad.item() == 4.0


def test_the_graph_can_still_be_differentiated():
    x = leaf(2.0)
    y = x * x
    build(y)
    y.backward()
    assert x.grad.item() == 4.0


def test_numbers_are_a_copy_and_large_arrays_are_statistics():
    x = leaf([1.0, 2.0])
    graph = build(x * 2)
    x.data[0] = 99.0
    assert graph.nodes[0].value.numbers.tolist() == [1.0, 2.0]
    assert summarise(np.zeros(KEPT_NUMBERS)).numbers is not None
    assert summarise(np.zeros(KEPT_NUMBERS + 1)).numbers is None


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ([1.0, np.nan, np.inf, 3.0], (1.0, 2.0, 3.0, 1, 1)),
        ([np.nan, -np.inf], (None, None, None, 1, 1)),
        (np.zeros((0, 3)), (None, None, None, 0, 0)),
        ([True, False], (False, 0.5, True, 0, 0)),
        ([1e308, 1e308], (1e308, 1e308, 1e308, 0, 0)),
        (np.array([60000.0, 60000.0], np.float16), (60000.0, 60000.0, 60000.0, 0, 0)),
    ],
)
def test_statistics(array, expected):
    got = summarise(np.asarray(array))
    assert (got.minimum, got.mean, got.maximum, got.not_a_number, got.infinite) == expected


def test_a_gradient_that_overflows_is_drawn_and_not_warned_of():
    x = leaf(0.0, "x")
    graph = build(mg.sqrt(x) * 2)
    assert graph.nodes[0].requires_grad
    assert graph.nodes[-1].gradient is not None


def test_an_output_that_is_no_scalar_has_the_gradient_of_its_sum():
    x = leaf([1.0, 2.0])
    graph = build(x * x)
    assert graph.summed
    assert graph.nodes[0].gradient.numbers.tolist() == [2.0, 4.0]
    assert not build((x * x).sum()).summed


def test_a_released_graph_has_its_structure_and_the_leaves_gradients():
    x = leaf([1.0, 2.0], "x")
    y = (x * x).sum()
    y.backward()
    graph = build(y)
    assert graph.released
    assert graph.accumulated
    assert [node.shape for node in graph.nodes] == [(2,), (2,), ()]
    assert graph.nodes[0].gradient.numbers.tolist() == [2.0, 4.0]
    assert graph.nodes[1].released
    assert graph.nodes[1].value is None
    assert graph.nodes[1].gradient is None
    assert graph.nodes[-1].value.numbers == 5.0


def test_a_half_released_graph_shows_what_is_left():
    x = leaf([1.0, 2.0], "x")
    trunk = x * x
    trunk.sum().backward()
    graph = build((trunk * 3).sum())
    assert graph.released
    shown = {node.operation: node for node in graph.nodes if node.operation == "sum"}
    assert shown["sum"].value.numbers == 15.0


def test_what_was_computed_from_released_values_is_released_too_unless_something_holds_it():
    x = leaf([1.0, 2.0], "x")
    trunk = x * x
    trunk.sum().backward()
    graph = build((mg.sin(trunk) + trunk).sum())
    shown = {node.operation: node for node in graph.nodes}
    assert shown["multiply"].value.numbers.tolist() == [1.0, 4.0]  # the rule of sin needs it
    assert shown["sin"].value.numbers.tolist() == np.sin([1.0, 4.0]).tolist()
    assert not shown["add"].released
    graph = build((trunk * 3.0).sum())
    shown = {(node.operation, node.shape): node for node in graph.nodes}
    assert shown["multiply", (2,)].value is None
    assert [node.released for node in graph.nodes] == [False, True, False, True, False]


def test_values_and_gradients_can_be_left_out():
    x = leaf(2.0)
    assert all(
        node.value is None and node.gradient is None for node in build(x * 2, values=False, gradients=False).nodes
    )


def test_a_leaf_by_itself_is_a_graph():
    graph = build(leaf(2.0, "x"))
    assert [(node.kind, node.value.numbers.item(), node.gradient.numbers.item()) for node in graph.nodes] == [
        ("parameter", 2.0, 1.0)
    ]


@pytest.mark.parametrize("wrong", [3.0, None, np.ones(2), "loss"])
def test_what_is_no_tensor_cannot_be_drawn(wrong):
    with pytest.raises(DtypeError, match="needs a tensor"):
        build(wrong)


def test_a_tensor_without_a_graph_cannot_be_drawn():
    with pytest.raises(GraphError, match=r"no graph to draw: 'x' of shape \(\) .*requires_grad=True"):
        build(mg.tensor(2.0, name="x"))
    with mg.no_grad(), pytest.raises(GraphError, match="no_grad"):
        build(leaf(2.0) * 2)


def test_modules_are_nested_and_hold_their_parameters():
    loss, _ = tower(2)
    graph = build(loss)
    assert [(box.path, [inner.path for inner in box.groups]) for box in graph.groups] == [
        ("Tower", ["Tower.0", "Tower.1"]),
        ("Loss", []),
    ]
    scopes = {node.name: node.scope for node in graph.nodes if node.name}
    assert scopes == {"x": "", "0.weight": "Tower.0", "1.weight": "Tower.1"}


def test_a_shared_parameter_stands_where_all_its_uses_are():
    w = leaf(2.0, "w")
    with module_scope("Net.left"):
        a = w * 2
    with module_scope("Net.right"):
        b = w.exp()
    assert next(node.scope for node in build(a + b).nodes if node.name == "w") == "Net"


@pytest.mark.parametrize("scope", ["", ".", "..", "a..b", ".a", "a.", "a|b{c}.</svg>"])
def test_any_path_can_be_grouped(scope):
    boxes = group([("n0", scope), ("n1", "a")])
    found, waiting = [], list(boxes)
    while waiting:
        box = waiting.pop()
        found += box.nodes
        waiting += box.groups
    assert sorted(found) == (["n0", "n1"] if scope else ["n1"])


def test_folding_counts_and_keeps_the_connections():
    loss, _ = tower(3)
    graph = build(loss)
    folded = fold(graph, True)
    boxes = {node.name: node for node in folded.nodes if node.kind == "module"}
    assert {name: (box.operations, box.parameters) for name, box in boxes.items()} == {
        "Tower.0": (2, 9),
        "Tower.1": (2, 9),
        "Tower.2": (2, 9),
        "Loss": (2, 0),
    }
    names = {node.id: node.name for node in folded.nodes}
    assert [(names[edge.source], names[edge.target]) for edge in folded.edges] == [
        ("x", "Tower.0"),
        ("Tower.0", "Tower.1"),
        ("Tower.1", "Tower.2"),
        ("Tower.2", "Loss"),
    ]
    assert folded.output == boxes["Loss"].id
    assert [box.path for box in folded.groups] == ["Tower"]
    hidden = next(node for node in graph.nodes if node.operation == "tanh")
    assert boxes["Tower.0"].gradient is hidden.gradient
    assert sorted(id for box in boxes.values() for id in box.members) == sorted(
        node.id for node in graph.nodes if node.name != "x"
    )


def test_auto_folds_large_graphs_alone_and_repeated_blocks_into_one():
    small, large = build(tower(3)[0]), build(tower(60)[0])
    assert fold(small, "auto") is small
    assert fold(large, False) is large
    assert len(large.nodes) > READABLE
    assert [(node.name, node.repeats) for node in fold(large, "auto").nodes] == [
        ("x", 1),
        ("Tower.0–Tower.59", 60),
        ("Loss", 1),
    ]


def test_auto_folds_level_by_level():
    h = mg.tensor(np.ones((2, 3)), name="x")
    for number in range(160):
        with module_scope(f"Tower.{number}"):  # no two alike
            h = mg.tanh(h @ leaf(np.eye(number + 3, number + 4)))
    folded = fold(build(h.sum()), "auto")
    assert [node.name for node in folded.nodes] == ["x", "Tower", None]
    assert folded.nodes[1].operations == 320
    assert folded.nodes[1].parameters == sum((n + 3) * (n + 4) for n in range(160))


def test_a_large_graph_without_modules_stays_as_it_is():
    x = leaf(1.0)
    for _ in range(READABLE + 1):
        x = -x
    graph = build(x)
    assert fold(graph, "auto") is graph


def test_a_long_chain_is_built_without_recursion():
    x = leaf(1.0)
    for _ in range(5_000):
        x = -x
    assert len(build(x).nodes) == 5_001


def test_a_constant_beyond_numpys_integers_is_shown_as_a_number():
    x = mg.tensor(1.0, dtype=np.float64, requires_grad=True)
    graph = build(x * 2**100)
    assert next(node.value.maximum for node in graph.nodes if node.kind == "constant") == 2.0**100


def test_options_name_no_address():
    @mg.primitive
    def applied(x, function=None):
        return function(x)

    applied.derivatives(lambda g: g)
    graph = build(applied(mg.tensor(1.0, requires_grad=True), function=lambda value: value + 0))
    assert "0x" not in graph.nodes[-1].options["function"]


def test_a_set_among_the_options_is_written_in_one_order():
    @mg.primitive
    def keyed(x, keys=None):
        return x + 0

    keyed.derivatives(lambda g: g)
    graph = build(keyed(mg.tensor(1.0, requires_grad=True), keys={"b", "a", "c"}))
    assert graph.nodes[-1].options["keys"] == "{'a', 'b', 'c'}"


def test_nodes_stand_in_the_order_in_which_a_loop_computes_them():
    w, state = mg.tensor(0.5, requires_grad=True, name="w"), mg.tensor(0.0, name="h0")
    for step in range(3):
        x = mg.tensor(1.0, name=f"x{step}")
        state = mg.tanh(x * w + state * w)
        state.name = f"h{step + 1}"
    names = [node.name for node in build(state).nodes]
    assert [name for name in names if name and name != "w"] == ["x0", "h0", "h1", "x1", "h2", "x2", "h3"]
    a = mg.tensor(1.0, requires_grad=True)
    b, c, d = a * 3, a.exp(), mg.sin(a)
    operations = [node.operation for node in build(b + c + d).nodes if node.operation]
    assert operations == ["multiply", "exp", "add", "sin", "add"]
