"""Agents that act, learn and live on inside one compiled program."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray, Shaped

from ..compilation.boundary import strong
from ..components.counter import count_from
from ..components.numbers import is_traced
from ..components.ranges import require_key
from ..control import AbstractAgent
from ..environments import AbstractEnvironment
from ..learners import Lifecycle, Metrics, born, initial_state
from ..loops.entrance import LoopOptions, run
from ..loops.lanes import Lanes
from ..loops.recorded import RecordedSteps, aggregated
from ..results.aggregated import AggregatedResults
from ..results.dataset import to_dataset
from .episode_ring import EpisodeRing, Episodes
from .life import Life, LifeState, WorldKeysState, WorldKeyStream, life_of

if TYPE_CHECKING:
    import xarray as xr


class InteractResult(NamedTuple):
    """What a life gave so far; of several lives, with the lanes as first axis of every array.

    - `state`: where it stands; given to `interact` again it goes on as if it had not stopped.
      `state.agent_state` is the agent's alone.
    - `metrics`: by name, one number for each recording: those of the agent; `reward`; and
      `episode_return` and `episode_length`, NaN where no episode ends, so that a window's mean is
      that over the episodes that ended in it.
    - `episodes`: the last ones.
    - `reward_rate`: a running mean of the reward over about the last 1,000 steps.
    - `rejected`: how many steps of this life the agent rejected.
    """

    state: Any
    metrics: Metrics
    episodes: Episodes
    reward_rate: Any
    rejected: Any

    def aggregated(self) -> dict[str, AggregatedResults]:
        """The runs of the lives as those of one method, `lives`, with a seed for each; statistics,
        tables, figures and exports take them, and the result itself for them.

        The final value of a life is the mean over what was recorded and measured.
        """
        lanes = np.ndim(self.metrics["reward"]) > 1
        return aggregated("lives", self.metrics, lanes, self.rejected)

    def to_xarray(self) -> "xr.Dataset":
        """The metrics as variables over `point`, of which there is one, `seed`, a life each, and
        `step`; `rejected` over `point` and `seed`."""
        return to_dataset(self.aggregated())

    def __repr__(self) -> str:
        shape = "x".join(map(str, np.shape(self.metrics["reward"])))
        ended = int(np.sum(self.episodes.count))
        names = ", ".join(self.metrics)
        return f"InteractResult({ended:,} episodes, {shape} recordings; metrics: {names})"


def interact(
    agent: AbstractAgent,
    environment: AbstractEnvironment,
    num_steps: int,
    key: PRNGKeyArray | None = None,
    *,
    state: Any = None,
    episodes: int = 1000,
    after_chunk: Callable[[int, LifeState], Any] | None = None,
    **options: Unpack[LoopOptions],
) -> InteractResult:
    """Let an agent act in an environment, and learn, for `num_steps` steps.

    Each step: the environment answers the pending action; the agent learns from what it sees and
    chooses the next one; where the episode ended, terminated or truncated, the environment is reset
    and the agent starts the next one. One compiled program for each structure of agent and
    environment, chunk by chunk.

    **Arguments:**

    - `key`: of everything random; None with the state of a life, which draws on.
    - `state`: the state of a life to go on with, as `InteractResult.state`; or that of an agent,
      which begins a life in this environment, its keys mixed with `key`. None: a new agent.
    - `episodes`: how many of the last ones to keep.
    - `after_chunk(done, state)`: called after each chunk is dispatched, with the state of the life
      there; what it raises ends the loop.
    - keyword only, as in every loop: `progress`, `chunk_size`, `record_every`, `record_window`.

    **Raises:** `TypeError`, `ValueError` for what does not fit; for no `key` where one is needed.
    """
    started, life = time.perf_counter(), life_of("interact", agent, environment)
    require_own_state("interact", life, state)
    if not isinstance(state, LifeState):
        key = require_key("interact", key)
        state = _begun(strong(life), state, key, Lifecycle.begin())
    elif key is not None:
        raise TypeError("interact: `key` must be None for the state of a life, which draws on.")
    return _lived(life, num_steps, state, None, episodes, after_chunk, started, options)


def interact_batched(
    agent: AbstractAgent,
    environment: AbstractEnvironment,
    num_steps: int,
    keys: Shaped[PRNGKeyArray, " lanes"] | None = None,
    *,
    state: Any = None,
    episodes: int = 1000,
    after_chunk: Callable[[int, LifeState], Any] | None = None,
    **options: Unpack[LoopOptions],
) -> InteractResult:
    """`interact` for every key side by side, in one compiled program.

    Lane b equals the single life with `keys[b]` to float32 rounding. `state`: that of an agent,
    with which every life begins, each drawing by its own key; or the states of as many lives, to
    go on. Else as `interact`.
    """
    started, life = time.perf_counter(), life_of("interact_batched", agent, environment)
    require_own_state("interact_batched", life, state, lanes=True)
    if not isinstance(state, LifeState):
        keys = require_key("interact_batched", keys, "keys", lanes=True)
        state = _all_begun(strong(life), state, keys, Lifecycle.begin())
    elif keys is not None:
        raise TypeError(
            "interact_batched: `keys` must be None for the states of lives, which draw on."
        )
    return _lived(life, num_steps, state, Lanes(), episodes, after_chunk, started, options)


def _lived(
    life: Life,
    num_steps: int,
    state: LifeState,
    lanes: Lanes | None,
    episodes: int,
    after_chunk: Callable[[int, LifeState], Any] | None,
    started: float,
    options: LoopOptions,
) -> InteractResult:
    ring = EpisodeRing(episodes)

    def told(done, states):
        if after_chunk is not None:
            after_chunk(done, _whole(*states))

    states, metrics, (ended,) = run(
        life,
        WorldKeyStream(),
        num_steps,
        state.replace(world_keys=None),
        state.world_keys,
        recorders=(ring,),
        lanes=lanes,
        after_chunk=told,
        started=started,
        **options,
    )
    state = _whole(*states)
    recorded = Metrics(metrics, RecordedSteps.of(options, num_steps))
    return InteractResult(state, recorded, ended, state.reward_rate, _count(state.rejected_words))


def _count(words: Any) -> Any:
    return words if is_traced(words) else count_from(jax.device_get(words))


def _whole(state: LifeState, world_keys: WorldKeysState) -> LifeState:
    return state.replace(world_keys=world_keys)


def _new(life: Life, agent_state: Any, key: Any, alive: Lifecycle) -> LifeState:
    """A life that begins: of a new agent, or of one that has learned before."""
    world_key, life_key = jr.split(key)
    if agent_state is None:
        # A clock read while tracing would be frozen into the program.
        state = born(life.init(0, life_key), alive)
    else:
        agent_key, begin_key = jr.split(life_key)
        state = life.begin(_drawing_anew(agent_state, agent_key), begin_key)
    return state.replace(world_keys=WorldKeyStream().init(world_key))


def require_own_state(owner: str, life: Life, state: Any, *, lanes: bool = False) -> None:
    """Check that a state is None, or of this life, of so many with `lanes`, or of its agent.

    **Raises:** `TypeError` that says what to pass instead, where it is known.
    """
    if state is None:
        return
    size, key = life.environment.observation_size, jr.key(0)
    whole = isinstance(state, LifeState)
    if whole:
        expected = jax.eval_shape(lambda key: _new(life, None, key, Lifecycle.begin()), key)
    else:
        expected = jax.eval_shape(lambda key: initial_state(life.agent, size, key), key)
    lead = ()
    if whole and lanes:
        lead = np.shape(state.ended)[:1] or (1,)
    same = jax.tree.structure(state) == jax.tree.structure(expected) and all(
        np.shape(ours) == (*lead, *theirs.shape)
        for ours, theirs in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True)
    )
    if same:
        return
    hint = "; pass its `.state`" if isinstance(state, InteractResult) else ""
    several = whole and not lanes and np.ndim(state.ended)
    what = "the states of several lives" if several else f"a {type(state).__name__}"
    wanted = "the states of lives" if lanes else "the state of a life"
    raise TypeError(
        f"{owner}: `state` must be {wanted} of this agent in this environment, or the state of the "
        f"agent, got {what} that is none{hint}."
    )


def _drawing_anew(agent_state: Any, key: Any) -> Any:
    """The state with its keys mixed with this one, so that no two lives draw the same."""
    leaves, structure = jax.tree.flatten(agent_state)
    words = jr.bits(key, (len(leaves),), jnp.uint32)

    def mixed(leaf, word):
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return leaf
        keys = jax.vmap(lambda own: jr.fold_in(own, word))(jnp.reshape(leaf, -1))
        return jnp.reshape(keys, leaf.shape)

    return jax.tree.unflatten(structure, [mixed(*pair) for pair in zip(leaves, words, strict=True)])


@jax.jit
def _begun(life, agent_state, key, alive):
    return _new(life, agent_state, key, alive)


@jax.jit
def _all_begun(life, agent_state, keys, alive):
    return jax.vmap(lambda key: _new(life, agent_state, key, alive))(keys)
