"""A key of `jax.random.PRNGKey` is taken wherever a typed one is, and gives the same numbers."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases as streams
from tests.trees import assert_same_bits

STREAM = af.RandomWalkStream(4)
NETWORK = af.MLPLearner((3,))
HEADS = af.MultiHeadMLPLearner(2, (3,))
DEMON = af.GVFSpec("a", af.DemonType.PREDICTION, 0.9, 0.0, -1)
HORDE = af.HordeLearner(af.create_horde_spec([DEMON]))
AGENT = af.SARSAAgent(af.SARSAConfig(2), (3,))
TD = af.RandomWalkChainStream(5)
X, Y = np.ones((6, 4), np.float32), np.ones((6, 2), np.float32)

ONE = {
    **{f"stream {row}": row.build().init for row in streams.SYNTHETIC},
    "scaled": af.ScaledStreamWrapper(STREAM, af.make_scale_range(4)).init,
    "network": lambda key: NETWORK.init(4, key),
    "heads": lambda key: HEADS.init(4, key),
    "horde": lambda key: HORDE.init(4, key),
    "agent": lambda key: AGENT.init(4, key),
    "weights": lambda key: af.sparse_init(key, (3, 8)),
    "choice": lambda key: af.epsilon_greedy((key, key, key), np.ones(4), 0.5),
    "linear loop": lambda key: af.run_learning_loop(af.LinearLearner(), STREAM, 6, key),
    "network loop": lambda key: af.run_mlp_learning_loop(NETWORK, STREAM, 6, key),
    "td loop": lambda key: af.run_td_learning_loop(af.TDLinearLearner(), TD, 6, key),
    "trajectory": lambda key: af.learn_from_trajectory(NETWORK, X, Y[:, :1], key=key),
    "daemon": lambda key: af.Daemon(NETWORK, feature_dim=4, key=key).state,
}
MANY = {
    "linear loops": lambda keys: af.run_learning_loop_batched(af.LinearLearner(), STREAM, 6, keys),
    "network loops": lambda keys: af.run_mlp_learning_loop_batched(NETWORK, STREAM, 6, keys),
    "td loops": lambda keys: af.run_td_learning_loop_batched(af.TDLinearLearner(), TD, 6, keys),
    "heads": lambda keys: af.run_multi_head_learning_loop_batched(HEADS, X, Y, keys),
    "hordes": lambda keys: af.run_horde_learning_loop_batched(HORDE, X, Y[:, :1], X, keys),
    "sweep": lambda keys: af.sweep(af.LinearLearner(), STREAM, {}, num_steps=6, keys=keys).metrics,
}


def plain(tree):
    """Without births and uptimes, and typed keys as their data."""

    def timeless(node):
        if isinstance(node, af.AbstractState) and hasattr(node, "birth_timestamp"):
            return node.replace(birth_timestamp=0.0, uptime_s=0.0)
        return node

    tree = jax.tree.map(timeless, tree, is_leaf=lambda node: hasattr(type(node), "birth_timestamp"))
    return streams.key_data(tree)


@pytest.mark.parametrize("taker", ONE)
def test_a_key_of_the_older_form(taker):
    expected = plain(ONE[taker](jr.key(3)))
    assert_same_bits(plain(ONE[taker](jr.PRNGKey(3))), expected)


@pytest.mark.parametrize("taker", MANY)
def test_keys_of_the_older_form(taker):
    keys = jr.split(jr.PRNGKey(3), 2)
    assert keys.dtype == np.uint32
    expected = MANY[taker](jr.split(jr.key(3), 2))
    assert_same_bits(plain(MANY[taker](keys)), plain(expected))


@pytest.mark.parametrize("taker", MANY)
def test_no_keys(taker):
    for keys in (jr.split(jr.key(0), 0), jr.split(jr.PRNGKey(0), 0)):
        with pytest.raises(ValueError, match="`keys` must hold at least one key, got none"):
            MANY[taker](keys)


def test_older_keys_inside_transformations():
    keys = jr.split(jr.PRNGKey(0), 3)
    ours = jax.jit(jax.vmap(STREAM.init))(keys)
    typed = jax.vmap(STREAM.init)(jr.wrap_key_data(keys))
    assert_same_bits(streams.key_data(ours), streams.key_data(typed))


def test_older_keys_of_another_generator():
    with jax.default_prng_impl("rbg"):
        key = jr.PRNGKey(3)
        assert key.shape == (4,)
        ours, typed = STREAM.init(key), STREAM.init(jr.key(3))
        assert_same_bits(streams.key_data(ours), streams.key_data(typed))


NO_KEYS = [0, None, jnp.zeros(3, np.uint32), jnp.zeros(2, np.int32), np.zeros(2), "key"]


@pytest.mark.parametrize("bad", NO_KEYS, ids=repr)
@pytest.mark.parametrize("taker", ["network", "weights", "choice", "linear loop"])
def test_what_is_no_key_is_named(taker, bad):
    if bad is None and taker == "linear loop":
        pytest.skip("a stream of arrays needs none")
    with pytest.raises(TypeError, match="must be a typed key"):
        ONE[taker](bad)


def test_one_key_is_not_many_and_many_are_not_one():
    for key in (jr.key(0), jr.PRNGKey(0)):
        with pytest.raises(TypeError, match=r"`keys` must be typed keys .* of shape \(lanes,\)"):
            MANY["td loops"](key)
    for keys in (jr.split(jr.key(0)), jr.split(jr.PRNGKey(0))):
        with pytest.raises(TypeError, match=r"`key` must be a typed key .* of shape \(\)"):
            ONE["network loop"](keys)
