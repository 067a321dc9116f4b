"""`predict` is what `update` would have predicted: bit for bit, behind every normalizer."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

STEPS = 30
NORMALIZERS = [
    af.EMANormalizer(),
    af.WelfordNormalizer(),
    af.EMANormalizer(decay=0.9, clip=2.0),
    af.WelfordNormalizer(clip=10.0),
]
SPEC = af.create_horde_spec(
    [
        af.GVFSpec("long", af.DemonType.PREDICTION, 0.9, 0.0, -1),
        af.GVFSpec("now", af.DemonType.PREDICTION, 0.0, 0.0, -1),
    ]
)
NETWORK = {"bounder": af.ObGDBounding(), "sparsity": 0.5}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A learner of the library: how to make one, to begin, and what an update is given and tells.

    `predictions(learner, state, x, next_x, y)` is the next state and what the update predicted, or
    None if it was rejected.
    """

    name: str
    build: object
    predictions: object
    predict: object = lambda learner, state, x: learner.predict(state, x)
    begin: object = lambda learner, dim: learner.init(dim)

    def __str__(self):
        return self.name


def with_key(learner, dim):
    return learner.init(dim, jax.random.key(0))


def linear(learner, state, x, next_x, y):
    result = learner.update(state, x, y)
    return result.state, None if result.rejected else result.prediction


def td(learner, state, x, next_x, y):
    result = learner.update(state, x, y, next_x, 0.9)
    return result.state, None if result.rejected else result.prediction


def many(learner, state, x, next_x, y):
    result = learner.update(state, x, np.float32([y, np.nan, -y]))
    return result.state, None if result.rejected else result.predictions


def classes(learner, state, x, next_x, y):
    result = learner.update(state, x, int(abs(y)) % 3)
    return result.state, None if result.rejected else result.predictions


def shares(learner, state, x, next_x, y):
    """Probabilities, now and then of the second class alone."""
    targets = np.float32([0.0, 1.0, 0.0]) if y > 1 else np.float32([np.nan, abs(y) / 3, np.nan])
    result = learner.update(state, x, targets)
    return result.state, None if result.rejected else result.predictions


def horde(learner, state, x, next_x, y):
    result = learner.update(state, x, np.float32([y, 1.0]), next_x)
    return result.state, None if result.rejected else result.predictions


def sarsa(agent, state, x, next_x, y):
    """With reward 0 and an end, the TD error is 0 minus the value that was learned."""
    pending = state.replace(last_action=jnp.int32(1), last_observation=jnp.asarray(x))
    result = agent.update(pending, 0.0, next_x, True, 0)
    told = None if result.rejected else 0.0 - np.asarray(result.td_error)
    return result.state.replace(last_action=jnp.int32(-1)), told


def value_of_action(agent, state, x):
    return agent.horde.predict(state.learner_state, x)[1]


KINDS = [
    Kind("linear", lambda n: af.LinearLearner(af.LMS(0.05), n), linear),
    Kind(
        "linear-autostep", lambda n: af.LinearLearner(af.Autostep(), n, af.ObGDBounding()), linear
    ),
    Kind("td", lambda n: af.TDLinearLearner(af.TDIDBD(trace_decay=0.5), n), td),
    Kind("mlp", lambda n: af.MLPLearner((8,), normalizer=n, **NETWORK), linear, begin=with_key),
    Kind(
        "mlp-deep",
        lambda n: af.MLPLearner(
            (6, 4), af.Autostep(), normalizer=n, use_layer_norm=False, **NETWORK
        ),
        linear,
        begin=with_key,
    ),
    Kind("mlp-flat", lambda n: af.MLPLearner((), normalizer=n, **NETWORK), linear, begin=with_key),
    Kind(
        "many",
        lambda n: af.MultiHeadMLPLearner(3, (8,), af.Autostep(), normalizer=n, **NETWORK),
        many,
        begin=with_key,
    ),
    Kind(
        "many-flat",
        lambda n: af.MultiHeadMLPLearner(3, (), normalizer=n, **NETWORK),
        many,
        begin=with_key,
    ),
    *(
        Kind(
            f"many-{name}",
            lambda n, loss=loss, sizes=sizes: af.MultiHeadMLPLearner(
                3, sizes, af.LMS(0.1), normalizer=n, loss=loss, **NETWORK
            ),
            shares,
            begin=with_key,
        )
        for name, loss, sizes in (
            ("softmax", "softmax", (8,)),
            ("softmax-flat", "softmax", ()),
            ("logistic", "logistic", (8,)),
            ("mixed", ("squared", "logistic", "logistic"), (8,)),
        )
    ),
    Kind("classes", lambda n: af.SoftmaxLinearLearner(3, af.LMS(0.1), n), classes),
    Kind(
        "classes-autostep",
        lambda n: af.SoftmaxLinearLearner(3, af.Autostep(), n, af.ObGDBounding()),
        classes,
    ),
    Kind(
        "horde",
        lambda n: af.HordeLearner(SPEC, (8,), normalizer=n, **NETWORK),
        horde,
        begin=with_key,
    ),
    Kind(
        "sarsa",
        lambda n: af.SARSAAgent(af.SARSAConfig(2), (8,), normalizer=n, **NETWORK),
        sarsa,
        value_of_action,
        with_key,
    ),
]


