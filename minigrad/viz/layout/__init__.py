"""Where everything stands in the player's picture: Graphviz places it, plain layers where a graph is too large."""
