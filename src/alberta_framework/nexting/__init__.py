"""Nexting: what many signals will do next, at many time scales, learned while they come."""

from .timescales import discount_from_timescale as discount_from_timescale
from .timescales import nexting_horde as nexting_horde
