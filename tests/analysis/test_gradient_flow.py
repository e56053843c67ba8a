"""Gradient flow: what is measured, what is said of it, and that measuring changes nothing."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.analysis import deep_network, gradient_flow
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError


def flow_of(activation, initialisation, depth=20, width=48, **options):
    rng = np.random.default_rng(0)
    model = deep_network(depth, width, activation, initialisation, outputs=10, rng=rng)
    X, y = rng.normal(size=(64, width)).astype(np.float32), rng.integers(0, 10, 64)
    return gradient_flow(model, [(mg.tensor(X), mg.tensor(y))], nn.CrossEntropyLoss(), **options)


def small(seed=0):
    """Return a model with every kind of state, and batches for it."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Linear(3, 8, rng=rng), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2, rng=rng), nn.Linear(8, 2, rng=rng)
    )
    X, y = rng.normal(size=(40, 3)).astype(np.float32), rng.integers(0, 2, 40)
    return model, data.DataLoader((X, y), batch_size=16)


def test_sizes_of_two_linear_layers_are_the_formulas():
    """out = (X A^T) B^T, loss = sum(out^2) / 2: the gradients are out, and out B."""
    rng = np.random.default_rng(0)
    X, A, B = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
    model = nn.Sequential(nn.Linear(3, 4, bias=False, dtype=np.float64), nn.Linear(4, 2, bias=False, dtype=np.float64))
    model[0].weight.data, model[1].weight.data = A, B
    flow = gradient_flow(model, [(mg.tensor(X), None)], lambda out, _: (out * out).sum() / 2)
    hidden = X @ A.T
    out = hidden @ B.T
    assert flow.layers == ("0", "1")
    np.testing.assert_allclose(flow.losses, [np.sum(out**2) / 2])
    np.testing.assert_allclose(flow.activations, [[np.sqrt(np.mean(hidden**2)), np.sqrt(np.mean(out**2))]])
    arriving = np.sqrt(np.mean((out @ B) ** 2)), np.sqrt(np.mean(out**2))
    np.testing.assert_allclose(flow.activation_gradients, [arriving])
    norms = np.linalg.norm((out @ B).T @ X), np.linalg.norm(out.T @ hidden)
    np.testing.assert_allclose(flow.weight_gradients, [norms])
    assert flow.ratio == pytest.approx(arriving[0] / arriving[1])


def test_twenty_sigmoid_layers_vanish():
    flow = flow_of("sigmoid", "xavier")
    assert flow.activations.shape == flow.activation_gradients.shape == flow.weight_gradients.shape == (1, 21)
    assert flow.ratio < 1e-6
    assert flow.kind == "vanishing"
    assert flow.diagnosis.startswith("Vanishing: gradients shrink from ")
    assert flow.remedy.startswith("Replace sigmoid by relu with He initialisation")


def test_twenty_relu_layers_of_he_initialisation_are_healthy():
    flow = flow_of("relu", "he")
    assert 0.05 < flow.ratio < 20
    assert flow.kind == "healthy"
    assert flow.remedy == "Nothing has to change."


def test_too_small_weights_vanish_forward_and_backward():
    flow = flow_of("relu", 0.01)
    assert flow.kind == "vanishing"
    assert flow.ratio < 1e-12
    assert flow.activations[0, -1] / flow.activations[0, 0] < 1e-12
    assert "gradients shrink" in flow.diagnosis
    assert "activations shrink" in flow.diagnosis
    assert flow.remedy.startswith("Use He initialisation")


def test_too_large_weights_explode():
    flow = flow_of("relu", 1.0)
    assert flow.kind == "exploding"
    assert flow.ratio > 1e9
    assert "gradients grow" in flow.diagnosis
    assert "activations grow" in flow.diagnosis
    assert "clip" in flow.remedy


def test_tanh_with_xavier_is_healthy():
    flow = flow_of("tanh", "xavier")
    assert flow.kind == "healthy"
    assert max(flow.saturated_units.values()) < 0.2


def test_relu_with_xavier_loses_a_factor_of_the_square_root_of_two_a_layer():
    """He et al., 2015, section 2.2: with half of the variance a layer, 2**-10 of the gradient is left after twenty."""

    def ratio(initialisation):
        rng = np.random.default_rng(0)
        model = deep_network(20, 48, "relu", initialisation, rng=rng)
        return gradient_flow(model, [(mg.tensor(rng.normal(size=(8, 48))), None)], lambda out, _: out.sum()).ratio

    assert ratio("xavier") / ratio("he") == pytest.approx(2**-10, rel=1e-4)


