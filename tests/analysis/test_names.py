"""A name that the room does not have is answered with the one that was meant."""

import pytest

from minigrad import analysis
from minigrad.errors import UnknownAttributeError


@pytest.mark.parametrize(
    ("place", "name", "message"),
    [
        (analysis, "Curvatur", r"minigrad\.analysis has no attribute 'Curvatur'; did you mean 'Curvature'\?"),
        (analysis, "clasify_critical_point", r"did you mean 'classify_critical_point'\?"),
        (analysis, "eigendecomposition", r"did you mean 'EigenDecomposition'\?"),
        (analysis, "surfces", r"did you mean 'surfaces'\?"),
        (
            analysis.surfaces,
            "rosenbrok",
            r"minigrad\.analysis\.surfaces has no attribute 'rosenbrok'; .*'rosenbrock'\?",
        ),
        (analysis.surfaces, "check_intege", "no attribute 'check_intege'$"),
    ],
)
def test_an_unknown_name(place, name, message):
    with pytest.raises(UnknownAttributeError, match=message):
        getattr(place, name)


def test_private_names_are_plainly_missing():
    assert not hasattr(analysis, "__wrapped__")
    assert not hasattr(analysis.surfaces, "_nothing")
