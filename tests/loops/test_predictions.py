"""What a learner predicted, recorded beside what it learned."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.learners import initial_state
from tests.horde import cases, runs
from tests.horde.cases import CHUNK, DIM
from tests.trees import assert_same_bits, lane

STEPS, SIZE = 24, 3
RNG = np.random.default_rng(5)
X, NEXT = (RNG.normal(size=(STEPS, SIZE)).astype(np.float32) for _ in range(2))
Y = RNG.normal(size=(STEPS, 2)).astype(np.float32)
Y[7] = np.inf  # a rejected step


class LastSeenState(af.AbstractState):
    seen: jax.Array


class LastSeen(af.AbstractLearner):
    """A learner of a user's own."""

    def init(self, feature_dim):
        return LastSeenState(jnp.zeros(feature_dim))

    def predict(self, state, observation):
        return jnp.sum(state.seen * observation)

    def learn(self, state, experience):
        error = experience.target[0] - self.predict(state, experience.observation)
        return LastSeenState(experience.observation), {"error": error}


EXAMPLES = af.ArrayStream(X, Y[:, :1])
LEARNERS = {
    "linear": (af.LinearLearner(af.IDBD(0.05), af.EMANormalizer()), EXAMPLES),
    "network": (af.MLPLearner((4,), af.LMS(0.05), sparsity=0.0), EXAMPLES),
    "own": (LastSeen(), EXAMPLES),
    "td": (
        af.TDLinearLearner(),
        af.TDArrayStream(X, Y[:, 0], NEXT, np.full(STEPS, 0.9, np.float32)),
    ),
    "heads": (
        af.MultiHeadMLPLearner(2, (4,), af.LMS(0.05), sparsity=0.0),
        af.RecordedStream(af.MultiHeadStep(jnp.asarray(X), jnp.asarray(Y))),
    ),
}


def begun(learner, key=2):
    return initial_state(learner, SIZE, jr.key(key))


def plainly(learner, stream, state):
    """Predict, then learn, step by step."""
    drawn, _ = stream.rollout(stream.init(jr.key(0)), STEPS)
    learn, found = jax.jit(learner.learn), []
    for i in range(STEPS):
        step = jax.tree.map(lambda a, i=i: a[i], drawn)
        found.append(np.asarray(learner.predict(state, step.observation)))
        state, _ = learn(state, step)
    return np.stack(found)


def driven(learner, stream, state, recorders, **options):
    start = {"state": state, "stream_state": stream.init(jr.key(0))}
    return af.drive(learner, stream, STEPS, recorders=recorders, **start, **options)


@pytest.mark.parametrize("name", LEARNERS)
def test_predictions_are_those_of_the_plain_loop(name):
    learner, stream = LEARNERS[name]
    state = begun(learner)
    expected = plainly(learner, stream, state)
    recorders = af.PredictionTracking(), af.PredictionTracking(5)
    found = driven(learner, stream, state, recorders, chunk_size=10)
    (after, _), outputs, (every, some) = found
    assert every.predictions.shape == expected.shape and np.ptp(expected) > 0.1
    # Compiled in one loop and step by step, sums of products round differently.
    np.testing.assert_allclose(every.predictions, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(every.recording_indices, np.arange(STEPS))
    np.testing.assert_array_equal(some.predictions, every.predictions[::5])
    np.testing.assert_array_equal(some.recording_indices, np.arange(0, STEPS, 5))
    (alone, _), quiet, _ = driven(learner, stream, state, (), chunk_size=10)
    for a, b in zip(
        jax.tree.leaves((after, outputs)), jax.tree.leaves((alone, quiet)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_errors_are_taken_from_what_is_recorded():
    learner, stream = LEARNERS["linear"]
    _, metrics, (found,) = driven(learner, stream, begun(learner), (af.PredictionTracking(),))
    learned = np.arange(STEPS) != 7
    expected = Y[:, 0] - np.ravel(found.predictions)
    np.testing.assert_allclose(metrics[learned, 1], expected[learned], rtol=1e-5, atol=1e-6)
    assert np.isnan(metrics[7, 1]) and np.isfinite(found.predictions[7]).all()


@pytest.mark.parametrize("lanes", [3, 20])
def test_every_lane_has_its_own(lanes):
    learner, stream = LEARNERS["linear"]
    scales = np.linspace(0.0, 1.0, lanes, dtype=np.float32)
    one = begun(learner)
    states = jax.tree.map(lambda a: jnp.stack([a] * lanes), one)
    states = states.replace(weights=states.weights + scales[:, None])
    shared = af.Lanes(shared_stream=True)
    (_, _), _, (found,) = driven(learner, stream, states, (af.PredictionTracking(),), lanes=shared)
    for i in (0, lanes - 1):
        alone = plainly(learner, stream, lane(states, i))
        np.testing.assert_allclose(found.predictions[i], alone, rtol=1e-4, atol=1e-6)


HORDE = cases.horde(hidden_sizes=(), optimizer=af.Autostep(0.05), bounder=None)
ARGUMENTS = {
    "observations": "observation",
    "cumulants": "cumulants",
    "next_observations": "next_observation",
}


def test_a_horde_s_predictions_are_those_its_updates_report():
    given = cases.transitions(seed=1)
    state = HORDE.init(DIM, jr.key(3))
    _, updates = runs.run(HORDE, state, **given)
    rows = {name: given[of] for name, of in ARGUMENTS.items()}
    rows |= {name: v for name, v in given.items() if name not in ARGUMENTS.values()}
    tracking = af.PredictionTracking()
    result = af.run_horde_learning_loop(HORDE, state, **rows, prediction_tracking=tracking)
    np.testing.assert_allclose(
        result.prediction_history.predictions, updates.predictions, rtol=1e-5, atol=1e-6
    )
    plain = af.run_horde_learning_loop(HORDE, state, **rows)
    assert plain.prediction_history is None
    np.testing.assert_allclose(result.td_errors, plain.td_errors, rtol=1e-5, atol=1e-6)
    keys = jr.split(jr.key(4), 2)
    batched = af.run_horde_learning_loop_batched(
        HORDE, **rows, keys=keys, prediction_tracking=af.PredictionTracking(3), record_window=5
    )
    history = batched.prediction_history
    assert history.predictions.shape[:2] == (2, -(-CHUNK // 3))
    for i, key in enumerate(keys):
        alone = af.run_horde_learning_loop(
            HORDE, HORDE.init(DIM, key), **rows, prediction_tracking=tracking
        )
        np.testing.assert_allclose(
            history.predictions[i],
            alone.prediction_history.predictions[::3],
            rtol=1e-4,
            atol=1e-6,
        )
    assert_same_bits(history.recording_indices[0], history.recording_indices[1])


def test_what_predicts_nothing_is_refused():
    class Silent(af.AbstractLearner):
        def init(self, feature_dim):
            return LastSeenState(jnp.zeros(feature_dim))

        def learn(self, state, experience):
            return state, {"target": experience.target[0]}

    with pytest.raises(TypeError, match="PredictionTracking: the learner must have `predict"):
        driven(Silent(), EXAMPLES, begun(LastSeen()), (af.PredictionTracking(),))
    rows = dict.fromkeys(("observations", "next_observations"), X)
    state = HORDE.init(SIZE, jr.key(3))
    with pytest.raises(TypeError, match="must be a PredictionTracking or None, got 3"):
        af.run_horde_learning_loop(HORDE, state, cumulants=None, **rows, prediction_tracking=3)
    for bad in (0, -1, 1.5, True):
        with pytest.raises((TypeError, ValueError), match="interval"):
            af.PredictionTracking(bad)
