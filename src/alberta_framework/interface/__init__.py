"""The interface of agents and environments: observations as vectors, actions by number."""

from .actions import space_action as space_action
from .failure import EnvironmentFailure as EnvironmentFailure
from .spaces import flatten_space as flatten_space
from .spaces import flatten_value as flatten_value
