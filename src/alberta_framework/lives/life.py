"""A life: an agent in an environment, as one component that a loop carries."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt32

from ..compilation.unrolled_keys import as_before, unrolled
from ..components.answers import require_like, require_pair, require_parts
from ..components.counter import Count, StepCount, advanced, as_float
from ..components.numbers import compensated_add, f32, truth
from ..components.ranges import require_key, require_part
from ..components.state import AbstractState
from ..control import AbstractAgent
from ..environments import AbstractEnvironment, EnvStep
from ..interface.action_spaces import require_suited
from ..learners import AbstractHolderState, AbstractLearner, MetricParts, Metrics, MetricsError
from ..streams import AbstractStream

# How fast the running reward rate of a life forgets.
RATE = 1e-3


class WorldKeys(AbstractState):
    """The keys of one step of an environment: of the step, and of the episode that may follow."""

    step: PRNGKeyArray
    reset: PRNGKeyArray


class WorldKeysState(AbstractState):
    """A key, and how many steps have drawn from it."""

    key: PRNGKeyArray
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class WorldKeyStream(AbstractStream[WorldKeysState, WorldKeys]):
    """The random numbers of an environment: step t draws from the key folded with t.

    So a life that is cut into chunks, or goes on from a checkpoint, meets the same world.
    """

    # There is nothing to choose in random numbers.
    axes_begin_with: ClassVar[tuple[str, ...]] = ()

    @property
    def feature_dim(self) -> int:
        """Nothing is observed of it."""
        return 0

    def init(self, key: PRNGKeyArray) -> WorldKeysState:
        return WorldKeysState(key, jnp.zeros(2, jnp.uint32))

    def step(self, state: WorldKeysState, idx: Any = 0) -> tuple[WorldKeys, WorldKeysState]:
        keys, state = self.rollout(state, 1)
        return jax.tree.map(lambda a: a[0], keys), state

    def rollout(self, state: WorldKeysState, num_steps: int) -> tuple[WorldKeys, WorldKeysState]:
        counts = advanced(
            jnp.broadcast_to(state.steps, (num_steps, 2)), jnp.arange(num_steps, dtype=jnp.uint32)
        )
        key = unrolled(state.key)

        def keys_of(count):
            high, low = count[0] << 1, count[1]
            own = (jr.fold_in(jr.fold_in(key, high | which), low) for which in (0, 1))
            return WorldKeys(*(as_before(found, state.key) for found in own))

        return jax.vmap(keys_of)(counts), state.replace(steps=advanced(state.steps, num_steps))


_OF_A_STEP = "observation", "reward", "terminated", "truncated"


class LifeState(AbstractHolderState):
    """An agent's state and its environment's, the action that comes next, and the episode so far.

    `ended`: whether the last step ended an episode: 0 no, 1 by termination, 2 by truncation, and
    then `last_return` and `last_length` are that episode's. Lengths are exact, and read as `int`;
    `rejected_words`: how many steps of
    this life the agent rejected, as high and low 32 bits. `world_keys` is where the draws of the
    environment stand between two calls of a loop.
    """

    agent_state: Any
    environment_state: Any
    action: Array
    episode_return: Float[Array, ""]
    episode_residual: Float[Array, ""]
    episode_steps: UInt32[Array, "2"]
    ended: Int[Array, ""]
    last_return: Float[Array, ""]
    last_steps: UInt32[Array, "2"]
    reward_rate: Float[Array, ""]
    reward_rate_weight: Float[Array, ""]
    rejected_words: UInt32[Array, "2"]
    world_keys: WorldKeysState | None = None

    holds: ClassVar[str] = "agent_state"

    episode_length = Count("episode_steps")
    last_length = Count("last_steps")


class Life(AbstractLearner[LifeState, WorldKeys]):
    """An agent that acts in an environment and learns from what follows.

    To a loop it is a learner whose experience is nothing but the random numbers of the world: all
    that loops do, in chunks and lanes, recorded and resumed, is done for agents too.
    """

    experience: ClassVar[type] = WorldKeys
    draws_weights: ClassVar[bool] = True

    agent: AbstractAgent
    environment: AbstractEnvironment

    # What a sweep varies of it, and how its paths begin.
    axes_begin_with: ClassVar[tuple[str, ...]] = ("agent", "environment")

    def __check_init__(self):
        require_part(self, "agent", AbstractAgent)
        require_part(self, "environment", AbstractEnvironment)
        require_suited("Life", self.agent.action_space, self.environment.action_space)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> LifeState:
        """The agent born, and its first episode begun; `feature_dim` is the environment's own."""
        del feature_dim
        agent_key, world_key = jr.split(require_key("Life.init", key))
        agent_state = self.agent.init(self.environment.observation_size, agent_key)
        return self.begin(agent_state, world_key)

    def begin(self, agent_state: Any, key: PRNGKeyArray) -> LifeState:
        """The first episode of an agent in this environment, whatever it has learned before."""
        environment_state, observation = self.environment.reset(key)
        action, agent_state = self.agent.start(agent_state, observation)
        zero, none = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        words = jnp.zeros(2, jnp.uint32)
        return LifeState(
            agent_state=agent_state,
            environment_state=environment_state,
            action=action,
            episode_return=zero,
            episode_residual=zero,
            episode_steps=words,
            ended=none,
            last_return=zero,
            last_steps=words,
            reward_rate=zero,
            reward_rate_weight=zero,
            rejected_words=words,
        )

    def learn(self, state: LifeState, experience: WorldKeys) -> tuple[LifeState, Metrics]:
        """One step of the world, and what the agent learns of it."""
        agent, environment = self.agent, self.environment
        world, now = stepped(environment, state.environment_state, state.action, experience.step)
        found = agent.act_and_learn(
            state.agent_state, now.reward, now.observation, now.terminated, now.truncated
        )
        told = f"{type(agent).__name__}: `act_and_learn`"
        require_parts(told, found, ("state", "action", "metrics", "rejected"), "AgentStep")
        require_like(told, state.agent_state, found.state)
        over = now.terminated | now.truncated

        def begin_anew():
            world_anew, observation = environment.restart(world, experience.reset)
            action, agent_state = agent.start(found.state, observation)
            return agent_state, world_anew, action

        def go_on():
            return found.state, world, found.action

        agent_state, world, action = jax.lax.cond(over, begin_anew, go_on)
        # Float32 alone would stop to grow: from 2^24 on a reward of 1 adds nothing.
        reward, residual = compensated_add(state.episode_return, state.episode_residual, now.reward)
        steps, zero = advanced(state.episode_steps), jnp.float32(0.0)
        # A running mean without a start at zero: its weight is how much it has seen.
        weight = state.reward_rate_weight + RATE * (1.0 - state.reward_rate_weight)
        rate = state.reward_rate + RATE / weight * (now.reward - state.reward_rate)
        seen = jnp.isfinite(now.reward)
        truncated = jnp.where(now.truncated, jnp.int32(2), jnp.int32(0))
        after = LifeState(
            agent_state=agent_state,
            environment_state=world,
            action=action,
            episode_return=jnp.where(over, zero, reward),
            episode_residual=jnp.where(over, zero, residual),
            episode_steps=jnp.where(over, jnp.uint32(0), steps),
            ended=jnp.where(now.terminated, jnp.int32(1), truncated),
            last_return=jnp.where(over, reward, state.last_return),
            last_steps=jnp.where(over, steps, state.last_steps),
            reward_rate=jnp.where(seen, rate, state.reward_rate),
            reward_rate_weight=jnp.where(seen, weight, state.reward_rate_weight),
            rejected_words=advanced(state.rejected_words, found.rejected),
        )
        own = {
            "reward": now.reward,
            "episode_return": jnp.where(over, reward, jnp.nan),
            "episode_length": jnp.where(over, as_float(steps), jnp.nan),
        }
        # An agent may have nothing to tell.
        told = agent.metrics(found.metrics) if jax.tree.leaves(found.metrics) else {}
        for name in own.keys() & told.keys():
            raise MetricsError(
                f"{type(agent).__name__}: its step gives a metric {name!r}, which is what a loop "
                "calls its own; give it another name."
            )
        return after, Metrics([*told.items(), *own.items()])

    def _parts(self) -> MetricParts:
        return self.agent.metric_parts


