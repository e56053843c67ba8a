"""Two runs cannot write into one folder at once, and one that is dead keeps nobody out."""

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import minigrad as mg
from minigrad.errors import CheckpointError
from minigrad.training.checkpoint import lock

from .runs import make, outcome

pytestmark = pytest.mark.skipif(lock.fcntl is None, reason="this system has no such locks")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def during(arguments, update, action):
    """Let a run do something before its update of this number."""
    count, step = 0, arguments["optimizer"].step

    def acting():
        nonlocal count
        count += 1
        if count == update:
            action()
        return step()

    arguments["optimizer"].step = acting
    return arguments


def test_a_second_fit_is_refused_and_the_first_ends_as_if_nobody_had_come(tmp_path):
    alone = make()
    expected = outcome(alone, mg.fit(**alone))
    caught = []

    def another():
        for resume in (False, True):
            with pytest.raises(CheckpointError) as problem:
                mg.fit(**make(seed=1), checkpoint=mg.Checkpoint(tmp_path), resume=resume)
            caught.append(str(problem.value))

    def elsewhere():
        state = mg.engine.random.generator().bit_generator.state
        with ThreadPoolExecutor(1) as pool:
            pool.submit(another).result(60)
        mg.engine.random.generator().bit_generator.state = state  # making models draws from it

    arguments = during(make(), 6, elsewhere)
    assert outcome(arguments, mg.fit(**arguments, checkpoint=mg.Checkpoint(tmp_path))) == expected
    who = f"process {os.getpid()} on {os.uname().nodename}"
    message = (
        f"{tmp_path} is being written to by another run ({who}); give each run a folder of its own, or wait until that "
        "one has ended and pass resume=True"
    )
    assert caught == [message] * 2
    assert [name[:5] for name in names(tmp_path)] == ["step-"] * 2


def test_nothing_else_is_saved_into_the_folder_of_a_run(tmp_path):
    """It would be taken for a checkpoint of the run, and remove the run's own."""
    checkpoint = mg.Checkpoint(tmp_path, keep=1)

    def save():
        with pytest.raises(CheckpointError, match="is being written to by another run"):
            checkpoint.save(1000, extra="mine")

    mg.fit(**during(make(), 2, save), checkpoint=checkpoint)
    assert mg.load(tmp_path).fit["steps"] == 12
    checkpoint.save(1000, extra="mine")
    assert mg.load(tmp_path).extra == "mine"


@pytest.mark.parametrize("how", ["error", "interrupt", "refused"])
def test_a_run_that_ends_early_lets_the_folder_go(how, tmp_path):
    def end():
        raise {"error": ZeroDivisionError, "interrupt": KeyboardInterrupt}[how]

    if how == "refused":
        mg.Checkpoint(tmp_path).save(1, extra="not of fit")
        with pytest.raises(CheckpointError, match=r"was written by mg\.save"):
            mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path), resume=True)
    elif how == "error":
        with pytest.raises(ZeroDivisionError):
            mg.fit(**during(make(), 3, end), checkpoint=mg.Checkpoint(tmp_path))
    else:
        assert mg.fit(**during(make(), 3, end), checkpoint=mg.Checkpoint(tmp_path)).note
    assert lock.NAME not in names(tmp_path)
    with lock.only_writer(tmp_path):
        assert lock.NAME in names(tmp_path)


HOLD = """
import sys, time
from pathlib import Path
from minigrad.training.checkpoint.lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_another_process_is_kept_out_until_the_first_is_killed(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(CheckpointError, match=rf"{tmp_path} .* another run \(process {other.pid} on "):
            mg.Checkpoint(tmp_path).save(1)
        with pytest.raises(CheckpointError, match=f"process {other.pid} on "):
            mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path))
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        other.stdout.close()
    assert names(tmp_path) == [lock.NAME]  # what is left of it locks nothing
    mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path))
    assert [name[:5] for name in names(tmp_path)] == ["step-"] * 2


FORKED = """
import os, signal, sys, time
from pathlib import Path
from minigrad.training.checkpoint.lock import only_writer
with only_writer(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_of_a_run_that_was_killed_keeps_nobody_out(tmp_path):
    with subprocess.Popen([sys.executable, "-c", FORKED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        child = int(run.stdout.readline())
        try:
            assert run.wait(60) == -signal.SIGKILL
            # the child closes what it inherits as soon as it first runs, which may be after its parent's death
            for _ in range(100):
                try:
                    mg.Checkpoint(tmp_path).save(1)
                    break
                except CheckpointError:
                    time.sleep(0.05)
            os.kill(child, 0)  # it lives
            assert names(tmp_path) == ["step-000000001.safetensors"]
        finally:
            os.kill(child, signal.SIGKILL)


IN_THE_CHILD = """
import os, sys
from pathlib import Path
from minigrad.errors import CheckpointError
from minigrad.training.checkpoint.lock import only_writer
def held():
    try:
        with only_writer(Path(sys.argv[1])):
            return False
    except CheckpointError:
        return True
block = only_writer(Path(sys.argv[1]))
block.__enter__()
child = os.fork()
if child == 0:
    kept_out = held()
    block.__exit__(None, None, None)
    os._exit(0 if kept_out else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), held(), os.listdir(sys.argv[1]))
block.__exit__(None, None, None)
print(held(), os.listdir(sys.argv[1]))
"""


def test_a_child_is_kept_out_too_and_its_end_takes_nothing_from_its_parent(tmp_path):
    said = subprocess.run([sys.executable, "-c", IN_THE_CHILD, str(tmp_path)], capture_output=True, text=True)
    assert said.stdout.splitlines() == ["0 True ['.lock']", "False []"], said.stderr


def test_a_file_that_its_owner_removes_after_it_was_opened_locks_nothing(tmp_path, monkeypatch):
    first, flock, opened = lock.only_writer(tmp_path), lock.fcntl.flock, []

    def late(handle, how):
        if not opened:
            first.__exit__(None, None, None)
        opened.append(os.fstat(handle).st_ino)
        flock(handle, how)

    first.__enter__()
    monkeypatch.setattr(lock.fcntl, "flock", late)
    with lock.only_writer(tmp_path):
        assert len(opened) == 2
        assert (tmp_path / lock.NAME).stat().st_ino == opened[1]
        with pytest.raises(CheckpointError, match="by another run"), lock.only_writer(tmp_path):
            pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, None])
def test_where_there_are_no_locks_checkpoints_are_written_without(code, tmp_path, monkeypatch):
    def no_locks(*arguments):
        raise OSError(code, os.strerror(code))

    if code is None:
        monkeypatch.setattr(lock, "fcntl", None)
    else:
        monkeypatch.setattr(lock.fcntl, "flock", no_locks)
    mg.fit(**make(), checkpoint=mg.Checkpoint(tmp_path / "run"))
    assert mg.load(tmp_path / "run").fit["steps"] == 12
    assert len(os.listdir(tmp_path / "run")) == 2 + (code is not None)
