"""Bounders: limits on the size of an update."""

from .abstract import AbstractBounder as AbstractBounder
from .agc import AGCBounding as AGCBounding
from .configuration import bounder_from_config as bounder_from_config
from .obgd import ObGDBounding as ObGDBounding