def stepped(
    environment: AbstractEnvironment, world: Any, action: Array, key: PRNGKeyArray
) -> tuple[Any, EnvStep]:
    """A step of an environment, as float32 numbers and flags.

    **Raises:** `TypeError` for no state and `EnvStep`, for a state unlike the one before, and for
    an observation, a reward or a flag of another shape.
    """
    told, pair = f"{type(environment).__name__}: `step`", environment.step(world, action, key)
    require_pair(told, pair, "an EnvStep")
    before, (world, now) = world, pair
    require_parts(told, now, _OF_A_STEP, "EnvStep after the state")
    require_like(told, before, world)
    shapes = {"observation": (environment.observation_size,)}
    found = {}
    for name in _OF_A_STEP:
        value, shape = jnp.asarray(getattr(now, name)), shapes.get(name, ())
        if value.shape != shape:
            raise TypeError(
                f"{type(environment).__name__}: the `{name}` of `step` must have shape {shape}, "
                f"got {value.shape}."
            )
        found[name] = truth(value) if name in ("terminated", "truncated") else f32(value)
    return world, EnvStep(**found)


def life_of(owner: str, agent: Any, environment: Any) -> Life:
    """The life of an agent in an environment.

    **Raises:** `TypeError` for what is none, `ValueError` where the actions of the one do not suit
    the other; both begin with `owner`.
    """
    pairs = ("agent", agent, AbstractAgent), ("environment", environment, AbstractEnvironment)
    for name, value, kind in pairs:
        if not isinstance(value, kind):
            raise TypeError(f"{owner}: `{name}` must be an {kind.__name__}, got {value!r}.")
    require_suited(owner, agent.action_space, environment.action_space)
    return Life(agent, environment)


def carried(owner: str, learner: Any, stream: Any) -> tuple[Any, Any]:
    """What a loop carries for `learner` and `stream`: for an agent and an environment, its life and
    the random numbers of the world; else the two themselves.

    **Raises:** as `life_of`.
    """
    if isinstance(stream, AbstractEnvironment):
        return life_of(owner, learner, stream), WorldKeyStream()
    return learner, stream
