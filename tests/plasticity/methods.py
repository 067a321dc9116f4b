"""Every method of plasticity, with numbers at which it acts within a few steps."""

import jax
import numpy as np

import alberta_framework as af

METHODS = {
    "ContinualBackprop": af.ContinualBackprop(0.05, maturity_threshold=5),
    "several at once": af.ContinualBackprop(
        0.3, maturity_threshold=5, max_replacements=3, compensate_bias=False
    ),
    "by chance": af.ContinualBackprop(0.05, maturity_threshold=5, accumulate=False),
    "ReDo": af.ReDo(0.5, 10, compensate_bias=True),
    "SelfNormalizedResets": af.SelfNormalizedResets(0.3, min_silence=2, max_silence=20),
    "L2Init": af.L2Init(0.1, 0.1),
    "ShrinkAndPerturb": af.ShrinkAndPerturb(0.1, 0.1, 0.1),
    "UPGD": af.UPGD(0.1, 0.1, weight_decay=0.1),
    "unprotected": af.UPGD(0.1, 0.1, protecting=False, local=True),
    "AdaptiveUPGD": af.UPGD(0.01, 0.1, adaptive=True),
    "WeightClipping": af.WeightClipping(0.5),
    "HareAndTortoise": af.HareAndTortoise(0.9, 10),
    "reset with it": af.HareAndTortoise(0.9, 10, reset_optimizer=True),
    "SoftReset": af.SoftReset(0.01),
    "SpectralPenalty": af.SpectralPenalty(0.1, 0.1),
    "PlasticityMonitor": af.PlasticityMonitor(4),
    "PlasticityChain": af.PlasticityChain(
        (af.ContinualBackprop(0.05, maturity_threshold=5), af.PlasticityMonitor(4))
    ),
}
DIM = 4


def numbers(tree):
    """The leaves as NumPy arrays, keys by their data."""

    def number(leaf):
        keys = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if keys else leaf)

    return [number(leaf) for leaf in jax.tree.leaves(tree)]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(numbers(one), numbers(other), strict=True))
