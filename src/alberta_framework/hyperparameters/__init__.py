"""Hyperparameters by their paths, and grids of them."""

from .axes import Axes as Axes
