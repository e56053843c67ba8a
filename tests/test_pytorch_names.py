"""Names of PyTorch's: each is answered with what to write instead, and all others by Python."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn
from minigrad.errors import UnknownArgumentError, UnknownAttributeError, UnknownModuleError
from minigrad.pytorch_names import ARGUMENTS, NAMES

X = mg.ones((2, 3))
INSTANCES = {"a tensor": X, "a module": nn.Linear(3, 2)}
# minigrad.optim answers for itself
PLACES = [place for place in NAMES if not place.startswith("minigrad.optim")]
EACH = [(place, name, advice) for place in PLACES for name, advice in NAMES[place].items()]


def found(place: str) -> Any:
    return INSTANCES[place] if place in INSTANCES else importlib.import_module(place)


@pytest.mark.parametrize(("place", "name", "advice"), EACH)
def test_each_name_is_answered_with_its_advice(place: str, name: str, advice: str) -> None:
    with pytest.raises(UnknownAttributeError, match=rf"^[\w. ]+ has no attribute '{name}': {re.escape(advice)}$"):
        getattr(found(place), name)
    assert not hasattr(found(place), name)


@pytest.mark.parametrize(
    ("place", "name", "instead"),
    [
        (place, name, words[1])
        for place in NAMES
        for name, advice in NAMES[place].items()
        if (words := re.fullmatch(r"use ((?:mg\.|optim\.|data\.)?[a-zA-Z]\w*)", advice))
    ],
)
def test_what_is_to_be_used_instead_exists(place: str, name: str, instead: str) -> None:
    parts = instead.removeprefix("mg.").split(".")
    home = mg if instead != parts[0] or "." in instead else found(place)
    for part in parts:
        home = getattr(home, part)


@pytest.mark.parametrize("place", [mg, nn, F, data, X, nn.ReLU()], ids=str)
def test_other_names_are_answered_by_python(place: Any) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_thing'$") as caught:
        place.no_such_thing
    assert type(caught.value) is AttributeError
    assert not hasattr(place, "__wrapped__")


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("minigrad.sofmax", "has no attribute 'sofmax'. Did you mean: 'softmax'?"),
        ("minigrad.nn.Linear(2, 1).wieght", "object has no attribute 'wieght'. Did you mean: 'weight'?"),
        ("minigrad.log10", "minigrad has no attribute 'log10': use log(x) / math.log(10)"),
    ],
)
def test_python_adds_a_similar_name_where_there_is_no_advice(line: str, end: str) -> None:
    run = subprocess.run([sys.executable, "-c", f"import minigrad; {line}"], capture_output=True, text=True)
    assert run.stderr.strip().endswith(end)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("minigrad.nn.utils", "use optim.clip_grad_norm and optim.clip_grad_value"),
        ("minigrad.utils.data", "use data.Dataset and data.DataLoader"),
    ],
)
def test_modules_of_pytorchs_are_answered_when_they_are_imported(name: str, advice: str) -> None:
    with pytest.raises(UnknownModuleError, match=rf"^there is no module [\w.]+: {advice}$"):
        importlib.import_module(name)
    with pytest.raises(ImportError):
        from minigrad.nn import utils  # noqa: F401


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: mg.sum(X, dim=1),
            r"^sum\(\) got an unexpected keyword argument 'dim': minigrad follows NumPy: use axis=1$",
        ),
        (lambda: X.mean(axis=0, keepdim=True), r"^mean\(\) .* 'keepdim': minigrad follows NumPy: use keepdims=True$"),
        (lambda: X.std(unbiased=False), r"^std\(\) .* 'unbiased': use ddof=1 for the unbiased estimate, ddof=0 for"),
        (lambda: F.softmax(X, dim=-1), r"^softmax\(\) .* 'dim': minigrad follows NumPy: use axis=-1$"),
        (lambda: mg.einsum("ij->i", X).sum(dim=0), r"^sum\(\) .* 'dim': minigrad follows NumPy: use axis=0$"),
        (lambda: np.sum(X, out=np.zeros(3)), r"^sum\(\) .* 'out': no function of minigrad writes into an array"),
        (
            lambda: nn.Softmax(dim=1),
            r"^Softmax\(\) got an unexpected keyword argument 'dim': minigrad follows NumPy: use axis=1$",
        ),
        (lambda: nn.Flatten(start_dim=2), r"^Flatten\(\) .* 'start_dim': use start_axis=2$"),
        (lambda: nn.Linear(2, 3, device="cpu"), r"^Linear\(\) .* 'device': minigrad computes on the CPU alone"),
        (lambda: nn.CrossEntropyLoss(size_average=True), r"^CrossEntropyLoss\(\) .* 'size_average': use reduction="),
        (lambda: data.DataLoader(X, num_workers=2), r"^DataLoader\(\) .* 'num_workers': batches are made in the"),
    ],
)
def test_arguments_of_pytorchs_are_answered_with_advice(call: Any, message: str) -> None:
    with pytest.raises(UnknownArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [lambda: mg.exp(X, dim=1), lambda: nn.Linear(2, 3, dim=1), lambda: mg.stack([X], dim=0), lambda: X.sum(axes=0)],
)
def test_arguments_are_pythons_own_error_where_no_other_has_their_place(call: Any) -> None:
    with pytest.raises(TypeError, match=r"\w\(\) got an unexpected keyword argument '\w+'$") as caught:
        call()
    assert type(caught.value) is TypeError


def test_modules_of_ones_own_may_have_arguments_of_these_names() -> None:
    class Attention(nn.Module):
        def __init__(self, dim: int) -> None:
            self.dim = dim

    class Open(nn.Module):
        def __init__(self, **options: int) -> None:
            self.options = options

    assert Attention(dim=3).dim == 3
    assert Open(device=1).options == {"device": 1}
    with pytest.raises(UnknownArgumentError, match=r"^Attention\(\) got an unexpected keyword argument 'device'"):
        Attention(dim=3, device="cpu")  # type: ignore[call-arg]


def test_no_advice_is_an_argument_that_the_table_refuses() -> None:
    assert not {replaced for replaced, _ in ARGUMENTS.values()} & ARGUMENTS.keys()
