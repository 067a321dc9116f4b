"""Hyperparameters by their paths, and grids of them."""
