"""What is known after each step, and the ways to move."""

import pytest

import minigrad as mg
from minigrad import viz
from minigrad.viz.recording.replay import Position, Replay, stretches
from tests.viz.terminal.terminals import leaf, network, parabola


@pytest.fixture(scope="module")
def small():
    return parabola()


@pytest.fixture(scope="module")
def mlp():
    return network()


def test_a_replay_knows_nothing_of_the_future(small):
    replay = Replay(small)
    x, product, total = (node.id for node in small.graph.nodes)

    def at(index):
        found = [replay.value(product, index), replay.value(total, index), replay.gradient(x, index)]
        return [known and known.array.item() for known in found]

    assert [at(index) for index in range(7)] == [
        [4, None, None],
        [4, 6, None],
        [4, 6, None],
        [4, 6, None],
        [4, 6, 1],
        [4, 6, 3],
        [4, 6, 5],
    ]
    assert replay.value(x, 0).array == 2  # a leaf is there from the start
    assert [replay.arrived(x, index) for index in (3, 4, 6)] == [(0, 3), (1, 3), (3, 3)]
    assert replay.gradient("no such node", 3) is None
    assert replay.arrived("no such node", 3) == (0, 0)


def test_a_replay_ends_with_the_traces_values_gradients_and_updates(mlp):
    replay, last = Replay(mlp), len(mlp) - 1
    updated = {step.node: step.after for step in mlp.steps if step.phase == "update"}
    for node in mlp.graph.nodes:
        assert replay.gradient(node.id, last) is mlp.gradients.get(node.id)
        assert replay.value(node.id, last) is updated.get(node.id, mlp.values.get(node.id))
    assert updated


def test_a_contribution_that_is_to_be_summed_has_not_arrived(mlp):
    replay = Replay(mlp)
    index, step = next((index, step) for index, step in enumerate(mlp.steps) if step.kind == "sum")
    assert replay.gradient(step.parent, index - 1) is step.before
    assert replay.gradient(step.parent, index) is step.total


def test_phases_follow_one_another(mlp):
    parts = stretches(mlp)
    assert [part.phase for part in parts] == ["forward", "seed", "backward", "update"]
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == len(mlp)


def test_next_and_previous_stop_at_the_ends(small):
    position = Position(small)
    assert position.previous() == "This is the first step."
    for index in range(1, 7):
        assert position.next() == ""
        assert position.index == index
    assert position.next() == "This is the last step."
    assert position.index == 6
    assert position.previous() == ""
    assert position.index == 5


def test_phases_are_left_at_their_starts(small):
    position = Position(small)
    visited = []
    while not (remark := position.next_phase()):
        visited.append(position.index)
    assert visited == [2, 3]
    assert remark == "backward is the last phase."
    position.last()
    visited = []
    while not (remark := position.previous_phase()):
        visited.append(position.index)
    assert visited == [3, 2, 0]
    assert remark == "forward is the first phase."


@pytest.mark.parametrize("text", ["", "x", "0", "8", "-1", "2.5", "1e1", "9" * 5000, "\x1b[31m"])
def test_a_wrong_step_number_gets_one_sentence_and_moves_nothing(small, text):
    position = Position(small)
    position.next()
    remark = position.go(text)
    assert "1 to 7" in remark
    assert "\n" not in remark
    assert position.index == 1


def test_go_counts_from_one(small):
    position = Position(small)
    assert position.go("7") == ""
    assert position.index == 6
    assert position.go(" 1 ") == ""
    assert position.index == 0


def test_find_goes_from_step_to_step_that_touches_such_a_node_and_round(small):
    position = Position(small)
    visited, remarks = [], []
    remarks.append(position.find("MULT"))
    visited.append(position.index)
    for _ in range(4):
        remarks.append(position.find(""))
        visited.append(position.index)
    assert visited == [3, 5, 6, 0, 3]
    assert remarks == ["", "", "", "Found 'MULT' from the start on.", ""]


def test_find_says_what_there_is(small):
    position = Position(small)
    assert position.find("") == "There is nothing to find: write a part of a node's name."
    assert position.find("w") == "No step touches a node called 'w'; there is multiply, add, x."
    assert position.index == 0


def test_find_says_when_no_other_step_fits():
    position = Position(viz.trace(mg.exp(leaf(1.0, "a"))))
    assert position.find("a") == ""
    assert position.find("") == "No other step touches 'a'."
    assert position.index == 2


def test_breakpoints_stop_and_are_removed(small):
    position = Position(small)
    assert position.toggle("x") == "A breakpoint is at x: c goes on to it."
    assert position.run_on() == "Stopped at x."
    assert position.index == 4
    position.run_on()
    position.run_on()
    assert position.index == 6
    assert position.run_on() == "No breakpoint comes after this: the last step."
    position.first()
    assert position.toggle("X") == "There is no breakpoint at x any more."
    assert position.run_on() == "No breakpoint is set (b sets one): the last step."
    assert position.index == 6


def test_an_empty_breakpoint_is_at_the_node_of_the_step(small):
    position = Position(small)
    assert position.toggle("") == "A breakpoint is at multiply: c goes on to it."
    assert position.breakpoints == {position.step.node}


def test_a_breakpoint_needs_one_node(mlp):
    position = Position(mlp)
    assert position.toggle("linear") == "'linear' fits linear 1, linear 2: write the whole name of one."
    assert not position.breakpoints
    assert position.toggle("linear 2").startswith("A breakpoint is at linear 2")
    assert position.toggle("nowhere").startswith("No step touches a node called 'nowhere'; there is ")


def test_the_name_itself_goes_before_names_that_contain_it():
    x, more = leaf(1.0, "x"), leaf(2.0, "xx")
    position = Position(viz.trace(x * more))
    assert position.toggle("x") == "A breakpoint is at x: c goes on to it."
