"""Trajectories of environments as arrays, for the loops over arrays."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from ...components.ranges import require_count
from ...components.state import AbstractState
from ...experience import TDTimeStep
from ...interface.actions import SpaceActions
from ...interface.failure import handing_back
from ...interface.host import closing
from ...interface.package import gymnasium_package
from .policies import Policy
from .prediction_mode import PredictionMode
from .targets import Supervision, ValueEstimator, require_estimator, require_gamma
from .walk import VectorWalk, Walk, walk_of


class VectorTrajectory(AbstractState):
    """What `collect_trajectory_vec` gives: steps by copies of the environment.

    Where not `valid` the environment only reset itself, and the targets are NaN.
    """

    observations: Float[Array, "steps copies features"]
    targets: Float[Array, "steps copies targets"]
    valid: Bool[Array, "steps copies"]


class CollectedTransitions(AbstractState):
    """Recorded transitions; the first axis is time, the second one the copies if there are any.

    `actions` are integers as the environment took them where its space is Discrete, else flat;
    `agent_actions` are the same as agents number them, 0 to n - 1, as `run_sarsa_from_arrays` takes
    them, and None where the space is not Discrete. Where not `valid` the environment only reset
    itself: the reward is NaN, which learners reject.
    """

    transitions: TDTimeStep
    actions: Num[Array, "steps ..."]
    terminated: Bool[Array, "steps ..."]
    truncated: Bool[Array, "steps ..."]
    valid: Bool[Array, "steps ..."]
    agent_actions: Int[Array, "steps ..."] | None = None


def collect_trajectory(
    env: Any,
    policy: Policy | None,
    num_steps: int,
    mode: PredictionMode | str = PredictionMode.REWARD,
    include_action_in_features: bool = True,
    seed: int = 0,
    *,
    gamma: float = 0.99,
    value_estimator: ValueEstimator | None = None,
    encoding: str = "index",
    reset_seeding: str = "increment",
) -> tuple[Float[Array, "steps features"], Float[Array, "steps targets"]]:
    """`num_steps` steps of a Gymnasium environment as features and targets.

    The environment is reset first, and whenever an episode has ended. Features, targets, and the
    arguments not told here are those of `GymnasiumStream`.

    **Arguments:** `policy`: None for the random policy of `seed`; `value_estimator`, for the mode
    `VALUE`: the value of the next features, a number.

    **Returns:** `(observations, targets)` on the device, ready for `learn_from_trajectory`.

    **Raises:** `ValueError` for a negative `num_steps`, and for the mode `VALUE` without a
    `value_estimator` unless `gamma` is 0; `EnvironmentFailure` where the environment fails, whose
    `result` holds the steps before.
    """
    owner = "collect_trajectory"
    make = _supervision(owner, mode, gamma, include_action_in_features, value_estimator)
    require_count(owner, "num_steps", num_steps, low=0)
    walk = Walk(owner, env, policy, seed, encoding, reset_seeding, include_action_in_features)
    return _examples(walk, make, num_steps, lambda *found: found[:2])


def collect_trajectory_vec(
    env_id: str,
    num_envs: int,
    policy: Policy | None,
    num_steps: int,
    mode: PredictionMode | str = PredictionMode.REWARD,
    include_action_in_features: bool = True,
    seed: int = 0,
    *,
    gamma: float = 0.99,
    value_estimator: ValueEstimator | None = None,
    encoding: str = "index",
    reset_seeding: str = "increment",
    vectorization_mode: str = "sync",
    vector_kwargs: dict[str, Any] | None = None,
    **env_kwargs: Any,
) -> VectorTrajectory:
    """`num_steps` steps of `num_envs` copies of an environment, `[num_steps, num_envs, ...]`.

    Policy and value estimator get the flat observations (features) of all copies, `[num_envs, d]`,
    and return a batch of actions (`[num_envs]` values). Copy i is seeded with the seed of reset i,
    once; its later episodes go on with its own generator. With `"sync"` and `"async"` the autoreset
    mode is `SAME_STEP` unless `vector_kwargs` names another; environments with
    `"vector_entry_point"`, the fastest where there is one, may have steps that are not `valid`.

    **Arguments:** as `collect_trajectory`; `env_id`, `num_envs`, `vectorization_mode`,
    `vector_kwargs` and other keywords as `gymnasium.make_vec`.

    **Raises:** as `collect_trajectory`, and `ValueError` for an environment whose metadata name no
    autoreset mode.
    """
    owner = "collect_trajectory_vec"
    make = _supervision(owner, mode, gamma, include_action_in_features, value_estimator)
    require_count(owner, "num_envs", num_envs)
    require_count(owner, "num_steps", num_steps, low=0)
    gymnasium, vector_kwargs = gymnasium_package(), dict(vector_kwargs or {})
    if vectorization_mode in ("sync", "async"):
        same_step = gymnasium.vector.AutoresetMode.SAME_STEP
        vector_kwargs.setdefault("autoreset_mode", same_step)
    if vectorization_mode == "async":
        vector_kwargs.setdefault("context", "spawn")  # JAX has threads, which a fork can deadlock
    env = gymnasium.make_vec(
        env_id,
        num_envs=num_envs,
        vectorization_mode=vectorization_mode,
        vector_kwargs=vector_kwargs,
        **env_kwargs,
    )
    with closing(owner, env):
        actions = include_action_in_features
        walk = VectorWalk(owner, env, policy, seed, encoding, reset_seeding, actions)
        return _examples(walk, make, num_steps, VectorTrajectory)


def collect_transitions(
    env_or_vec: Any,
    policy: Policy | None,
    num_steps: int,
    include_action_in_features: bool = False,
    seed: int = 0,
    *,
    gamma: float = 0.99,
    encoding: str = "index",
    reset_seeding: str = "increment",
) -> CollectedTransitions:
    """`num_steps` transitions of a Gymnasium environment, or of every copy of a vector environment.

    The input of TD learners, of the Horde and of `run_sarsa_from_arrays`; with `encoding="onehot"`
    the features are those that an agent sees in the other loops. `gamma` of a transition is 0 where
    the episode terminated; a truncated one keeps it, with the true last observation as
    `next_observation`. With actions in the features, the next features hold the action that the
    policy picked there (SARSA), zeros after a termination. Vector environments may have any
    autoreset mode; see `valid`. Other arguments and errors as `collect_trajectory`.
    """
    owner = "collect_transitions"
    include = include_action_in_features
    gamma = require_gamma(owner, gamma)
    make = Supervision(owner, PredictionMode.REWARD, gamma, include)
    require_count(owner, "num_steps", num_steps, low=0)
    walk = walk_of(owner, env_or_vec, policy, seed, encoding, reset_seeding, True)
    acted = walk.acted
    assert acted is not None
    shape = (num_steps, *walk.lead)
    width = walk.observed.size + (acted.size if include else 0)
    x, following = (np.empty((*shape, width), np.float32) for _ in range(2))
    rewards = np.empty(shape, np.float32)
    space = walk.host.space("action")
    discrete = isinstance(space, gymnasium_package().spaces.Discrete)
    numbered = SpaceActions(owner, space) if discrete else None
    taken = np.empty(shape, np.int64) if discrete else np.empty((*shape, acted.size), np.float32)
    terminated, truncated, valid = (np.empty(shape, bool) for _ in range(3))

    def found(steps: int) -> CollectedTransitions:
        rewards[~valid] = np.nan
        gammas = np.where(terminated, 0.0, gamma).astype(np.float32)
        fields = (x, rewards, following, gammas, truncated)
        transitions = TDTimeStep(*(jnp.asarray(field[:steps]) for field in fields))
        actions = taken[:steps].astype(np.int32 if discrete else np.float32)
        ends = (jnp.asarray(flag[:steps]) for flag in (terminated, truncated, valid))
        numbers = None if numbered is None else jnp.asarray(numbered.numbers(taken[:steps]))
        return CollectedTransitions(transitions, jnp.asarray(actions), *ends, agent_actions=numbers)

    def step(t: int) -> None:
        passage = walk.step(include)
        x[t] = make.features(passage.observation, passage.action)
        following[t] = make.features(passage.next_observation, passage.next_action)
        action: Any = np.reshape(passage.taken, walk.lead) if discrete else passage.action
        taken[t] = action
        with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
            rewards[t] = passage.reward
        terminated[t], truncated[t] = passage.terminated, passage.truncated
        valid[t] = passage.valid

    return _stepped(num_steps, step, found)


def _supervision(owner, mode, gamma, include_actions, value_estimator) -> Supervision:
    make = Supervision(owner, mode, gamma, include_actions, value_estimator)
    if value_estimator is not None:
        require_estimator(owner, "value_estimator", value_estimator)
    elif make.mode is PredictionMode.VALUE and make.gamma > 0.0:
        raise ValueError(
            f"{owner}: the mode VALUE needs a `value_estimator`, got None; without one its targets "
            "would be the bare rewards (mode REWARD, or `gamma=0`)."
        )
    return make


def _examples(
    walk: Walk | VectorWalk, make: Supervision, num_steps: int, result: Callable[..., Any]
) -> Any:
    """`result` of features, targets and validity, each moved to the device in one transfer."""
    shape, n = (num_steps, *walk.lead), walk.observed.size
    width = n + (0 if walk.acted is None else walk.acted.size)
    observations = np.empty((*shape, width), np.float32)
    targets = np.empty((*shape, n if make.mode is PredictionMode.NEXT_STATE else 1), np.float32)
    valid = np.ones(shape, bool)
    observed, acted = observations[..., :n], observations[..., n:]
    target, look_ahead = make.target, make.look_ahead

    def step(t: int) -> None:
        passage = walk.step(look_ahead)
        observed[t] = passage.observation
        if passage.action is not None:
            acted[t] = passage.action
        with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
            targets[t] = target(passage, walk.lead)
        if walk.lead:
            valid[t] = passage.valid

    def found(steps: int) -> Any:
        return result(*(jnp.asarray(array[:steps]) for array in (observations, targets, valid)))

    return _stepped(num_steps, step, found)


def _stepped(num_steps: int, step: Callable[[int], None], found: Callable[[int], Any]) -> Any:
    """`found(num_steps)` after all steps; an `EnvironmentFailure` hands back what was found."""
    t = 0
    with handing_back(lambda: found(t)):
        for t in range(num_steps):
            step(t)
    return found(num_steps)
