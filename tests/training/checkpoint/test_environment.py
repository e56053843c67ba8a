"""What a checkpoint says of where it was written, on systems that tell less than Linux does."""

import os
import platform
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.training.checkpoint import environment


@pytest.fixture
def elsewhere(monkeypatch):
    """A system without /proc, and without a way to ask for a process's own processors."""

    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "a processor")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for name in environment.THREADS:
        monkeypatch.delenv(name, raising=False)
    environment._fixed.cache_clear()
    yield
    environment._fixed.cache_clear()


@pytest.mark.usefixtures("elsewhere")
def test_processor_and_threads_are_what_python_knows(tmp_path):
    mg.save(tmp_path / "run", extra=1)
    found = mg.load(tmp_path / "run").environment
    assert found["processor"] == "a processor"
    assert found["threads"] == str(os.cpu_count())


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="the system does not say which processors are for whom"
)
def test_threads_are_those_of_the_processors_that_the_process_may_use(tmp_path, monkeypatch):
    for name in environment.THREADS:
        monkeypatch.delenv(name, raising=False)
    environment._fixed.cache_clear()
    mg.save(tmp_path / "run", extra=1)
    environment._fixed.cache_clear()
    assert mg.load(tmp_path / "run").environment["threads"] == str(len(os.sched_getaffinity(0)))