def hostile(dim):
    """Sequences of observations by name."""
    rng = np.random.default_rng(dim)
    ordinary = rng.normal(size=(STEPS, dim)) * 10 ** rng.uniform(-2, 3, dim) + 100.0
    jump = np.zeros((STEPS, dim))
    jump[STEPS // 2 :] = 1.0
    jump[-3:, 0] = 1e4
    rare = rng.normal(size=(STEPS, dim))
    rare[:, 0] = np.arange(STEPS) % 10 == 9
    sizes = 10 ** rng.uniform(-30, 30, (STEPS, dim)) * rng.choice([-1, 1], (STEPS, dim))
    bad = rng.normal(size=(STEPS, dim))
    bad[5, 0], bad[10], bad[15], bad[20, 0] = np.nan, 1e30, 1e-30, np.inf
    named = {"ordinary": ordinary, "jump": jump, "rare": rare, "sizes": sizes, "bad": bad}
    return {name: np.float32(rows) for name, rows in named.items()}


def bits(values):
    return np.asarray(values, np.float32).tobytes()


def assert_predicts_as_it_updates(kind, normalizer, dim):
    learner = kind.build(normalizer)
    begun, accepted = kind.begin(learner, dim), 0
    for name, rows in hostile(dim).items():
        state = begun
        for t in range(STEPS - 1):
            told = kind.predict(learner, state, rows[t])
            y = np.float32(3.0 * np.sin(t))
            state, used = kind.predictions(learner, state, rows[t], rows[t + 1], y)
            if used is None:
                continue
            accepted += 1
            assert bits(told) == bits(used), f"{name} at {t}: {told} against {used}"
    assert accepted > 3 * STEPS


@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=repr)
@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
def test_linear_learners_predict_as_they_update(kind, normalizer):
    assert_predicts_as_it_updates(kind, normalizer, 3)


@pytest.mark.parametrize("normalizer", NORMALIZERS[1:3], ids=repr)
@pytest.mark.parametrize("kind", KINDS[3:], ids=str)
def test_networks_and_agents_predict_as_they_update(kind, normalizer):
    assert_predicts_as_it_updates(kind, normalizer, 3)


@pytest.mark.parametrize("dim", [1, 20, 300])
@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.name in ("linear", "td", "mlp", "many")], ids=str
)
def test_the_number_of_features_does_not_matter(kind, dim):
    """Compilers sum products in one way or another by their number."""
    assert_predicts_as_it_updates(kind, af.EMANormalizer(clip=3.0), dim)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.name in ("linear", "mlp")], ids=str)
def test_current_statistics_predict_with_what_was_learned(kind):
    """As the reference implementation does: the observation itself does not enter."""
    rows, y = hostile(3)["ordinary"], np.float32(1.0)
    learner = kind.build(af.EMANormalizer(predict_with="current"))
    plain = kind.build(None)
    state = kind.begin(learner, 3)
    for t in range(5):
        state = learner.update(state, rows[t], y).state
    x = learner.normalizer.normalize_only(state.normalizer_state, rows[9])
    expected = plain.predict(state.replace(normalizer_state=None), x)
    np.testing.assert_allclose(learner.predict(state, rows[9]), expected, rtol=1e-5)
    other = learner.update(state, rows[9], y).prediction
    assert np.abs(np.asarray(other - expected)) > 1e-3 * np.abs(np.asarray(expected))


@pytest.mark.parametrize("normalizer", NORMALIZERS[:2], ids=repr)
def test_a_prediction_says_where_the_observation_is_out_of_range(normalizer):
    """Its update would be rejected."""
    learner = af.LinearLearner(normalizer=normalizer)
    state = learner.init(2)
    for x in ([1.0, 2.0], [2.0, -1.0]):
        state = learner.update(state, x, 1.0).state
    assert np.isfinite(learner.predict(state, [3.0, 0.0])[0])
    for bad in ([1e30, 0.0], [np.nan, 0.0], [0.0, -np.inf]):
        assert np.isnan(learner.predict(state, bad)[0])
        assert learner.update(state, bad, 1.0).rejected


def test_a_rare_event_is_predicted_in_the_size_of_its_targets():
    """y = 2 rare + x: at most ten times any target seen, where it was a thousand times."""
    learner = af.LinearLearner(af.Autostep(), normalizer=af.EMANormalizer())
    rng = np.random.default_rng(0)
    rare = np.arange(3000) % 1500 == 1499
    x = np.float32(np.stack([rare, rng.normal(size=3000)], 1))
    y = np.float32(2.0 * rare + x[:, 1])[:, None]
    state, _ = af.run_learning_loop(
        learner, af.ArrayStream(x[:-1], y[:-1]), 2999, jax.random.key(0)
    )
    assert abs(float(learner.predict(state, x[-1])[0])) <= 20.0
