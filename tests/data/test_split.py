import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import data
from minigrad.errors import ArgumentError, DtypeError, OutOfRangeError


def whole(n):
    return data.TensorDataset(np.arange(n) * 10.0, np.arange(n))


class Squares:
    def __len__(self):
        return 6

    def __getitem__(self, index):
        assert type(index) is int
        return index * index


def test_a_subset_gives_the_samples_of_its_indices():
    part = data.Subset(whole(5), [4, 0, -2, 0])
    assert len(part) == 4
    assert [int(y) for _, y in part] == [4, 0, 3, 0]
    assert part[1:3][1].tolist() == [0, 3]
    assert part[[0, -1]][1].tolist() == [4, 0]
    assert part.indices.tolist() == [4, 0, 3, 0]


def test_a_subset_takes_masks_tensors_and_nothing():
    assert data.Subset(whole(3), np.array([True, False, True])).indices.tolist() == [0, 2]
    assert data.Subset(whole(3), mg.tensor([2])).indices.tolist() == [2]
    assert len(data.Subset(whole(3), [])) == 0


def test_subsets_nest_over_any_dataset():
    inner = data.Subset(data.Subset(Squares(), [5, 3, 1]), [2, 0])
    assert list(inner) == [1, 25]


def test_repr_shows_the_part_and_the_whole():
    assert repr(data.Subset(whole(5), [1])) == "Subset(1 of TensorDataset(5 samples of () float64, () int64))"
    assert repr(data.Subset(Squares(), [1])) == "Subset(1 of Squares of 6 samples)"


@pytest.mark.parametrize(
    ("indices", "kind", "message"),
    [
        ([5], OutOfRangeError, "no sample 5 in a dataset of 5"),
        ([0.5], DtypeError, "Subset: indices must be integers, got float32"),
        (3, DtypeError, "of one axis"),
    ],
)
def test_bad_indices_of_a_subset_are_named(indices, kind, message):
    with pytest.raises(kind, match=message):
        data.Subset(whole(5), indices)


def test_a_subset_says_which_of_its_samples_is_missing():
    with pytest.raises(OutOfRangeError, match="no sample 1 in a dataset of 1"):
        data.Subset(whole(5), [4])[1]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_integer_lengths_split_into_parts_that_make_the_whole(lengths):
    total = sum(lengths)
    parts = data.random_split(whole(total), lengths, rng=np.random.default_rng(0))
    assert [len(part) for part in parts] == lengths
    assert sorted(np.concatenate([part.indices for part in parts])) == list(range(total))


@given(st.integers(0, 500), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_fractions_are_off_by_less_than_one_and_make_the_whole(total, weights):
    fractions = [weight / sum(weights) for weight in weights]
    parts = data.random_split(whole(total), fractions, rng=np.random.default_rng(0))
    assert sorted(np.concatenate([part.indices for part in parts])) == list(range(total))
    assert all(abs(len(part) - total * fraction) < 1 + 1e-9 for part, fraction in zip(parts, fractions, strict=True))


def test_what_fractions_leave_over_goes_round_from_the_first():
    sizes = [len(part) for part in data.random_split(whole(11), [0.25, 0.25, 0.25, 0.25])]
    assert sizes == [3, 3, 3, 2]
    assert [len(part) for part in data.random_split(whole(1797), [0.8, 0.2])] == [1438, 359]


def test_fractions_whose_floats_sum_a_little_off_are_fine():
    for fractions in ([0.7, 0.2, 0.1], [0.1] * 10, [1 / 3] * 3, [0.9, 0.05, 0.05], np.array([0.5, 0.5])):
        assert sum(len(part) for part in data.random_split(whole(10), fractions)) == 10


def test_the_split_follows_rng_or_the_default_generator():
    def split(**options):
        return data.random_split(whole(50), [0.5, 0.5], **options)[0].indices.tolist()

    assert split(rng=np.random.default_rng(1)) == split(rng=np.random.default_rng(1))
    assert split(rng=np.random.default_rng(1)) != split(rng=np.random.default_rng(2))
    mg.seed(3)
    first = split()
    assert split() != first
    mg.seed(3)
    assert split() == first


def test_arrays_split_without_a_dataset():
    train, _ = data.random_split((np.zeros((4, 2)), np.arange(4)), [3, 1])
    assert [part.shape for part in train[:]] == [(3, 2), (3,)]


@pytest.mark.parametrize(
    ("lengths", "kind", "message"),
    [
        ([4, 5], ArgumentError, r"sum to the dataset's 10 samples, or be fractions.*\[4, 5\] sum to 9"),
        ([0.5, 0.6], ArgumentError, r"fractions must sum to 1.*sum to 10.*sum to 1\.1"),
        ([1.5, -0.5], ArgumentError, "cannot be -0.5"),
        ([float("nan"), 1.0], ArgumentError, "cannot be nan"),
        ([12, -2], ArgumentError, "cannot be -2"),
        ([], ArgumentError, r"a list such as \[0.8, 0.2\], got \[\]"),
        (0.8, ArgumentError, "got 0.8"),
        ("8", ArgumentError, "got '8'"),
        (["8", "2"], DtypeError, "integers or fractions, got '8'"),
        ([True, 9], DtypeError, "got True"),
    ],
)
def test_bad_lengths_are_named(lengths, kind, message):
    with pytest.raises(kind, match=message):
        data.random_split(whole(10), lengths)


def test_other_bad_arguments_are_named():
    with pytest.raises(DtypeError, match="random_split needs a dataset"):
        data.random_split(3, [1])
    with pytest.raises(DtypeError, match=r"rng= needs a numpy\.random\.Generator"):
        data.random_split(whole(2), [1, 1], rng=0)
