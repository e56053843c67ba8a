"""Files made to hurt: each raises a typed error, runs nothing, and takes little memory."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from safetensors.numpy import save

import minigrad as mg
from minigrad.training.checkpoint import format, generators
from minigrad.training.checkpoint.saved import PARTS

MEMORY = 300 * 2**20


class Boom:
    """A pickle that leaves a trace when it is opened."""

    def __reduce__(self):
        return os.system, ("touch executed",)


GENERATORS = {"default": np.random.default_rng(0).bit_generator.state, "owned": [], "places": {}}
EMPTY = {"format": 1, "model": None, **dict.fromkeys(PARTS), "generators": GENERATORS, "environment": {}}
PARTS_TEXT = json.dumps({"sha256": "0" * 64, **EMPTY}, separators=(",", ":"))


def sealed(content):
    """Give a file the right digest, as whoever made it would."""
    content = bytearray(content)
    content[format.PLACE : format.PLACE + 64] = format.EMPTY
    content[format.PLACE : format.PLACE + 64] = hashlib.sha256(content).hexdigest().encode()
    return bytes(content)


def header(tensors, data=b"", document=None):
    """Return a file with any tensors in its header, sealed."""
    text = json.dumps({"sha256": "0" * 64, **(document or {})}, separators=(",", ":"))
    whole = json.dumps({"__metadata__": {"minigrad": text}, **tensors}, separators=(",", ":")).encode()
    return sealed(len(whole).to_bytes(8, "little") + whole + data)


def tensor(start, stop, shape=(1,), dtype="F32"):
    return {"x": {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}}


def raw(extra, tensors="", twice=""):
    """Return a file whose extra= is this text, as it stands; whose header ends in another, its metadata in a third."""
    text = PARTS_TEXT.replace('"extra":null', f'"extra":{extra}')
    whole = f'{{"__metadata__":{{"minigrad":{json.dumps(text)}{twice}}}{tensors}}}'.encode()
    return sealed(len(whole).to_bytes(8, "little") + whole)


def values(**changes):
    """Return a file with the values of a checkpoint, some of them changed."""
    return header({}, document={**EMPTY, **changes})


LONG = format.LONGEST_HEADER - 2000

FILES = {
    "empty": b"",
    "a pickle": pickle.dumps(Boom()),
    "a pickle after a header's length": (200).to_bytes(8, "little") + pickle.dumps(Boom()) + b"\0" * 300,
    "an array of pickled objects": b"\x93NUMPY" + pickle.dumps(Boom()) * 20,
    "plain safetensors": save({"x": np.ones(3, np.float32)}),
    "a header as long as can be said": b"\xff" * 8 + b"{" * 1000,
    "a header longer than the file": sealed((2**22).to_bytes(8, "little") + values()[8:]),
    "a header of 40 MB": sealed((40_000_000).to_bytes(8, "little") + format.BEGINNING + b" " * 40_000_000),
    "a wrong digest": values()[:-1] + b"!",
    "offsets that overlap": header({**tensor(0, 4), "y": tensor(2, 6)["x"]}, b"\0" * 6),
    "a negative offset": header(tensor(-4, 0), b"\0" * 4),
    "offsets backwards": header(tensor(4, 0), b"\0" * 4),
    "offsets beyond the end": header(tensor(0, 2**40, (2**38,)), b"\0" * 4),
    "a gap between tensors": header({**tensor(0, 4), "y": tensor(8, 12)["x"]}, b"\0" * 12),
    "a shape that overflows": header(tensor(0, 4, (2**32, 2**32)), b"\0" * 4),
    "a shape of too many axes": header(tensor(0, 4, (1,) * 100), b"\0" * 4),
    "a dtype that does not exist": header(tensor(0, 4, dtype="OBJECT"), b"\0" * 4),
    "a dtype that NumPy lacks": header(tensor(0, 2, dtype="BF16"), b"\0" * 2),
    "a dtype of another size": header(tensor(0, 4, dtype="F64"), b"\0" * 4),
    "a path as a name": header({"../../x": tensor(0, 4)["x"]}, b"\0" * 4, {"format": 1}),
    "tensors that belong to nothing": header(tensor(0, 4), b"\0" * 4, EMPTY),
    "deep JSON": raw("[" * (LONG // 2) + "]" * (LONG // 2)),
    "JSON deeper than anything that is written": raw("[" * 100 + "]" * 100),
    "millions of empty objects": raw("[" + "{}," * (LONG // 3) + "{}]"),
    "millions of empty lists": raw("[" + "[]," * (LONG // 3) + "[]]"),
    "millions of empty tuples": raw("[" + '{"$tuple":[]},' * (LONG // 20) + "3]"),
    "a number without end": raw("9" * LONG),
    "deep JSON in the header itself": raw("0", ',"x":' + "[" * LONG + "]" * 10),
    "many tensors": raw(
        "0", "".join(f',"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(70_000))
    ),
    "values that are said twice": raw("0", twice=',"minigrad":"[]"'),
    "a tag of no known kind": values(extra={"$call": "os.system"}),
    "an array that is not there": values(extra={"$array": "/etc/passwd"}),
    "a model of names that are no texts": values(model=[["x"]]),
    "an optimizer that is a number": values(optimizer=3),
    "parts that are missing": header({}, document={"format": 1}),
    "another format": values(format=99),
    "no document": sealed(header({}).replace(b"minigrad", b"maxigrad")),
}

SCRIPT = textwrap.dedent(
    """
    import os, re
    import minigrad as mg, minigrad.training, safetensors.numpy
    from minigrad.errors import MinigradError
    for name in sorted(os.listdir("files")):
        try:
            mg.load("files/" + name)
        except MinigradError as problem:
            print(type(problem).__name__, len(str(problem)) < 500)
        else:
            print("loaded: nothing in it is wrong, there is just a lot of it")
        # the peak of this process alone: getrusage would count in what its parent had when it began
        print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1] if os.path.exists("/proc") else 0)
    """
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Load every file in one process; return what it said of each, and the peak of its memory by then."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "files").mkdir()
    for number, content in enumerate(FILES.values()):
        (folder / "files" / f"{number:02}.safetensors").write_bytes(content)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert sorted(path.name for path in folder.iterdir()) == ["files"], "something was executed"
    lines = run.stdout.splitlines()
    return dict(zip(FILES, zip(lines[::2], map(int, lines[1::2]), strict=True), strict=True))


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_a_typed_error_in_little_memory(name, answers):
    answer, kibibytes = answers[name]
    assert answer.startswith("loaded" if name.startswith("millions of") else "CheckpointError True")
    assert kibibytes * 1024 < MEMORY


def test_a_header_that_safetensors_lets_pass_is_read_with_the_same_care(tmp_path, monkeypatch):
    (tmp_path / "run").write_bytes(FILES["deep JSON in the header itself"])
    monkeypatch.setattr("safetensors.numpy.load", lambda content: {})
    with pytest.raises(mg.errors.CheckpointError, match="run cannot be loaded: its header cannot be read"):
        mg.load(tmp_path / "run")


def test_generators_that_are_no_list_leave_the_model_and_its_generator_alone(tmp_path):
    (tmp_path / "run").write_bytes(values(model=[], generators={**GENERATORS, "owned": 3}))
    model = mg.nn.Dropout(0.5, rng=np.random.default_rng(3))
    before = model.rng.bit_generator.state
    with pytest.raises(mg.errors.StateDictError, match=r"generators are not what mg\.save writes"):
        mg.load(tmp_path / "run").restore(model=model)
    assert model.rng.bit_generator.state == before


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (np.random.MT19937, lambda state: state["state"].update(pos=10**6)),
        (np.random.Philox, lambda state: state.update(buffer_pos=-10)),
    ],
)
def test_a_generator_is_not_sent_to_read_beside_its_words(kind, change, tmp_path, monkeypatch):
    capture = generators.capture

    def damaged(model):
        states = capture(model)
        change(states["owned"][0])
        return states

    monkeypatch.setattr(generators, "capture", damaged)
    mg.save(tmp_path / "run", model=mg.nn.Dropout(0.5, rng=np.random.Generator(kind(0))))
    other = mg.nn.Dropout(0.5, rng=np.random.Generator(kind(1)))
    with pytest.raises(mg.errors.StateDictError, match=r"rng: its state does not fit .*: a position of"):
        mg.load(tmp_path / "run").restore(model=other)


def test_what_is_no_file_is_not_read(tmp_path):
    with pytest.raises(mg.errors.CheckpointError, match="/dev/zero is no file"):
        mg.load("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(mg.errors.CheckpointError, match="pipe is no file"):
        mg.load(tmp_path / "pipe")


# states of the generators of the process; NumPy and Python take what is right of them
MERSENNE = {"bit_generator": "MT19937", "state": {"key": [1] * 624, "pos": 3}, "has_gauss": 0, "gauss": 0.0}
WRONG_NUMPY = [
    3,
    {},
    {**MERSENNE, "bit_generator": "PCG64"},
    {**MERSENNE, "gauss": "x"},
    *({**MERSENNE, "state": {"key": key, "pos": 3}} for key in (3, [1] * 3, [-1] * 624, [2**40] * 624, ["x"] * 624)),
    *({**MERSENNE, "state": {"key": [1] * 624, "pos": pos}} for pos in (625, -1, 2**70, "x", {"$float": "nan"})),
]
WORDS = [*[1] * 624, 3]
WRONG_PYTHON = [
    *(3, [], [3, WORDS], [3, 3, None], [4, WORDS, None], [3, WORDS, "x"], [3, [1] * 9, None], [2, WORDS, None, 1]),
    *([3, [*words[:624], place], None] for words, place in ((WORDS, 625), (WORDS, -1), (["x"] * 624, 3))),
    [3, [2**80] * 625, None],
]


@pytest.mark.parametrize(
    "changes",
    [
        {"generators": {}},
        {"generators": {"default": {"bit_generator": "PCG64", "state": {"state": -1, "inc": "x"}}}},
        {"generators": {"default": {"bit_generator": "os.system"}, "owned": [], "places": {}}},
        *({"generators": {**GENERATORS, "numpy": numpy}} for numpy in WRONG_NUMPY),
        *({"generators": {**GENERATORS, "python": python}} for python in WRONG_PYTHON),
        {"generators": {"default": {"$dict": []}, "owned": 3, "places": {"x": [1]}}},
        {"optimizer": {"state": {"$dict": [[0, {"exp_avg": "x"}]]}, "param_groups": [{"params": [0], "lr": {}}]}},
        {"optimizer": {}},
        {"model": []},
        {"scheduler": {"last_epoch": "x"}},
        {"loader": {"seed": -1, "epoch": {}}},
    ],
    ids=lambda changes: str(changes)[-80:],
)
def test_a_file_with_wrong_values_restores_nothing(changes, tmp_path):
    (tmp_path / "run").write_bytes(values(**changes))
    model = mg.nn.Linear(2, 1)
    optimizer = mg.optim.Adam(model.parameters())
    parts = {
        "model": model,
        "optimizer": optimizer,
        "scheduler": mg.optim.lr_scheduler.StepLR(optimizer, 1),
        "loader": mg.data.DataLoader([1, 2]),
    }
    generators = mg.training.checkpoint.generators
    before = repr([part.state_dict() for part in parts.values()]) + repr(generators.capture(model))
    given = {name: part for name, part in parts.items() if name in changes}
    with pytest.raises(mg.errors.StateDictError):
        mg.load(tmp_path / "run").restore(**given)
    assert repr([part.state_dict() for part in parts.values()]) + repr(generators.capture(model)) == before


HISTORY = {name: {"$array": name} for name in ("train_loss", "validation_loss", "learning_rate", "seconds")}
SETTING = {"metrics": [], "validation": False, "batches an epoch": 1, "scheduler": "NoneType", "optimizer": "Adam"}
POSITION = {"batch": 0, "steps": 0, "seconds": 0.0, "averages": None, "setting": SETTING, "validation": None}
SUMS = {"totals": {"loss": 0.5}, "samples": 2, "metrics": []}


@pytest.mark.parametrize(
    "change",
    [
        {"batch": -1},
        {"steps": True},
        {"setting": 3},
        {"averages": SUMS},
        {"batch": 1},
        {"batch": 1, "averages": {**SUMS, "totals": {"loss": "x"}}},
        {"batch": 1, "averages": {**SUMS, "metrics": ["accuracy"]}},
        {"batch": 1, "averages": {"totals": 3}},
        {"history": {}},
        {"history": {**HISTORY, "metrics": {"x": [1]}}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_fit_does_not_go_on_from_a_position_that_it_does_not_write(change, tmp_path):
    arrays = {name: {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for name in HISTORY}
    fit = {**POSITION, "history": {**HISTORY, "metrics": {}}, **change}
    used = fit["history"] if isinstance(fit["history"], dict) else {}
    content = header({name: arrays[name] for name in used if name in arrays}, document={**EMPTY, "fit": fit})
    (tmp_path / "step-000000001.safetensors").write_bytes(content)
    model = mg.nn.Linear(2, 1)
    with pytest.raises(mg.errors.CheckpointError, match=r"step-000000001\.safetensors does not say where fit was"):
        mg.fit(
            model,
            [(mg.ones((1, 2)), mg.ones((1, 1)))],
            loss=mg.nn.MSELoss(),
            optimizer=mg.optim.Adam(model.parameters()),
            epochs=1,
            metrics=(),
            progress=False,
            checkpoint=mg.Checkpoint(tmp_path),
            resume=True,
        )
