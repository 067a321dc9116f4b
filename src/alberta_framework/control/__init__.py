"""Control: agents that choose actions and learn from what follows."""

from .action_values import AbstractActionValueAgent as AbstractActionValueAgent
from .action_values import ActionValueState as ActionValueState
from .contract import AbstractAgent as AbstractAgent
from .contract import AbstractAgentStep as AbstractAgentStep
from .contract import AgentStep as AgentStep
from .episodes import SARSAContinuingResult as SARSAContinuingResult
from .episodes import SARSAEpisodeResult as SARSAEpisodeResult
from .episodes import run_sarsa_continuing as run_sarsa_continuing
from .episodes import run_sarsa_episode as run_sarsa_episode
from .epsilon_greedy import epsilon_greedy as epsilon_greedy
from .policies import AbstractPolicy as AbstractPolicy
from .policies import GaussianPolicy as GaussianPolicy
from .policies import SoftmaxPolicy as SoftmaxPolicy
from .sarsa import SARSAAgent as SARSAAgent
from .sarsa import SARSAConfig as SARSAConfig
from .sarsa import SARSAState as SARSAState
from .sarsa import SARSAUpdateResult as SARSAUpdateResult
from .stream_ac import ActorCriticState as ActorCriticState
from .stream_ac import StreamAC as StreamAC
from .stream_q import StreamQ as StreamQ
from .stream_sarsa import StreamSARSA as StreamSARSA
from .with_features import FeaturesState as FeaturesState
from .with_features import WithFeatures as WithFeatures
