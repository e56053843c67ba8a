"""A bound call computes what the recorded one did, to the bit and to the warning."""

import numpy as np
import pytest

from minigrad.replay.plan import bound
from minigrad.replay.recorder import Recorder
from minigrad.replay.surroundings import Surroundings

X = np.array([-1.5, 0.1, 3.0], np.float32)
N = np.array([0, 200, 255], np.uint8)
CALLS = [
    (np.multiply, (X, 0.1)),
    (np.divide, (3, X)),
    (np.maximum, (X, 0)),
    (np.greater, (X, 0.1)),
    (np.power, (np.abs(X), 2)),
    (np.ldexp, (X, 3)),
    (np.add, (np.arange(3), 1.5)),
    (np.add, (X, np.float64(1e-9))),
    (np.multiply, (X, float("inf"))),
    (np.multiply, (X, True)),
    (np.greater_equal, (N, 200)),
    (np.less, (N, 300)),
    (np.greater, (N, -1)),
]


@pytest.mark.parametrize(("function", "args"), CALLS, ids=lambda value: getattr(value, "__name__", None))
def test_python_numbers_count_as_numpy_counts_them(function, args):
    expected = function(*args)
    out = np.empty_like(expected)
    bound(function, args, {}, out)()
    assert out.dtype == expected.dtype
    assert out.tobytes() == expected.tobytes()


def test_a_number_that_overflows_warns_each_time():
    out = np.empty_like(X)
    call = bound(np.add, (X, 1e300), {}, out)
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="overflow"):
            call()


def test_a_new_array_with_the_identity_of_one_that_has_gone_is_new():
    recorder = Recorder(Surroundings(len, []), [], set(), draft=True)
    result = np.exp(X)
    recorder.numbers[id(result)] = 0  # as the array of a parameter that an optimizer has moved
    recorder.live.add(0)
    recorder._recorded(result, None, np.exp, (X,), {}, ("exp",))
    recorder._check_written(result)
    assert recorder.numbers[id(result)] == 1
    assert len(recorder.script) == 1
    assert recorder.reason is None
