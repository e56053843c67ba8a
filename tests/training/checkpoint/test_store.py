"""A folder of checkpoints, and files that are there whole or not at all."""

import errno
import os
import subprocess
import sys
import time

import pytest

import minigrad as mg
from minigrad.errors import (
    ArgumentError,
    CheckpointError,
    CheckpointFileError,
    CheckpointWarning,
    DtypeError,
    MinigradError,
)


def damage(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_are_kept(tmp_path):
    checkpoint = mg.Checkpoint(tmp_path / "a" / "b", keep=3)
    assert checkpoint.load() is None
    for step in (1, 2, 10, 9_999_999_999):
        checkpoint.save(step, extra=step)
    assert [path.name for path in checkpoint.paths()] == [
        *("step-000000002.safetensors", "step-000000010.safetensors", "step-9999999999.safetensors")
    ]
    assert mg.load(tmp_path / "a" / "b").extra == 9_999_999_999
    assert repr(checkpoint).endswith("every=None, keep=3)")


def test_a_damaged_newest_falls_back_to_the_one_before_and_both_are_named(tmp_path):
    checkpoint = mg.Checkpoint(tmp_path)
    old, new = (checkpoint.save(step, extra=step) for step in (1, 2))
    damage(new)
    message = f"{new.name} cannot be loaded: its SHA-256 .*{old.name} is loaded instead"
    with pytest.warns(CheckpointWarning, match=message):
        assert checkpoint.load().extra == 1
    with pytest.warns(CheckpointWarning, match=message):
        assert mg.load(tmp_path).extra == 1
    damage(old)
    with pytest.raises(CheckpointError, match=f"no checkpoint in .* can be loaded:\n.*{new.name}.*\n.*{old.name}"):
        checkpoint.load()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"folder": 3}, DtypeError, "folder must be a path such as 'runs/digits', got 3"),
        ({"every": 0}, ArgumentError, "every must be a positive integer, got 0"),
        ({"every": True}, ArgumentError, "every must be a positive integer, got True"),
        ({"keep": 0.5}, ArgumentError, "keep must be a positive integer, got 0.5"),
    ],
)
def test_bad_arguments(arguments, kind, message, tmp_path):
    with pytest.raises(kind, match=message):
        mg.Checkpoint(**{"folder": tmp_path, **arguments})
    with pytest.raises(ArgumentError, match="step must be a non-negative integer, got -1"):
        mg.Checkpoint(tmp_path).save(-1)


# --- what can go wrong while a file is written


def failing(code, after=0):
    """Return a function that raises what the system does, once it has been called so many times."""
    left = [after]

    def fail(*arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(code, os.strerror(code))
        return len(arguments[1]) // 2 if len(arguments) > 1 else None

    return fail


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_the_old_file_survives_whatever_fails(call, code, tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    mg.save(path, extra="old")
    monkeypatch.setattr(os, call, failing(code))
    with pytest.raises(CheckpointFileError, match=f"{path} cannot be written: {os.strerror(code)}") as caught:
        mg.save(path, extra="new")
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, MinigradError)
    assert caught.value.errno == code
    monkeypatch.undo()
    assert names(tmp_path) == ["run.safetensors"]
    assert mg.load(path).extra == "old"


def test_a_disk_that_fills_up_in_the_middle(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    mg.save(path, extra="old")
    monkeypatch.setattr(os, "write", failing(errno.ENOSPC, after=2))
    with pytest.raises(CheckpointFileError, match="No space left on device; what was there is unchanged; make space"):
        mg.save(path, extra="new")
    monkeypatch.undo()
    assert names(tmp_path) == ["run.safetensors"]
    assert mg.load(path).extra == "old"


def test_writes_that_take_a_part_at_a_time(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, content[:7]))
    mg.save(tmp_path / "run", extra="whole")
    assert mg.load(tmp_path / "run").extra == "whole"


IN_A_SMALL_FILE_SYSTEM = """
import os, sys
import numpy as np
import minigrad as mg
from minigrad.errors import CheckpointFileError
path = sys.argv[1] + "/run"
mg.save(path, extra="old")
for command, extra in ("true", np.zeros(1_000_000)), ("mount -o remount,ro " + sys.argv[1], "new"):
    os.system(command)
    try:
        mg.save(path, extra=extra)
    except CheckpointFileError as problem:
        print(problem)
    print(os.listdir(sys.argv[1]), mg.load(path).extra)
"""


def test_a_real_disk_that_is_full_and_one_that_is_read_only(tmp_path):
    """In a mount namespace of its own, where the system lets us have one."""
    command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"', str(tmp_path)]
    try:
        may = subprocess.run([*command, "true"], capture_output=True, timeout=60).returncode == 0
    except FileNotFoundError:
        may = False
    if not may:
        pytest.skip("no right to mount a file system")
    script = [sys.executable, "-c", IN_A_SMALL_FILE_SYSTEM, str(tmp_path)]
    run = subprocess.run([*command, *script], capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == [
        f"{tmp_path}/run cannot be written: No space left on device; what was there is unchanged; make space, and run "
        "again with resume=True",
        "['run'] old",
        f"{tmp_path}/run cannot be written: Read-only file system; what was there is unchanged; choose a folder that "
        "can be written to",
        "['run'] old",
    ], run.stderr


def test_a_folder_that_is_missing_in_the_way_or_a_file(tmp_path):
    with pytest.raises(CheckpointFileError, match=r"there is no folder .*nowhere; make it"):
        mg.save(tmp_path / "nowhere" / "run", extra=1)
    with pytest.raises(CheckpointFileError, match="is a folder, so no checkpoint can be written there"):
        mg.save(tmp_path, extra=1)
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointFileError, match=r"file/step-000000001\.safetensors cannot be written"):
        mg.Checkpoint(tmp_path / "file").save(1)
    with pytest.raises(CheckpointFileError, match="file cannot be read: Not a directory"):
        mg.Checkpoint(tmp_path / "file").load()
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path):
    mg.save(tmp_path / "run", extra="old")
    tmp_path.chmod(0o500)
    with pytest.raises(CheckpointFileError, match="Permission denied; what was there is unchanged; check"):
        mg.save(tmp_path / "run", extra="new")
    tmp_path.chmod(0o700)
    assert mg.load(tmp_path / "run").extra == "old"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    mg.save(tmp_path / "link", extra=1)
    assert (tmp_path / "link").is_symlink()
    assert mg.load(tmp_path / "file").extra == 1


# --- what dead writers leave


def test_temporary_files_of_dead_writers_are_removed_and_those_of_living_ones_stay(tmp_path):
    from minigrad.training.checkpoint import files

    path = tmp_path / "run[1]*.safetensors"
    host = files._writer().rpartition("-")[0]
    dead = subprocess.Popen(["true"])
    dead.wait()
    stem = f".{path.name}."
    strays = [f"{stem}{host}-{dead.pid}-00000000.tmp", f"{stem}elsewhere-1-00000001.tmp"]
    living = [f"{stem}{host}-1-00000002.tmp", f"{stem}elsewhere-1-00000003.tmp", f"{stem}x.tmp", ".other.tmp"]
    for name in strays + living:
        (tmp_path / name).touch()
    hours_ago = time.time() - 7200
    os.utime(tmp_path / strays[1], (hours_ago, hours_ago))
    mg.save(path, extra=1)
    assert names(tmp_path) == sorted([*living, path.name])


def test_ctrl_c_in_the_middle_of_a_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    mg.save(tmp_path / "run", extra="old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        mg.save(tmp_path / "run", extra="new")
    assert names(tmp_path) == ["run"]
    assert mg.load(tmp_path / "run").extra == "old"
