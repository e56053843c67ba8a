"""The engine: tensors, the graph that they record, and the walk that differentiates it.

Read in this order: ``node``, ``value``, ``primitive``, ``walk``, ``tensor``, ``backward``; then ``transforms``.
"""
