"""Features: representations that a learner is given."""

from .tile_coder import TileCoder as TileCoder
