import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    GraphError,
    OutOfRangeError,
    ShapeError,
)

X = np.arange(12, dtype=np.float64).reshape(4, 3)
Y = np.array([0, 1, 2, 3])


@pytest.fixture
def dataset():
    return data.TensorDataset(X, Y)


def test_an_int_gives_one_sample_with_labels_of_no_axes(dataset):
    x, y = dataset[2]
    assert isinstance(x, mg.Tensor)
    assert isinstance(y, mg.Tensor)
    assert x.tolist() == [6, 7, 8]
    assert (y.shape, y.item()) == ((), 2)
    assert [part.tolist() for part in dataset[-1]] == [[9, 10, 11], 3]


@pytest.mark.parametrize(
    "index",
    [slice(1, 3), slice(None, None, -1), [3, 0], np.array([1, 1, -1]), np.array([], np.int64), [], Y % 2 == 0],
    ids=str,
)
def test_slices_arrays_and_masks_give_what_numpy_gives(dataset, index):
    expected = np.asarray(index, dtype=None if len(index) else int) if not isinstance(index, slice) else index
    x, y = dataset[index]
    np.testing.assert_array_equal(x.numpy(), X[expected])
    np.testing.assert_array_equal(y.numpy(), Y[expected])


def test_a_tensor_is_an_index_too(dataset):
    assert dataset[mg.tensor([2, 0])][1].tolist() == [2, 0]
    assert dataset[mg.tensor(2)][1].item() == 2


def test_arrays_keep_their_dtype_and_python_floats_become_float32():
    dataset = data.TensorDataset(X, [0.5, 1.0, 1.5, 2.0], [1, 2, 3, 4], mg.tensor(Y))
    assert [tensor.dtype for tensor in dataset.tensors] == [np.float64, np.float32, np.int64, np.int64]


def test_arrays_are_not_copied_and_samples_are():
    mine = X.copy()
    dataset = data.TensorDataset(mine)
    (before,) = dataset[1:3]
    (whole,) = dataset.tensors
    total = whole.sum()
    mine[...] = 7
    assert np.shares_memory(whole.numpy(), mine)
    assert (dataset[0][0].numpy() == 7).all()
    np.testing.assert_array_equal(before.numpy(), X[1:3])
    assert total.item() == X.sum()


def test_iteration_gives_each_sample_once(dataset):
    assert [int(y) for _, y in dataset] == [0, 1, 2, 3]


def test_repr_shows_length_shapes_and_dtypes(dataset):
    assert repr(dataset) == "TensorDataset(4 samples of (3,) float64, () int64)"


def test_a_sequence_of_samples_has_the_shape_of_a_dataset():
    assert isinstance([1, 2], data.Dataset)
    assert not isinstance(iter([1, 2]), data.Dataset)


@pytest.mark.parametrize(
    ("arrays", "kind", "message"),
    [
        ((), ArgumentError, "at least one array"),
        ((X, Y[:2]), ShapeError, r"same first length, got 4, 2 \(shapes \(4, 3\), \(2,\)\)"),
        ((Y, 3.0), ShapeError, "needs an axis of samples, array 1 has none"),
        ((["a", "b"],), DtypeError, "real numbers"),
        (([[1.0], [1.0, 2.0]],), ShapeError, "nested lists"),
        ((mg.ones(3, requires_grad=True),), GraphError, r"requires a gradient.*use \.detach\(\)"),
    ],
)
def test_bad_arrays_are_named(arrays, kind, message):
    with pytest.raises(kind, match=message):
        data.TensorDataset(*arrays)


@pytest.mark.parametrize(
    ("index", "kind", "message"),
    [
        (4, OutOfRangeError, "no sample 4 in a dataset of 4"),
        (-5, OutOfRangeError, "no sample -5"),
        ([0, 9], OutOfRangeError, "no sample 9"),
        (np.uint8(200), OutOfRangeError, "no sample 200"),
        ([True, False], OutOfRangeError, "mask of 2 does not fit a dataset of 4"),
        (True, DtypeError, "indexed by an int"),
        (1.0, DtypeError, "indexed by an int.*got"),
        ([0.0], DtypeError, "indexed by an int.*got float32"),
        ((0, 1), DtypeError, r"got \(0, 1\)"),
        ("0", DtypeError, "got '0'"),
        (None, DtypeError, "got None"),
        ([[0, 1]], DtypeError, r"one axis; got shape \(1, 2\)"),
    ],
)
def test_bad_indices_are_named(dataset, index, kind, message):
    with pytest.raises(kind, match=message):
        dataset[index]
