"""The step rules on the 19-state random walk."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

# Sutton and Barto (2018), example 7.1, with rewards of -1 on the left: root mean squared errors
# over the states after each of the first ten episodes, averaged, at lamda 0.8; of an independent
# float64 program over 100 walks.
STATES, EPISODES, LAMBDA, SEEDS = 19, 10, 0.8, 100
TRUE = np.float32(np.arange(-9, 10) / 10)
SETTINGS = [(1, 0.1), (1, 0.4), (1, 1.6), (3, 0.05), (3, 0.1), (3, 0.4), (3, 1.6)]
DIVERGES = np.inf
WALKS = {
    "TD": (
        lambda eta: af.PerTensor(af.LMS(eta)),
        [0.396, 0.277, DIVERGES, 0.293, 0.572, DIVERGES, DIVERGES],
    ),
    "ImplicitTD, norm": (
        lambda eta: af.ImplicitTD(eta, "norm"),
        [0.442, 0.362, 0.320, 0.357, 0.333, 0.311, 0.305],
    ),
    "ImplicitTD, pred": (
        lambda eta: af.ImplicitTD(eta, "pred"),
        [0.410, 0.268, 0.321, 0.263, 0.278, 0.384, 0.450],
    ),
    "ImplicitTD, full": (
        lambda eta: af.ImplicitTD(eta, "full"),
        [0.411, 0.270, 0.312, 0.265, 0.274, 0.372, 0.447],
    ),
    "AlphaBound": (af.AlphaBound, [0.396, 0.275, 0.278, 0.277, 0.278, 0.278, 0.278]),
    "StreamObGD": (af.StreamObGD, [0.396, 0.396, 0.396, 0.266, 0.266, 0.266, 0.266]),
    "Adaptive": (
        lambda eta: af.Adaptive(eta, average_decay=LAMBDA),
        [0.316, 0.384, 3.5, 0.264, 0.338, 2.5, 20.0],
    ),
}


def walks(seeds, steps=4000):
    """Of each seed the states visited, and where each step led: (seeds, steps)."""
    rng = np.random.default_rng(0)
    at, rows = np.full(seeds, STATES // 2), []
    for _ in range(steps):
        after = at + rng.choice([-1, 1], size=seeds)
        rows.append((at, after))
        at = np.where((after < 0) | (after >= STATES), STATES // 2, after)
    told = np.array(rows, np.int32)
    ended = (told[:, 1] < 0) | (told[:, 1] >= STATES)
    assert ended.sum(axis=0).min() >= EPISODES
    last = np.max(np.argmax(np.cumsum(ended, axis=0) >= EPISODES, axis=0)) + 1
    return told[:last].transpose(2, 0, 1)


@eqx.filter_jit
def errors(make, settings, walked):
    """(settings, seeds): the mean error of the first ten episodes, gamma 1."""

    def life(setting, walk):
        scale, eta = setting
        rule = make(eta)

        def value(w, at):
            return scale * jnp.where((at >= 0) & (at < STATES), w[jnp.clip(at, 0, STATES - 1)], 0.0)

        def one(carry, now):
            w, state, decay, finished, score = carry
            at, after = now
            ended = (after < 0) | (after >= STATES)
            reward = jnp.where(after < 0, -1.0, jnp.where(after >= STATES, 1.0, 0.0))
            gradient = scale * jax.nn.one_hot(at, STATES, dtype=jnp.float32)
            ahead = scale * jax.nn.one_hot(after, STATES, dtype=jnp.float32)
            direction, state = rule.direction(state, gradient, decay)
            bootstrap = af.Bootstrap(value(w, after), ahead @ direction, ahead)
            delta = reward + value(w, after) - value(w, at)
            step, state, _ = rule.step(state, gradient, direction, delta, bootstrap, decay, ended)
            w = w + step
            error = jnp.sqrt(jnp.mean((scale * w - TRUE) ** 2))
            counts = ended & (finished < EPISODES)
            score = score + jnp.where(counts, error / EPISODES, 0.0)
            decay = jnp.where(ended, 0.0, LAMBDA)
            return (w, state, decay, finished + ended.astype(jnp.int32), score), None

        w = jnp.zeros(STATES)
        begin = w, rule.init(w), jnp.float32(0), jnp.int32(0), jnp.float32(0)
        (*_, score), _ = jax.lax.scan(one, begin, walk)
        return score

    over_seeds = jax.vmap(life, (None, 0))
    return jax.vmap(over_seeds, (0, None))(settings, walked)


WALKED = walks(SEEDS)


@pytest.mark.parametrize("name", WALKS)
def test_errors_of_the_first_ten_episodes_of_the_random_walk(name):
    make, row = WALKS[name]
    found = np.asarray(errors(make, jnp.float32(SETTINGS), WALKED))
    for setting, expected, scores in zip(SETTINGS, row, found, strict=True):
        if expected == DIVERGES:
            assert not np.median(scores) < 1000, setting
        elif expected < 0.5:
            assert abs(np.mean(scores) - expected) < 0.01, setting
        else:
            # those means and ours are of other walks, whose scatter is over 0.01
            scatter = np.std(scores) * np.sqrt(2 / SEEDS)
            assert abs(np.mean(scores) - expected) < 3 * scatter, setting
