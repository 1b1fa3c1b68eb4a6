"""The model: YANG files compiled once to typed nodes, and the walk over them."""
