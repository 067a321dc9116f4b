"""What an episode shows last may be no number: its reward and its end count all the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits

AGENT = af.WithFeatures(
    af.StreamQ(2, af.StreamMLP((4,), 2, sparsity=0.0)),
    af.Pipeline((af.RewardScaler(0.9), af.ObservationNormalizer())),
)


def lived(last):
    """Three episodes of three steps, each shown `last` at its end."""
    state, rewards = AGENT.init(2, jax.random.key(0)), iter(np.arange(1.0, 10.0))
    rejected = 0
    for _ in range(3):
        _, state = AGENT.start(state, jnp.ones(2))
        for step in range(3):
            ends = step == 2
            seen = np.float32(last if ends else [step, -step])
            found = AGENT.act_and_learn(state, next(rewards), seen, ends, False)
            state, rejected = found.state, rejected + int(found.rejected)
    return state.features_state, rejected


@pytest.mark.parametrize("last", [[np.nan, 0.0], [np.inf, np.nan]])
def test_the_scale_of_rewards_does_not_depend_on_what_an_episode_shows_last(last):
    (scaled, seen), rejected = lived(last)
    (expected, _), _ = lived([0.0, 0.0])
    assert rejected == 0
    assert_same_bits(scaled, expected)
    assert int(seen.sample_count) == 3 * 3, "a start and two steps of each episode"
    assert np.all(np.isfinite(seen.mean))
