"""How a call with wrong arguments is explained."""

import pytest

from minigrad.errors import checked_arguments


def test_a_function_that_does_not_tell_its_arguments_keeps_pythons_own_words():
    largest = checked_arguments(max)
    assert largest(1, 2) == 2
    with pytest.raises(TypeError, match="max expected at least 1 argument, got 0") as caught:
        largest()
    assert type(caught.value) is TypeError
