"""Environments: Gymnasium's, turned into experience on the host."""

from ..interface import EnvironmentFailure as EnvironmentFailure
from ..interface import flatten_space as flatten_space
from ..interface import flatten_value as flatten_value
from ..interface import space_action as space_action
from .gymnasium import AbstractEnvironmentStream as AbstractEnvironmentStream
from .gymnasium import GymnasiumStream as GymnasiumStream
from .gymnasium import TDStream as TDStream
from .gymnasium import make_gymnasium_stream as make_gymnasium_stream
from .learning import learn_from_trajectory as learn_from_trajectory
from .learning import learn_from_trajectory_normalized as learn_from_trajectory_normalized
from .policies import make_epsilon_greedy_policy as make_epsilon_greedy_policy
from .policies import make_random_policy as make_random_policy
from .prediction_mode import PredictionMode as PredictionMode
from .trajectories import CollectedTransitions as CollectedTransitions
from .trajectories import VectorTrajectory as VectorTrajectory
from .trajectories import collect_trajectory as collect_trajectory
from .trajectories import collect_trajectory_vec as collect_trajectory_vec
from .trajectories import collect_transitions as collect_transitions
