"""The module tree: what it finds, how it names it, and its state."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    OutOfRangeError,
    StateDictError,
)


class Block(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(3, 3)
        self.scale = nn.Parameter(mg.ones(3))

    def forward(self, x):
        return self.fc(x).relu() * self.scale


class Net(nn.Module):
    def __init__(self):
        self.first = Block()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def test_parameters_are_found_in_order_and_named_by_their_path():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names[:3] == ["first.scale", "first.fc.weight", "first.fc.bias"]
    assert names[3] == "blocks.0.scale"
    assert names[-2:] == ["head.weight", "head.bias"]
    assert [parameter.name for parameter in net.parameters()] == names
    assert len(list(net.parameters())) == 13


def test_names_follow_when_a_module_moves_and_when_a_parameter_comes_late():
    block = Block()
    assert block.fc.weight.name == "fc.weight"
    outer = nn.Sequential(nn.Sequential(block))
    assert block.fc.weight.name == "0.0.fc.weight"
    block.extra = nn.Parameter(mg.zeros(1))
    assert block.extra.name == "0.0.extra"
    assert outer.state_dict()["0.0.extra"].shape == (1,)


def test_a_shared_parameter_is_found_once_and_saved_under_each_name():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    assert len(list(net.parameters())) == 3
    assert {"0.weight", "1.weight"} <= set(net.state_dict())
    loss = net(mg.ones((1, 3))).sum()
    loss.backward()
    assert net[0].weight.grad is not None


def test_a_module_used_twice_is_one_module():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert len(list(net.modules())) == 2
    assert len(list(net.parameters())) == 2


def test_calls_record_the_path_of_the_module():
    net = Net()
    output = net(mg.ones((4, 3)))
    assert output.node.scope == "Net.head"
    scopes = set()
    stack = [output.node]
    while stack:
        node = stack.pop()
        scopes.add(node.scope)
        stack.extend(node.parents)
    assert {"Net.first", "Net.first.fc", "Net.blocks.0.fc", "Net.blocks.1", "Net.norm"} <= scopes
    assert nn.Linear(2, 2)(mg.ones((1, 2))).node.scope == "Linear"


def test_the_scope_ends_with_the_call_also_after_an_exception():
    net = Net()
    with pytest.raises(ValueError, match="linear"):
        net(mg.ones((4, 5)))
    x = mg.ones(2, requires_grad=True)
    assert (x * 2).node.scope == ""


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_state_round_trip_and_independence():
    net, other = Net(), Net()
    net(mg.tensor(np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)))
    state = net.state_dict()
    assert state["norm.num_batches_tracked"] == 1
    keys = other.load_state_dict(state)
    assert keys == ([], [])
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    state["head.bias"][:] = 7
    assert not (other.head.bias.data == 7).any()
    assert not (net.head.bias.data == 7).any()


def test_loading_lists_everything_that_does_not_fit_and_changes_nothing():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = net.state_dict()
    state = {"0.weight": np.zeros((3, 2)), "0.bias": np.zeros(4), "1.weight": np.zeros((1, 3)), "2.bias": np.zeros(1)}
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    assert "missing: 1.bias" in message
    assert "unexpected: 2.bias" in message
    assert "shape of 0.bias: expected (3,), got (4,)" in message
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_loading_loosely_returns_what_was_left_out():
    net = nn.Linear(2, 1)
    keys = net.load_state_dict({"weight": np.ones((1, 2)), "more": np.ones(1)}, strict=False)
    assert keys.missing_keys == ["bias"]
    assert keys.unexpected_keys == ["more"]
    assert (net.weight.data == 1).all()
    assert net.weight.dtype == np.float32
    with pytest.raises(StateDictError, match="shape of weight"):
        net.load_state_dict({"weight": np.ones((2, 2))}, strict=False)


def test_apply_children_first_and_zero_grad():
    seen = []
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential"]
    net(mg.ones((1, 2))).sum().backward()
    net.zero_grad()
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_copied_model_is_independent():
    net = Net()
    twin = copy.deepcopy(net)
    twin.head.weight.data[:] = 0
    assert (net.head.weight.data != 0).any()
    assert [p.name for p in twin.parameters()] == [p.name for p in net.parameters()]
    assert all(p.requires_grad for p in twin.parameters())


def test_buffers():
    net = nn.Module()
    net.register_buffer("mean", np.zeros(2, np.float32))
    assert [name for name, _ in net.named_buffers()] == ["mean"]
    assert len(list(net.buffers())) == 1
    with pytest.raises(ArgumentError, match="new identifier"):
        net.register_buffer("mean", np.zeros(2))


def test_repr_is_the_tree_with_the_number_of_parameters():
    assert repr(nn.MLP([4, 3, 2], dropout=0.1)) == (
        "MLP(\n  (0): Linear(in_features=4, out_features=3)\n  (1): ReLU()\n  (2): Dropout(p=0.1)\n"
        "  (3): Linear(in_features=3, out_features=2)\n)  # 23 parameters"
    )


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Embedding(4, 2), "Embedding(4, 2)"),
        (nn.BatchNorm1d(3), "BatchNorm1d(3)"),
        (nn.LayerNorm((2, 3)), "LayerNorm((2, 3))"),
        (nn.MSELoss(), "MSELoss()"),
        (nn.MSELoss("sum"), "MSELoss(reduction='sum')"),
    ],
)
def test_repr_of_a_module_says_what_it_was_made_with(module, text):
    assert repr(module) == text


@pytest.mark.parametrize("hidden", [[nn.Linear(1, 1)], (nn.ReLU(),), {"a": nn.Parameter(mg.zeros(1))}])
def test_modules_hidden_in_plain_containers_are_refused(hidden):
    with pytest.raises(DtypeError, match=r"Module\.layers: a \w+ hides .* use nn.ModuleList"):
        nn.Module().layers = hidden


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"Module has no forward\(\)"):
        nn.Module()(1)


def test_modules_have_numbers_and_no_names():
    model = nn.MLP([2, 3])
    with pytest.raises(DtypeError, match="MLP is indexed by an integer, got 'a'"):
        model["a"]
    with pytest.raises(OutOfRangeError, match="MLP has 1 modules, there is no 7"):
        model[7]


def test_sequential_takes_modules_alone():
    with pytest.raises(DtypeError, match=r"call the class, as in nn.ReLU\(\)"):
        nn.Sequential(nn.Linear(1, 1), nn.ReLU)
    with pytest.raises(DtypeError, match="ModuleList holds modules"):
        nn.ModuleList([3])
    with pytest.raises(OutOfRangeError, match="has 1 modules, there is no 5"):
        nn.Sequential(nn.ReLU())[5]


def test_a_parameter_needs_real_numbers():
    with pytest.raises(DtypeError, match=r"float.*int64"):
        nn.Parameter(mg.tensor([1, 2]))
    assert nn.Parameter([1.0, 2.0]).dtype == np.float32


def test_a_list_that_is_filled_later_is_found_out():
    net = nn.Module()
    net.layers = []
    net.layers.append(nn.Linear(1, 1))
    with pytest.raises(DtypeError, match=r"Module\.layers: a list hides its modules"):
        list(net.parameters())


def test_a_parameter_is_not_lost_by_assigning_a_plain_tensor():
    layer = nn.Linear(2, 2)
    with pytest.raises(DtypeError, match=r"Linear\.weight is a parameter, and would be lost"):
        layer.weight = mg.zeros((2, 2))
    layer.bias = None
    assert len(list(layer.parameters())) == 1


def test_what_stands_in_several_places_has_the_name_of_the_first():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert layer.weight.name == "0.weight"
    assert net(mg.ones((1, 2))).node.scope == "Sequential.0"


def test_modes_are_given_back_one_by_one():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[1].eval()
    mg.evaluate(net, [(mg.ones((4, 2)), mg.tensor([0, 1, 0, 1]))])
    assert [module.training for module in net.modules()] == [True, True, False]


def test_pytorch_scripts_may_say_set_to_none():
    net = nn.Linear(1, 1)
    net.zero_grad(set_to_none=True)
    mg.optim.SGD(net.parameters(), lr=0.1).zero_grad(set_to_none=True)


def test_a_state_that_is_no_dict():
    with pytest.raises(StateDictError, match="needs a dict of arrays by name, got NoneType"):
        nn.Linear(1, 1).load_state_dict(None)
    with pytest.raises(StateDictError, match="dtype of weight: complex128"):
        nn.Linear(1, 1).load_state_dict({"weight": np.ones((1, 1), complex), "bias": np.ones(1)})


def test_a_type_error_inside_forward_stays_as_it_is():
    class Broken(nn.Module):
        def forward(self, x):
            return len(x, x)

    with pytest.raises(TypeError, match=r"len\(\) takes exactly one argument") as caught:
        Broken()(1)
    assert type(caught.value) is TypeError


def test_a_property_that_fails_says_why():
    class Model(nn.Module):
        @property
        def width(self):
            return self.widht

    with pytest.raises(AttributeError, match="'Model' object has no attribute 'widht'"):
        Model().width


def test_modules_of_a_sequence_are_replaced_by_their_number():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net[-1] = nn.Linear(3, 1)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert net(mg.ones((4, 2))).shape == (4, 1)
    with pytest.raises(OutOfRangeError, match="Sequential has 2 modules, there is no 2"):
        net[2] = nn.ReLU()
    with pytest.raises(DtypeError, match="Sequential holds modules, got 3"):
        net[0] = 3
    with pytest.raises(DtypeError, match=r"pass them one by one, as in Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])


def test_modules_are_copied_and_pickled():
    model = nn.MLP([2, 3, 1])
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(other.state_dict()) == repr(model.state_dict())


def test_a_list_that_contains_itself_hides_nothing():
    model = nn.Linear(1, 1)
    model.notes = [1]
    model.notes.append(model.notes)
    assert [name for name, _ in model.named_parameters()] == ["weight", "bias"]
