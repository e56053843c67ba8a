"""The data set that comes with the package: 1,797 handwritten digits."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from minigrad.data.dataset import TensorDataset


def digits() -> TensorDataset:
    """Return the 1,797 handwritten digits of 8x8 cells that come with minigrad.

    Images are float32 of shape ``(1797, 64)``, the ink of each cell from 0 to 1, row by row; labels are int64 from
    0 to 9. Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0.

    >>> from minigrad import data
    >>> data.digits()
    TensorDataset(1797 samples of (64,) float32, () int64)
    """
    with (files("minigrad.data") / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    return TensorDataset(images.reshape(len(images), 64).astype(np.float32) / 16, labels.astype(np.int64))
