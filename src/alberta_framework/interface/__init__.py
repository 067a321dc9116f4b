"""The interface of agents and environments: observations as vectors, actions by number."""

from .action_spaces import ActionSpace as ActionSpace
from .action_spaces import BoxActions as BoxActions
from .action_spaces import DiscreteActions as DiscreteActions
from .actions import space_action as space_action
from .failure import EnvironmentFailure as EnvironmentFailure
from .spaces import flatten_space as flatten_space
from .spaces import flatten_value as flatten_value
