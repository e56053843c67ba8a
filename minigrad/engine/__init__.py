"""The engine: tensors, the graph that they record, and the walk that differentiates it.

Read in this order: ``node``, ``value``, ``mode``, ``rule``, ``primitive``, ``walk``, ``tensor``, ``backward``,
``transforms``. The others are small, to look up when they are needed: ``arrays`` (what users pass), ``half`` (half
precision), ``protected`` (users' functions), ``explain`` (errors), ``operators`` and ``numpy_protocol`` (how methods
and NumPy's functions find ours), ``differentiable`` (``@mg.primitive``), ``recompute`` (values for drawings),
``structures`` (of the arguments of transforms), ``creation``, ``random``.
"""
