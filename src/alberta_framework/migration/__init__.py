"""Changing a learner that lives: other inputs, other heads, other parts, and what it learned."""

from .migrate import Migration as Migration
from .migrate import migrate as migrate
