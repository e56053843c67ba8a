"""The steps of a trace: what happens at one moment, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from minigrad.viz.recording.snapshot import Snapshot

Phase = Literal["forward", "seed", "backward", "update"]


@dataclass(frozen=True, eq=False)
class ForwardStep:
    """An operation computes its value.

    Attributes:
        node: the id of the operation.
        value: what it computed.
    """

    node: str
    value: Snapshot
    phase: ClassVar[Phase] = "forward"
    kind: ClassVar[str] = "forward"


@dataclass(frozen=True, eq=False)
class SeedStep:
    """The output gets the gradient that the backward pass starts from: 1, for a scalar.

    Attributes:
        node: the id of the output.
        gradient: what it starts with.
    """

    node: str
    gradient: Snapshot
    phase: ClassVar[Phase] = "seed"
    kind: ClassVar[str] = "seed"


@dataclass(frozen=True, eq=False)
class ContributionStep:
    """A rule runs: an operation sends a contribution along one edge.

    Attributes:
        node: the id of the operation whose rule runs.
        parent: the id of the value that the contribution is for.
        position: which argument of the operation that value is, from 0.
        upstream: the gradient that has arrived at the operation.
        raw: what the rule returned.
        before: the parent's gradient so far; None if nothing has arrived.
        total: the parent's gradient with this contribution; None where broadcast axes are summed out first,
            by the ``SumStep`` that follows.
    """

    node: str
    parent: str
    position: int
    upstream: Snapshot
    raw: Snapshot
    before: Snapshot | None
    total: Snapshot | None
    phase: ClassVar[Phase] = "backward"
    kind: ClassVar[str] = "contribution"


@dataclass(frozen=True, eq=False)
class SumStep:
    """What a rule returned is brought to its input's shape: axes along which that was broadcast are summed out.

    Attributes:
        node: the id of the operation whose rule ran.
        parent: the id of the value that the contribution is for.
        position: which argument of the operation that value is, from 0.
        axes: the axes of ``raw`` that are summed; empty if only the dtype changes.
        raw: what the rule returned.
        gradient: the same in the parent's shape and dtype.
        before: the parent's gradient so far; None if nothing has arrived.
        total: the parent's gradient with this contribution.
    """

    node: str
    parent: str
    position: int
    axes: tuple[int, ...]
    raw: Snapshot
    gradient: Snapshot
    before: Snapshot | None
    total: Snapshot
    phase: ClassVar[Phase] = "backward"
    kind: ClassVar[str] = "sum"


@dataclass(frozen=True, eq=False)
class UpdateStep:
    """An optimizer changes a parameter.

    Attributes:
        node: the id of the parameter.
        optimizer: the optimizer, as it describes itself.
        gradient: the parameter's ``.grad``.
        before: its value before.
        change: what is added to it: after minus before.
        after: its value after.
    """

    node: str
    optimizer: str
    gradient: Snapshot
    before: Snapshot
    change: Snapshot
    after: Snapshot
    phase: ClassVar[Phase] = "update"
    kind: ClassVar[str] = "update"


TraceStep = ForwardStep | SeedStep | ContributionStep | SumStep | UpdateStep
"""Any of the five kinds."""


def summed_axes(raw: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes that are summed to bring a gradient of shape ``raw`` to ``shape``.

    >>> summed_axes((32, 64), (64,)), summed_axes((32, 64), (32, 1)), summed_axes((2, 3, 4), (3, 1))
    ((0,), (1,), (0, 2))
    """
    extra = len(raw) - len(shape)
    stretched = (extra + axis for axis, size in enumerate(shape) if size == 1 and raw[extra + axis] != 1)
    return (*range(extra), *stretched)
