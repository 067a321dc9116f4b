"""Targets: what a prediction is moved towards."""

from .bootstrapped import bootstrapped as bootstrapped
from .bootstrapped import continuation as continuation
from .bootstrapped import next_features as next_features
from .reward_centering import CenteringState as CenteringState
from .reward_centering import RewardCentering as RewardCentering
from .reward_centering import centered as centered
from .reward_centering import centering_begun as centering_begun
from .reward_centering import recentered as recentered
from .values import expected_value as expected_value
from .values import greedy_value as greedy_value
from .values import soft_value as soft_value
from .values import value_of as value_of
