"""One checked file: safetensors, with typed values in the header and a digest of every byte.

The header's metadata have one entry, ``minigrad``: a JSON text that begins with ``sha256``. The digest is taken over
the whole file with its own 64 characters as zeros, so that no bit can change unseen: safetensors has no checksum. Any
reader of the format reads the file, and finds the model's weights under their names.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, BinaryIO

import numpy as np

from minigrad.errors import ArgumentError, CheckpointError
from minigrad.training.checkpoint.tree import Arrays, from_text, to_text

VERSION = 1
LONGEST_HEADER = 4 * 2**20  # bytes: some 20,000 tensors; to read one takes up to sixty times as much memory
CHUNK = 2**20

# what every file has after the eight bytes of the header's length
BEGINNING = b'{"__metadata__":{"minigrad":"{\\"sha256\\":\\"'
EMPTY = b"0" * 64
PLACE = 8 + len(BEGINNING)  # of the digest


def encode(arrays: Arrays, values: dict[str, Any]) -> bytearray:
    """Return the content of a file.

    Args:
        arrays: by name, in C order.
        values: for JSON.

    Raises:
        ArgumentError: when the values, or the names, take more than the longest header has.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save

    document = to_text({"sha256": EMPTY.decode(), "format": VERSION, **values})
    if "__metadata__" in arrays:
        raise ArgumentError("save: no parameter can be called '__metadata__' in a safetensors file; rename it")
    if len(document) > LONGEST_HEADER:
        raise _too_long(len(document))
    try:
        content = bytearray(save(arrays, {"minigrad": document}))
    except (SafetensorError, UnicodeError) as problem:
        raise ArgumentError(f"save: safetensors cannot write this: {problem}") from None
    if int.from_bytes(content[:8], "little") > LONGEST_HEADER:
        raise _too_long(int.from_bytes(content[:8], "little"))
    if content[8 : PLACE + 64] != BEGINNING + EMPTY:
        raise CheckpointError(
            "this version of safetensors orders the header differently; install safetensors 0.4 to 0.8"
        )
    content[PLACE : PLACE + 64] = hashlib.sha256(content).hexdigest().encode()
    return content


def _too_long(size: int) -> ArgumentError:
    return ArgumentError(
        f"save: the header would take {size / 2**20:.1f} MiB, and {LONGEST_HEADER // 2**20} MiB is the most; keep long "
        "lists and texts in extra= as arrays"
    )


def decode(file: BinaryIO, size: int) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and the values of a file, once its digest has been found right.

    Args:
        file: open for reading, at its beginning.
        size: in bytes.

    Raises:
        CheckpointError: when it is anything else than what ``encode`` made; nothing of it has been interpreted then.
    """
    check(file, size)
    file.seek(0)
    content = file.read(size)
    length = int.from_bytes(content[:8], "little")
    arrays = _arrays(content)
    try:
        document = json.loads(content[8 : 8 + length])["__metadata__"]["minigrad"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise CheckpointError("its header cannot be read") from None
    values = from_text(document)
    if not isinstance(values, dict) or values.pop("sha256", None) is None:
        raise CheckpointError("its values are not a dict")
    version = values.pop("format", None)
    if version != VERSION:
        raise CheckpointError(f"its format is {version!r}, and this minigrad reads {VERSION}")
    return arrays, values


def check(file: BinaryIO, size: int) -> None:
    """Raise unless a file begins as a checkpoint does and its digest is right; a little is read at a time.

    Raises:
        CheckpointError: when it does not.
    """
    start = file.read(PLACE + 64)
    length = int.from_bytes(start[:8], "little")
    if len(start) < PLACE + 64 or start[8:PLACE] != BEGINNING:
        if _is_of_others(start + file.read(max(0, min(length, LONGEST_HEADER) + 8 - len(start))), length, size):
            raise CheckpointError(
                "it is a safetensors file of another program, which has no digest and nothing but arrays; load the "
                "weights with model.load_state_dict(safetensors.numpy.load_file(path))"
            )
        raise CheckpointError("it is cut off, damaged, or no checkpoint of minigrad")
    if length > min(LONGEST_HEADER, size - 8):
        raise CheckpointError(
            f"its header claims {length} bytes, the file has {size}, and {LONGEST_HEADER} are allowed"
        )
    digest = hashlib.sha256(start[:PLACE] + EMPTY)
    read = len(start)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        read += len(chunk)
    if read != size or digest.hexdigest().encode() != start[PLACE:]:
        raise CheckpointError("its SHA-256 is not that of its content: it is damaged or cut off")


def _is_of_others(start: bytes, length: int, size: int) -> bool:
    """Whether a file looks like safetensors, and not like a damaged checkpoint; its header is not interpreted."""
    header = start[8 : 8 + length].rstrip()
    whole = length <= min(LONGEST_HEADER, size - 8) and header[:1] == b"{" and header[-1:] == b"}"
    return whole and b'"data_offsets"' in header and not (b"minigrad" in header[:64] or b"sha256" in header[:64])


def _arrays(content: bytes) -> Arrays:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: Arrays = load(content)
    except SafetensorError as problem:
        raise CheckpointError(f"safetensors refuses it: {str(problem)[:200]}") from None
    except (KeyError, ValueError, TypeError, OverflowError) as problem:
        raise CheckpointError(f"it has a tensor that NumPy cannot hold: {str(problem)[:200]}") from None
    return {name: np.asarray(array) for name, array in arrays.items()}
