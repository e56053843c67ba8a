"""The tables of functions and primitives: what a tensor's operators and methods look up, and what has derivatives."""

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
