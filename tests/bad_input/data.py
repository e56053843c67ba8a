"""Bad input to datasets and loaders."""

from __future__ import annotations

import numpy as np

from minigrad import data
from minigrad.errors import (
    ArgumentError,
    DataError,
    DtypeError,
    MissingFileError,
    OutOfRangeError,
    ShapeError,
)
from tests.bad_input.given import ARRAY, DATASET, NOWHERE, Cases

DATA: Cases = {
    "data.TensorDataset": [
        (lambda: data.TensorDataset(), ArgumentError, "TensorDataset needs at least one array, such as"),
        (lambda: data.TensorDataset(ARRAY, np.ones(5)), ShapeError, "the arrays need the same first length, got 2, 5"),
        (lambda: data.TensorDataset("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: data.TensorDataset(ARRAY)[5], OutOfRangeError, "there is no sample 5 in a dataset of 2 samples"),
    ],
    "data.DataLoader": [
        (lambda: data.DataLoader(3), DtypeError, "DataLoader needs a dataset with len() and indexing, or a tuple of"),
        (lambda: data.DataLoader((ARRAY, ARRAY), 0), ArgumentError, "batch_size must be a positive integer, got 0"),
        (lambda: data.DataLoader((ARRAY, ARRAY), 2, shuffle="a"), DtypeError, "shuffle must be True or False, got 'a'"),
        (lambda: data.DataLoader((ARRAY, np.ones(5))), ShapeError, "the arrays need the same first length, got 2, 5"),
    ],
    "data.Subset": [
        (lambda: data.Subset(DATASET, "a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: data.Subset(DATASET, [0.5]), DtypeError, "Subset: indices must be integers, got float32"),
        (lambda: data.Subset(3, [0]), DtypeError, "Subset needs a dataset with len() and indexing, or a tuple of"),
        (lambda: data.Subset(DATASET, None), DtypeError, "expected real numbers or booleans, got object (NoneType)"),
    ],
    "data.random_split": [
        (lambda: data.random_split(DATASET, [5, 5]), ArgumentError, "lengths must sum to the dataset's 6 samples, or"),
        (lambda: data.random_split(DATASET, [0.5, 0.7]), ArgumentError, "fractions must sum to 1, or all lengths be"),
        (lambda: data.random_split(DATASET, ["a"]), DtypeError, "lengths must be integers or fractions, got 'a'"),
        (lambda: data.random_split(3, [1]), DtypeError, "random_split needs a dataset with len() and indexing, or a"),
    ],
    "data.blobs": [
        (lambda: data.blobs(0), ArgumentError, "blobs: n must be a positive integer, got 0"),
        (lambda: data.blobs(10, centers="a"), ArgumentError, "blobs: centers must be a positive integer, got 'a'"),
        (lambda: data.blobs(10, rng=0), DtypeError, "rng= needs a numpy.random.Generator, such as"),
        (lambda: data.blobs(10, centers=[1, 2]), ShapeError, "centers must be a number, or points of shape (classes,"),
    ],
    "data.moons": [
        (lambda: data.moons("a"), ArgumentError, "moons: n must be a positive integer, got 'a'"),
        (lambda: data.moons(10, noise=-1), ArgumentError, "moons: noise must be a finite number, zero or more, got -1"),
        (lambda: data.moons(-1), ArgumentError, "moons: n must be a positive integer, got -1"),
        (lambda: data.moons(10, rng=3), DtypeError, "rng= needs a numpy.random.Generator, such as"),
    ],
    "data.spirals": [
        (lambda: data.spirals(10, classes=0), ArgumentError, "spirals: classes must be a positive integer, got 0"),
        (lambda: data.spirals(2.5), ArgumentError, "spirals: n must be a positive integer, got 2.5"),
        (lambda: data.spirals(10, noise="a"), ArgumentError, "noise must be a finite number, zero or more, got 'a'"),
    ],
    "data.xor": [
        (lambda: data.xor(3), TypeError, "xor() takes "),
        (lambda: data.xor(n=3), TypeError, "got an unexpected keyword argument 'n'"),
        (lambda: data.xor()[9], OutOfRangeError, "there is no sample 9 in a dataset of 4 samples"),
    ],
    "data.digits": [
        (lambda: data.digits(3), TypeError, "digits() takes "),
        (lambda: data.digits(train=True), TypeError, "got an unexpected keyword argument 'train'"),
        (lambda: data.digits()[10**6], OutOfRangeError, "there is no sample 1000000 in a dataset of 1797 samples"),
    ],
    "data.mnist": [
        (lambda: data.mnist(NOWHERE), MissingFileError, "there is no train-images-idx3-ubyte (or"),
        (lambda: data.mnist(3), DtypeError, "mnist: expected a path, got int"),
        (lambda: data.mnist(NOWHERE, train="a"), DtypeError, "mnist: train must be True or False, got 'a'"),
        (lambda: data.mnist(NOWHERE, download="a"), DtypeError, "mnist: download must be True or False, got 'a'"),
    ],
    "data.fashion_mnist": [
        (lambda: data.fashion_mnist(NOWHERE), MissingFileError, "there is no train-images-idx3-ubyte (or"),
        (lambda: data.fashion_mnist(None), DtypeError, "fashion_mnist: expected a path, got NoneType"),
        (
            lambda: data.fashion_mnist(NOWHERE, split="train"),
            TypeError,
            "fashion_mnist() got an unexpected keyword argument 'split'",
        ),
    ],
    "data.read_idx": [
        (lambda: data.read_idx(NOWHERE), MissingFileError, f"there is no file {NOWHERE}"),
        (lambda: data.read_idx(3), DtypeError, "read_idx: expected a path, got int"),
        (lambda: data.read_idx("/"), DataError, "/ is not a file"),
        (lambda: data.read_idx("\0"), ArgumentError, "read_idx: cannot look at the path '\\x00': "),
    ],
}
