"""Learners with something learned, and what a migrated one must have kept."""

import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from alberta_framework.learners import initial_state
from tests.trees import named_leaves

DIM = 4
DEMONS = [
    af.GVFSpec("long", af.DemonType.PREDICTION, 0.9, 0.0, -1),
    af.GVFSpec("now", af.DemonType.PREDICTION, 0.0, 0.0, -1),
    af.GVFSpec("soon", af.DemonType.PREDICTION, 0.5, 0.0, -1),
]
SPEC = af.create_horde_spec(DEMONS)
# Each has three heads, and layers of three units.
WITH_HEADS = {
    "many": af.MultiHeadMLPLearner(3, (3,), af.Autostep(), normalizer=af.EMANormalizer()),
    "many-flat": af.MultiHeadMLPLearner(3, (), af.IDBD(), sparsity=0.0),
    "classes": af.SoftmaxLinearLearner(3, af.IDBD(), af.EMANormalizer()),
    "horde": af.HordeLearner(SPEC, (3,), af.IDBD()),
    "horde-traces": af.HordeLearner(SPEC, (3,), trunk_traces="per_demon", use_layer_norm=False),
    "linear-horde": af.LinearHorde(SPEC, 0.1, "per_demon"),
    "off-policy-horde": af.OffPolicyHorde(af.GradientTD(lamda=0.5), SPEC),
}


def learned(learner, dim=DIM, seed=0):
    """A state whose numbers are all different multiples of 1/64, so that sums of products with
    small integers are exact; keys and counts are as at the start."""
    state = initial_state(learner, dim, jax.random.key(seed))
    rng = np.random.default_rng(seed)

    def drawn(leaf):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return jnp.asarray(np.float32(rng.integers(1, 200, leaf.shape) / 64.0)).astype(leaf.dtype)

    return jax.tree.map(drawn, state)


def saved(folder, learner, state=None, metadata=None, name="old.ckpt"):
    """The path of a checkpoint of a learner, and its state."""
    state = learned(learner) if state is None else state
    af.save_agent(learner, state, folder / name, metadata)
    return folder / name, state


def numbers(state):
    """The leaves by path, keys as their words."""

    def plain(leaf):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(leaf) if is_key else leaf

    return dict(named_leaves(jax.tree.map(plain, state)))


def assert_kept(old, new, fresh, kept, count_before, count_after):
    """Each leaf of `new` is that of `old`, and along axes that are as long as the count before in
    the one and as long as the count after in the other it is that of `old` in the first places,
    those that are `kept` there, and of `fresh` in the others."""
    old, new, fresh = numbers(old), numbers(new), numbers(fresh)
    assert old.keys() == new.keys() == fresh.keys()
    changed = 0
    for path, there in old.items():
        here = new[path]
        if here.shape == there.shape:
            assert here.tobytes() == there.tobytes(), path
            continue
        changed += 1
        assert here.ndim == there.ndim, path
        taken, rest = there, fresh[path].copy()
        for axis, (a, b) in enumerate(zip(there.shape, here.shape, strict=True)):
            if a != b:
                assert (a, b) == (count_before, count_after), path
                taken = np.take(taken, kept, axis)
        rest[tuple(slice(size) for size in taken.shape)] = taken
        assert here.tobytes() == rest.tobytes(), path
    assert changed, "no leaf has an axis that counts them"


def assert_same_life(ours, expected):
    """Bit for bit, keys included."""
    ours, expected = numbers(ours), numbers(expected)
    assert ours.keys() == expected.keys()
    for path, leaf in ours.items():
        assert leaf.tobytes() == expected[path].tobytes(), path
