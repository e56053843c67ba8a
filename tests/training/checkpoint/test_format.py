import io
import json

import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file

import minigrad as mg
from minigrad import nn, optim
from minigrad.errors import ArgumentError, CheckpointError, DtypeError
from minigrad.training.checkpoint import format
from minigrad.training.checkpoint.tree import KINDS, Packer, from_text, to_text, unpack


def decode(content):
    return format.decode(io.BytesIO(content), len(content))


def small():
    arrays = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(3), "none": np.zeros((0, 2))}
    return format.encode(arrays, {"text": "naïve", "number": 0.1})


def round_trip(value):
    packer = Packer()
    packed = to_text(packer.pack(value, "extra"))
    arrays, values = decode(format.encode(packer.arrays, {"extra": json.loads(packed)}))
    result = unpack(values["extra"], arrays)
    assert not arrays
    return result


def same(left, right):
    if isinstance(left, (np.ndarray, np.generic)):
        return type(left) is type(right) and left.dtype == right.dtype and left.tobytes() == right.tobytes()
    if isinstance(left, dict):
        return type(right) is dict and list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and (left == right or left != left)


# --- values


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 0, -3, 2**200, 0.1, 1e-320, -0.0, float("inf"), -float("inf"), float("nan")),
        *("", 'naïve \n \0 "quoted" \\ {} 🙂', [], (), {}, [1, (2.0, [None])], ((), {"a": ()})),
        *({0: "a", 1: {"b": 2}}, {"$array": "x"}, {"$x": 1, "y": 2}, {"": 1, "a.b": [np.float32(0.5)]}),
        *(np.array(1.5), np.zeros((0, 3)), np.array([np.nan, -0.0, np.inf]), [np.int8(3), np.bool_(True)]),
        {"a": np.arange(3), "b": {"a": np.arange(4)}, "\ud800": np.ones(2), "..": np.ones(1)},
    ],
    ids=lambda value: repr(value).encode("ascii", "replace").decode()[:30],
)
def test_every_value_comes_back_with_its_type(value):
    assert same(value, round_trip(value))


@pytest.mark.parametrize("kind", KINDS)
def test_every_dtype_and_memory_layout_comes_back(kind):
    values = (np.arange(24).reshape(2, 3, 4) % 3).astype(kind)
    for array in (values, values.T, values[:, ::2], np.asfortranarray(values[0]), values[..., 0:0], values[0, 0, 0]):
        back = round_trip({"x": array})["x"]
        np.testing.assert_array_equal(back, array)
        assert back.dtype == kind
    swapped = values.astype(values.dtype.newbyteorder(">"))
    np.testing.assert_array_equal(round_trip(swapped), values)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ({"a": [1, {2}]}, DtypeError, r"save: extra\.a\.1 is of type set, which a checkpoint cannot hold"),
        ({"x": mg.ones(2)}, DtypeError, r"save: extra\.x is of type Tensor.*pass its \.numpy\(\)"),
        (lambda: 0, DtypeError, "extra is of type function"),
        ({None: 1}, DtypeError, "extra has the key None; a checkpoint's keys are texts or integers"),
        ({True: 1}, DtypeError, "extra has the key True"),
        (np.array(["a"]), DtypeError, "extra is an array of <U1; a checkpoint holds arrays of"),
        (np.array([None]), DtypeError, "extra is an array of object"),
        (np.array([1j]), DtypeError, "extra is an array of complex128"),
        (2**5000, ArgumentError, "extra is an integer of more than 4096 bits"),
        ("x" * 9_000_000, ArgumentError, "the header would take 8.6 MiB, and 4 MiB is the most"),
    ],
)
def test_what_cannot_be_saved_is_named(value, kind, message):
    with pytest.raises(kind, match=message):
        round_trip(value)


def test_names_that_no_file_can_have_are_an_error(tmp_path):
    model = nn.Module()
    setattr(model, "\ud800", nn.Parameter(np.ones(2)))
    with pytest.raises(ArgumentError, match=r"save: safetensors cannot write this: .*surrogates not allowed"):
        mg.save(tmp_path / "run", model=model)
    assert not (tmp_path / "run").exists()


def test_names_that_make_the_header_too_long_are_an_error():
    arrays = {f"{number:0200}": np.zeros(0) for number in range(17_000)}
    with pytest.raises(ArgumentError, match=r"the header would take 4\.\d MiB, and 4 MiB is the most"):
        format.encode(arrays, {})


def test_a_safetensors_that_orders_the_header_differently_is_found_out(monkeypatch):
    save = safetensors.numpy.save
    monkeypatch.setattr(
        safetensors.numpy, "save", lambda arrays, metadata: save(arrays, {"another": metadata["minigrad"]})
    )
    with pytest.raises(CheckpointError, match=r"orders the header differently; install safetensors 0\.4 to 0\.8"):
        small()


def test_a_value_that_contains_itself_is_an_error():
    value = []
    value.append(value)
    with pytest.raises(ArgumentError, match="nested deeper than 64 levels, or contains itself"):
        round_trip(value)


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[" * 100_000, "1" * 5000, '{"a": Infinity}'], ids=lambda text: text[:9]
)
def test_text_that_is_not_the_json_that_is_written_is_an_error(text):
    with pytest.raises(CheckpointError, match="its values cannot be read"):
        from_text(text)


# --- the file


def test_any_reader_of_safetensors_finds_the_weights_under_their_names(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(mg.ones((4, 2))).sum().backward()
    optimizer.step()
    mg.save(tmp_path / "run.safetensors", model=model, optimizer=optimizer, extra={"note": "hello"})
    tensors = load_file(tmp_path / "run.safetensors")
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(tensors[name], array)
        assert tensors[name].dtype == array.dtype
    momentum = optimizer.state_dict()["state"][0]["momentum_buffer"]
    np.testing.assert_array_equal(tensors["optimizer.state.0.momentum_buffer"], momentum)
    with safetensors.safe_open(tmp_path / "run.safetensors", framework="np") as file:
        assert json.loads(file.metadata()["minigrad"])["extra"] == {"note": "hello"}


def test_the_same_content_is_the_same_file():
    assert small() == small()


def test_a_file_of_another_format_version_says_so(monkeypatch):
    monkeypatch.setattr(format, "VERSION", 2)
    content = small()
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="its format is 2, and this minigrad reads 1"):
        decode(content)


def test_every_truncation_is_noticed():
    content = small()
    for length in range(len(content)):
        with pytest.raises(CheckpointError):
            decode(content[:length])
    for tail in (b"\0", b" ", content):
        with pytest.raises(CheckpointError):
            decode(content + tail)


def test_every_flipped_bit_of_a_small_file_is_noticed():
    content = bytearray(small())
    for place in range(8 * len(content)):
        content[place // 8] ^= 1 << place % 8
        with pytest.raises(CheckpointError):
            decode(bytes(content))
        content[place // 8] ^= 1 << place % 8
    decode(bytes(content))


def test_twenty_thousand_flipped_bits_of_a_checkpoint_are_noticed(tmp_path):
    model = nn.MLP([4, 8, 3])
    mg.save(tmp_path / "run", model=model, optimizer=optim.Adam(model.parameters()), extra=list(range(20)))
    content, rng = bytearray((tmp_path / "run").read_bytes()), np.random.default_rng(0)
    for place in rng.integers(8 * len(content), size=20_000).tolist():
        content[place // 8] ^= 1 << place % 8
        with pytest.raises(CheckpointError):
            decode(bytes(content))
        content[place // 8] ^= 1 << place % 8
    decode(bytes(content))
