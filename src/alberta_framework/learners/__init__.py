"""Learners: they predict, and learn from one unit of experience at a time."""

from .abstract import AbstractLearner as AbstractLearner
from .lifetime import AbstractAgentState as AbstractAgentState
from .lifetime import AbstractLearnerState as AbstractLearnerState
from .lifetime import Lifecycle as Lifecycle
from .lifetime import agent_age_s as agent_age_s
from .lifetime import agent_uptime_s as agent_uptime_s
from .lifetime import with_uptime as with_uptime
from .linear import LearnerState as LearnerState
from .linear import LinearLearner as LinearLearner
from .linear import UpdateResult as UpdateResult
from .mlp import MLPLearner as MLPLearner
from .mlp import MLPLearnerState as MLPLearnerState
from .mlp import MLPUpdateResult as MLPUpdateResult
from .multi_head import HeadUpdate as HeadUpdate
from .multi_head import MultiHeadMLPLearner as MultiHeadMLPLearner
from .multi_head import MultiHeadMLPState as MultiHeadMLPState
from .multi_head import MultiHeadMLPUpdateResult as MultiHeadMLPUpdateResult
from .multi_head import stacked_numbers as stacked_numbers
from .network import chosen_optimizer as chosen_optimizer
from .network import sizes as sizes
from .stacked_heads import HeadOptimizerStates as HeadOptimizerStates
from .stacked_heads import HeadTraces as HeadTraces
from .td_linear import TDLearnerState as TDLearnerState
from .td_linear import TDLinearLearner as TDLinearLearner
from .td_linear import TDUpdateResult as TDUpdateResult
