import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import data
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    GraphError,
    ShapeError,
    StateDictError,
)


def whole(n):
    return data.TensorDataset(np.arange(2 * n, dtype=np.float32).reshape(n, 2), np.arange(n))


def order(loader):
    return [int(label) for _, labels in loader for label in labels.numpy()]


class Rows:
    """A dataset that makes its samples one by one."""

    def __init__(self, *samples):
        self.samples = samples
        self.asked = []

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.samples[index]


@given(st.integers(1, 60), st.integers(1, 70), st.booleans(), st.booleans(), st.integers(0, 2**70))
def test_an_epoch_has_every_sample_once_in_full_batches(n, batch_size, shuffle, drop_last, seed):
    loader = data.DataLoader(whole(n), batch_size, shuffle, drop_last, seed)
    batches = list(loader)
    assert len(batches) == len(loader) == (n // batch_size if drop_last else math.ceil(n / batch_size))
    for place, (x, y) in enumerate(batches):
        rest = n - place * batch_size
        assert x.shape == (min(batch_size, rest), 2)
        np.testing.assert_array_equal(x.numpy()[:, 0], 2 * y.numpy())
    seen = [label for _, y in batches for label in y.tolist()]
    assert len(set(seen)) == len(seen) == (n - n % batch_size if drop_last else n)
    if not shuffle:
        assert seen == list(range(len(seen)))


@given(st.integers(0, 2**32), st.integers(0, 1000))
def test_the_order_is_the_same_for_the_same_seed_and_epoch_and_for_no_other(seed, epoch):
    def at(seed, epoch, batch_size=7):
        loader = data.DataLoader(whole(40), batch_size, shuffle=True, seed=seed)
        loader.set_epoch(epoch)
        return order(loader)

    assert at(seed, epoch) == at(seed, epoch, batch_size=40)
    assert at(seed, epoch) != at(seed, epoch + 1)
    assert at(seed, epoch) != at(seed + 1, epoch)


def test_each_epoch_has_a_new_order_and_is_counted():
    loader = data.DataLoader(whole(30), 4, shuffle=True, seed=0)
    assert loader.epoch == 0
    epochs = [order(loader) for _ in range(5)]
    assert loader.epoch == 5
    assert len({tuple(epoch) for epoch in epochs}) == 5
    loader.set_epoch(3)
    assert order(loader) == epochs[3]
    assert loader.epoch == 4


def test_an_epoch_begins_when_it_is_asked_for_not_at_its_first_batch():
    loader = data.DataLoader(whole(30), 30, shuffle=True, seed=0)
    first, second = iter(loader), iter(loader)
    assert loader.epoch == 2
    later, earlier = next(second)[1].tolist(), next(first)[1].tolist()
    again = data.DataLoader(whole(30), 30, shuffle=True, seed=0)
    assert [earlier, later] == [order(again), order(again)]


def test_two_iterators_at_once_do_not_disturb_each_other():
    alone = data.DataLoader(whole(20), 3, shuffle=True, seed=5)
    expected = [order(alone), order(alone)]
    loader = data.DataLoader(whole(20), 3, shuffle=True, seed=5)
    pairs = list(zip(loader, loader, strict=True))
    assert [label for (_, y), _ in pairs for label in y.tolist()] == expected[0]
    assert [label for _, (_, y) in pairs for label in y.tolist()] == expected[1]


def test_without_a_seed_the_default_generator_decides_at_construction():
    mg.seed(7)
    first = data.DataLoader(whole(20), shuffle=True)
    second = data.DataLoader(whole(20), shuffle=True)
    mg.seed(7)
    again = data.DataLoader(whole(20), shuffle=True)
    mg.seed(100)
    assert again.seed == first.seed != second.seed
    assert order(again) == order(first) != order(second)


def test_iterating_draws_nothing_from_the_default_generator():
    loader = data.DataLoader(whole(20), 3, shuffle=True)
    mg.seed(1)
    before = data.DataLoader(whole(2)).seed
    mg.seed(1)
    order(loader)
    assert data.DataLoader(whole(2)).seed == before


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 50), st.booleans(), st.booleans())
def test_an_epoch_begun_in_the_middle_has_the_batches_that_are_left(n, batch_size, start, shuffle, drop_last):
    for dataset in (whole(n), Rows(*[(np.ones(2) * i, i) for i in range(n)])):
        loader = data.DataLoader(dataset, batch_size, shuffle, drop_last, seed=3)
        batches = [y.tolist() for _, y in loader]
        loader.set_epoch(0)
        assert [y.tolist() for _, y in loader.batches(start)] == batches[start:]
        assert loader.epoch == 1


