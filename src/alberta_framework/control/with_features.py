"""An agent that sees features of what is observed."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from ..components.numbers import all_finite, f32, scalar, truth
from ..components.ranges import require_key, require_part
from ..features import AbstractFeatures, Percept
from ..interface import ActionSpace
from ..learners import AbstractHolderState, MetricParts, Metrics, Network
from .contract import AbstractAgent, AgentStep


class FeaturesState(AbstractHolderState):
    """The agent's state, that of the features, and whether an episode begins with what comes.

    `feature_dim` is how many numbers an observation has, which nothing else in it needs to tell.
    """

    agent_state: Any
    features_state: Any
    first: Bool[Array, ""]
    feature_dim: int = eqx.field(static=True)

    holds: ClassVar[str] = "agent_state"


class WithFeatures(AbstractAgent[FeaturesState]):
    """`agent`, which is shown of every observation and reward what `features` makes of them.

    The state of the features is part of the agent's: a life that is saved and resumed carries it
    on, and every loop shows the agent the same. Each step enters it once. A rejected step leaves it
    as it was, and an observation that is no number what would depend on it; `act` and evaluations
    leave the statistics in it as they were. The agent's metrics are in the unit of the rewards that
    it is shown, the loop's in that of the environment's.

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
        features_state = self.features.init(feature_dim)
        return FeaturesState(agent_state, features_state, jnp.ones((), bool), int(feature_dim))

    def start(self, state: FeaturesState, observation: Array) -> tuple[Array, FeaturesState]:
        begun = state.replace(first=jnp.ones((), bool))
        shown, after = self._shown(begun, Percept(f32(observation)))
        action, agent_state = self.agent.start(state.agent_state, shown.observation)
        return action, self._after(begun, agent_state, shown, after)

    def act_and_learn(
        self, state: FeaturesState, reward: Any, observation: Array, terminated: Any, truncated: Any
    ) -> AgentStep:
        flags = jnp.reshape(truth(terminated), ()), jnp.reshape(truth(truncated), ())
        shown, after = self._shown(state, Percept(f32(observation), scalar(reward), *flags))
        found = self.agent.act_and_learn(
            state.agent_state, shown.reward, shown.observation, terminated, truncated
        )
        kept = self._after(state, found.state, shown, after, found.rejected)
        return AgentStep(kept, found.action, found.metrics, found.rejected)

    def act(
        self, state: FeaturesState, observation: Array, key: PRNGKeyArray, *, explore: bool = True
    ) -> Array:
        shown, _ = self._shown(state, Percept(f32(observation), learning=False))
        return self.agent.act(state.agent_state, shown.observation, key, explore=explore)

    def _seen(self, state: FeaturesState, observation: Array) -> FeaturesState:
        shown, after = self._shown(state, Percept(f32(observation), learning=False))
        seen = self.agent.seen(state.agent_state, shown.observation)
        return self._after(state, seen, shown, after)

    def _shown(self, state: FeaturesState, percept: Percept) -> tuple[Percept, Any]:
        """What the agent is shown, and the state of the features after it.

        NaN where a number of that state would be none. The last reward of an episode counts all the
        same where the observation is no number itself: an agent may not need it.
        """
        percept = percept.replace(first=state.first)
        shown, after = self.features.see(state.features_state, percept)
        sound = all_finite(after)
        shown = shown.replace(observation=jnp.where(sound, shown.observation, jnp.nan))
        if shown.reward is None:
            return shown, after
        blind = ~all_finite(percept.observation)
        return shown.replace(reward=jnp.where(sound | blind, shown.reward, jnp.nan)), after

    def _after(
        self,
        state: FeaturesState,
        agent_state: Any,
        shown: Percept,
        features_state: Any,
        rejected: Any = None,
    ) -> FeaturesState:
        """The state after a step; that of the features as it was where the step was rejected, and
        of each of them where it would hold something that is no number. Where no step was made,
        `rejected` None, an observation that is no number leaves them all as they were."""
        seen = all_finite(shown.observation)
        if rejected is None:
            counts, kept = seen, features_state
        else:
            counts = ~jnp.asarray(rejected)
            kept = self.features.kept(features_state, state.features_state)
        kept = jax.tree.map(lambda a, b: jnp.where(counts, a, b), kept, state.features_state)
        # An episode still begins where what it began with was not seen.
        first = state.first & ~(seen & counts)
        return state.replace(agent_state=agent_state, features_state=kept, first=first)

    def _cut(self, state: FeaturesState) -> FeaturesState:
        return state.replace(
            agent_state=self.agent.reset_traces(state.agent_state), first=jnp.ones((), bool)
        )

    def _network(self, state: FeaturesState) -> Network | None:
        """The agent's, which is shown features of what is observed."""
        network = self.agent.network_of(state.agent_state)
        if network is None:
            return None

        def shown(observation):
            percept, _ = self._shown(state, Percept(observation, learning=False))
            return percept.observation

        return dataclasses.replace(network, shown=shown)

    def _named(self, outputs: Any) -> Metrics:
        return self.agent.metrics(outputs)

    def _parts(self) -> MetricParts:
        return self.agent.metric_parts
