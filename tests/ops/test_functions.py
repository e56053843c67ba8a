"""The tables of functions and primitives: what a tensor's operators and methods look up, and what has derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import functions, primitives


def test_the_table_has_the_functions_of_its_files_alone():
    """Neither what these files import, nor what they keep to themselves."""
    assert {"add", "relu", "concatenate", "getitem"} <= set(functions)
    for name, function in functions.items():
        assert callable(function), name
        assert function.__module__.startswith("minigrad.ops"), name
        assert not name.startswith("_")


def test_the_table_of_primitives_names_each_by_its_file():
    assert {"elementwise.add", "activation.relu", "shape.concatenate", "loss.cross_entropy"} <= set(primitives)
    for name, primitive in primitives.items():
        file, _, own = name.partition(".")
        assert own == primitive.name
        assert primitive.forward.__module__ in (f"minigrad.ops.{file}", "numpy")


def test_help_says_where_no_gradient_flows() -> None:
    assert mg.floor.__doc__.endswith("; no gradient flows through it.")
    assert mg.exp.__doc__.endswith("Return e to the power of ``x``.")


@pytest.mark.parametrize("function", [np.zeros_like, np.ones_like])
def test_numpys_functions_of_another_array_make_tensors(function: Callable[..., Any]) -> None:
    x = mg.tensor([1.5, 2.5])
    made = function(x)
    assert isinstance(made, mg.Tensor)
    assert made.tolist() == function(x.numpy()).tolist()
