"""A backward pass written down: observe the walk, keep each step, say it in words, compare two of them."""
