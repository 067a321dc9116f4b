"""Features: representations that a learner is given."""

from .abstract import AbstractFeatures as AbstractFeatures
from .pipeline import Pipeline as Pipeline
from .tile_coder import TileCoder as TileCoder
