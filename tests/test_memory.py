"""Freed memory stays in the process while somebody trains, and can be handed back."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import memory, optim


@pytest.fixture
def told(monkeypatch):
    """What the allocator is told, which is not told."""
    heard = []
    monkeypatch.setattr(memory, "_tell", lambda settings: heard.append(settings) or True)
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    return heard


def test_an_optimizer_keeps_it(told):
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == [memory._KEPT]
    assert memory.VARIABLE not in os.environ


def test_the_environment_switches_that_off(told, monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, "0")
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == []


def test_a_call_switches_it_off_and_on(told):
    assert mg.keep_freed_memory(False)
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == [memory._USUAL]
    assert mg.keep_freed_memory()
    optim.SGD([mg.zeros(3, requires_grad=True)], lr=0.1)
    assert told == [memory._USUAL, memory._KEPT, memory._KEPT]


def test_the_numbers_are_those_of_glibc():
    """mallopt(3): options, their default, and DEFAULT_MMAP_THRESHOLD_MAX of a 64-bit system."""
    mmap_threshold, trim_threshold = -3, -1
    assert {mmap_threshold: 128 * 1024, trim_threshold: 128 * 1024} == memory._USUAL
    assert {mmap_threshold: 4 * 1024 * 1024 * 8, trim_threshold: 1024**3} == memory._KEPT


@pytest.mark.parametrize("answer", [1, 0])
def test_it_says_what_the_allocator_answers(monkeypatch, answer):
    heard = {}

    class Glibc:
        gnu_get_libc_version = True

        @staticmethod
        def mallopt(option, size):
            heard[option] = size
            return answer

    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory, "_allocator", Glibc)
    monkeypatch.setenv(memory.VARIABLE, "1")
    assert mg.keep_freed_memory() is bool(answer)
    assert heard == memory._KEPT


def test_the_allocator_is_looked_up_once():
    assert memory._allocator() is memory._allocator()


def test_where_there_is_no_such_allocator_it_says_so(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "win32")
    assert memory._tell(memory._KEPT) is False


def test_a_linux_without_glibc_is_left_alone(monkeypatch):
    class Musl:
        mallopt = None  # its allocator has no such setting

    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory, "_allocator", Musl)
    monkeypatch.setenv(memory.VARIABLE, "1")
    assert mg.keep_freed_memory() is False


FAULTS = """
import resource, sys
import minigrad as mg

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    mg.ones(int(sys.argv[2]))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

told = mg.keep_freed_memory(sys.argv[1] == "keep")
faults()
print(told, faults())
"""


@pytest.mark.parametrize("size", [1 << 18, 8_300_000], ids=["1 MiB", "nearly 32 MiB"])
def test_memory_that_is_kept_need_not_be_got_anew(size):
    found = {}
    for what in ("keep", "hand back"):
        command = [sys.executable, "-c", FAULTS, what, str(size)]
        told, faults = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert told == str(platform.libc_ver()[0] == "glibc")
        found[what] = int(faults)
    if told == "True":
        assert found["keep"] < 50
        assert found["hand back"] > 200  # the pages of 1 MiB are 256


def test_results_do_not_depend_on_it(monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, "1")
    found = []
    for keep in (True, False):
        mg.keep_freed_memory(keep)
        x = mg.tensor(np.linspace(-1, 1, 400_000), requires_grad=True)
        (x.sigmoid() * x).sum().backward()
        found.append(x.grad.numpy())
    assert np.array_equal(*found)
    mg.keep_freed_memory()
