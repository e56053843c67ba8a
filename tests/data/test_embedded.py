from importlib.resources import files

import numpy as np

from minigrad import data


def test_digits_are_the_1797_scaled_to_one():
    images, labels = data.digits()[:]
    assert (images.shape, images.dtype, labels.shape, labels.dtype) == ((1797, 64), np.float32, (1797,), np.int64)
    assert (images.numpy().min(), images.numpy().max()) == (0, 1)
    assert np.bincount(labels.numpy()).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert labels.tolist()[:10] == list(range(10))
    assert (images.numpy()[0] * 16).reshape(8, 8)[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_each_call_gives_arrays_of_its_own():
    first, second = data.digits(), data.digits()
    first.tensors[0].numpy()[:] = 0
    assert second.tensors[0].numpy().any()


def test_source_and_licence_lie_beside_the_digits():
    text = (files("minigrad.data") / "digits.LICENSE.txt").read_text("utf-8")
    for fact in ("CC BY 4.0", "Alpaydin", "Kaynak", "UCI Machine Learning Repository", "10.24432/C50P49"):
        assert fact in text
