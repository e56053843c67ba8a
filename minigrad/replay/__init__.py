"""``mg.compile``: a training step is written down as NumPy calls while it runs, and replayed as these.

Read ``compiled.py`` first; then how a step is written down (``recorded.py``, ``script.py``, ``exchange.py``,
``recorder.py``), what is replayed (``plan.py``), and how it is known that it may be
(``surroundings.py``, ``watch.py``).
"""

from minigrad.replay.compiled import compile as compile
