"""Data: datasets, the loader that makes batches of them, the embedded digits, toy sets and IDX files.

Read in this order: ``dataset``, ``split``, ``loader``; then what makes datasets, ``embedded``, ``toys``, ``idx``
and ``mnist_files``.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.data.dataset import Dataset as Dataset
from minigrad.data.dataset import TensorDataset as TensorDataset
from minigrad.data.embedded import digits as digits
from minigrad.data.idx import read_idx as read_idx
from minigrad.data.loader import DataLoader as DataLoader
from minigrad.data.mnist_files import fashion_mnist as fashion_mnist
from minigrad.data.mnist_files import mnist as mnist
from minigrad.data.split import Subset as Subset
from minigrad.data.split import random_split as random_split
from minigrad.data.toys import blobs as blobs
from minigrad.data.toys import moons as moons
from minigrad.data.toys import spirals as spirals
from minigrad.data.toys import xor as xor
from minigrad.pytorch_names import unknown_name as _unknown_name

if not _TYPE_CHECKING:  # a type checker shall see only what there is
    __getattr__ = _unknown_name(__name__)
