"""Random programs of writes, views, graphs, backward passes and steps against an oracle that copies everything always.

The suite runs 200 of them, and 10,000 in its slow part; ``MINIGRAD_PROGRAMS`` in the environment sets another number.
One program, printed as code:

    python -m tests.engine.test_random_writes SEED
"""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest

from tests.engine.write_programs import KINDS, check

GIVEN = os.environ.get("MINIGRAD_PROGRAMS")
FEW, MANY = int(GIVEN or "200"), int(GIVEN or "10000")
BLOCK = 50


@pytest.mark.parametrize("start", range(0, FEW, BLOCK))
def test_writes_change_what_they_say_and_no_gradient(start: int) -> None:
    for seed in range(start, min(start + BLOCK, FEW)):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, MANY, 10 * BLOCK))
def test_many_programs(start: int) -> None:
    for seed in range(start, min(start + 10 * BLOCK, MANY)):
        check(seed)


def test_the_programs_do_what_they_are_for() -> None:
    """Count in their code: arrays that are taken and written into, steps, and both orders of derivatives."""
    code = "\n".join("\n".join(check(seed).lines) for seed in range(50))
    counted = Counter({word: code.count(word) for word in (
        ".data", ".numpy()", "out=", ".sort()", ".backward(", "optimizer.step()", "second(", ".detach()", "+= ",
        "no_grad", "copy.copy", "copy.deepcopy", ".grad.data", "mg.Tensor(",
    )})  # fmt: skip
    assert min(counted.values()) >= 5, counted
    assert len(set(KINDS)) == 15


if __name__ == "__main__":
    print(check(int(sys.argv[1])))
    print("# agrees with the oracle")
