"""Fetching a file from the internet: checked, and whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from minigrad.errors import MissingFileError

TIMEOUT = 30  # seconds without an answer
LARGEST = 64 << 20  # bytes; the largest file that is fetched here has 26 million


def fetch(mirrors: Sequence[str], file: Path, md5: str) -> None:
    """Fetch ``file`` by its name from the first mirror that has it with the right checksum.

    Args:
        mirrors: addresses to which the name is added, tried in order.
        file: where to put it; its folder is made where there is none.
        md5: the published checksum of the content.

    Raises:
        MissingFileError: when no mirror gives the right content; says what to fetch by hand, and where to put it.
    """
    problems = []
    for mirror in mirrors:
        try:
            content = _get(mirror + file.name)
        except OSError as problem:
            problems.append(f"{mirror + file.name}: {problem}")
            continue
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found == md5:
            _write(file, content)
            return
        problems.append(f"{mirror + file.name}: {len(content)} bytes with checksum {found}, not {md5}")
    raise MissingFileError(
        f"could not download {file.name}. Fetch it by hand from {' or '.join(mirrors)} (MD5 {md5}) and put it "
        f"into {file.parent.resolve()}. What was tried: {'; '.join(problems)}"
    )


def _get(address: str) -> bytes:
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(address, headers={"User-Agent": "minigrad"}), timeout=TIMEOUT) as response:
            content: bytes = response.read(LARGEST)
    except HTTPException as problem:  # no OSError: an answer that is not HTTP, or cut short
        raise ConnectionError(f"{type(problem).__name__} {problem}") from problem
    return content


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner only
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
