"""``mg.compile`` is not available: it says so, and what to do."""

import importlib

import pytest

import minigrad as mg
from minigrad.errors import MinigradError, UnavailableError


def test_it_raises_when_called_and_says_what_to_do():
    for call in (lambda: mg.compile(len), lambda: mg.compile(function=len), lambda: mg.compile()):
        with pytest.raises(UnavailableError, match=r"comes back in a later one; .* call the function as it is"):
            call()


@pytest.mark.parametrize("kind", [MinigradError, NotImplementedError])
def test_it_raises_as_a_decorator(kind):
    with pytest.raises(kind, match=r"^mg\.compile is not available in this release"):

        @mg.compile
        def train_step(x):
            return x


def test_the_name_is_the_function_also_after_its_module_was_imported():
    importlib.import_module("minigrad.compiling")
    assert callable(mg.compile)
    assert mg.compile.__module__ == "minigrad.compiling"
