"""Class indices that do not exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OutOfRangeError
from minigrad.ops.loss import cross_entropy, nll_loss


@pytest.mark.parametrize("loss", [nll_loss, cross_entropy])
@pytest.mark.parametrize("label", [3, -4])
def test_a_class_that_does_not_exist_is_refused(loss: Any, label: int) -> None:
    scores = mg.tensor(np.zeros((2, 3)))
    with pytest.raises(OutOfRangeError, match=rf"index {label} is out of bounds .* size 3"):
        loss(scores, np.array([0, label]))
