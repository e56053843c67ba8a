"""The table of functions: what a tensor's operators and methods look up."""

from minigrad.ops import functions


def test_the_table_has_the_functions_of_its_files_alone():
    """Neither what these files import, nor what they keep to themselves."""
    assert {"add", "relu", "concatenate", "getitem"} <= set(functions)
    for name, function in functions.items():
        assert callable(function), name
        assert function.__module__.startswith("minigrad.ops."), name
        assert not name.startswith("_")
