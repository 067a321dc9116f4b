"""`predict` tells what `update` would, whatever came before: rejected steps, ends, other lives.

The state in which both are asked is built by hand from sequences that are refused in part; the
prediction of `update` is taken back from its error where it is not told.
"""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

DIM, STEPS = 3, 16
MODES = ("included", "current")
NORMALIZERS = [
    None,
    *(
        kind(predict_with=mode, clip=clip)
        for kind, mode, clip in itertools.product(
            (af.EMANormalizer, af.WelfordNormalizer), MODES, (None, 0.5)
        )
    ),
]
DEMONS = [
    af.GVFSpec("next", af.DemonType.PREDICTION, 0.0, 0.0, -1),
    af.GVFSpec("soon", af.DemonType.PREDICTION, 0.8, 0.5, -1),
]
PARTS = {"sparsity": 0.0, "bounder": af.ObGDBounding()}


@dataclasses.dataclass(frozen=True)
class Asked:
    """`learn(learner, state, x, y, next_x)` gives the state after, and what it predicted."""

    build: object
    learn: object
    predict: object = lambda learner, state, x: learner.predict(state, x)
    keyed: bool = True

    def begin(self, learner):
        return learner.init(DIM, jax.random.key(3)) if self.keyed else learner.init(DIM)


def example(learner, state, x, y, next_x):
    result = learner.update(state, x, y)
    return result.state, result.prediction, result.rejected


def transition(learner, state, x, y, next_x):
    result = learner.update(state, x, y, next_x, 0.9)
    return result.state, result.prediction, result.rejected


def heads(learner, state, x, y, next_x):
    result = learner.update(state, x, jnp.stack([y, jnp.float32(jnp.nan)]))
    return result.state, result.predictions, result.rejected


def demons(learner, state, x, y, next_x):
    result = learner.update(state, x, jnp.stack([y, -y]), next_x)
    return result.state, result.predictions, result.rejected


ASKED = {
    "linear": Asked(lambda n: af.LinearLearner(af.IDBD(), n), example, keyed=False),
    "td": Asked(
        lambda n: af.TDLinearLearner(af.AutoTDIDBD(trace_decay=0.8), n), transition, keyed=False
    ),
    "mlp": Asked(
        lambda n: af.MLPLearner((5,), normalizer=n, lamda=0.5, gamma=0.9, **PARTS), example
    ),
    "heads": Asked(lambda n: af.MultiHeadMLPLearner(2, (5,), normalizer=n, **PARTS), heads),
    "flat heads": Asked(
        lambda n: af.MultiHeadMLPLearner(2, (), af.LMS(0.01), normalizer=n, sparsity=0.0), heads
    ),
    "linear, targets in scale": Asked(
        lambda n: af.LinearLearner(af.Autostep(), n, target_normalizer=af.WelfordNormalizer()),
        example,
        keyed=False,
    ),
    "mlp, targets in scale": Asked(
        lambda n: af.MLPLearner((5,), normalizer=n, target_normalizer=af.EMANormalizer(), **PARTS),
        example,
    ),
    "heads, targets in scale": Asked(
        lambda n: af.MultiHeadMLPLearner(
            2, (5,), normalizer=n, target_normalizer=af.EMANormalizer(), **PARTS
        ),
        heads,
    ),
    "horde": Asked(
        lambda n: af.HordeLearner(af.create_horde_spec(DEMONS), (5,), normalizer=n, **PARTS), demons
    ),
}


def experience():
    """Ordinary, huge, tiny, constant, and what is refused: NaN, infinities, out of range."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS + 1, DIM)) * [1.0, 100.0, 1e-3] + [0.0, 1e3, 0.0]
    x[3], x[4, 1], x[7], x[9, 0], x[11:13] = np.nan, np.inf, 1e30, -np.inf, [1.0, 1e3, 0.0]
    y = rng.normal(size=STEPS)
    y[[2, 13]] = np.nan, np.inf
    return np.float32(x), np.float32(y)


def same(told, used):
    return np.asarray(told).tobytes() == np.asarray(used).tobytes()


@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=repr)
@pytest.mark.parametrize("kind", ASKED)
def test_bit_for_bit(kind, normalizer):
    asked, (x, y) = ASKED[kind], experience()
    learner = asked.build(normalizer)
    state, accepted, refused, differing = asked.begin(learner), 0, 0, 0
    mode = getattr(normalizer, "predict_with", "included")
    for t in range(STEPS):
        told = asked.predict(learner, state, x[t])
        again = asked.predict(learner, state, x[t])
        assert same(told, again)
        # Whatever comes with it, the label does not matter.
        after, used, rejected = asked.learn(learner, state, x[t], y[t], x[t + 1])
        if bool(rejected):
            refused += 1
            state = after
            continue
        accepted += 1
        if mode == "included":
            assert same(told, used), t
            _, other, _ = asked.learn(learner, state, x[t], np.float32(-7.0), x[t + 1])
            assert same(told, other), t
        else:
            plain = asked.build(None)
            seen = normalizer.normalize_only(state.normalizer_state, x[t])
            expected = asked.predict(plain, state.replace(normalizer_state=None), seen)
            # Two programs: float32 sums of the same terms.
            np.testing.assert_allclose(told, expected, rtol=1e-4, atol=1e-5)
            differing += not same(told, used)
        state = after
    assert refused >= 3 and accepted >= 6
    assert mode == "included" or differing >= 3


@pytest.mark.parametrize("normalizer", NORMALIZERS[1:], ids=repr)
def test_clipped_inputs(normalizer):
    """Those of `update` and `predict`, and of the next observation of a transition."""
    if normalizer.clip is None:
        normalizer = type(normalizer)(predict_with=normalizer.predict_with, clip=3.0)
    learner = af.TDLinearLearner(af.TDIDBD(0.01, 0.0), normalizer, use_bias=False)
    rng = np.random.default_rng(1)
    state = learner.init(DIM)
    for _ in range(20):
        x, other = np.float32(rng.normal(size=(2, DIM)))
        state = learner.update(state, x, 1.0, other, 0.9).state
    state = state.replace(weights=jnp.ones(DIM))
    far = np.float32([1e6, 0.0, 0.0])
    seen = normalizer.normalize_only(state.normalizer_state, far)
    limit = float(normalizer.clip)
    assert float(jnp.abs(seen).max()) <= limit and float(seen[0]) == limit
    assert abs(float(learner.predict(state, far)[0])) <= DIM * limit
    x = np.zeros(DIM, np.float32)
    error = float(learner.update(state, x, 0.0, far, 1.0).td_error[0])
    assert abs(error) <= 2 * DIM * limit * (1 + 1e-6)


def test_two_thousand_constant_inputs():
    """A prediction of another size than the targets would come from statistics without x."""
    for normalizer in (af.EMANormalizer(), af.WelfordNormalizer()):
        learner = af.LinearLearner(af.LMS(0.01), normalizer)
        x = np.zeros((2000, 1), np.float32)
        stream = af.ArrayStream(x, np.full((2000, 1), 6.4, np.float32))
        state, _ = af.run_learning_loop(learner, stream, 2000, jax.random.key(0))
        told = learner.predict(state, np.float32([1.0]))
        assert same(told, learner.update(state, np.float32([1.0]), 0.0).prediction)
        assert abs(float(told[0])) < 100.0
