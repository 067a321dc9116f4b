"""Small problems in episodes."""

from .catch import Catch as Catch
from .catch import CatchState as CatchState
from .random_walk_19 import RandomWalk19 as RandomWalk19
from .random_walk_19 import RandomWalk19State as RandomWalk19State