def test_batches_that_are_skipped_are_not_looked_at():
    rows = Rows(*range(10))
    assert [batch.tolist() for batch in data.DataLoader(rows, 2).batches(start=3)] == [[6, 7], [8, 9]]
    assert rows.asked == [6, 7, 8, 9]
    with pytest.raises(ArgumentError, match="start must be a non-negative integer, got -1"):
        data.DataLoader(rows).batches(-1)


def test_a_loader_goes_on_where_another_was():
    first = data.DataLoader(whole(20), 3, shuffle=True, seed=2**70)
    order(first)
    second = data.DataLoader(whole(20), 3, shuffle=True)
    second.load_state_dict(first.state_dict())
    assert second.epoch == 1
    assert order(second) == order(first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 4}, "batch_size: expected 3, got 4"),
        ({"shuffle": 1}, "shuffle: expected True, got 1"),
        ({"samples": 21}, "samples: expected 20, got 21"),
        ({"subset": "x"}, "subset: expected '', got 'x'"),
        ({"seed": -1}, "seed: expected a non-negative integer, got -1"),
        ({"epoch": True}, "epoch: expected a non-negative integer, got True"),
        ({"other": 1}, "other is unknown"),
    ],
)
def test_a_state_of_other_batches_does_not_fit(change, message):
    loader = data.DataLoader(whole(20), 3, shuffle=True, seed=0)
    state = loader.state_dict()
    with pytest.raises(StateDictError, match=message):
        loader.load_state_dict({**state, **change})
    state.pop("epoch")
    with pytest.raises(StateDictError, match="epoch is missing"):
        loader.load_state_dict(state)
    with pytest.raises(StateDictError, match="expected a dict, got list"):
        loader.load_state_dict([])
    assert (loader.seed, loader.epoch) == (0, 0)


def test_other_samples_of_the_same_data_do_not_fit():
    states = [
        data.DataLoader(dataset, 2, seed=0).state_dict()
        for dataset in (data.Subset(whole(20), [1, 2, 3]), data.Subset(whole(20), [1, 2, 4]), whole(3))
    ]
    assert len({state["subset"] for state in states}) == 3
    loader = data.DataLoader(data.Subset(whole(20), [1, 2, 3]), 2)
    loader.load_state_dict(states[0])
    with pytest.raises(StateDictError, match="subset: expected"):
        loader.load_state_dict(states[1])


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_subset_of_subsets_loads_what_it_gives_by_index(shuffle):
    part = data.Subset(data.Subset(whole(20), np.arange(19, 3, -1)), [3, 0, 5, 7, 2])
    loader = data.DataLoader(part, 2, shuffle=shuffle, seed=0)
    assert sorted(order(loader)) == sorted(int(y) for _, y in part)
    assert shuffle or order(loader) == [int(y) for _, y in part]


def test_arrays_in_any_memory_layout_give_the_same_batches():
    x = np.arange(60.0).reshape(20, 3)
    layouts = [x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1][::-1]]
    for shuffle in (False, True):
        loaders = [data.DataLoader((layout,), 6, shuffle=shuffle, seed=0) for layout in layouts]
        for batches in zip(*loaders, strict=True):
            for (batch,) in batches:
                np.testing.assert_array_equal(batch.numpy(), batches[0][0].numpy())


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_may_be_written_into_and_the_data_stay(shuffle):
    x = np.zeros((4, 2), np.float32)
    loader = data.DataLoader((x,), 2, shuffle=shuffle)
    for (batch,) in loader:
        batch.numpy()[0] = 1
        assert batch.tolist() == [[1, 1], [0, 0]]
    assert not x.any()
    assert not any(batch.numpy().any() for (batch,) in loader)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_keeps_its_values_when_the_data_are_written_into(shuffle):
    x = np.zeros((4, 2))
    dataset = data.TensorDataset(x)
    w = mg.tensor(np.ones(2), requires_grad=True)
    ((batch,),) = data.DataLoader(dataset, 4, shuffle=shuffle)
    output = (batch @ w).sum()
    x[...] = 5
    dataset.tensors[0].data[...] = 7
    output.backward()
    assert batch.tolist() == [[0, 0]] * 4
    assert w.grad.tolist() == [0, 0]