def test_saturated_units_are_counted_and_named():
    model = nn.Sequential(nn.Linear(1, 4, bias=False), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    model[0].weight.data = np.array([[100.0], [100.0], [100.0], [0.0]])
    flow = gradient_flow(model, [(mg.tensor([[1.0], [-1.0]]), mg.tensor([[0.0], [1.0]]))], nn.BCELoss())
    assert flow.saturated_units == {"1 sigmoid": 0.75}  # the output's own sigmoid does not count
    assert flow.kind == "saturated"
    assert "75% of the units of '1 sigmoid' are saturated" in flow.diagnosis


@pytest.mark.parametrize(("value", "saturated"), [(4.3, 0.0), (4.4, 1.0)])
def test_a_sigmoid_is_saturated_below_a_twentieth_of_its_slope(value, saturated):
    """y (1 - y) = 1/80 at x = ln((1 + sqrt(0.95)) / (1 - sqrt(0.95))) = 4.357."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Sigmoid(), nn.Linear(1, 1))
    model[0].weight.data = np.array([[value]])
    flow = gradient_flow(model, [(mg.tensor([[1.0]]), mg.tensor([[0.0]]))], nn.MSELoss())
    assert flow.saturated_units == {"1 sigmoid": saturated}


def test_dying_relus_are_counted_and_named_in_a_functional_model_too():
    class Net(nn.Module):
        def __init__(self):
            self.first, self.last = nn.Linear(2, 10), nn.Linear(10, 1)

        def forward(self, x):
            return self.last(mg.relu(self.first(x)))

    model = Net()
    model.first.bias.data = np.where(np.arange(10) < 9, -100.0, 100.0)
    rng = np.random.default_rng(0)
    flow = gradient_flow(model, [(mg.tensor(rng.normal(size=(20, 2))), mg.tensor(np.ones((20, 1))))], nn.MSELoss())
    assert flow.layers == ("first", "last")
    assert flow.dead_units == {"Net relu": 0.9}
    assert flow.kind == "dying"
    assert "90% of the units of 'Net relu' are 0 on the whole batch" in flow.diagnosis
    assert "LeakyReLU" in flow.remedy


def test_all_relus_dead_is_no_gradient_at_all():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU())
    model[2].bias.data = np.full(4, -100.0)
    flow = gradient_flow(model, [(mg.tensor(np.ones((3, 2))), mg.tensor(np.ones((3, 4))))], nn.MSELoss())
    assert np.isnan(flow.ratio)
    assert flow.diagnosis.startswith("Vanishing: no gradient arrives at any layer")


def test_dead_units_decide_the_remedy():
    """The initialisation is He's already; what is wrong are the biases."""
    rng = np.random.default_rng(0)
    model = deep_network(5, 16, "relu", "he", outputs=3, rng=rng)
    for layer in model.modules():
        if isinstance(layer, nn.Linear) and layer.out_features == 16:
            layer.bias.data = np.full(16, -6.0)
    batch = mg.tensor(rng.normal(size=(32, 16)).astype(np.float32)), mg.tensor(rng.integers(0, 3, 32))
    flow = gradient_flow(model, [batch], nn.CrossEntropyLoss())
    assert flow.kind == "vanishing"
    assert "are 0 on the whole batch" in flow.diagnosis
    assert "He initialisation" not in flow.remedy
    for advice in ("biases to 0", "smaller learning rate", "nn.LeakyReLU"):
        assert advice in flow.remedy


@pytest.mark.parametrize("training", [True, False])
def test_measuring_changes_nothing(training):
    model, loader = small()
    model.train(training)
    model[1].training = False  # a mode of its own
    model[4].weight.grad = np.ones((2, 8))
    before, arrays = model.state_dict(), [parameter.data for parameter in model.parameters()]
    modes = [module.training for module in model.modules()]
    keys = [list(vars(module)) for module in model.modules()]
    gradient_flow(model, loader, nn.CrossEntropyLoss())
    after = model.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert all(a is b.data for a, b in zip(arrays, model.parameters(), strict=True))
    assert [module.training for module in model.modules()] == modes
    assert [list(vars(module)) for module in model.modules()] == keys
    np.testing.assert_array_equal(model[4].weight.grad.data, np.ones((2, 8)))
    assert all(parameter.grad is None for parameter in model.parameters() if parameter is not model[4].weight)


def test_measuring_in_training_mode_leaves_the_running_statistics():
    model, loader = small()
    gradient_flow(model, loader, nn.CrossEntropyLoss())
    assert int(model[1].num_batches_tracked) == 0
    np.testing.assert_array_equal(model[1].running_mean.data, np.zeros(8))


def test_after_an_exception_all_is_as_before_too():
    model, loader = small()

    def loss(output, targets):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gradient_flow(model, loader, loss)
    assert "forward" not in vars(model[0])
    assert int(model[1].num_batches_tracked) == 0


def test_a_forward_of_the_modules_own_comes_back():
    model, loader = small()
    own = model[0].forward
    vars(model[0])["forward"] = own
    gradient_flow(model, loader, nn.CrossEntropyLoss())
    assert vars(model[0])["forward"] is own


def test_with_an_optimizer_it_is_the_usual_training():
    (model, loader), (by_hand, _) = small(), small()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    flow = gradient_flow(model, loader, nn.CrossEntropyLoss(), optimizer=optimizer, steps=5)
    optimizer, losses = optim.SGD(by_hand.parameters(), lr=0.1, momentum=0.9), []
    for X, y in [*loader, *loader][:5]:  # 3 batches an epoch
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(by_hand(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert flow.losses.tolist() == losses
    for one, other in zip(model.state_dict().values(), by_hand.state_dict().values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_batch_is_a_row_and_steps_limits_them():
    model, loader = small()
    assert gradient_flow(model, loader, nn.CrossEntropyLoss()).activations.shape == (3, 3)
    assert len(gradient_flow(model, loader, nn.CrossEntropyLoss(), steps=2).losses) == 2
    assert gradient_flow(model, loader, nn.CrossEntropyLoss()).layers == ("0", "1", "4")


def test_a_row_is_of_its_own_batch_alone():
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    one, other = [(mg.full((3, 2), value), mg.zeros((3, 1))) for value in (1.0, -2.0)]
    both, alone = gradient_flow(model, [one, other], nn.MSELoss()), gradient_flow(model, [other], nn.MSELoss())
    for table in ("activations", "activation_gradients", "weight_gradients"):
        np.testing.assert_array_equal(getattr(both, table)[1:], getattr(alone, table))


def test_layers_stand_in_the_order_of_their_calls_and_shared_ones_once():
    class Net(nn.Module):
        def __init__(self):
            self.late, self.early, self.never = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.late(self.late(self.early(x)))

    flow = gradient_flow(Net(), [(mg.ones((3, 2)), mg.ones((3, 2)))], nn.MSELoss())
    assert flow.layers == ("early", "late")


def test_frozen_layers_have_no_gradients_and_the_ratio_starts_after_them():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 2))
    for parameter in model[0].parameters():
        parameter.requires_grad = False
    flow = gradient_flow(model, [(mg.ones((3, 2)), mg.zeros((3, 2)))], nn.MSELoss())
    assert np.isnan(flow.activation_gradients[0]).tolist() == [True, False, False]
    assert np.isnan(flow.weight_gradients[0]).tolist() == [True, False, False]
    assert flow.ratio == pytest.approx(flow.activation_gradients[0, 1] / flow.activation_gradients[0, 2])
    assert flow.kind == "healthy"
    assert "at layer '2' to" in flow.diagnosis
    assert "at layer '1', a factor" in flow.diagnosis


def test_where_all_layers_are_frozen_no_gradient_arrives():
    model, scale = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), mg.tensor(2.0, requires_grad=True)
    for parameter in model.parameters():
        parameter.requires_grad = False
    flow = gradient_flow(model, [(mg.ones((3, 2)), mg.zeros((3, 2)))], lambda out, y: (out * scale - y).square().sum())
    assert np.isnan(flow.ratio)
    assert flow.kind == "vanishing"
    assert flow.diagnosis == "Vanishing: no gradient arrives at any layer."


def test_a_layer_that_returns_no_tensor_is_left_out_of_the_table():
    class Scales(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(np.ones(2, np.float32))

        def forward(self):
            return {"scale": self.scale}

    class Net(nn.Module):
        def __init__(self):
            self.scales, self.last = Scales(), nn.Linear(2, 1)

        def forward(self, x):
            return self.last(x * self.scales()["scale"])

    flow = gradient_flow(Net(), [(mg.ones((3, 2)), mg.ones((3, 1)))], nn.MSELoss())
    assert flow.layers == ("last",)


def test_a_network_without_relu_sigmoid_and_tanh_gets_advice_for_any_function():
    flow = gradient_flow(
        nn.Sequential(*(nn.Linear(2, 2) for _ in range(3))), [(mg.full((3, 2), np.inf), mg.ones((3, 2)))], nn.MSELoss()
    )
    assert flow.kind == "not finite"
    assert "an initialisation that keeps the variance, such as Xavier" in flow.remedy


def test_a_loss_that_is_not_finite_ends_the_run_without_an_update():
    model, loader = small()
    optimizer = optim.SGD(model.parameters(), lr=1e30)
    flow = gradient_flow(model, loader, lambda out, y: (out * out).mean(), optimizer=optimizer, steps=50)
    assert flow.kind == "not finite"
    assert not np.isfinite(flow.losses[-1])
    assert np.isfinite(flow.losses[:-1]).all()
    assert f"at step {len(flow.losses)} of {len(flow.losses)} the loss is" in flow.diagnosis
    assert "clip the gradients" in flow.remedy


def test_a_single_layer_is_a_model_and_no_grad_around_it_does_not_matter():
    with mg.no_grad():
        flow = gradient_flow(nn.Linear(2, 1), [(mg.ones((3, 2)), mg.zeros((3, 1)))], nn.MSELoss())
    assert flow.layers == ("Linear",)
    assert flow.ratio == 1.0


def test_the_text_is_a_table_with_the_diagnosis():
    text = str(flow_of("sigmoid", "xavier", depth=2))
    lines = text.splitlines()
    assert lines[0] == "layer  activation  its gradient  weight's gradient"
    assert [line.split()[0] for line in lines[1:4]] == ["0", "2", "4"]
    assert len({len(line) for line in lines[:4]}) == 1
    assert "one step" in lines[4]
    assert lines[5].startswith("Healthy")


class Skips(nn.Module):
    """Uses its layer's weight, and not the layer."""

    def __init__(self):
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        return x @ self.layer.weight.T


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": nn.Sequential(nn.ReLU())}, ArgumentError, "Sequential has no layer with parameters"),
        ({"model": lambda x: x}, DtypeError, "model must be a module"),
        ({"model": Skips(), "loss": lambda out, y: out.sum()}, ArgumentError, "called none of its layers"),
        ({"batches": []}, ArgumentError, "the batches give no batch"),
        ({"batches": 3}, DtypeError, "batches must give"),
        ({"batches": (mg.ones((4, 2)), mg.ones((4, 1)))}, ShapeError, r"for a single batch pass \[\(X, y\)\]"),
        ({"batches": iter([(mg.ones((4, 2)), mg.ones((4, 1)))]), "steps": 2}, ArgumentError, "ended after 1 of 2"),
        ({"loss": nn.MSELoss(reduction="none")}, GraphError, r"must be a scalar, it has shape \(4, 1\)"),
        ({"loss": nn.MSELoss}, DtypeError, r"make one: nn.MSELoss\(\)"),
        ({"loss": lambda out, y: 1.0}, DtypeError, "it returned float"),
        ({"loss": lambda out, y: F.mse_loss(y, y)}, GraphError, "nothing to differentiate"),
        ({"steps": 0}, ArgumentError, "steps must be a positive integer, got 0"),
        ({"optimizer": optim.SGD}, DtypeError, r"make one, such as optim.SGD\(model.parameters\(\), lr=0.1\)"),
        ({"optimizer": 0.1}, DtypeError, "optimizer must have step"),
    ],
)
def test_what_is_wrong_is_said(change, error, message):
    options = {"model": nn.Linear(2, 1), "batches": [(mg.ones((4, 2)), mg.ones((4, 1)))], "loss": nn.MSELoss()}
    with pytest.raises(error, match=message):
        gradient_flow(**{**options, **change})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 4), "depth must be a positive integer"),
        ((2, 4, "gelu"), "activation must be one of 'relu', 'sigmoid', 'tanh'"),
        ((2, 4, "relu", "kaiming"), "initialisation must be one of 'he', 'xavier'"),
        ((2, 4, "relu", -1.0), "standard deviation"),
    ],
)
def test_deep_network_says_what_is_wrong(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        deep_network(*arguments)


def test_deep_network_is_what_it_says():
    model = deep_network(3, 200, "relu", "he", inputs=5, outputs=2, rng=np.random.default_rng(0))
    assert [layer.weight.shape for layer in model if isinstance(layer, nn.Linear)] == [
        (200, 5),
        (200, 200),
        (200, 200),
        (2, 200),
    ]
    assert sum(isinstance(layer, nn.ReLU) for layer in model) == 3
    assert model[2].weight.data.std() == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert not model[2].bias.data.any()
    plain = deep_network(1, 200, "tanh", 0.3, rng=np.random.default_rng(0))
    assert plain[0].weight.data.std() == pytest.approx(0.3, rel=0.02)
