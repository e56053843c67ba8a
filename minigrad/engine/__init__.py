"""The engine: tensors, the graph that they record, and the walk that differentiates it.

Read in this order: ``node``, ``walk``, ``tensor``, ``primitive``, ``backprop``; then ``gradients`` and ``transforms``.
"""