def test_a_batch_can_be_a_leaf_that_requires_a_gradient():
    ((batch,),) = data.DataLoader((np.ones((4, 2), np.float32),), 4)
    batch.requires_grad = True
    (batch * batch).sum().backward()
    assert batch.grad.tolist() == [[2, 2]] * 4


def test_a_tuple_or_a_list_of_arrays_is_a_dataset():
    x, y = np.zeros((5, 2)), [0, 1, 2, 3, 4]
    assert order(data.DataLoader((x, y), 2)) == y
    assert order(data.DataLoader([x, mg.tensor(y)], 2)) == y


def test_a_list_of_samples_is_a_dataset():
    ((x, y),) = data.DataLoader([([0.0, 1.0], 3), ([2.0, 3.0], 4)], 2)
    assert (x.tolist(), x.dtype) == ([[0, 1], [2, 3]], np.float32)
    assert (y.tolist(), y.dtype) == ([3, 4], np.int64)


def test_samples_made_one_by_one_are_stacked():
    rows = Rows(*[(mg.tensor([i, i + 1.0]), np.full((2, 2), i), i, i / 2) for i in range(5)])
    loader = data.DataLoader(rows, 2, shuffle=True, seed=0)
    batches = list(loader)
    assert sorted(rows.asked) == [0, 1, 2, 3, 4]
    assert all(type(index) is int for index in rows.asked)
    assert [[part.shape for part in batch] for batch in batches] == [[(k, 2), (k, 2, 2), (k,), (k,)] for k in (2, 2, 1)]
    assert [part.dtype for part in batches[0]] == [np.float32, np.int64, np.int64, np.float32]
    assert [label for batch in batches for label in batch[2].tolist()] == rows.asked


@pytest.mark.parametrize(
    "samples", [[1, 2, 3], [mg.tensor([1.0]), mg.tensor([2.0])], [np.float64(1), np.float64(2)]], ids=str
)
def test_samples_that_are_no_tuples_make_batches_that_are_no_tuples(samples):
    (batch,) = data.DataLoader(Rows(*samples), 5)
    assert isinstance(batch, mg.Tensor)
    np.testing.assert_array_equal(batch.numpy(), np.stack([np.asarray(sample) for sample in samples]))


def test_an_array_or_a_tensor_alone_is_a_dataset_of_its_rows():
    for array in (np.arange(6.0).reshape(3, 2), mg.tensor(np.arange(6.0).reshape(3, 2))):
        assert [batch.tolist() for batch in data.DataLoader(array, 2)] == [[[0, 1], [2, 3]], [[4, 5]]]


def test_a_getitem_of_the_users_own_is_used():
    class Doubled(data.TensorDataset):
        def __getitem__(self, index):
            return tuple(part * 2 for part in super().__getitem__(index))

    class Backwards(data.Subset):
        def __getitem__(self, index):
            return super().__getitem__(len(self) - 1 - index)

    y = np.arange(4)
    assert order(data.DataLoader(Doubled(y, y), 3)) == [0, 2, 4, 6]
    assert order(data.DataLoader(data.Subset(Doubled(y, y), [3, 1]), 3)) == [6, 2]
    assert order(data.DataLoader(Backwards(data.TensorDataset(y, y), [3, 1, 0]), 2)) == [0, 1, 3]


