"""``mg.compile`` itself: what it takes, what it refuses, and what it shows of itself."""

import warnings

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ArgumentError, CompileWarning, DtypeError, MinigradError
from tests.replay.worlds import classification, classifier


@pytest.mark.parametrize("value", [None, 3, "train_step", mg.ones(3), [lambda x: x]])
def test_what_is_no_function_is_refused(value):
    with pytest.raises(DtypeError, match=r"^compile: expected a function that does a training step, got "):
        mg.compile(value)


@pytest.mark.parametrize("kind", [int, nn.Linear, type("Trainer", (), {})])
def test_a_class_is_refused(kind):
    with pytest.raises(DtypeError, match=r"^compile: expected a function .* got <class "):
        mg.compile(kind)


def generator_step(x):
    yield x


async def coroutine_step(x):
    return x


async def asynchronous_generator_step(x):
    yield x


@pytest.mark.parametrize("function", [generator_step, coroutine_step, asynchronous_generator_step])
def test_what_runs_in_pieces_is_refused(function):
    with pytest.raises(ArgumentError, match=r"^compile: a generator or coroutine runs in pieces; pass a function"):
        mg.compile(function)


def test_errors_and_warnings_are_of_the_librarys_kinds():
    assert issubclass(DtypeError, MinigradError)
    assert issubclass(CompileWarning, UserWarning)


def test_a_compiled_step_looks_like_its_function():
    @mg.compile
    def train_step(X, y=1):
        """Do it."""
        return X

    assert train_step.__name__ == "train_step"
    assert train_step.__doc__ == "Do it."
    assert train_step.__wrapped__ is train_step.replayed_function
    assert "train_step, 0 plans" in repr(train_step)


def test_a_step_that_is_compiled_twice():
    world = classifier()
    step = mg.compile(mg.compile(world.step))
    losses = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        for X, y in classification(20):
            losses.append(step(mg.tensor(X), mg.tensor(y)).item())
    assert losses[-1] != losses[0]


def test_wrong_arguments_are_the_functions_own_errors():
    step = mg.compile(lambda X: X.sum())
    for _ in range(5):
        with pytest.raises(TypeError, match="positional argument"):
            step(mg.ones(3), mg.ones(3))
        with pytest.raises(TypeError, match="unexpected keyword"):
            step(x=mg.ones(3))
    assert step(mg.ones(3)).item() == 3.0


def test_at_most_eight_plans_are_kept():
    world = classifier()
    step = mg.compile(world.step)
    for rows in range(1, 12):
        for X, y in classification(5, rows=rows):
            step(mg.tensor(X), mg.tensor(y))
    assert len(step.plans) == 8
    assert "8 plans" in repr(step)


def test_the_warning_names_the_step_and_comes_once():
    @mg.compile
    def train_step(x):
        print(end="")
        return x.sum()

    with pytest.warns(
        CompileWarning, match=r"train_step runs as it is written, and is not replayed: it calls print\(\)"
    ) as caught:
        train_step(mg.ones(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(10):
            train_step(mg.ones(3))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert train_step.reason is not None
