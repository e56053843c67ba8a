"""``no_grad`` and ``enable_grad``: blocks, decorators, nesting, exceptions, threads and tasks."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import minigrad as mg
from minigrad.engine.mode import current_scope, enter_scope, is_recording, leave_scope
from minigrad.errors import AnomalyError, ArgumentError, GraphError


def records() -> bool:
    return (mg.ones(1, requires_grad=True) * 2).requires_grad


def test_a_block() -> None:
    assert records()
    with mg.no_grad():
        assert not records()
    assert records()


def test_nesting() -> None:
    with mg.no_grad():
        with mg.enable_grad():
            assert records()
            with mg.no_grad():
                assert not records()
            assert records()
        assert not records()


def test_one_object_entered_twice() -> None:
    block = mg.no_grad()
    with block:
        with block:
            assert not records()
        assert not records()
    assert records()


def test_an_exception_restores_the_mode() -> None:
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert records()


@pytest.mark.parametrize("mode", [mg.no_grad, mg.enable_grad, mg.source_lines, mg.detect_anomaly])
def test_what_is_recorded_is_as_before_once_a_block_is_over(mode: Any) -> None:
    for outer in (mg.enable_grad, mg.no_grad):
        with outer():
            before = is_recording()
            with mode():
                pass
            assert is_recording() == before
            with pytest.raises(ZeroDivisionError), mode():
                raise ZeroDivisionError
            assert is_recording() == before


@pytest.mark.parametrize("watch", [mg.source_lines, mg.detect_anomaly])
def test_blocks_that_watch_what_runs_leave_the_mode_as_it_is(watch: Any) -> None:
    with watch():
        assert records()
        with mg.no_grad():
            assert not records()
    with mg.no_grad(), watch():
        assert not records()
        with mg.enable_grad():
            assert records()


def test_anomalies_are_detected_without_a_graph_too() -> None:
    with mg.no_grad(), mg.detect_anomaly(), pytest.raises(AnomalyError, match="log made"):
        mg.log(mg.tensor([0.0]))


def test_decorators_with_and_without_parentheses() -> None:
    @mg.no_grad()
    def one() -> bool:
        """Say one."""
        return records()

    @mg.no_grad
    def two(x: int, *, y: int = 0) -> tuple[bool, int]:
        return records(), x + y

    @mg.enable_grad()
    def three() -> bool:
        return records()

    @mg.enable_grad
    def four() -> bool:
        return records()

    assert not one()
    assert one.__name__ == "one"
    assert one.__doc__ == "Say one."
    assert two(1, y=2) == (False, 3)
    with mg.no_grad():
        assert three()
        assert four()
    assert records()


def test_a_decorated_function_that_recurses_and_raises() -> None:
    @mg.no_grad
    def down(n: int) -> bool:
        if n == 0:
            raise ZeroDivisionError
        return down(n - 1)

    with pytest.raises(ZeroDivisionError):
        down(3)
    assert records()


def test_generators_and_coroutines_are_refused() -> None:
    def generator() -> Any:
        yield 1

    async def coroutine() -> None: ...

    async def both() -> Any:
        yield 1

    for function in (generator, coroutine, both):
        for decorator in (mg.no_grad, mg.enable_grad, mg.no_grad()):
            with pytest.raises(ArgumentError, match=f"cannot decorate .*{function.__name__}.*use a `with` block"):
                decorator(function)


def test_each_thread_has_its_own_mode() -> None:
    inside, outside, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        seen.append(records())
        with mg.no_grad():
            inside.set()
            outside.wait(5)
            seen.append(records())

    with mg.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(5)
    assert records()
    outside.set()
    thread.join(5)
    assert seen == [True, False]


def test_a_decorated_function_called_by_two_threads_at_once() -> None:
    first_is_in, second_is_in, first_is_out = threading.Event(), threading.Event(), threading.Event()
    seen = []

    @mg.no_grad
    def overlap(entered: threading.Event, leave: threading.Event) -> bool:
        entered.set()
        assert leave.wait(5)
        return records()

    def first() -> None:
        seen.append((overlap(first_is_in, second_is_in), records()))
        first_is_out.set()

    def second() -> None:
        assert first_is_in.wait(5)
        seen.append((overlap(second_is_in, first_is_out), records()))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [(False, True)] * 2


def test_a_block_that_another_thread_leaves_is_an_error() -> None:
    block = mg.no_grad()
    block.__enter__()
    with ThreadPoolExecutor(1) as pool, pytest.raises(GraphError, match="in one thread or task and left in another"):
        pool.submit(block.__exit__, None, None, None).result(30)
    assert not records()
    block.__exit__(None, None, None)
    assert records()


def test_one_object_entered_twice_while_another_thread_is_in_it_too() -> None:
    block, inside, outside = mg.no_grad(), threading.Event(), threading.Event()

    def other() -> None:
        with block:
            inside.set()
            outside.wait(30)

    thread = threading.Thread(target=other)
    with block:
        with block:
            thread.start()
            assert inside.wait(30)
        assert not records()
    assert records()
    outside.set()
    thread.join(30)


def test_each_task_has_its_own_mode() -> None:
    async def evaluate() -> bool:
        with mg.no_grad():
            await asyncio.sleep(0)
            return records()

    async def train() -> bool:
        await asyncio.sleep(0)
        return records()

    async def both() -> list[bool]:
        return await asyncio.gather(evaluate(), train(), evaluate())

    assert asyncio.run(both()) == [False, True, False]


def test_the_scope_survives_a_change_of_mode() -> None:
    scope = current_scope()
    with mg.no_grad(), mg.enable_grad():
        assert current_scope() == scope


def test_a_scope_ends_where_the_one_around_it_goes_on() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    outside = enter_scope("Net")
    inside = enter_scope("Net.0")
    inner = x * x
    leave_scope(inside)
    outer = x * x
    leave_scope(outside)
    assert [made.node.scope for made in (inner, outer, x * x)] == ["Net.0", "Net", ""]


def test_what_was_recorded_before_stays_recorded() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x
    with mg.no_grad():
        y.backward()
    assert x.grad.item() == 6


def test_leaves_made_under_no_grad_can_require_a_gradient() -> None:
    with mg.no_grad():
        x = mg.tensor(3.0, requires_grad=True)
    assert (x * x).requires_grad