def test_repr_says_what_is_loaded_and_how():
    loader = data.DataLoader(whole(10), 4, shuffle=True, seed=3)
    dataset = "TensorDataset(10 samples of (2,) float32, () int64)"
    assert repr(loader) == f"DataLoader({dataset}, batch_size=4, shuffle=True, seed=3; 3 batches)"
    plain = data.DataLoader([1, 2], 3, drop_last=True)
    assert repr(plain) == "DataLoader(list of 2 samples, batch_size=3, shuffle=False, drop_last=True; 0 batches)"
    assert repr(data.DataLoader([1, 2], 2)).endswith("; 1 batch)")


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, "4", None, float("nan")])
def test_a_batch_size_that_is_no_positive_integer_is_named(batch_size):
    with pytest.raises(ArgumentError, match=f"batch_size must be a positive integer, got {batch_size!r}"):
        data.DataLoader(whole(3), batch_size)


@pytest.mark.parametrize(
    "empty",
    [whole(0), (np.zeros((0, 2)), []), [], Rows(), data.Subset(whole(3), [])],
    ids=["tensors", "arrays", "list", "rows", "subset"],
)
def test_an_empty_dataset_is_an_error(empty):
    with pytest.raises(ArgumentError, match="the dataset is empty, there is nothing to load"):
        data.DataLoader(empty)


@pytest.mark.parametrize(
    "dataset",
    [3, None, iter([1]), (i for i in range(3)), {"x": [1]}, {1, 2}, "text", data.TensorDataset],
    ids=["number", "None", "iterator", "generator", "dict", "set", "text", "class"],
)
def test_what_cannot_be_indexed_is_no_dataset(dataset):
    with pytest.raises(DtypeError, match=r"DataLoader needs a dataset with len\(\) and indexing, or a tuple of arrays"):
        data.DataLoader(dataset)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"seed": -1}, ArgumentError, "seed must be a non-negative integer, got -1"),
        ({"seed": 0.5}, ArgumentError, "seed must be a non-negative integer, got 0.5"),
        ({"shuffle": 3}, DtypeError, "shuffle must be True or False, got 3"),
        ({"drop_last": "no"}, DtypeError, "drop_last must be True or False, got 'no'"),
        ({"batchsize": 3}, TypeError, "got an unexpected keyword argument 'batchsize'"),
    ],
)
def test_other_bad_arguments_are_named(options, kind, message):
    with pytest.raises(kind, match=message):
        data.DataLoader(whole(3), **options)


def test_an_array_without_axes_is_no_dataset():
    with pytest.raises(DtypeError, match="without axes"):
        data.DataLoader(np.array(3.0))


def test_a_bad_epoch_is_named():
    with pytest.raises(ArgumentError, match="the epoch must be a non-negative integer, got -1"):
        data.DataLoader(whole(3)).set_epoch(-1)


@pytest.mark.parametrize(
    ("samples", "kind", "message"),
    [
        ([(1, 2), (3,)], ShapeError, "same number of parts: sample 0 has 2, sample 1 has 1"),
        ([(1, 2), 3], ShapeError, "same number of parts: sample 0 has 2, sample 1 has none"),
        ([3, (1, 2)], ShapeError, "same number of parts: sample 0 has none, sample 1 has 2"),
        ([np.zeros(2), np.zeros(3)], ShapeError, r"same shape.*sample 0 has \(2,\), sample 1 has \(3,\)"),
        ([(1, np.zeros(2)), (1, np.zeros(3))], ShapeError, "part 1 of samples must have the same shape"),
        ([(1, "a"), (1, "b")], DtypeError, "part 1 of samples must be tensors, arrays or numbers, sample 0 gives str"),
        ([{"x": 1}, {"x": 2}], DtypeError, "samples must be tensors, arrays or numbers, sample 0 gives dict"),
        ([1, None], DtypeError, "sample 1 gives NoneType"),
        ([object(), object()], DtypeError, "real numbers"),
        ([mg.ones(2, requires_grad=True)], GraphError, "requires a gradient"),
    ],
)
def test_samples_that_make_no_batch_are_named(samples, kind, message):
    with pytest.raises(kind, match=message):
        list(data.DataLoader(Rows(*samples), 5))
