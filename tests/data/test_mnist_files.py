import gzip
import hashlib
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from minigrad import data
from minigrad.data import mnist_files
from minigrad.errors import ArgumentError, DataError, DtypeError, MissingFileError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture
def write(tmp_path, idx):
    def write(images, labels, *, part="train", style="{}-{}-{}", packed=False):
        for array, kind, code in ((images, "images", "idx3-ubyte"), (labels, "labels", "idx1-ubyte")):
            content = idx(array)
            name = style.format(part, kind, code) + (".gz" if packed else "")
            (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
        return tmp_path

    return write


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("style", ["{}-{}-{}", "{}-{}.{}"])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_files_under_their_usual_names_are_read(load, write, pictures, packed, style, part):
    root = write(*pictures, part=part, style=style, packed=packed)
    images, labels = load(str(root), train=part == "train").tensors
    assert (images.shape, images.dtype, labels.dtype) == ((5, 784), np.float32, np.int64)
    np.testing.assert_allclose(images.numpy(), pictures[0].reshape(5, 784) / 255, rtol=1e-6)
    assert (images.numpy().max(), images.numpy().min()) == (1, 0)
    assert labels.tolist() == pictures[1].tolist()
    with pytest.raises(MissingFileError):
        load(root, train=part != "train")


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(MissingFileError) as caught:
        data.fashion_mnist(tmp_path, train=False)
    message = str(caught.value)
    assert message.startswith("fashion_mnist: there is no t10k-images-idx3-ubyte (or t10k-images-idx3-ubyte.gz, ")
    assert "t10k-images.idx3-ubyte" in message
    assert str(tmp_path) in message
    assert "download=True to fetch Fashion-MNIST from https://" in message


ZEROS = np.zeros((3, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 28, 27), np.uint8), [0, 1, 2], r"28x28 unsigned bytes, got uint8 of shape \(3, 28, 27\)"),
        (np.zeros((3, 784), np.uint8), [0, 1, 2], r"28x28 unsigned bytes, got uint8 of shape \(3, 784\)"),
        (np.zeros((3, 28, 28), np.int8), [0, 1, 2], "28x28 unsigned bytes, got int8"),
        (ZEROS, [0, 1], "3 images in .*, but 2 labels in"),
        (ZEROS, [[0], [1], [2]], r"labels of one unsigned byte, got uint8 of \(3, 1\)"),
        (ZEROS, [9, 10, 200], "labels must be 0 to 9, label 1 is 10"),
    ],
)
def test_files_that_do_not_fit_are_a_data_error(write, images, labels, message):
    root = write(images, np.array(labels, np.uint8))
    with pytest.raises(DataError, match=message):
        data.mnist(root)


def test_a_damaged_file_is_named(write, pictures):
    root = write(*pictures)
    file = root / NAMES[0]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="train-images-idx3-ubyte is cut short"):
        data.mnist(root)


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(DtypeError, match="mnist: expected a path, got NoneType"):
        data.mnist(None)
    with pytest.raises(DtypeError, match="mnist: train must be True or False, got 'test'"):
        data.mnist(tmp_path, train="test")
    with pytest.raises(DtypeError, match="download must be True or False"):
        data.mnist(tmp_path, download=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="root must be the folder of the files"):
        data.mnist(tmp_path / "file")


# --- download, from a server on this machine


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        self.server.asked.append(self.path)


@pytest.fixture
def served(tmp_path):
    """A folder, and the address where a server shows it."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    server.asked = []
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/", server.asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def source(served, pictures, idx, monkeypatch):
    """MNIST as if it were published on this machine, and the files."""
    folder, address, _ = served
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    contents = {name: gzip.compress(idx(pictures["labels" in name])) for name in NAMES}
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(content)
    checksums = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    local = replace(mnist_files.MNIST, mirrors=(address + "gone/", address), checksums=checksums)
    monkeypatch.setattr(mnist_files, "MNIST", local)
    return local


def test_download_fetches_what_is_missing_once_from_a_mirror_that_has_it(tmp_path, served, source, pictures):
    root = tmp_path / "new" / "mnist"
    dataset = data.mnist(root, train=False, download=True)
    assert dataset.tensors[1].tolist() == pictures[1].tolist()
    assert sorted(file.name for file in root.iterdir()) == [f"{name}.gz" for name in NAMES[2:]]
    asked = len(served[2])
    data.mnist(root, train=False, download=True)
    data.mnist(root, train=False)
    assert len(served[2]) == asked


def test_a_wrong_checksum_is_refused_and_leaves_nothing(tmp_path, served, source):
    (served[0] / f"{NAMES[0]}.gz").write_bytes(b"an error page")
    with pytest.raises(MissingFileError) as caught:
        data.mnist(tmp_path / "mnist", download=True)
    message = str(caught.value)
    assert f"could not download {NAMES[0]}.gz. Fetch it by hand from {source.mirrors[0]} or" in message
    assert f"(MD5 {source.checksums[NAMES[0]]}) and put it into {tmp_path / 'mnist'}" in message
    assert "13 bytes with checksum" in message
    assert "404" in message
    assert list((tmp_path / "mnist").glob("*")) == []


def test_no_connection_is_an_error_that_says_what_to_fetch(tmp_path, monkeypatch):
    closed = replace(mnist_files.MNIST, mirrors=("http://127.0.0.1:1/",))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mnist_files, "MNIST", closed)
    with pytest.raises(MissingFileError, match=r"Fetch it by hand from http://127\.0\.0\.1:1/ .*What was tried"):
        data.mnist(tmp_path, download=True)


def test_an_answer_that_is_not_http_is_an_error_that_says_what_to_fetch(tmp_path, served, source, monkeypatch):
    monkeypatch.setattr(Quiet, "do_GET", lambda self: self.wfile.write(b"nonsense\r\n"))
    with pytest.raises(MissingFileError, match="BadStatusLine"):
        data.mnist(tmp_path / "mnist", download=True)


def test_a_disk_that_fails_leaves_no_half_file(tmp_path, source, monkeypatch):
    def fail(*args):
        raise OSError("no space")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        data.mnist(tmp_path / "mnist", download=True)
    assert list((tmp_path / "mnist").iterdir()) == []


def test_the_published_files_have_https_first_and_checksums():
    for published in (mnist_files.MNIST, mnist_files.FASHION_MNIST):
        assert published.mirrors[0].startswith("https://")
        assert tuple(published.checksums) == NAMES
        assert all(len(bytes.fromhex(checksum)) == 16 for checksum in published.checksums.values())
