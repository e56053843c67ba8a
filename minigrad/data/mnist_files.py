"""MNIST and Fashion-MNIST: four IDX files each, read from a folder and, if asked, downloaded into it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad.checks import check_flag
from minigrad.data.dataset import TensorDataset
from minigrad.data.download import fetch
from minigrad.data.idx import as_path, read_idx
from minigrad.errors import ArgumentError, DataError, MissingFileError


@dataclass(frozen=True)
class Source:
    """Where a set of images comes from: mirrors, and the MD5 checksums of the gzipped files."""

    title: str
    function: str
    mirrors: tuple[str, ...]
    checksums: dict[str, str]


MNIST = Source(
    title="MNIST",
    function="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    checksums={
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)

FASHION_MNIST = Source(
    title="Fashion-MNIST",
    function="fashion_mnist",
    mirrors=(
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    checksums={
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)


def mnist(root: str | os.PathLike[str], train: bool = True, download: bool = False) -> TensorDataset:
    """Return the handwritten digits of MNIST (Y. LeCun, C. Cortes, C. Burges): 60,000 to train, 10,000 to test.

    Images are float32 of shape ``(N, 784)`` from 0 to 1, row by row; labels are int64 from 0 to 9.

    Args:
        root: the folder of the IDX files, gzipped or not, under the names that they are published with.
        train: the training part, or else the test part.
        download: whether to fetch files that are missing, gzipped, into ``root``; checksums are compared.

    Raises:
        MissingFileError: when a file is missing, or cannot be downloaded.
        DataError: when a file is damaged, or is not what it should be.
        ArgumentError: when ``root`` is not a folder.

    >>> from minigrad import data
    >>> data.mnist("no-such-folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.errors.MissingFileError: mnist: there is no train-images-idx3-ubyte (or ...
    """
    return _load(MNIST, root, train, download)


def fashion_mnist(root: str | os.PathLike[str], train: bool = True, download: bool = False) -> TensorDataset:
    """Return Zalando's pictures of clothes (H. Xiao, K. Rasul, R. Vollgraf, 2017): as MNIST, and harder.

    Images are float32 of shape ``(N, 784)`` from 0 to 1, row by row; labels are int64 from 0 to 9: T-shirt or top,
    trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Args:
        root: the folder of the IDX files, gzipped or not. They have the names of MNIST's: use another folder.
        train: the training part, or else the test part.
        download: whether to fetch files that are missing, gzipped, into ``root``; checksums are compared.

    Raises:
        MissingFileError: when a file is missing, or cannot be downloaded.
        DataError: when a file is damaged, or is not what it should be.
        ArgumentError: when ``root`` is not a folder.

    >>> from minigrad import data
    >>> data.fashion_mnist("no-such-folder", train=False)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.errors.MissingFileError: fashion_mnist: there is no t10k-images-idx3-ubyte (or ...
    """
    return _load(FASHION_MNIST, root, train, download)


def _load(source: Source, root: str | os.PathLike[str], train: bool, download: bool) -> TensorDataset:
    folder = as_path(root, source.function)
    part = "train" if check_flag(f"{source.function}: train", train) else "t10k"
    check_flag(f"{source.function}: download", download)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"{source.function}: root must be the folder of the files, {folder} is not a folder")
    image_file = _find(source, folder, f"{part}-images-idx3-ubyte", download)
    label_file = _find(source, folder, f"{part}-labels-idx1-ubyte", download)
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise DataError(
            f"{image_file}: expected images of 28x28 unsigned bytes, got {images.dtype} of shape {images.shape}"
        )
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise DataError(f"{label_file}: expected labels of one unsigned byte, got {labels.dtype} of {labels.shape}")
    if len(images) != len(labels):
        raise DataError(f"{len(images)} images in {image_file}, but {len(labels)} labels in {label_file}")
    wrong = np.flatnonzero(labels > 9)
    if wrong.size:
        raise DataError(f"{label_file}: labels must be 0 to 9, label {wrong[0]} is {labels[wrong[0]]}")
    scaled = images.reshape(len(images), 784).astype(np.float32)
    scaled /= 255
    return TensorDataset(scaled, labels.astype(np.int64))


def _find(source: Source, folder: Path, name: str, download: bool) -> Path:
    names = [spelt + end for spelt in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    for candidate in names:
        if (folder / candidate).exists():
            return folder / candidate
    if not download:
        raise MissingFileError(
            f"{source.function}: there is no {name} (or {', '.join(names[1:])}) in {folder.resolve()}; pass "
            f"download=True to fetch {source.title} from {source.mirrors[0]}"
        )
    file = folder / f"{name}.gz"
    fetch(source.mirrors, file, source.checksums[name])
    return file
