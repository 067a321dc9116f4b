"""Features: representations that a learner is given."""

from .abstract import AbstractFeatures as AbstractFeatures
from .clipped import Clipped as Clipped
from .concatenated import Concatenated as Concatenated
from .observation_normalizer import ObservationNormalizer as ObservationNormalizer
from .observation_trace import ObservationTrace as ObservationTrace
from .observation_trace import ObservationTraceState as ObservationTraceState
from .percept import Percept as Percept
from .pipeline import Pipeline as Pipeline
from .reward_scaler import RewardScaler as RewardScaler
from .reward_scaler import RewardScalerState as RewardScalerState
from .tile_coder import TileCoder as TileCoder
from .tiles_of_each import TilesOfEach as TilesOfEach
from .time_feature import TimeFeature as TimeFeature
