"""What a loop on the host writes down, of one life and of copies; and the words of its state."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alberta_framework as af
from alberta_framework.compilation.packing import Packing
from tests.trees import assert_same_bits

pytest.importorskip("gymnasium")
from alberta_framework.environments.gymnasium.log import Lived, Log

NAMES = (("one", ()), ("three", (3,)))
REWARDS = st.floats(width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 3e38, 1.0])
STEP = st.tuples(REWARDS, st.booleans(), st.booleans(), st.booleans(), st.floats(width=32))


@settings(deadline=None)
@given(st.lists(STEP, min_size=1, max_size=40), st.sampled_from([1, 3]), st.sampled_from([None, 4]))
@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
def test_one_life_is_written_down_as_a_single_copy_is(steps, every, window):
    one, copies = Log(None, 5, every, window), Log(1, 5, every, window)
    for i, (reward, terminated, truncated, rejected, metric) in enumerate(steps):
        metrics = np.full(4, metric, np.float32)
        one.note(i, Lived(metrics, reward, terminated, truncated, True, rejected))
        each = (np.array([value]) for value in (reward, terminated, truncated, True, rejected))
        copies.note(i, Lived(metrics[None], *each))
    for name, _ in (*NAMES, ("episode_return", ()), ("episode_length", ()), ("reward", ())):
        found, expected = one.metrics(NAMES)[name], copies.metrics(NAMES)[name]
        np.testing.assert_array_equal(found, expected[0])
    assert_same_bits(one.reward_rate, copies.reward_rate[0])
    assert one.rejected == copies.rejected[0]
    for own, other in zip(
        jax.tree.leaves(one.episodes()), jax.tree.leaves(copies.episodes()), strict=True
    ):
        assert_same_bits(own, other[0])


def test_large_arrays_stay_beside_the_words():
    tree = {"large": jnp.arange(100.0), "key": jr.key(3), "flag": jnp.array([True, False])}
    packing = Packing(tree, most_words=50)
    words, large = packing.pack(tree)
    assert words.shape == (4,) and large is tree["large"]
    found = packing.unpack([words, large])
    assert jnp.array_equal(jr.key_data(found.pop("key")), jr.key_data(tree["key"]))
    assert_same_bits(found, {name: tree[name] for name in found})
    whole = Packing(tree)
    assert whole.pack(tree).shape == (104,) and whole != packing
    assert packing == Packing(tree, most_words=50) and hash(packing) == hash(Packing(tree, 50))


def test_an_agent_with_wide_layers_lives_as_it_does_step_by_step():
    gymnasium = pytest.importorskip("gymnasium")
    agent = af.StreamQ(2, af.StreamMLP((80, 80), 2, sparsity=0.5), epsilon=af.Constant(0.1))
    state = agent.init(4, jr.key(1))
    assert max(leaf.size for leaf in jax.tree.leaves(state)) > 4096
    env = gymnasium.make("CartPole-v1")
    found = af.interact_gymnasium(agent, env, 60, state=state, seed=3)
    observation, _ = env.reset(seed=3)
    action, state = agent.start(state, observation)
    for _ in range(60):
        observation, reward, *ends, _ = env.step(int(action))
        step = agent.act_and_learn(state, reward, observation, *ends)
        action, state = step.action, step.state
        if any(ends):
            action, state = agent.start(state, env.reset()[0])
    # Two programs, whose roundings are their own.
    for own, other in zip(
        jax.tree.leaves(found.state.params), jax.tree.leaves(state.params), strict=True
    ):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)
    assert found.state.step_count == state.step_count == 60
