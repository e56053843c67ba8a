"""Bad input to functions of layers and losses, and to initialisation."""

from __future__ import annotations

import numpy as np

import minigrad.nn.functional as F
from minigrad.errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError
from minigrad.nn import init
from tests.bad_input.given import WEIGHT, Cases, X, Y, ones

FUNCTIONAL: Cases = {
    "F.binary_cross_entropy": [
        (lambda: F.binary_cross_entropy(X, Y), ShapeError, "the probability 'x' has shape (2, 3) and the target 'y'"),
        (lambda: F.binary_cross_entropy(X * 2, X), OutOfRangeError, "probabilities must be from 0 to 1, got from 2"),
        (lambda: F.binary_cross_entropy(X, X, reduction="avg"), ArgumentError, "reduction must be one of 'mean',"),
        (lambda: F.binary_cross_entropy(X, None), DtypeError, "expected real numbers or booleans, got object"),
    ],
    "F.binary_cross_entropy_with_logits": [
        (lambda: F.binary_cross_entropy_with_logits(X, Y), ShapeError, "binary_cross_entropy_with_logits: the logits"),
        (lambda: F.binary_cross_entropy_with_logits(X, X, "avg"), ArgumentError, "binary_cross_entropy_with_logits:"),
        (lambda: F.binary_cross_entropy_with_logits("a", X), DtypeError, "expected real numbers or booleans, got <U1"),
        (lambda: F.binary_cross_entropy_with_logits(X, None), DtypeError, "expected real numbers or booleans, got"),
    ],
    "F.cross_entropy": [
        (lambda: F.cross_entropy(X, [0, 5]), OutOfRangeError, "labels must be from 0 to 2 for 3 classes, got 5"),
        (lambda: F.cross_entropy(X, [0.5, 1]), DtypeError, "targets of shape (2,) must be integer class indices, got"),
        (lambda: F.cross_entropy(X, [0, 1], label_smoothing=2), ArgumentError, "label_smoothing must be a number"),
        (lambda: F.cross_entropy(ones(3), [0, 1]), ShapeError, "for scores of shape (3,), targets are class indices"),
    ],
    "F.huber_loss": [
        (lambda: F.huber_loss(X, Y), ShapeError, "the prediction 'x' has shape (2, 3) and the target 'y' (4, 3);"),
        (lambda: F.huber_loss(X, X, delta=0), ArgumentError, "delta must be a number of at least 1e-30, got 0"),
        (lambda: F.huber_loss(X, X, "avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: F.huber_loss(X, None), DtypeError, "expected real numbers or booleans, got object (NoneType)"),
    ],
    "F.l1_loss": [
        (lambda: F.l1_loss(X, Y), ShapeError, "the prediction 'x' has shape (2, 3) and the target 'y' (4, 3); they"),
        (lambda: F.l1_loss(X, X, "avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: F.l1_loss("a", X), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: F.l1_loss(None, X), DtypeError, "expected real numbers or booleans, got object (NoneType)"),
    ],
    "F.mse_loss": [
        (lambda: F.mse_loss(X, Y), ShapeError, "the prediction 'x' has shape (2, 3) and the target 'y' (4, 3); they"),
        (lambda: F.mse_loss(X, X, "avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
        (lambda: F.mse_loss(X, "a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "F.nll_loss": [
        (lambda: F.nll_loss(X, [0, 5]), OutOfRangeError, "nll_loss: labels must be from 0 to 2 for 3 classes, got 5"),
        (lambda: F.nll_loss(X, [0, 1, 2]), ShapeError, "for scores 'x' of shape (2, 3), targets are class indices of"),
        (lambda: F.nll_loss(X, [0, 1], "avg"), ArgumentError, "reduction must be one of 'mean', 'sum', 'none', got"),
        (lambda: F.nll_loss("a", [0]), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "F.softplus": [
        (lambda: F.softplus("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: F.softplus(None), DtypeError, "softplus: x is None (NoneType), expected real numbers or booleans"),
        (lambda: F.softplus(X, 0), ArgumentError, "softplus: beta must be a number of at least 1e-30, got 0"),
        (lambda: F.softplus(X, "a"), ArgumentError, "softplus: beta must be a number of at least 1e-30, got 'a'"),
    ],
    "F.dropout": [
        (lambda: F.dropout(X, 2), ArgumentError, "dropout: p must be a number from 0 to 1, got 2"),
        (lambda: F.dropout("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: F.dropout(None), DtypeError, "expected real numbers or booleans, got object (NoneType)"),
        (lambda: F.dropout(X, None), ArgumentError, "dropout: p must be a number from 0 to 1, got None"),
    ],
    "F.flatten": [
        (lambda: F.flatten(X, 5), OutOfRangeError, "flatten: there are no axes from 5 to -1 in shape (2, 3)"),
        (lambda: F.flatten(X, "a"), DtypeError, "flatten: start_axis must be an integer, got 'a'"),
        (lambda: F.flatten(X, 0.5), DtypeError, "flatten: start_axis must be an integer, got 0.5"),
        (lambda: F.flatten([[1], [1, 2]], 0), ShapeError, "nested lists must have the same length at each level"),
    ],
    "F.embedding": [
        (lambda: F.embedding([0.5], X), DtypeError, "indices must be integers, got float32; convert with"),
        (lambda: F.embedding([5], X), OutOfRangeError, "embedding: indices must be from 0 to 1, got from 5 to 5"),
        (lambda: F.embedding("a", X), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: F.embedding([0], 3), ShapeError, "weight must have the shape (num_embeddings, embedding_dim), got a"),
    ],
    "F.batch_norm": [
        (lambda: F.batch_norm(ones(3), None, None), ShapeError, "expected (N, C) or (N, C, L), got shape (3,)"),
        (lambda: F.batch_norm("a", None, None), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: F.batch_norm(X, ones(3), ones(2)), ShapeError, "running_var is for 2 channels, the input has 3: 'x'"),
        (
            lambda: F.batch_norm(X, ones(3), ones(3), training=True, momentum="a"),
            ArgumentError,
            "momentum must be a number from 0 to 1, got 'a'",
        ),
    ],
    "F.layer_norm": [
        (lambda: F.layer_norm(X, 5), ShapeError, "layer_norm: the last axes must be (5,), got shape (2, 3)"),
        (lambda: F.layer_norm(X, "a"), ArgumentError, "normalized_shape must be a positive integer, got 'a'"),
        (lambda: F.layer_norm(X, 3, ones(2)), ShapeError, "layer_norm: weight must have the shape (3,), got (2,)"),
        (lambda: F.layer_norm("a", 3), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "init.uniform_": [
        (lambda: init.uniform_(WEIGHT, "a"), ArgumentError, "uniform_: a must be a number, got 'a'"),
        (lambda: init.uniform_(WEIGHT, 2, 1), ArgumentError, "uniform_: a must not be above b, got a=2, b=1"),
        (lambda: init.uniform_(3), DtypeError, "uniform_: expected a tensor to fill, got int"),
        (lambda: init.uniform_(np.ones(3)), DtypeError, "uniform_: expected a tensor to fill, got ndarray"),
    ],
    "init.normal_": [
        (lambda: init.normal_(WEIGHT, std=-1), ArgumentError, "normal_: std must be a number of at least 0, got -1"),
        (lambda: init.normal_(WEIGHT, "a"), ArgumentError, "normal_: mean must be a number, got 'a'"),
        (lambda: init.normal_(None), DtypeError, "normal_: expected a tensor to fill, got NoneType"),
        (lambda: init.normal_(WEIGHT, rng=3), DtypeError, "rng= needs a numpy.random.Generator, such as"),
    ],
    "init.constant_": [
        (lambda: init.constant_(WEIGHT, "a"), ArgumentError, "val must be a number, got 'a': it is of dtype <U1"),
        (lambda: init.constant_(WEIGHT, [1, 2]), ArgumentError, "val must be a number, got [1, 2]: could not"),
        (lambda: init.constant_(3, 1), DtypeError, "constant_: expected a tensor to fill, got int"),
        (lambda: init.constant_(WEIGHT, 10**400), ArgumentError, "val must be a number, got"),
    ],
    "init.zeros_": [
        (lambda: init.zeros_(3), DtypeError, "zeros_: expected a tensor to fill, got int"),
        (lambda: init.zeros_(None), DtypeError, "zeros_: expected a tensor to fill, got NoneType"),
        (lambda: init.zeros_([1.0]), DtypeError, "zeros_: expected a tensor to fill, got list"),
    ],
    "init.ones_": [
        (lambda: init.ones_("a"), DtypeError, "ones_: expected a tensor to fill, got str"),
        (lambda: init.ones_(None), DtypeError, "ones_: expected a tensor to fill, got NoneType"),
        (lambda: init.ones_(), TypeError, "() missing 1 required positional argument: 'tensor'"),
    ],
    "init.calculate_gain": [
        (lambda: init.calculate_gain("relo"), ArgumentError, "nonlinearity must be one of 'linear', 'sigmoid',"),
        (lambda: init.calculate_gain(3), ArgumentError, "nonlinearity must be one of 'linear', 'sigmoid', 'tanh',"),
        (lambda: init.calculate_gain("leaky_relu", "a"), ArgumentError, "param must be a number, got 'a'"),
        (lambda: init.calculate_gain(None), ArgumentError, "nonlinearity must be one of 'linear', 'sigmoid', 'tanh',"),
    ],
    "init.xavier_uniform_": [
        (lambda: init.xavier_uniform_(ones(3)), ShapeError, "needs a weight of at least two axes, (out, in, ...),"),
        (lambda: init.xavier_uniform_(WEIGHT, "a"), ArgumentError, "xavier_uniform_: gain must be a number, got 'a'"),
        (lambda: init.xavier_uniform_(3), DtypeError, "xavier_uniform_: expected a tensor to fill, got int"),
        (lambda: init.xavier_uniform_(WEIGHT, rng=0), DtypeError, "rng= needs a numpy.random.Generator, such as"),
    ],
    "init.xavier_normal_": [
        (lambda: init.xavier_normal_(ones(3)), ShapeError, "needs a weight of at least two axes, (out, in, ...), got"),
        (lambda: init.xavier_normal_(WEIGHT, -1), ArgumentError, "gain must be a number of at least 0, got -1.0"),
        (lambda: init.xavier_normal_(None), DtypeError, "xavier_normal_: expected a tensor to fill, got NoneType"),
    ],
    "init.kaiming_uniform_": [
        (lambda: init.kaiming_uniform_(ones(3)), ShapeError, "needs a weight of at least two axes, (out, in, ...),"),
        (lambda: init.kaiming_uniform_(WEIGHT, mode="fan"), ArgumentError, "mode must be one of 'fan_in', 'fan_out',"),
        (
            lambda: init.kaiming_uniform_(WEIGHT, nonlinearity="relo"),
            ArgumentError,
            "nonlinearity must be one of 'linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu', got",
        ),
        (lambda: init.kaiming_uniform_(WEIGHT, "a"), ArgumentError, "kaiming_uniform_: a must be a number, got 'a'"),
    ],
    "init.kaiming_normal_": [
        (lambda: init.kaiming_normal_(ones(3)), ShapeError, "needs a weight of at least two axes, (out, in, ...),"),
        (lambda: init.kaiming_normal_(WEIGHT, mode=3), ArgumentError, "mode must be one of 'fan_in', 'fan_out', got 3"),
        (
            lambda: init.kaiming_normal_(WEIGHT, nonlinearity=None),
            ArgumentError,
            "nonlinearity must be one of 'linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu', got None",
        ),
        (lambda: init.kaiming_normal_(X.sum), DtypeError, "kaiming_normal_: expected a tensor to fill, got method"),
    ],
}
