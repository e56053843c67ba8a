"""What holds for all tests."""

from hypothesis import settings

if settings.default.deadline is not None:  # `make mutants` has a profile of its own
    settings.register_profile("tests", deadline=None)  # no test fails for the time that it takes
    settings.load_profile("tests")
