"""Control: agents that choose actions and learn from what follows."""

from .contract import AbstractAgent as AbstractAgent
from .contract import AbstractAgentStep as AbstractAgentStep
from .contract import AgentStep as AgentStep
from .epsilon_greedy import epsilon_greedy as epsilon_greedy
from .sarsa import SARSAAgent as SARSAAgent
from .sarsa import SARSAConfig as SARSAConfig
from .sarsa import SARSAState as SARSAState
from .sarsa import SARSAUpdateResult as SARSAUpdateResult
from .with_features import FeaturesState as FeaturesState
from .with_features import WithFeatures as WithFeatures
