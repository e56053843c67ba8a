"""No array of a float32 training step is float64: one that slips in costs more than all of the engine's work."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

CALLS = []  # of NumPy: the function's name, and the dtype of an argument or of the result


class NotedArray(np.ndarray):
    """An array that notes the dtypes of every NumPy call that it takes part in; so does each array that is computed."""

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return call(getattr(ufunc, method), inputs, options)

    def __array_function__(self, function, types, args, options):
        return call(function, args, options)


def call(function, args, options):
    args, options = plain(args), plain(options)
    result = function(*args, **options)
    note(function.__name__, [*args, *options.values(), result])
    return result.view(NotedArray) if isinstance(result, np.ndarray) else result


def plain(value):
    """Return a value with ordinary arrays in the place of noted ones."""
    if isinstance(value, NotedArray):
        return value.view(np.ndarray)
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return {name: plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def note(name, values):
    for value in values:
        if isinstance(value, (np.ndarray, np.generic)):
            CALLS.append((name, value.dtype))
        elif isinstance(value, (list, tuple)):
            note(name, value)


@pytest.fixture
def calls():
    CALLS.clear()
    return CALLS


LAYERS = {
    "relu": [nn.ReLU],
    "gelu": [nn.GELU],
    "elu": [nn.ELU],
    "silu": [nn.SiLU],
    "sigmoid": [nn.Sigmoid],
    "tanh": [nn.Tanh],
    "softplus": [nn.Softplus],
    "softmax": [nn.Softmax],
    "norms": [lambda: nn.BatchNorm1d(8), lambda: nn.LayerNorm(8), lambda: nn.Dropout(0.5)],
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, amsgrad=True, weight_decay=0.1),
    "AdamW": optim.AdamW,
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("layers", LAYERS)
def test_no_array_of_a_step_is_float64(layers, optimizer, calls):
    model = nn.Sequential(nn.Linear(5, 8), *[make() for make in LAYERS[layers]], nn.Linear(8, 3))
    steps = OPTIMIZERS[optimizer](model.parameters())
    for loss in (nn.CrossEntropyLoss(), nn.MSELoss(), nn.HuberLoss(), nn.BCEWithLogitsLoss()):
        targets = np.arange(6) % 3
        if not isinstance(loss, nn.CrossEntropyLoss):
            targets = np.eye(3, dtype=np.float32)[targets]
        calls.clear()
        for parameter in model.parameters():
            parameter._array = parameter._array.view(NotedArray)
        steps.zero_grad()
        value = loss(model(mg.tensor(np.ones((6, 5), np.float32)) + mg.arange(5)[None].astype(np.float32)), targets)
        value.backward()
        steps.step()
        assert len(calls) > 50
        assert {name for name, dtype in calls if dtype == np.float64} == set()
        assert value.dtype == np.float32
        for tensor in model.parameters():
            assert tensor.data.dtype == tensor.grad.data.dtype == np.float32
            assert {np.asarray(v).dtype for v in steps.state[tensor].values() if np.ndim(v)} <= {np.dtype(np.float32)}


def test_a_float64_that_slips_in_is_noted(calls):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    x._array = x._array.view(NotedArray)
    mg.multiply(x, np.float64(2.0)).sum().backward()
    assert any(dtype == np.float64 for _, dtype in calls)
