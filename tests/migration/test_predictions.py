"""Predictions of a migrated learner on old events, where each new input is 0."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.components.float32 import holds_integer
from alberta_framework.learners import initial_state

from .learners import SPEC, learned, saved

# Sums of their products are exact here, so that no order of them rounds.
EXACT = {
    "linear": af.LinearLearner(af.Autostep()),
    "td": af.TDLinearLearner(),
    "linear-td": af.LinearTD(),
    "swift": af.SwiftTD(),
    "gradient": af.GradientTD(lamda=0.5),
    "classes": af.SoftmaxLinearLearner(3, af.IDBD()),
    "mlp": af.MLPLearner((3,), af.LMS(0.1), sparsity=0.0),
    "mlp-plain": af.MLPLearner((3,), af.LMS(0.1), use_layer_norm=False, sparsity=0.0),
    "many": af.MultiHeadMLPLearner(3, (3,), af.Autostep(), sparsity=0.0),
    "many-flat": af.MultiHeadMLPLearner(3, (), af.IDBD(), sparsity=0.0),
    "horde": af.HordeLearner(SPEC, (3,), sparsity=0.0),
    "linear-horde": af.LinearHorde(SPEC, 0.1),
    "off-policy-horde": af.OffPolicyHorde(af.GradientTD(lamda=0.5), SPEC),
}
NORMALIZED = {
    "linear": lambda n: af.LinearLearner(af.Autostep(), n),
    "mlp": lambda n: af.MLPLearner((3,), af.LMS(0.1), normalizer=n, sparsity=0.5),
    "many": lambda n: af.MultiHeadMLPLearner(3, (3,), af.Autostep(), normalizer=n, sparsity=0.5),
}


def migrated(folder, learner, state, dim, add):
    path, _ = saved(folder, learner, state, name=f"{dim}-{add}.ckpt")
    names = [str(dim + i) for i in range(add)]
    af.migrate(path, folder / f"{dim}-{add}-new.ckpt", add_inputs=names)
    return af.load_agent(folder / f"{dim}-{add}-new.ckpt")[1]


def predictions(learner, state, rows):
    return np.stack([np.asarray(learner.predict(state, row)) for row in rows])


def with_zeros(rows, add):
    return np.concatenate([rows, np.zeros((len(rows), add), np.float32)], 1)


NETWORKS = {"mlp", "mlp-plain", "many", "many-flat", "horde"}
SIZES = [(name, 4, 2) for name in EXACT]
SIZES += [(name, 40, 1) for name in EXACT if name not in NETWORKS - {"mlp"}]


@pytest.mark.parametrize(("name", "dim", "add"), SIZES)
def test_where_sums_are_exact_predictions_are_so_bit_for_bit(name, dim, add, tmp_path):
    learner = EXACT[name]
    state = learned(learner, dim)
    after = migrated(tmp_path, learner, state, dim, add)
    rows = np.float32(np.random.default_rng(1).integers(-8, 9, (20, dim)))
    assert holds_integer(64 * 200 * 8 * dim)
    before = predictions(learner, state, rows)
    assert predictions(learner, after, with_zeros(rows, add)).tobytes() == before.tobytes()
    # A network draws the weights of new inputs, so that these are seen once they are not 0.
    other = with_zeros(rows, add)
    other[:, dim:] = 1.0
    same = predictions(learner, after, other).tobytes() == before.tobytes()
    assert same is (name not in NETWORKS)


@pytest.mark.parametrize(
    "normalizer", [af.EMANormalizer(clip=10.0), af.WelfordNormalizer()], ids=repr
)
@pytest.mark.parametrize("name", NORMALIZED)
def test_behind_a_normalizer_predictions_differ_by_rounding_at_most(name, normalizer, tmp_path):
    """A new input that is 0 is 0 after it as well. XLA adds products in one order or another by
    their number, and behind a layer norm the last bits of a sum weigh more than at first."""
    learner, rng = NORMALIZED[name](normalizer), np.random.default_rng(0)
    dim, add = 20, 1
    state = initial_state(learner, dim, jax.random.key(0))
    many = name == "many"
    for _ in range(50):
        x = np.float32(rng.normal(size=dim) * 10.0 + 5.0)
        y = np.float32([x[0], x[1], 0.0]) if many else np.float32(x[0] - x[1])
        state = learner.update(state, x, y).state
    after = migrated(tmp_path, learner, state, dim, add)
    rows = np.float32(rng.normal(size=(30, dim)) * 10.0 + 5.0)
    before = predictions(learner, state, rows)
    found = predictions(learner, after, with_zeros(rows, add))
    np.testing.assert_allclose(found, before, rtol=0, atol=1e-4 * np.abs(before).max())
