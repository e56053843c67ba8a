"""A backward pass written down: listen to the walk, keep each step, say it in words, compare two of them."""
