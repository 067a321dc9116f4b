"""Agents that act and learn in environments on the host, single ones and vectors of copies."""

import time
from typing import Any

import jax

from ...compilation.boundary import strong
from ...components.ranges import require_count
from ...control import AbstractAgent
from ...interface.failure import handing_back
from ...interface.host import HostEnvironment, is_vector
from ...learners import Metrics, with_uptime
from ...lives import InteractResult
from ...loops.entrance import ChosenOptions
from ...loops.progress import progress_bar
from ...loops.recorded import RecordedSteps
from .lives import LifeOfCopies, SingleLife, live, new_agent, new_agents
from .log import Lived, Log
from .policies import Policy
from .walk import VectorWalk


def interact_gymnasium(
    agent: AbstractAgent,
    env: Any,
    num_steps: int,
    *,
    state: Any = None,
    seed: int,
    episodes: int = 1000,
    progress: bool = False,
    record_every: int = 1,
    record_window: int | None = None,
) -> InteractResult:
    """Let an agent act in a Gymnasium environment, and learn, for `num_steps` steps.

    As `interact`, with one compiled call for each step. What the agent sees of an observation is
    what `flatten_value` makes of it with `encoding="onehot"`; its action i is the environment's own
    i, counted from the `start` of its space; numbers of a Box are handed over in its shape.

    With a vector environment each copy has an agent of its own, all in one compiled call, and
    `num_steps` counts calls of its `step`. All three autoreset modes are served: in `NEXT_STEP`,
    the default of Gymnasium, the call after the end of an episode only resets that copy, and
    teaches nothing.

    **Arguments:** `state`: of an agent (of a vector, one for every copy along the first axis), as
    `InteractResult.state`; None: new ones, drawn from `seed`. `seed`: of the environment's first
    reset. `episodes`, `progress`, `record_every`, `record_window`: as `interact`.

    **Returns:** as `interact`, where `state` is the agent's alone: no environment on the host can
    be stored.

    **Raises:** `TypeError`, `ValueError` for what does not fit; `EnvironmentFailure` where the
    environment fails, whose `result` is that of the steps before.
    """
    owner, started = "interact_gymnasium", time.perf_counter()
    if not isinstance(agent, AbstractAgent):
        raise TypeError(f"{owner}: `agent` must be an AbstractAgent, got {agent!r}.")
    require_count(owner, "num_steps", num_steps, low=0)
    require_count(owner, "episodes", episodes)
    require_count(owner, "seed", seed, low=0)
    chosen = ChosenOptions(
        progress=progress, record_every=record_every, record_window=record_window
    )
    life = _life_of(owner, agent, env, seed, state)
    log = Log(life.copies, episodes, chosen.record_every, chosen.record_window)

    def result() -> InteractResult:
        state = with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started)
        steps = RecordedSteps.by(chosen.recorder(), log.steps_done)
        metrics = Metrics(log.metrics(life.names), steps)
        return InteractResult(state, metrics, log.episodes(), log.reward_rate, log.rejected)

    def note(step: int, lived: Lived) -> None:
        log.note(step, lived)
        bar(step + 1, (None, None))

    bar = progress_bar(chosen.progress, num_steps)
    try:
        with handing_back(result):
            live(life, num_steps, note)
    finally:
        bar.close()
    return result()


def _life_of(owner: str, agent: AbstractAgent, env: Any, seed: int, state: Any) -> Any:
    if is_vector(env):
        return _life_in_vector(owner, strong(agent), env, seed, state)
    host = HostEnvironment(owner, env)
    host.actions_of(agent.action_space)  # before a state is made for it
    agent = strong(agent)
    if state is None:
        state = new_agent(agent, host.observed.size, seed)
    return SingleLife(host, agent, state, seed=seed)


def _life_in_vector(
    owner: str, agent: AbstractAgent, env: Any, seed: int, state: Any
) -> LifeOfCopies:
    def walk_with(policy: Policy) -> VectorWalk:
        return VectorWalk(owner, env, policy, seed, "onehot", "first", False)

    host = HostEnvironment(owner, env)
    host.actions_of(agent.action_space)  # before states are made for it
    if state is None:
        keys = jax.random.split(jax.random.key(seed), env.num_envs)
        state = new_agents(agent, host.observed.size, keys)
    return LifeOfCopies(agent, agent.action_space, walk_with, state)
