"""Gymnasium's environments, turned into experience on the host, and ours in its form."""

from .as_gymnasium import HostWorldState as HostWorldState
from .as_gymnasium import as_gymnasium as as_gymnasium
from .interact import interact_gymnasium as interact_gymnasium
from .learning import learn_from_trajectory as learn_from_trajectory
from .learning import learn_from_trajectory_normalized as learn_from_trajectory_normalized
from .policies import make_epsilon_greedy_policy as make_epsilon_greedy_policy
from .policies import make_random_policy as make_random_policy
from .prediction_mode import PredictionMode as PredictionMode
from .sarsa import SARSAContinuingResult as SARSAContinuingResult
from .sarsa import SARSAEpisodeResult as SARSAEpisodeResult
from .sarsa import run_sarsa_continuing as run_sarsa_continuing
from .sarsa import run_sarsa_episode as run_sarsa_episode
from .streams import AbstractEnvironmentStream as AbstractEnvironmentStream
from .streams import GymnasiumStream as GymnasiumStream
from .streams import TDStream as TDStream
from .streams import make_gymnasium_stream as make_gymnasium_stream
from .trajectories import CollectedTransitions as CollectedTransitions
from .trajectories import VectorTrajectory as VectorTrajectory
from .trajectories import collect_trajectory as collect_trajectory
from .trajectories import collect_trajectory_vec as collect_trajectory_vec
from .trajectories import collect_transitions as collect_transitions
