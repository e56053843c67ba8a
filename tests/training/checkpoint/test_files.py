"""Files of checkpoints where the system does not help: other systems, other processes, reading that fails."""

import os
import re
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.errors import CheckpointFileError
from minigrad.training.checkpoint import files, format


def test_on_windows_where_no_folder_can_be_opened_files_are_written_all_the_same(tmp_path, monkeypatch):
    opened = os.open

    def open_no_folder(path, *how):
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied")
        return opened(path, *how)

    monkeypatch.setattr(os, "open", open_no_folder)
    with pytest.raises(CheckpointFileError, match="Permission denied"):
        mg.save(tmp_path / "run", extra=1)
    monkeypatch.setattr(files, "WINDOWS", True)
    mg.save(tmp_path / "run", extra=2)
    assert mg.load(tmp_path / "run").extra == 2


def test_a_temporary_file_whose_process_cannot_be_asked_for_is_left(tmp_path):
    host = files._writer().rpartition("-")[0]
    stray = tmp_path / f".run.{host}-{2**70}-00000000.tmp"
    stray.touch()
    mg.save(tmp_path / "run", extra=1)
    assert stray.exists()


def test_what_the_system_says_when_a_file_cannot_be_read_is_told(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "run")
    with pytest.raises(CheckpointFileError, match=re.escape(f"{tmp_path}/run cannot be read: Too many levels of sym")):
        mg.load(tmp_path / "run")


def test_a_file_that_does_not_fit_into_memory_is_named(tmp_path, monkeypatch):
    def too_large(file, size):
        raise MemoryError

    mg.save(tmp_path / "run", extra=1)
    monkeypatch.setattr(format, "decode", too_large)
    with pytest.raises(CheckpointFileError, match="run cannot be read: it does not fit into memory"):
        mg.load(tmp_path / "run")


def test_a_checkpoint_that_another_run_removes_meanwhile_is_passed_over(tmp_path):
    class Overtaken(mg.Checkpoint):
        def paths(self) -> list[Path]:
            found = super().paths()
            found[-1].unlink()
            return found

    for step in (1, 2):
        mg.Checkpoint(tmp_path).save(step, extra=step)
    assert Overtaken(tmp_path).load().extra == 1
