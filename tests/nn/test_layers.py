"""What single layers do, beyond agreeing with PyTorch."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError


def test_linear_starts_within_its_bounds_and_repeats_with_its_generator():
    layers = [nn.Linear(25, 100, rng=np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(layers[0].weight.data, layers[1].weight.data)
    assert 0.19 < abs(layers[0].weight.data).max() <= 0.2
    assert 0.15 < abs(layers[0].bias.data).max() <= 0.2
    assert layers[0].weight.dtype == np.float32


def test_the_seed_repeats_a_model():
    mg.seed(5)
    first = nn.MLP([3, 4, 2]).state_dict()
    mg.seed(5)
    second = nn.MLP([3, 4, 2]).state_dict()
    assert all((first[name] == second[name]).all() for name in first)


def test_linear_without_bias_and_on_more_axes():
    layer = nn.Linear(3, 2, bias=False)
    x = mg.tensor(np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32), requires_grad=True)
    assert layer.bias is None
    layer(x).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.data, np.tile(x.data.sum((0, 1)), (2, 1)), rtol=1e-5)
    assert x.grad.shape == x.shape
    assert layer(mg.ones(3)).shape == (2,)


def test_mlp_builds_what_it_says():
    model = nn.MLP([784, 512, 10], activation=nn.Tanh, dropout=0.2)
    assert [type(module).__name__ for module in model] == ["Linear", "Tanh", "Dropout", "Linear"]
    assert sum(parameter.size for parameter in model.parameters()) == 407_050
    assert model[-1].out_features == 10
    assert len(nn.MLP([2, 1])) == 1


def test_dropout_keeps_the_mean_and_is_still_in_evaluation():
    layer, x = nn.Dropout(0.25, rng=np.random.default_rng(0)), mg.ones((1000, 100), requires_grad=True)
    out = layer(x)
    assert set(np.unique(out.data)) == {np.float32(0), np.float32(4 / 3)}
    assert abs(out.data.mean() - 1) < 0.01
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.data, out.data)
    assert layer.eval()(x) is x
    assert not nn.Dropout(1.0)(x).data.any()


def test_embedding_adds_the_gradients_of_a_row_used_twice():
    layer = nn.Embedding(4, 2)
    layer(mg.tensor([[1, 1], [3, 0]])).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.data, [[1, 1], [2, 2], [0, 0], [1, 1]])


def test_batch_norm_of_one_value_a_channel():
    with pytest.raises(ShapeError, match=r"more than one value for each channel, got shape \(1, 3\).*drop_last=True"):
        nn.BatchNorm1d(3)(mg.ones((1, 3)))
    assert nn.BatchNorm1d(3).eval()(mg.ones((1, 3))).shape == (1, 3)


def test_batch_norm_stays_in_float32():
    layer = nn.BatchNorm1d(3)
    x = mg.tensor(np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32), requires_grad=True)
    out = layer(x)
    out.sum().backward()
    arrays = [out, x.grad, layer.weight.grad, layer.running_mean, layer.running_var, *layer.state_dict().values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32), np.dtype(np.int64)}


def test_flatten():
    x = mg.zeros((2, 3, 4, 5))
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)
    assert nn.Flatten(-2)(x).shape == (2, 3, 20)
    with pytest.raises(OutOfRangeError, match=r"no axes from 5 to -1 in shape \(2, 3, 4, 5\)"):
        nn.Flatten(5)(x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(0, 2), "Linear: in_features must be a positive integer, got 0"),
        (lambda: nn.Linear(2, 2.5), "out_features must be a positive integer, got 2.5"),
        (lambda: nn.Linear(True, 2), "in_features must be a positive integer, got True"),
        (lambda: nn.MLP([3]), r"at least two widths, such as \[784, 512, 10\]; got \[3\]"),
        (lambda: nn.MLP([3, -1]), "must be a positive integer, got -1"),
        (lambda: nn.MLP(3), "sizes are a list"),
        (lambda: nn.Dropout(1.5), "Dropout: p must be a number from 0 to 1, got 1.5"),
        (lambda: nn.Dropout(float("nan")), "p must be a number from 0 to 1, got nan"),
        (lambda: nn.GELU("fast"), "approximate must be one of 'none', 'tanh', got 'fast'"),
        (lambda: nn.BatchNorm1d(3, momentum=2), "momentum must be a number from 0 to 1"),
        (lambda: nn.LayerNorm((2, 0)), "normalized_shape must be a positive integer, got 0"),
        (lambda: nn.Embedding(3, "4"), "embedding_dim must be a positive integer"),
        (lambda: nn.Softplus(0), "beta must be a number of at least"),
    ],
)
def test_constructors_refuse_bad_values(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_calls_with_bad_input():
    with pytest.raises(ShapeError, match=r"linear.*\(2, 5\).*weight 'weight' \(2, 3\)"):
        nn.Linear(3, 2)(mg.ones((2, 5)))
    with pytest.raises(DtypeError, match=r"embedding: indices must be integers, got float32"):
        nn.Embedding(3, 2)(mg.ones(2))
    with pytest.raises(OutOfRangeError, match=r"embedding: indices must be from 0 to 2, got from -1 to 1"):
        nn.Embedding(3, 2)(mg.tensor([1, -1]))
    with pytest.raises(ShapeError, match=r"layer_norm: the last axes must be \(4,\), got shape \(2, 3\)"):
        nn.LayerNorm(4)(mg.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"expected \(N, C\) or \(N, C, L\), got shape \(3,\)"):
        nn.BatchNorm1d(3)(mg.ones(3))


def test_functional_has_each_layer_as_a_function():
    x = mg.tensor([[-1.0, 2.0]])
    pairs = [
        (nn.ReLU(), F.relu), (nn.LeakyReLU(), F.leaky_relu), (nn.ELU(), F.elu), (nn.GELU(), F.gelu),
        (nn.SiLU(), F.silu), (nn.Sigmoid(), F.sigmoid), (nn.Tanh(), F.tanh), (nn.Softplus(), F.softplus),
        (nn.Softmax(), F.softmax), (nn.LogSoftmax(), F.log_softmax), (nn.Flatten(), F.flatten),
        (nn.Identity(), lambda y: y), (nn.Softplus(2.0), lambda y: F.softplus(y, 2.0)),
        (nn.Dropout().eval(), lambda y: F.dropout(y, training=False)),
    ]  # fmt: skip
    for module, function in pairs:
        np.testing.assert_array_equal(module(x).data, function(x).data)
        assert repr(module).startswith(type(module).__name__)


@pytest.mark.parametrize(
    ("mean", "variance", "kind", "message"),
    [
        (mg.zeros(2), None, ArgumentError, "running_mean and running_var belong together"),
        (None, mg.ones(2), ArgumentError, "running_mean and running_var belong together"),
        (np.zeros(2), mg.ones(2), DtypeError, "running_mean must be a tensor, which training updates; got ndarray"),
    ],
)
def test_running_statistics_are_two_tensors_or_none(mean, variance, kind, message):
    with pytest.raises(kind, match=f"batch_norm: {message}"):
        F.batch_norm(mg.ones((3, 2)), mean, variance, training=True)


def test_batch_norm_checks_the_channels_before_it_changes_anything():
    for channels in (1, 5):
        layer = nn.BatchNorm1d(3)
        with pytest.raises(ShapeError, match=rf"running_mean is for 3 channels, the input has {channels}"):
            layer(mg.ones((4, channels)))
        assert layer.num_batches_tracked.item() == 0
        assert (layer.running_mean.data == 0).all()


def test_linear_needs_an_axis():
    with pytest.raises(ShapeError, match=r"linear: needs x of shape \(..., in_features\).*got \(\)"):
        nn.Linear(2, 3)(mg.tensor(2.0))


def test_mlp_takes_a_class_as_activation():
    for wrong in (nn.ReLU(), "relu"):
        with pytest.raises(ArgumentError, match="pass the class, such as nn"):
            nn.MLP([2, 3, 1], activation=wrong)


def test_dropout_keeps_the_dtype():
    assert F.dropout(mg.ones(3), np.float64(0.5)).dtype == np.float32
    assert F.dropout([1.0, 2.0], training=False).tolist() == [1.0, 2.0]
