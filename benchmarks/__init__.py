"""Measurements of minigrad beside other frameworks: ``make bench``, or ``python -m benchmarks --help``."""
