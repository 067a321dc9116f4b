"""What ran away without a guard, and what is told of a learner that rejects."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_finite

EVENTS = 1000
GUARDS = {"max_effective_step": 0.5, "max_log_step_change": 2.0}


def far_targets(seed=0):
    """y = 50 + 20 x."""
    x = np.float32(np.random.default_rng(seed).normal(size=(EVENTS, 1)))
    return x, 50 + 20 * x


def fed(learner, state, x, y):
    stream = af.ArrayStream(x, y)
    return af.run_learning_loop(learner, stream, len(x), jax.random.key(0), learner_state=state)


@pytest.mark.parametrize("normalizer", [None, af.EMANormalizer(), af.WelfordNormalizer()], ids=repr)
def test_what_ran_away_lives_under_guards(normalizer):
    """Every event is learned or counted, and nothing that is kept is not finite."""
    x, y = far_targets()
    wild = af.LinearLearner(af.IDBD(), normalizer)
    state, _ = fed(wild, wild.init(1), x, y)
    assert state.rejected_count > 100 and abs(float(state.bias)) > 1e30
    assert state.rejected_count + state.step_count == EVENTS
    assert_finite(state)
    guarded = af.LinearLearner(af.IDBD(**GUARDS), normalizer)
    state, metrics = fed(guarded, guarded.init(1), x, y)
    assert state.rejected_count == 0 == state.rejected_in_a_row
    # The variance of the targets is 400.
    assert np.asarray(metrics[-200:, 0]).mean() < 300.0


@pytest.mark.parametrize("optimizer", [af.Autostep(), af.IDBD(**GUARDS)], ids=repr)
def test_one_feature_of_hundreds_of_thousands(optimizer):
    """736,389 goes with 43."""
    learner = af.LinearLearner(optimizer)
    state = learner.init(1)
    for i in range(60):
        result = learner.update(state, np.float32([736389.0 + i]), 43.0)
        assert not result.rejected
        state = result.state
    assert abs(float(learner.predict(state, np.float32([736400.0]))[0]) - 43.0) < 1.0


def learners():
    horde = af.create_horde_spec([af.GVFSpec("one", af.DemonType.PREDICTION, 0.9, 0.0, -1)])
    small = {"sparsity": 0.0}
    x, z = np.float32([1.0, -1.0]), np.float32([0.5, 0.5])
    bad, key = np.float32([1.0, np.nan]), jax.random.key(0)
    heads = np.float32([1.0])
    return {
        "linear": (af.LinearLearner(), (), lambda n, s, o: n.update(s, o, 1.0)),
        "td": (af.TDLinearLearner(), (), lambda n, s, o: n.update(s, o, 1.0, z, 0.9)),
        "mlp": (af.MLPLearner((3,), **small), (key,), lambda n, s, o: n.update(s, o, 1.0)),
        "heads": (
            af.MultiHeadMLPLearner(1, (3,), **small), (key,), lambda n, s, o: n.update(s, o, heads)
        ),
        "horde": (
            af.HordeLearner(horde, (3,), **small), (key,), lambda n, s, o: n.update(s, o, heads, z)
        ),
        "sarsa": (
            af.SARSAAgent(af.SARSAConfig(2), (3,), **small),
            (key,),
            lambda n, s, o: n.update(
                s.replace(last_action=jnp.int32(0), last_observation=jnp.asarray(z)),
                1.0, o, False, 1,
            ),
        ),
    }, x, bad  # fmt: skip


@pytest.mark.parametrize("kind", ["linear", "td", "mlp", "heads", "horde", "sarsa"])
def test_rejections_in_a_row(kind):
    """Counted since the last accepted step, through a loop of ups and downs."""
    table, good, bad = learners()
    learner, key, update = table[kind]
    state, row, rejected, steps = learner.init(2, *key), 0, 0, 0
    for fine in [1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1]:
        state = update(learner, state, good if fine else bad).state
        row = 0 if fine else row + 1
        rejected, steps = rejected + (not fine), steps + fine
        found = state.rejected_in_a_row, state.rejected_count, state.step_count
        assert found == (row, rejected, steps)
        assert all(type(count) is int for count in found)


def test_rejections_in_a_row_beyond_32_bits():
    learner = af.LinearLearner()
    state = learner.init(1).replace(rejected_in_a_row=2**32 - 1, rejected_count=2**53)
    state = learner.update(state, np.float32([np.nan]), 1.0).state
    assert (state.rejected_in_a_row, state.rejected_count) == (2**32, 2**53 + 1)
    state = learner.update(state, np.float32([1.0]), 1.0).state
    assert (state.rejected_in_a_row, state.rejected_count) == (0, 2**53 + 1)


def test_rejections_in_a_row_of_each_lane():
    learner = af.LinearLearner()
    states = jax.vmap(lambda _: learner.init(1))(jnp.arange(3))
    x = np.float32([[1.0], [np.nan], [np.inf]])
    update = jax.vmap(lambda s, o: learner.update(s, o, 1.0).state)
    for count in (1, 2, 3):
        states = update(states, x)
        np.testing.assert_array_equal(states.rejected_in_a_row, [0, count, count])


@pytest.mark.parametrize("kind", [af.EMANormalizer, af.WelfordNormalizer], ids=["ema", "welford"])
def test_clip_against_float64(kind):
    """The statistics are those of the raw values; what is given out stays within the clip."""
    rng = np.random.default_rng(4)
    x = np.float32(rng.standard_t(1.5, size=(60, 2)) * [1.0, 1e4] + [0.0, 1e5])
    clipped, free = kind(clip=1.5), kind()
    a, b, outside = clipped.init(2), free.init(2), 0
    mean, var, squares = np.zeros(2), np.ones(2), np.zeros(2)
    for n, row in enumerate(np.float64(x), start=1):
        out, a = clipped.normalize(a, np.float32(row))
        _, b = free.normalize(b, np.float32(row))
        if kind is af.EMANormalizer:
            r = max(0.01, 1 / (n + 1))
            d = row - mean
            mean, var = mean + r * d, np.maximum((1 - r) * (var + r * d * d), 1e-8)
        else:
            d = row - mean
            mean = mean + d / n
            squares = squares + d * (row - mean)
            var = squares / (n - 1) if n > 1 else np.ones(2)
        whole = (row - mean) / (np.sqrt(var) + 1e-8)
        outside += int((np.abs(whole) > 1.5).sum())
        np.testing.assert_allclose(out, np.clip(whole, -1.5, 1.5), rtol=2e-4, atol=2e-4)
        for name in ("mean", "var"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6)
    assert outside > 5
