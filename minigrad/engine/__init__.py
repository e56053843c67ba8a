"""The engine: tensors, the graph that they record, and the walk that differentiates it.

Read in this order: ``node``, ``value``, ``rule``, ``primitive``, ``walk``, ``tensor``, ``backward``, ``transforms``.
The others are small, to look up when they are needed: ``mode`` (recording, observers), ``differentiable``
(``@mg.primitive``), ``protected`` (users' functions), ``operators`` and ``numpy_protocol`` (how methods and NumPy's
functions find ours),
``recompute`` (values for drawings), ``explain`` (errors), ``arrays``, ``creation``, ``random``.
"""
