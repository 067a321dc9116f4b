"""An agent that sees features of what is observed."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_key, require_part
from ..features import AbstractFeatures
from ..interface import ActionSpace
from ..learners import AbstractHolderState, MetricParts, Metrics
from .contract import AbstractAgent, AgentStep


class FeaturesState(AbstractHolderState):
    """The agent's state, that of the features, and whether an episode begins with what comes."""

    agent_state: Any
    features_state: Any
    first: Bool[Array, ""]

    holds: ClassVar[str] = "agent_state"


class WithFeatures(AbstractAgent[FeaturesState]):
    """`agent`, which sees of every observation what `features` makes of it.

    The state of the features is part of the agent's: a life that is saved and resumed carries it
    on, and every loop shows the agent the same. An observation that is no number leaves the
    features as they were.

    **Arguments:** `agent`; `features`: as a `TileCoder`, or a `Pipeline` of several.
    """

    agent: AbstractAgent
    features: AbstractFeatures

    draws_weights: ClassVar[bool | None] = True

    def __check_init__(self):
        require_part(self, "agent", AbstractAgent)
        require_part(self, "features", AbstractFeatures)

    @property
    def action_space(self) -> ActionSpace:
        return self.agent.action_space

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> FeaturesState:
        """For observations of `feature_dim` numbers."""
        key = require_key("WithFeatures.init", key)
        agent_state = self.agent.init(self.features.feature_dim_of(feature_dim), key)
        return FeaturesState(agent_state, self.features.init(feature_dim), jnp.ones((), bool))

    def start(self, state: FeaturesState, observation: Array) -> tuple[Array, FeaturesState]:
        x, features_state = self.features.see(state.features_state, f32(observation), True)
        action, agent_state = self.agent.start(state.agent_state, x)
        kept = _where_finite(x, features_state, state.features_state)
        return action, FeaturesState(agent_state, kept, jnp.zeros((), bool))

    def act_and_learn(
        self, state: FeaturesState, reward: Any, observation: Array, terminated: Any, truncated: Any
    ) -> AgentStep:
        x, features_state = self.features.see(state.features_state, f32(observation), False)
        found = self.agent.act_and_learn(state.agent_state, reward, x, terminated, truncated)
        kept = _where_finite(x, features_state, state.features_state)
        after = FeaturesState(found.state, kept, jnp.zeros((), bool))
        return AgentStep(after, found.action, found.metrics, found.rejected)

    def act(
        self, state: FeaturesState, observation: Array, key: PRNGKeyArray, *, explore: bool = True
    ) -> Array:
        x, _ = self.features.see(state.features_state, f32(observation), state.first)
        return self.agent.act(state.agent_state, x, key, explore=explore)

    def _seen(self, state: FeaturesState, observation: Array) -> FeaturesState:
        x, features_state = self.features.see(state.features_state, f32(observation), state.first)
        kept = _where_finite(x, features_state, state.features_state)
        return FeaturesState(self.agent.seen(state.agent_state, x), kept, jnp.zeros((), bool))

    def _cut(self, state: FeaturesState) -> FeaturesState:
        return state.replace(
            agent_state=self.agent.reset_traces(state.agent_state), first=jnp.ones((), bool)
        )

    def _named(self, outputs: Any) -> Metrics:
        return self.agent.metrics(outputs)

    def _parts(self) -> MetricParts:
        return self.agent.metric_parts


def _where_finite(x: Array, new: Any, old: Any) -> Any:
    sound = jnp.all(jnp.isfinite(x))
    return jax.tree.map(lambda a, b: jnp.where(sound, a, b), new, old)
