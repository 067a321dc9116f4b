"""Lives: an agent in an environment in JAX, inside one compiled program; and the one entrance."""

from .episode_ring import EpisodeRing as EpisodeRing
from .episode_ring import Episodes as Episodes
from .evaluate import EvaluationResult as EvaluationResult
from .evaluate import evaluate as evaluate
from .interact import InteractResult as InteractResult
from .interact import interact as interact
from .interact import interact_batched as interact_batched
from .learn import LearnResult as LearnResult
from .learn import learn as learn
from .life import Life as Life
from .life import LifeState as LifeState
from .sarsa import SARSAArrayResult as SARSAArrayResult
from .sarsa import run_sarsa_from_arrays as run_sarsa_from_arrays
