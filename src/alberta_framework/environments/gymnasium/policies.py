"""Policies: from a flat observation to an action in the environment's own format."""

import copy
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ...components.ranges import require_count
from ...interface.actions import SpaceActions
from ...interface.host import is_vector
from ...interface.package import gymnasium_package
from ...interface.spaces import flattener

Policy = Callable[[np.ndarray], Any]


def make_random_policy(env: Any, seed: int = 0) -> Policy:
    """A policy that draws every action at random, whatever the observation.

    Discrete: uniform over its n values, from `start` on. Box: uniform in [low, high] in the dtype
    of the space, both ends included where that is an integer; with an infinite bound as its own
    `sample`, normal or shifted exponential. Other spaces: their own `sample`. The draws come from a
    generator, or a copy of the space, seeded by `seed`: the environment's space is left alone. For
    a vector environment the policy draws one action for each copy.

    **Raises:** `ValueError` for a space that cannot be flattened, or a bad `seed`.
    """
    require_count("make_random_policy", "seed", seed, low=0)
    draw = _sampler(env, np.random.SeedSequence(seed))
    return lambda observation: draw()


def make_epsilon_greedy_policy(
    base_policy: Policy,
    env: Any,
    epsilon: float | Callable[[int], float] = 0.1,
    seed: int = 0,
) -> Policy:
    """With probability `epsilon` a random action, else `base_policy(observation)`.

    `epsilon` lies in [0, 1], or is a function of the number of calls so far. Coin and random
    actions have generators of their own, spawned from `numpy.random.SeedSequence(seed)`. In a
    vector environment every copy has its own coin.

    **Raises:** `ValueError` for an epsilon outside [0, 1], at each call if it is a function.
    """
    require_count("make_epsilon_greedy_policy", "seed", seed, low=0)
    if not callable(base_policy):
        raise TypeError(f"`base_policy` must be callable, got {base_policy!r}.")
    if not callable(epsilon):
        _require_probability(epsilon)
    for_coin, for_actions = np.random.SeedSequence(seed).spawn(2)
    coin, draw = np.random.default_rng(for_coin).random, _sampler(env, for_actions)
    copies = env.num_envs if is_vector(env) else None
    calls = 0

    def policy(observation):
        nonlocal calls
        chance = _require_probability(epsilon(calls)) if callable(epsilon) else epsilon
        calls += 1
        explores = coin(copies) < chance
        if copies is None:
            return draw() if explores else base_policy(observation)
        return select_rows(np.asarray(explores), draw(), base_policy(observation))

    return policy


def select_rows(mask: np.ndarray, chosen: Any, other: Any) -> Any:
    """Rows of the batch of actions `chosen` where `mask`, of `other` elsewhere."""

    def select(a, b):
        a, b = np.asarray(a), np.asarray(b)
        return np.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(select, chosen, other)


def _require_probability(epsilon: Any) -> float:
    if isinstance(epsilon, bool | str) or not np.ndim(epsilon) == 0:
        raise TypeError(f"`epsilon` must be a number in [0, 1], got {epsilon!r}.")
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"`epsilon` must lie in [0, 1], got {epsilon}.")
    return float(epsilon)


def _sampler(env: Any, seed: np.random.SeedSequence) -> Callable[[], Any]:
    spaces = gymnasium_package().spaces
    vector = is_vector(env)
    space = env.single_action_space if vector else env.action_space
    lead = (env.num_envs,) if vector else ()
    flattener(space, name="action space")  # refuses what is not supported
    generator = np.random.default_rng(seed)
    if isinstance(space, spaces.Discrete):
        actions = SpaceActions("action space", space)
        if vector:
            return lambda: actions.batch(generator.integers(actions.n, size=lead))
        return lambda: actions.own(int(generator.integers(actions.n)))
    if isinstance(space, spaces.Box) and space.is_bounded():
        shape = (*lead, *space.shape)
        if space.dtype.kind in "iub":
            low, high = space.low, space.high
            return lambda: np.asarray(
                generator.integers(low, high, size=shape, dtype=space.dtype, endpoint=True)
            )
        return _uniform(generator, space, shape)
    # Its draws must not disturb whoever else samples the environment's own space.
    own = copy.deepcopy(env.action_space)
    own.seed(int(seed.generate_state(1)[0]))
    return own.sample


def _uniform(generator: np.random.Generator, box: Any, shape: tuple[int, ...]):
    low, high = box.low.astype(np.float64), box.high.astype(np.float64)

    def draw():
        share = generator.random(shape)
        # The width high - low of the widest boxes is no float64.
        drawn = low * (1.0 - share) + high * share
        return np.clip(drawn, low, high).astype(box.dtype)

    return draw
