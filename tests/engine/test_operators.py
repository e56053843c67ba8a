"""The methods whose arguments may come in several ways, and Python's own functions on tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UnknownAttributeError

X = np.arange(6.0).reshape(1, 2, 3)


@pytest.mark.parametrize("shape", [(6,), (3, 2), ((3, 2),), ([3, 2],), (-1,), (1, 3, 2), ((),)])
def test_a_shape_is_a_tuple_or_several_integers(shape: Any) -> None:
    given = X[0, 0, :1] if shape == ((),) else X
    np.testing.assert_array_equal(mg.tensor(given).reshape(*shape).numpy(), given.reshape(*shape))


@pytest.mark.parametrize("axes", [(), (None,), (2, 0, 1), ((2, 0, 1),), ([0, 2, 1],)])
def test_axes_are_a_tuple_or_several_integers_or_all_turned_round(axes: Any) -> None:
    expected = X.transpose(*axes)
    np.testing.assert_array_equal(mg.tensor(X).transpose(*axes).numpy(), expected)
    np.testing.assert_array_equal(mg.tensor(X).T.numpy(), X.T)


@pytest.mark.parametrize(("name", "word"), [("reshape", "order"), ("transpose", "dims"), ("backward", "graph")])
def test_an_unknown_argument_of_a_method_is_named(name: str, word: str) -> None:
    x = mg.tensor(X.sum(), requires_grad=True)
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument '{word}'"):
        getattr(x, name)(**{word: None})


def test_a_scalar_is_rounded_as_pythons_numbers_are() -> None:
    x = mg.tensor(np.array(25.678))
    assert round(x) == 26
    assert round(x, 1) == 25.7
    assert round(x, -1) == 30


def test_four_digits_are_shown_and_a_specification_aligns_the_whole() -> None:
    assert repr(mg.tensor([0.123456])) == "tensor([0.1235])"
    assert f"{mg.tensor(1.5)}" == "tensor(1.5)"
    assert f"{mg.tensor([1.0, 2.0]):>18}" == "  tensor([1., 2.])"


@pytest.mark.parametrize(("name", "instead"), [("view", "reshape"), ("unsqueeze", "expand_dims"), ("numel", ".size")])
def test_a_method_of_pytorchs_is_answered_with_numpys_name(name: str, instead: str) -> None:
    assert not hasattr(mg.tensor(X), name)
    with pytest.raises(UnknownAttributeError, match=rf"^a tensor has no attribute '{name}': use {instead}$"):
        getattr(mg.tensor(X), name)


def test_a_slip_is_pythons_own_error() -> None:
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'softmx'"):
        mg.tensor(X).softmx()


def test_names_of_pytorchs_are_not_offered() -> None:
    offered = dir(mg.tensor(X))
    assert {"reshape", "sum", "backward", "shape"} <= set(offered)
    assert not {"view", "unsqueeze", "cuda"} & set(offered)


def test_a_number_is_rounded_to_an_integer() -> None:
    assert type(round(mg.tensor(2.7))) is int
    assert type(round(mg.tensor(2.7), 0)) is float
