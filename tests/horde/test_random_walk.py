"""The random walk of Sutton and Barto (2018), section 12.1: 19 states, -1 left and +1 right."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from tests.horde import runs

STATES, EPISODES, SEEDS = 19, 10, 100
TRUTH = np.arange(-9, 10) / 10
# lamda, its best step size, and the RMS error with it: means over 10 episodes and 100 seeds of a
# float64 program. Van Seijen et al. (2016) show the same curves.
TABLE = [
    (0.0, 0.82, 0.346),
    (0.4, 0.70, 0.275),
    (0.8, 0.32, 0.265),
    (0.9, 0.20, 0.293),
    (0.95, 0.12, 0.334),
    (1.0, 0.02, 0.503),
]


def walks():
    """States, next states and rewards [seed, step], padded with -1, and where episodes end."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(SEEDS):
        states, following = [], []
        for _ in range(EPISODES):
            state = STATES // 2
            while 0 <= state < STATES:
                states.append(state)
                state += rng.choice((-1, 1))
                following.append(state)
        found.append((states, following))
    longest = max(len(states) for states, _ in found)
    padded = np.full((2, SEEDS, longest), STATES // 2)
    used = np.zeros((SEEDS, longest), bool)
    for seed, walk in enumerate(found):
        padded[:, seed, : len(walk[0])] = walk
        used[seed, : len(walk[0])] = True
    return *padded, used


def tables(learner, states, following, used):
    """The values after every step of one walk; where there is no step, nothing is learned."""
    ended = (following < 0) | (following >= STATES)
    rewards = jnp.where(ended, jnp.sign(following - STATES // 2).astype(jnp.float32), 0.0)
    rewards = jnp.where(used, rewards, jnp.nan)

    def step(state, now):
        s, after, reward, end = now
        x, x_after = (jnp.float32(jnp.arange(STATES) == i) for i in (s, after))
        result = learner.update(state, x, reward[None], x_after, terminated=end)
        return result.state, result.state.head_params.weights[0, 0]

    state = learner.init(STATES, jr.key(0))
    return jax.lax.scan(step, state, (states, following, rewards, ended))[1]


@pytest.mark.slow
def test_errors_of_accumulating_traces():
    """Within 0.005 of the table for every lamda, all of them lanes of one program."""
    states, following, used = walks()

    def sweep(step_size, lamda):
        horde = runs.linear(runs.demon(1.0, lamda), step_size=step_size, use_bias=False)
        return jax.vmap(lambda *walk: tables(horde, *walk))(states, following, used)

    lamdas, step_sizes, expected = (jnp.asarray(column) for column in zip(*TABLE, strict=True))
    values = np.asarray(eqx.filter_jit(eqx.filter_vmap(sweep))(step_sizes, lamdas))
    errors = np.sqrt(np.mean((values - TRUTH) ** 2, axis=-1))
    ended = used & ((following < 0) | (following >= STATES))
    assert np.all(ended.sum(axis=1) == EPISODES)
    means = errors[:, ended].mean(axis=1)
    np.testing.assert_allclose(means, expected, rtol=0, atol=0.005)
