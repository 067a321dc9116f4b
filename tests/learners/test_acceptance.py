"""One place judges steps: what it accepts, counts and hands back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits


class Level(af.AbstractLearnerState):
    level: jax.Array
    life: af.Lifecycle

    @property
    def feature_dim(self):
        return 1


class Told(af.AbstractState):
    state: Level
    error: jax.Array
    seen: jax.Array
    rejected: jax.Array


class LevelLearner(af.AbstractLearner):
    """Follows its targets, but for negative ones, which it will not have."""

    rate: float = 0.5

    def init(self, feature_dim, key=None):
        return Level(jnp.zeros(()), af.Lifecycle.begin())

    @af.guarded
    def update(self, state, target):
        error = target - state.level
        after = state.replace(level=state.level + self.rate * error)
        told = Told(after, error, jnp.int32(1), jnp.asarray(False))
        return af.Candidate(told, (error, after), acceptable=target >= 0.0)

    @af.guarded
    def learn(self, state, experience):
        error = experience.target[0] - state.level
        after = state.replace(level=state.level + self.rate * error)
        return af.Candidate((after, {"error": error, "seen": jnp.int32(1)}), (error, after))


LEARNER = LevelLearner()


def test_an_accepted_step_counts_and_tells():
    found = LEARNER.update(LEARNER.init(1), 4.0)
    assert (float(found.state.level), float(found.error)) == (2.0, 4.0)
    assert (found.state.step_count, found.state.rejected_count) == (1, 0)
    assert not found.rejected and found.seen == 1


@pytest.mark.parametrize("target", [np.nan, np.inf, -1.0, 3e38])
def test_a_rejected_step_changes_nothing_but_a_count(target):
    before = LEARNER.update(LEARNER.init(1), 4.0).state
    found = LEARNER.update(before, target)
    assert found.rejected and np.isnan(found.error)
    assert found.seen == 1, "an integer cannot be NaN, and stays as it is"
    assert found.state.rejected_count == found.state.rejected_in_a_row == 1
    assert found.state.step_count == 1
    assert_same_bits(found.state.level, before.level)


def test_a_pair_of_state_and_outputs_is_judged_too():
    step = af.TimeStep(jnp.zeros(1), jnp.full(1, jnp.nan))
    state, told = LEARNER.learn(LEARNER.init(1), step)
    assert np.isnan(told["error"]) and told["seen"] == 1
    assert (state.step_count, state.rejected_count, float(state.level)) == (0, 1, 0.0)


def test_lanes_are_judged_apart():
    states = eqx.filter_vmap(lambda _: LEARNER.init(1))(jnp.arange(3))
    found = eqx.filter_vmap(LEARNER.update)(states, jnp.asarray([1.0, np.nan, 2.0]))
    np.testing.assert_array_equal(found.rejected, [False, True, False])
    np.testing.assert_array_equal(found.state.rejected_count, [0, 1, 0])
    np.testing.assert_array_equal(found.state.level, [0.5, 0.0, 1.0])


def test_metrics_are_a_mapping_with_an_order_that_compiled_code_keeps():
    made = af.Metrics({"b": jnp.arange(3.0), "a": jnp.float32(7.0)})
    found = jax.jit(lambda metrics: metrics)(made)
    assert list(found) == ["b", "a"] and len(found) == 2 and "a" in found
    np.testing.assert_array_equal(found.b, found["b"])
    np.testing.assert_array_equal(found.columns(), [[0.0, 7.0], [1.0, 7.0], [2.0, 7.0]])
    with pytest.raises(KeyError, match="no metric 'c'; there are b, a"):
        found["c"]
    with pytest.raises(AttributeError, match="no metric 'c'"):
        _ = found.c


@pytest.mark.parametrize(
    "learner",
    [
        af.LinearLearner(af.IDBD(), normalizer=af.EMANormalizer()),
        af.MLPLearner((4,), af.LMS(0.1)),
    ],
    ids=["linear", "mlp"],
)
def test_columns_are_what_the_documented_loops_return(learner):
    state = learner.init(3, jax.random.key(0))
    step = af.TimeStep(jnp.ones(3), jnp.ones(1))
    outputs = learner.learn(state, step)[1]
    np.testing.assert_array_equal(learner.metrics(outputs).columns(), outputs)


def with_step(give):
    """A learner whose guarded `learn` gives what it makes of a sound candidate."""

    class Wrong(LevelLearner):
        @af.guarded
        def learn(self, state, experience):
            after = state.replace(level=state.level + 1.0)
            return give(state, af.Candidate((after, {"error": jnp.zeros(())}), after))

    return Wrong()


@pytest.mark.parametrize(
    "give, told",
    [
        (lambda state, sound: sound.result, "must return a `Candidate`, got"),
        (lambda state, sound: state, "must return a `Candidate`, got"),
        (lambda state, sound: None, "must return a `Candidate`, got None"),
        (lambda state, sound: af.Candidate(state, state), "has no `state`"),
        (lambda state, sound: af.Candidate((state,), state), "must return a pair"),
        (
            lambda state, sound: af.Candidate((state.replace(level=jnp.zeros(2)), {}), state),
            r"\.level is float32\[2\], not float32\[\]",
        ),
        (
            lambda state, sound: af.Candidate((state.replace(level=jnp.int32(1)), {}), state),
            r"\.level is int32\[\], not float32\[\]",
        ),
    ],
)
def test_what_a_guarded_step_must_give_is_told(give, told, own_components):
    learner = with_step(give)
    step = af.TimeStep(jnp.ones(1), jnp.ones(1))
    for learn in (learner.learn, jax.jit(learner.learn)):
        with pytest.raises(TypeError, match="Wrong: `learn`.*" + told):
            learn(learner.init(1), step)
