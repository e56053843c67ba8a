"""Assertions of the helpers shall explain themselves too."""

import pytest

pytest.register_assert_rewrite("tests.replay.worlds")
