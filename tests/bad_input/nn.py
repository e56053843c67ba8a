"""Bad input to layers and losses."""

from __future__ import annotations

import numpy as np

from minigrad import nn
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    MissingMethodError,
    OutOfRangeError,
    ShapeError,
    StateDictError,
    UnknownArgumentError,
)
from tests.bad_input.given import Cases, X, Y

NN: Cases = {
    "nn.ELU": [
        (lambda: nn.ELU("a"), ArgumentError, "ELU: alpha must be a number, got 'a'"),
        (lambda: nn.ELU(np.nan), ArgumentError, "ELU: alpha must be a number, got nan"),
        (lambda: nn.ELU()("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.GELU": [
        (lambda: nn.GELU("erf"), ArgumentError, "GELU: approximate must be one of 'none', 'tanh', got 'erf'"),
        (lambda: nn.GELU()(None), DtypeError, "gelu: x is None (NoneType), expected real numbers or booleans"),
        (lambda: nn.GELU(approximate=3), ArgumentError, "GELU: approximate must be one of 'none', 'tanh', got 3"),
    ],
    "nn.LeakyReLU": [
        (lambda: nn.LeakyReLU("a"), ArgumentError, "LeakyReLU: negative_slope must be a number, got 'a'"),
        (lambda: nn.LeakyReLU(np.inf), ArgumentError, "LeakyReLU: negative_slope must be a finite number, got inf"),
        (lambda: nn.LeakyReLU()(None), DtypeError, "x is None (NoneType), expected real numbers or booleans"),
    ],
    "nn.LogSoftmax": [
        (lambda: nn.LogSoftmax("a"), DtypeError, "LogSoftmax: axis must be an integer, got 'a'"),
        (lambda: nn.LogSoftmax(0.5), DtypeError, "LogSoftmax: axis must be an integer, got 0.5"),
        (lambda: nn.LogSoftmax(5)(X), OutOfRangeError, "axis 5 is out of bounds for array of dimension 2, for x 'x'"),
    ],
    "nn.Softmax": [
        (lambda: nn.Softmax("a"), DtypeError, "Softmax: axis must be an integer, got 'a'"),
        (lambda: nn.Softmax(5)(X), OutOfRangeError, "axis 5 is out of bounds for array of dimension 2, for x 'x' (2,"),
        (lambda: nn.Softmax()("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.ReLU": [
        (lambda: nn.ReLU(3), TypeError, "__init__() takes 1 positional argument but 2"),
        (lambda: nn.ReLU(inplace=True), UnknownArgumentError, "ReLU() got an unexpected keyword argument 'inplace'"),
        (lambda: nn.ReLU()("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: nn.ReLU()(X, X), TypeError, "forward() takes 2 positional arguments but 3 were given"),
    ],
    "nn.Sigmoid": [
        (lambda: nn.Sigmoid(3), TypeError, "__init__() takes 1 positional argument but 2"),
        (lambda: nn.Sigmoid()("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: nn.Sigmoid()(), TypeError, "() missing 1 required positional argument: 'x'"),
    ],
    "nn.SiLU": [
        (lambda: nn.SiLU(inplace=True), UnknownArgumentError, "SiLU() got an unexpected keyword argument 'inplace'"),
        (lambda: nn.SiLU()(None), DtypeError, "silu: x is None (NoneType), expected real numbers or booleans"),
        (lambda: nn.SiLU(1), TypeError, "__init__() takes 1 positional argument but 2"),
    ],
    "nn.Tanh": [
        (lambda: nn.Tanh(3), TypeError, "__init__() takes 1 positional argument but 2"),
        (lambda: nn.Tanh()(1j), DtypeError, "expected real numbers or booleans, got complex128 (complex)"),
        (lambda: nn.Tanh()(x=3, y=2), TypeError, "got an unexpected keyword argument 'y'"),
    ],
    "nn.Softplus": [
        (lambda: nn.Softplus(0), ArgumentError, "Softplus: beta must be a number of at least 1e-30, got 0"),
        (lambda: nn.Softplus("a"), ArgumentError, "Softplus: beta must be a number of at least 1e-30, got 'a'"),
        (lambda: nn.Softplus()("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.Identity": [
        (lambda: nn.Identity(3), TypeError, "__init__() takes 1 positional argument but 2"),
        (lambda: nn.Identity(dim=3), TypeError, "got an unexpected keyword argument 'dim'"),
        (lambda: nn.Identity()(), TypeError, "() missing 1 required positional argument: 'x'"),
    ],
    "nn.ModuleList": [
        (lambda: nn.ModuleList(3), DtypeError, "ModuleList takes a list of modules, got 3; write ModuleList([...])"),
        (lambda: nn.ModuleList([3]), DtypeError, "ModuleList holds modules, got 3"),
        (lambda: nn.ModuleList([nn.ReLU()])[5], OutOfRangeError, "ModuleList has 1 modules, there is no 5"),
        (lambda: nn.ModuleList([nn.ReLU()])(X), MissingMethodError, "ModuleList has no forward(); define it to say"),
    ],
    "nn.Sequential": [
        (lambda: nn.Sequential(3), DtypeError, "Sequential holds modules, got 3"),
        (lambda: nn.Sequential(nn.ReLU), DtypeError, "Sequential holds modules, got <class"),
        (lambda: nn.Sequential(nn.ReLU())[3], OutOfRangeError, "Sequential has 1 modules, there is no 3"),
        (lambda: nn.Sequential(nn.Linear(2, 2))(X), ShapeError, "x has 3 features, weight takes 2: x 'x' (2, 3),"),
    ],
    "nn.Dropout": [
        (lambda: nn.Dropout(2), ArgumentError, "Dropout: p must be a number from 0 to 1, got 2"),
        (lambda: nn.Dropout("a"), ArgumentError, "Dropout: p must be a number from 0 to 1, got 'a'"),
        (lambda: nn.Dropout(rng=3), DtypeError, "rng= needs a numpy.random.Generator, such as"),
        (lambda: nn.Dropout(0.5, rng=0)(X), DtypeError, "rng= needs a numpy.random.Generator, such as"),
    ],
    "nn.Embedding": [
        (lambda: nn.Embedding(0, 2), ArgumentError, "Embedding: num_embeddings must be a positive integer, got 0"),
        (lambda: nn.Embedding(2.5, 2), ArgumentError, "Embedding: num_embeddings must be a positive integer, got 2.5"),
        (lambda: nn.Embedding(3, 2)([5]), OutOfRangeError, "embedding: indices must be from 0 to 2, got from 5 to 5"),
        (lambda: nn.Embedding(3, 2)([0.5]), DtypeError, "indices must be integers, got float32; convert with"),
    ],
    "nn.Linear": [
        (lambda: nn.Linear(0, 2), ArgumentError, "Linear: in_features must be a positive integer, got 0"),
        (lambda: nn.Linear(2, 2.5), ArgumentError, "Linear: out_features must be a positive integer, got 2.5"),
        (lambda: nn.Linear(2, 2)(X), ShapeError, "x has 3 features, weight takes 2: x 'x' (2, 3), weight 'weight'"),
        (lambda: nn.Linear(2, 2, dtype=complex), DtypeError, "expected a dtype of real numbers or booleans, got"),
    ],
    "nn.BCELoss": [
        (lambda: nn.BCELoss("avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: nn.BCELoss()(X, Y), ShapeError, "the probability 'x' has shape (2, 3) and the target 'y' (4, 3);"),
        (lambda: nn.BCELoss()(X * 3, X), OutOfRangeError, "probabilities must be from 0 to 1, got from 3 to 3; for"),
        (lambda: nn.BCELoss()("a", X), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.BCEWithLogitsLoss": [
        (lambda: nn.BCEWithLogitsLoss("avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got"),
        (lambda: nn.BCEWithLogitsLoss()(X, Y), ShapeError, "binary_cross_entropy_with_logits: the logits 'x' have"),
        (lambda: nn.BCEWithLogitsLoss()(X, "a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.CrossEntropyLoss": [
        (lambda: nn.CrossEntropyLoss(2), ArgumentError, "label_smoothing must be a number from 0 to 1, got 2"),
        (lambda: nn.CrossEntropyLoss()(X, [0, 5]), OutOfRangeError, "labels must be from 0 to 2 for 3 classes, got 5"),
        (lambda: nn.CrossEntropyLoss()(X, [0, 1, 2]), ShapeError, "for scores 'x' of shape (2, 3), targets are class"),
        (lambda: nn.CrossEntropyLoss()(X, None), DtypeError, "expected real numbers or booleans, got object"),
    ],
    "nn.HuberLoss": [
        (lambda: nn.HuberLoss(delta=0), ArgumentError, "HuberLoss: delta must be a number of at least 1e-30, got 0"),
        (lambda: nn.HuberLoss("avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: nn.HuberLoss()(X, Y), ShapeError, "the prediction 'x' has shape (2, 3) and the target 'y' (4, 3);"),
    ],
    "nn.L1Loss": [
        (lambda: nn.L1Loss("avg"), ArgumentError, "L1Loss: reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: nn.L1Loss()(X, Y), ShapeError, "the prediction 'x' has shape (2, 3) and the target 'y' (4, 3); they"),
        (lambda: nn.L1Loss()(X, None), DtypeError, "expected real numbers or booleans, got object (NoneType)"),
    ],
    "nn.MSELoss": [
        (lambda: nn.MSELoss("avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: nn.MSELoss(3), ArgumentError, "MSELoss: reduction must be one of 'mean', 'sum', 'none', got 3"),
        (lambda: nn.MSELoss()(X, Y), ShapeError, "the prediction 'x' has shape (2, 3) and the target 'y' (4, 3);"),
        (lambda: nn.MSELoss()(X, "a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.NLLLoss": [
        (lambda: nn.NLLLoss("avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: nn.NLLLoss()(X, [0, 7]), OutOfRangeError, "nll_loss: labels must be from 0 to 2 for 3 classes, got 7"),
        (lambda: nn.NLLLoss()(X, X), ShapeError, "targets are class indices without the class axis, got shape (2, 3)"),
        (lambda: nn.NLLLoss()(X, [0.5, 1]), DtypeError, "targets of shape (2,) must be integer class indices, got"),
    ],
    "nn.MLP": [
        (lambda: nn.MLP([3]), ArgumentError, "sizes are a list of at least two widths, such as [784, 512, 10]; got"),
        (lambda: nn.MLP(3), ArgumentError, "sizes are a list of at least two widths, such as [784, 512, 10]; got 3"),
        (lambda: nn.MLP([3, 4, 2], rng=3), DtypeError, "rng= needs a numpy.random.Generator, such as"),
        (lambda: nn.MLP([2, 2])(X), ShapeError, "x has 3 features, weight takes 2: x 'x' (2, 3), weight '0.weight'"),
    ],
    "nn.Module": [
        (lambda: nn.Module()(X), MissingMethodError, "Module has no forward(); define it to say what the module"),
        (lambda: nn.Module().load_state_dict({"a": 1}), StateDictError, "the state does not fit Module; with"),
        (lambda: nn.Module().register_buffer(3, X), ArgumentError, "the name must be a new identifier, got 3"),
        (lambda: nn.Module().register_buffer("a", "b"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.BatchNorm1d": [
        (lambda: nn.BatchNorm1d(0), ArgumentError, "BatchNorm1d: num_features must be a positive integer, got 0"),
        (lambda: nn.BatchNorm1d(3, eps=-1), ArgumentError, "BatchNorm1d: eps must be a number of at least 0, got -1"),
        (lambda: nn.BatchNorm1d(5)(X), ShapeError, "running_mean is for 5 channels, the input has 3: 'x' of shape"),
        (lambda: nn.BatchNorm1d(3)("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.LayerNorm": [
        (lambda: nn.LayerNorm(0), ArgumentError, "LayerNorm: normalized_shape must be a positive integer, got 0"),
        (lambda: nn.LayerNorm((3, 0.5)), ArgumentError, "normalized_shape must be a positive integer, got 0.5"),
        (lambda: nn.LayerNorm(5)(X), ShapeError, "layer_norm: the last axes must be (5,), got shape (2, 3)"),
        (lambda: nn.LayerNorm(3)("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "nn.Parameter": [
        (lambda: nn.Parameter("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: nn.Parameter(None), DtypeError, "expected real numbers or booleans, got object (NoneType)"),
        (lambda: nn.Parameter([1, 2]), DtypeError, "requires_grad=True needs a floating-point tensor, got int64:"),
        (lambda: nn.Parameter([[1.0], [1.0, 2.0]]), ShapeError, "nested lists must have the same length at each level"),
    ],
    "nn.Flatten": [
        (lambda: nn.Flatten("a"), DtypeError, "Flatten: start_axis must be an integer, got 'a'"),
        (lambda: nn.Flatten(1, 0)(X), OutOfRangeError, "flatten: there are no axes from 1 to 0 in shape (2, 3)"),
        (lambda: nn.Flatten(5)(X), OutOfRangeError, "flatten: there are no axes from 5 to -1 in shape (2, 3)"),
        (lambda: nn.Flatten(0.5)(X), DtypeError, "Flatten: start_axis must be an integer, got 0.5"),
    ],
}
