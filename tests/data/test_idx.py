import contextlib
import gzip
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad import data
from minigrad.errors import DataError, DtypeError, MinigradError, MissingFileError

FILE_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "file").write_bytes(content)
        return data.read_idx(tmp_path / "file")

    return read


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 1, 4), (0,), (0, 3)], ids=str)
def test_an_array_comes_back_in_native_byte_order_and_writable(read, idx, packed, dtype, shape):
    array = (np.random.default_rng(0).standard_normal(shape) * 100).astype(dtype)
    result = read(gzip.compress(idx(array)) if packed else idx(array))
    np.testing.assert_array_equal(result, array)
    assert result.dtype == np.dtype(dtype)
    assert result.dtype.isnative
    assert result.flags.writeable


def test_an_array_longer_than_one_chunk_comes_back(read, idx):
    array = np.arange(700_000, dtype=np.int32)
    np.testing.assert_array_equal(read(gzip.compress(idx(array), 1)), array)
    np.testing.assert_array_equal(read(idx(array)), array)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_truncation_is_a_data_error(read, idx, packed):
    content = idx(np.arange(24, dtype=np.int16).reshape(4, 6))
    content = gzip.compress(content) if packed else content
    read(content)
    for length in range(len(content)):
        with pytest.raises(DataError):
            read(content[:length])


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_bytes_after_the_end_are_a_data_error(read, idx, packed):
    content = idx(np.arange(3, dtype=np.uint8)) + b"\0"
    with pytest.raises(DataError, match=r"more after the 3 bytes that the header says, for shape \(3,\)"):
        read(gzip.compress(content) if packed else content)


def test_every_damaged_byte_of_a_gzip_file_is_found_or_harmless(read, idx):
    array = np.arange(40, dtype=np.uint8)
    content = gzip.compress(idx(array), mtime=0)
    for place in range(len(content)):
        try:
            result = read(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        except DataError:
            continue
        np.testing.assert_array_equal(result, array)  # a time stamp, say


def test_a_damaged_gzip_stream_says_what_to_do(read, idx):
    content = gzip.compress(idx(np.arange(40, dtype=np.uint8)))
    with pytest.raises(DataError, match=r"gzip stream is damaged.*fetch the file again"):
        read(content[:-8] + bytes(8))


@FILE_FIXTURE
@given(content=st.binary(max_size=80))
def test_random_bytes_raise_only_the_librarys_own_errors(read, content):
    for candidate in (content, gzip.compress(content, 1), b"\x1f\x8b\x08\0" + content):
        with contextlib.suppress(MinigradError):
            read(candidate)


@FILE_FIXTURE
@given(
    code=st.sampled_from([0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E]),
    shape=st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), max_size=70),
    body=st.binary(max_size=40),
    packed=st.booleans(),
)
def test_random_headers_raise_only_the_librarys_own_errors(read, code, shape, body, packed):
    content = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body
    try:
        result = read(gzip.compress(content, 1) if packed else content)
    except MinigradError:
        return
    assert result.shape == tuple(shape)
    assert result.nbytes == len(body)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", [(2**32 - 1,), (60000, 28, 28), (2**32 - 1,) * 8], ids=str)
def test_a_header_that_promises_too_much_takes_no_memory(read, packed, shape):
    content = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(10)
    content = gzip.compress(content) if packed else content
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"the header promises .* the file cannot hold more than"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_a_gzip_header_that_promises_less_than_the_stream_holds_reads_no_further(read):
    bomb = zlib.compressobj(9, wbits=31)
    content = bomb.compress(bytes([0, 0, 8, 1, 0, 0, 0, 4]) + bytes(30_000_000)) + bomb.flush()
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more after the 4 bytes"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: it begins with nothing"),
        (b"\0\0\x08", "not an IDX file: it begins with 00 00 08"),
        (b"\x89PNG\r\n", "not an IDX file: it begins with 89 50 4e 47, not with 00 00"),
        (b"\0\0\x0a\x01\0\0\0\0", "no IDX dtype 0x0a; known are 0x08, 0x09"),
        (b"\0\0\x08\0\x05", "0 axes, 1 to 64"),
        (b"\0\0\x08\xff" + bytes(1020), "255 axes, 1 to 64"),
        (b"\0\0\x08\x02\0\0\0\x01\0", "cut short in its header: 2 axes need 8 bytes, got 5"),
        (b"\0\0\x08\x01\0\0\0\x05abcd", r"cut short: 5 bytes expected after the header for shape \(5,\), got 4"),
        (b"\0\0\x08\x04\0\0\0\0" + b"\xff" * 12, "cannot make an array of shape"),
        (gzip.compress(b"text", mtime=0), "not an IDX file: it begins with 74 65 78 74"),
    ],
)
def test_bad_content_is_named_with_the_file(read, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(content)
    assert "file" in str(caught.value).split(":")[0]


def test_a_path_that_is_no_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no file .*nowhere"):
        data.read_idx(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is not a file"):
        data.read_idx(tmp_path)
    with pytest.raises(DtypeError, match="read_idx: expected a path, got int"):
        data.read_idx(3)
