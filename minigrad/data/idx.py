"""IDX files: the format of MNIST, a small header and then the numbers of one array."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minigrad.errors import ArgumentError, DataError, DtypeError, MissingFileError

# The third byte of a file: the type of its numbers, all big-endian.
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# deflate never packs better than 1 : 1032, so that a header which promises more is wrong
MOST_PACKED = 1032

CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Return the array in an IDX file, gzipped or not, checked before use and in the machine's byte order.

    The format, from Y. LeCun's description of MNIST: two zero bytes, a byte for the dtype, a byte for the number of
    axes, each axis's length as a big-endian 32-bit integer, then the numbers, and nothing after them.

    Args:
        path: the file; its first bytes say whether it is gzipped, not its name.

    Raises:
        MissingFileError: when there is no such file.
        ArgumentError: when the path is none that a file could have.
        DataError: when the content is not what the format says: another magic number or dtype, too few or too many
            bytes, a damaged gzip stream. A header that promises more than the file can hold is found before any
            memory is taken for it.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from minigrad import data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-idx1-ubyte"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     data.read_idx(path)
    array([5, 0, 4], dtype=uint8)
    """
    file = as_path(path, "read_idx")
    if not file.exists():
        raise MissingFileError(f"there is no file {file}")
    if not file.is_file():
        raise DataError(f"{file} is not a file")
    size = file.stat().st_size
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            return _read(raw, file, size)
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read(unpacked, file, size * MOST_PACKED)
        except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
            raise DataError(f"{file}: the gzip stream is damaged ({problem}); fetch the file again") from None


def as_path(path: Any, function: str) -> Path:
    """Return a path.

    Raises:
        DtypeError: when it is something else; the message begins with the function's name.
        ArgumentError: when no file could be there, for a name that is too long, or a folder that may not be read.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise DtypeError(f"{function}: expected a path, got {type(path).__name__}")
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass  # what is missing is told by the function, which knows how to get it
    except (OSError, ValueError) as problem:
        raise ArgumentError(f"{function}: cannot look at the path {str(path)[:80]!r}: {problem}") from None
    return Path(path)


def _read(stream: BinaryIO | gzip.GzipFile, file: Path, most: int) -> npt.NDArray[Any]:
    dtype, shape = _header(stream, file)
    expected = math.prod(shape) * dtype.itemsize
    if expected > most:
        raise DataError(
            f"{file}: the header promises {expected} bytes of shape {shape}, the file cannot hold more than {most}"
        )
    content = bytearray()
    while len(content) < expected and (chunk := stream.read(min(CHUNK, expected - len(content)))):
        content += chunk
    if len(content) < expected:
        raise DataError(
            f"{file} is cut short: {expected} bytes expected after the header for shape {shape}, got {len(content)}"
        )
    if stream.read(1):
        raise DataError(f"{file}: there is more after the {expected} bytes that the header says, for shape {shape}")
    try:
        array = np.frombuffer(content, dtype).reshape(shape)
    except ValueError as problem:  # an empty array whose other axes are too long
        raise DataError(f"{file}: cannot make an array of shape {shape}: {problem}") from None
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(stream: BinaryIO | gzip.GzipFile, file: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"{file} is not an IDX file: it begins with {magic.hex(' ') or 'nothing'}, not with 00 00")
    code, axes = magic[2], magic[3]
    if code not in DTYPES:
        known = ", ".join(f"0x{known:02x}" for known in DTYPES)
        raise DataError(f"{file}: there is no IDX dtype 0x{code:02x}; known are {known}")
    if not 1 <= axes <= 64:
        raise DataError(f"{file}: the header says {axes} axes, 1 to 64 can be read")
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DataError(f"{file} is cut short in its header: {axes} axes need {4 * axes} bytes, got {len(lengths)}")
    return np.dtype(DTYPES[code]), tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
