"""How good an agent is as it stands: episodes from which nothing is learned."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..compilation.boundary import strong
from ..components.numbers import compensated_add, f32
from ..components.ranges import require_choice, require_count, require_key
from ..components.state import AbstractState
from ..control import AbstractAgent
from ..environments import AbstractEnvironment
from .interact import require_own_state
from .life import LifeState, life_of, stepped


class EvaluationResult(AbstractState):
    """Undiscounted returns and lengths of the episodes, and whether each was cut by a limit."""

    returns: Float[Array, " episodes"]
    lengths: Int[Array, " episodes"]
    truncated: Bool[Array, " episodes"]


def evaluate(
    agent: AbstractAgent,
    state: Any,
    environment: AbstractEnvironment,
    episodes: int,
    key: PRNGKeyArray,
    *,
    explore: bool = False,
    max_steps: int = 10_000,
) -> EvaluationResult:
    """Let an agent act in so many episodes, and learn nothing.

    **Arguments:** `state`: of the agent, or of its life; `explore`: whether it explores as it does
    when it learns; `max_steps`: after which an episode is cut, if the environment does not.

    **Raises:** `TypeError`, `ValueError` for what does not fit.
    """
    life = life_of("evaluate", agent, environment)
    require_own_state("evaluate", life, state)
    require_count("evaluate", "episodes", episodes)
    require_count("evaluate", "max_steps", max_steps, high=2**31)
    require_choice("evaluate", "explore", explore, (True, False))
    key = require_key("evaluate", key)
    state = state.agent_state if isinstance(state, LifeState) else state
    fixed = strong(agent), strong(environment)
    return _evaluated(*fixed, state, key, jnp.int32(max_steps), episodes=episodes, explore=explore)


def _episode(agent, environment, state, key, max_steps, explore):
    begin_key, key = jr.split(key)
    world, observation = environment.reset(begin_key)
    zero, no = jnp.zeros((), jnp.float32), jnp.zeros((), bool)
    steps = jnp.zeros((), jnp.int32)

    def goes_on(carry):
        *_, steps, over, _ = carry
        return ~over & (steps < max_steps)

    def one(carry):
        state, world, observation, total, residual, steps, _, _ = carry
        act_key, world_key = jr.split(jr.fold_in(key, steps))
        action = agent.act(state, observation, act_key, explore=explore)
        state = agent.seen(state, observation)
        world, now = stepped(environment, world, action, world_key)
        over = now.terminated | now.truncated
        total, residual = compensated_add(total, residual, now.reward)
        carry = state, world, now.observation, total, residual
        return *carry, steps + 1, over, now.terminated

    begun = agent.reset_traces(state), world, f32(observation), zero, zero, steps, no, no
    *_, total, _, steps, _, terminated = jax.lax.while_loop(goes_on, one, begun)
    return EvaluationResult(total, steps, ~terminated)


@jax.jit(static_argnames=("episodes", "explore"))
def _evaluated(agent, environment, state, key, max_steps, *, episodes, explore):
    # One after the other: side by side all would go on until the longest has ended.
    def of_key(key):
        return _episode(agent, environment, state, key, max_steps, explore)

    return jax.lax.map(of_key, jr.split(key, episodes))
