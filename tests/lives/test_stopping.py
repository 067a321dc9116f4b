"""A life that stops at any chunk, lies on a disk and goes on is the life that did not stop."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.lives import worlds
from tests.trees import named_leaves

STEPS, CHUNK = 96, 16


def linear(epsilon=0.3, **options):
    config = af.SARSAConfig(3, 0.9, epsilon, 0.05, 70)
    options = {"lamda": 0.8, "sparsity": 0.0, "optimizer": af.Autostep(0.05)} | options
    return af.SARSAAgent(config, (), **options)


LIVES = {
    "table": (linear(normalizer=af.EMANormalizer(clip=5.0)), worlds.telling()),
    "cart pole": (
        af.SARSAAgent(
            af.SARSAConfig(2, 0.99, 0.2, 0.05, 60),
            (8,),
            step_size=0.1,
            sparsity=0.5,
            bounder=af.ObGDBounding(),
            normalizer=af.WelfordNormalizer(),
            lamda=0.8,
        ),
        af.CartPole(max_steps=13),
    ),
}
EACH_LIFE = pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)


def without_clock(state):
    learner = state.agent_state.learner_state
    born = np.zeros(np.shape(learner.birth_timestamp))
    learner = learner.replace(birth_timestamp=born, uptime_s=born)
    agent = state.agent_state
    plain = jax.tree.map(
        lambda leaf: (
            jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
        ),
        state.replace(agent_state=agent.replace(learner_state=learner)),
    )
    return plain


def assert_same(found, expected):
    for (path, a), (_, b) in zip(
        named_leaves(without_clock(found)), named_leaves(without_clock(expected)), strict=True
    ):
        assert a.tobytes() == b.tobytes(), path


def on_disk(state, path, template):
    af.save_checkpoint(state, path)
    return af.load_checkpoint(template, path)[0]


@EACH_LIFE
@pytest.mark.parametrize("chunks", range(STEPS // CHUNK + 1))
def test_at_each_chunk(life, chunks, tmp_path):
    key, options = jax.random.key(7), {"chunk_size": CHUNK}
    whole = af.interact(*life, STEPS, key, **options)
    done = chunks * CHUNK
    first = af.interact(*life, done, key, **options)
    # A template of another life: nothing but its structure may matter.
    template = af.interact(*life, 0, jax.random.key(8)).state
    state = on_disk(first.state, tmp_path / "life.ckpt", template)
    second = af.interact(*life, STEPS - done, state=state, **options)
    for name, values in whole.metrics.items():
        parts = [np.asarray(part.metrics[name]) for part in (first, second)]
        assert np.concatenate(parts).tobytes() == np.asarray(values).tobytes(), name
    assert_same(second.state, whole.state)
    assert float(second.reward_rate) == float(whole.reward_rate)
    assert int(second.rejected) == int(whole.rejected)
    # An episode that was under way is told whole by the call in which it ends.
    for name, offset in {"returns": 0, "lengths": 0, "terminated": 0, "ended_at": done}.items():
        parts = getattr(first.episodes, name), getattr(second.episodes, name) + offset
        np.testing.assert_array_equal(np.concatenate(parts), getattr(whole.episodes, name))
    assert second.state.agent_state.step_count + int(second.rejected) == STEPS


@EACH_LIFE
def test_interrupted_between_two_chunks(life, tmp_path):
    """By an error in `after_chunk`, with what it had saved."""
    key, path = jax.random.key(9), tmp_path / "life.ckpt"
    whole = af.interact(*life, STEPS, key, chunk_size=CHUNK)

    def save(done, state):
        af.save_checkpoint(state, path)
        if done == 3 * CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        af.interact(*life, STEPS, key, chunk_size=CHUNK, after_chunk=save)
    template = af.interact(*life, 0, jax.random.key(0)).state
    state, _ = af.load_checkpoint(template, path)
    rest = af.interact(*life, STEPS - 3 * CHUNK, state=state, chunk_size=CHUNK)
    assert_same(rest.state, whole.state)


def test_of_many_lives(tmp_path):
    life = linear(optimizer=af.LMS(0.02)), worlds.telling()
    keys, options = jax.random.split(jax.random.key(1), 3), {"chunk_size": CHUNK}
    whole = af.interact_batched(*life, STEPS, keys, **options)
    first = af.interact_batched(*life, 2 * CHUNK, keys, **options)
    template = af.interact_batched(*life, 0, keys[::-1]).state
    state = on_disk(first.state, tmp_path / "lives.ckpt", template)
    second = af.interact_batched(*life, STEPS - 2 * CHUNK, state=state, **options)
    assert_same(second.state, whole.state)
    for name, values in whole.metrics.items():
        parts = [np.asarray(part.metrics[name]) for part in (first, second)]
        assert np.concatenate(parts, axis=1).tobytes() == np.asarray(values).tobytes(), name


@EACH_LIFE
def test_no_step_and_one_step(life):
    """None changes nothing but begins; one after the other make the life."""
    key = jax.random.key(11)
    nothing = af.interact(*life, 0, key)
    assert all(values.shape == (0,) for values in nothing.metrics.values())
    assert int(nothing.episodes.count) == 0 == nothing.episodes.returns.size
    assert float(nothing.reward_rate) == 0.0 and int(nothing.rejected) == 0
    assert nothing.state.agent_state.step_count == 0
    again = af.interact(*life, 0, state=nothing.state)
    assert_same(again.state, nothing.state)
    state, rewards = nothing.state, []
    whole = af.interact(*life, 30, key, chunk_size=1)
    for _ in range(30):
        one = af.interact(*life, 1, state=state)
        assert all(values.shape == (1,) for values in one.metrics.values())
        state = one.state
        rewards.append(float(one.metrics["reward"][0]))
    assert_same(state, whole.state)
    np.testing.assert_array_equal(rewards, whole.metrics["reward"])


def test_an_agent_goes_on_in_another_world():
    """What it learned comes with it; its life there is a new one."""
    learner = linear()
    first = af.interact(learner, worlds.telling(seed=1), 50, jax.random.key(0)).state
    moved = af.interact(
        learner, worlds.telling(seed=2), 0, jax.random.key(1), state=first.agent_state
    )
    np.testing.assert_array_equal(worlds.table(moved.state), worlds.table(first))
    assert moved.state.agent_state.step_count == 50
    assert int(moved.state.episode_length) == 0 and float(moved.state.episode_return) == 0.0
    np.testing.assert_array_equal(moved.state.environment_state, 0)
    assert not np.asarray(moved.state.agent_state.learner_state.head_traces.w).any()


def test_a_life_that_went_on_is_left_as_it_was():
    learner, where = LIVES["table"]
    state = af.interact(learner, where, 20, jax.random.key(0)).state
    copy = jax.tree.map(lambda leaf: leaf, without_clock(state))
    before = [np.array(leaf) for _, leaf in named_leaves(copy)]
    af.interact(learner, where, 20, state=state)
    after = [leaf for _, leaf in named_leaves(without_clock(state))]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))
    assert eqx.tree_equal(copy, without_clock(state))
