import math
import struct

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("minigrad", deadline=None)  # how long an example takes depends on the machine
settings.load_profile("minigrad")

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def as_idx(array):
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="session")
def idx():
    """The bytes of an IDX file that holds an array."""
    return as_idx


@pytest.fixture(scope="session")
def pictures():
    """A few images and labels, as MNIST's files hold them."""
    images = (np.arange(math.prod((5, 28, 28))) % 256).astype(np.uint8).reshape(5, 28, 28)
    return images, np.array([3, 0, 9, 1, 7], np.uint8)
