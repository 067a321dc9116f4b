"""SARSA over recorded transitions, in one compiled program."""

import time
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Real

from ..components.numbers import f32, is_traced, truth
from ..components.state import AbstractState, require_state
from ..control import SARSAAgent, SARSAState
from ..experience import ControlStep
from ..loops.entrance import LoopOptions, require_rows, run, stream_state
from ..streams import RecordedStream


class SARSAArrayResult(AbstractState):
    """What a loop over recorded transitions gives; `actions[t]` follows step t."""

    state: SARSAState
    q_values: Float[Array, "steps actions"]
    td_errors: Float[Array, " steps"]
    actions: Int[Array, " steps"]


def run_sarsa_from_arrays(
    agent: SARSAAgent,
    state: SARSAState,
    observations: Real[ArrayLike, "steps features"],
    rewards: Real[ArrayLike, " steps"],
    terminated: Any,
    next_observations: Real[ArrayLike, "steps features"],
    *,
    actions: Any = None,
    truncated: Any = None,
    prediction_cumulants: Real[ArrayLike, "steps demons"] | None = None,
    **options: Unpack[LoopOptions],
) -> SARSAArrayResult:
    """Learn from recorded transitions in order.

    With `actions` [steps], those behind the data, step t learns from actions[t], and the next
    action is actions[t + 1]; after an end, and after the last step, it is selected at
    next_observations[t]. Without them the agent's own choices stand, as if it had acted: the first
    is the pending one of `state`, or selected at observations[0].

    **Arguments:** `terminated`, `truncated` (default none) [steps]: flags; `prediction_cumulants`
    [steps, demons]. Keyword only, besides: `progress=False`, `chunk_size=None`.

    **Returns:** the state, whose uptime has grown by the elapsed time, the Q values at the next
    observations before learning, the TD errors, and the next actions.

    **Raises:** `TypeError` for an array of the wrong shape and for actions that are no integers,
    `ValueError` for an action that the agent does not have (inside compiled code, where its value
    is unknown, such a step is rejected). Agents number actions from 0:
    `collect_transitions(...).agent_actions` holds them so.
    """
    started = time.perf_counter()
    require_state("run_sarsa_from_arrays", "state", state, SARSAState)
    require_rows("observations", observations, None)
    steps = np.shape(observations)[0]
    require_rows("next_observations", next_observations, np.shape(observations))
    cut = np.zeros(steps, bool) if truncated is None else truncated
    for name, array in (("rewards", rewards), ("terminated", terminated), ("truncated", cut)):
        require_rows(name, array, (steps,))
    ends, cut = truth(terminated), truth(cut)
    taken = next_taken = jnp.full(steps, -1, jnp.int32)
    if actions is not None:
        require_rows("actions", actions, (steps,))
        taken = _numbers_of(agent, actions)
        next_taken = jnp.where(ends | cut, -1, jnp.append(taken[1:], jnp.int32(-1))[:steps])
    elif steps:
        first, key = agent.select_action(state, f32(observations)[0])
        pending = state.last_action >= 0
        state = state.replace(
            last_action=jnp.where(pending, state.last_action, first),
            rng_key=jax.lax.select(pending, state.rng_key, key),
        )
    x = f32(observations)
    record = ControlStep(
        observation=x,
        action=taken,
        reward=f32(rewards),
        terminated=ends,
        truncated=cut,
        next_observation=f32(next_observations),
        next_action=next_taken,
        following_observation=jnp.concatenate([x[1:], f32(next_observations)[-1:]]),
        cumulants=None if prediction_cumulants is None else f32(prediction_cumulants),
    )
    stream = RecordedStream(record=record)
    begin = stream_state(stream, None)
    (state, _), outputs, _ = run(agent, stream, steps, state, begin, started=started, **options)
    return SARSAArrayResult(state, *outputs)


def _numbers_of(agent: SARSAAgent, actions: Any) -> Int[Array, " steps"]:
    """The actions as int32; one that the agent does not have is `n_actions`, which is rejected."""
    array = actions if isinstance(actions, jax.Array) else np.asarray(actions)
    if not jnp.issubdtype(array.dtype, jnp.integer) and array.size:
        raise TypeError(f"`actions` must be integers, got {array.dtype}{list(array.shape)}.")
    if not is_traced(array) and array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= agent.n_actions:
            raise ValueError(
                f"`actions` must lie in 0 .. {agent.n_actions - 1}, got {low} to {high}; agents "
                "number the actions of a space from 0 (`agent_actions` of collect_transitions)."
            )
    wide = jnp.asarray(array).astype(jnp.int32) if array.dtype.itemsize < 4 else jnp.asarray(array)
    exists = (wide >= 0) & (wide < agent.n_actions)
    return jnp.where(exists, wide, agent.n_actions).astype(jnp.int32)
