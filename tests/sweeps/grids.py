"""Small sweeps, and the loops that they must equal."""

import jax
import jax.random as jr
import numpy as np

import alberta_framework as af

STEPS, SEEDS = 60, 3
KEYS = jr.split(jr.key(7), SEEDS)
EVERY = af.EveryNth(1)
META = "learner.optimizer.meta_step_size"
INITIAL = "learner.optimizer.initial_step_size"
DRIFT = "stream.drift_rate"

IDBD = af.LinearLearner(af.IDBD(0.05), use_bias=False)
WALK = af.RandomWalkStream(3, drift_rate=0.01)

# A sweep and a loop are other programs, which may contract a product and a sum elsewhere; what the
# steps before left in the weights multiplies it.
ROUNDING = {"rtol": 2e-5, "atol": 2e-6}


def swept(learner=IDBD, stream=WALK, axes=None, **changes):
    """A sweep of every step, over the meta step size if no axes are given."""
    axes = {META: [0.0, 0.01, 0.05]} if axes is None else axes
    arguments = {"num_steps": STEPS, "keys": KEYS, "record": EVERY}
    return af.sweep(learner, stream, axes, **arguments | changes)


def assert_equals(result, loop, name, column):
    """`loop(point)` gives the metrics [seeds, steps, ..., columns] of the point by themselves."""
    for point, values in zip(result.points, result.metrics[name], strict=True):
        np.testing.assert_allclose(values, np.asarray(loop(point))[..., column], **ROUNDING)


def assert_same(one, other):
    assert list(one.metrics) == list(other.metrics)
    for name, values in one.metrics.items():
        np.testing.assert_array_equal(values, other.metrics[name])
    np.testing.assert_array_equal(one.rejected, other.rejected)


def rows(seed=0, steps=STEPS, features=3, columns=2):
    """Recorded observations, what follows them, and targets, some of which are inactive."""
    rng = np.random.default_rng(seed)
    x, following = rng.normal(size=(2, steps, features)).astype(np.float32)
    targets = rng.normal(size=(steps, columns)).astype(np.float32)
    targets[::3, 1] = np.nan
    return jax.tree.map(np.asarray, (x, following, targets))
