"""Environments: worlds in pure JAX, and the bridge to those of Gymnasium.

The bridge lies above the loops, which know the environments in JAX alone: its room is loaded when
one of its names is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ..interface import EnvironmentFailure as EnvironmentFailure
from ..interface import flatten_space as flatten_space
from ..interface import flatten_value as flatten_value
from ..interface import space_action as space_action
from .abstract import AbstractEnvironment as AbstractEnvironment
from .abstract import EnvStep as EnvStep
from .adapters import AbstractAdapter as AbstractAdapter
from .adapters import AdapterState as AdapterState
from .adapters import BraxEnvironment as BraxEnvironment
from .adapters import CraftaxEnvironment as CraftaxEnvironment
from .adapters import ForagaxEnvironment as ForagaxEnvironment
from .adapters import GymnaxEnvironment as GymnaxEnvironment
from .adapters import NavixEnvironment as NavixEnvironment
from .adapters import OctaxEnvironment as OctaxEnvironment
from .adapters import PlaygroundEnvironment as PlaygroundEnvironment
from .classic import Acrobot as Acrobot
from .classic import AcrobotState as AcrobotState
from .classic import CartPole as CartPole
from .classic import CartPoleState as CartPoleState
from .classic import MountainCar as MountainCar
from .classic import MountainCarContinuous as MountainCarContinuous
from .classic import MountainCarContinuousState as MountainCarContinuousState
from .classic import MountainCarState as MountainCarState
from .classic import Pendulum as Pendulum
from .classic import PendulumState as PendulumState
from .continuing import AccessControl as AccessControl
from .continuing import AccessControlState as AccessControlState
from .continuing import Baird as Baird
from .continuing import BairdState as BairdState
from .continuing import RiverSwim as RiverSwim
from .continuing import RiverSwimState as RiverSwimState
from .continuing import SwitchingBandit as SwitchingBandit
from .continuing import SwitchingBanditState as SwitchingBanditState
from .continuing import TraceConditioning as TraceConditioning
from .continuing import TraceConditioningState as TraceConditioningState
from .continuing import TwoRooms as TwoRooms
from .continuing import TwoRoomsState as TwoRoomsState
from .episodic import Catch as Catch
from .episodic import CatchState as CatchState
from .episodic import RandomWalk19 as RandomWalk19
from .episodic import RandomWalk19State as RandomWalk19State
from .wrappers import Changing as Changing
from .wrappers import ChangingState as ChangingState
from .wrappers import StickyActions as StickyActions
from .wrappers import StickyActionsState as StickyActionsState
from .wrappers import TimeLimit as TimeLimit
from .wrappers import TimeLimitState as TimeLimitState

if TYPE_CHECKING:
    from .gymnasium import AbstractEnvironmentStream as AbstractEnvironmentStream
    from .gymnasium import CollectedTransitions as CollectedTransitions
    from .gymnasium import GymnasiumStream as GymnasiumStream
    from .gymnasium import HostWorldState as HostWorldState
    from .gymnasium import PredictionMode as PredictionMode
    from .gymnasium import SARSAContinuingResult as SARSAContinuingResult
    from .gymnasium import SARSAEpisodeResult as SARSAEpisodeResult
    from .gymnasium import TDStream as TDStream
    from .gymnasium import VectorTrajectory as VectorTrajectory
    from .gymnasium import as_gymnasium as as_gymnasium
    from .gymnasium import collect_trajectory as collect_trajectory
    from .gymnasium import collect_trajectory_vec as collect_trajectory_vec
    from .gymnasium import collect_transitions as collect_transitions
    from .gymnasium import interact_gymnasium as interact_gymnasium
    from .gymnasium import learn_from_trajectory as learn_from_trajectory
    from .gymnasium import learn_from_trajectory_normalized as learn_from_trajectory_normalized
    from .gymnasium import make_epsilon_greedy_policy as make_epsilon_greedy_policy
    from .gymnasium import make_gymnasium_stream as make_gymnasium_stream
    from .gymnasium import make_random_policy as make_random_policy
    from .gymnasium import run_sarsa_continuing as run_sarsa_continuing
    from .gymnasium import run_sarsa_episode as run_sarsa_episode


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        found = vars(importlib.import_module(".gymnasium", __name__)).get(name)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
