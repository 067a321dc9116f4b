"""A learner of a user's own goes through every door, with no word of it in the library."""

import json
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

from ..trees import assert_leaves_close, assert_same_bits
from .own import NLMSLearner, TDTable, TDTableState

KEY = jax.random.key(0)
STREAM, CHAIN = af.RandomWalkStream(3), af.RandomWalkChainStream(5)
STEPS = 40
# With and without a life, of examples and of transitions, with weights at zero and drawn.
DOORS = {"nlms": (NLMSLearner(), STREAM), "td": (TDTable(), CHAIN)}
SQUARED = {"nlms": "squared_error", "td": "squared_td_error"}
DAEMON = {"nlms": {}, "td": {"gamma": 0.9}}


@pytest.fixture(params=DOORS)
def kind(request):
    return request.param


def initial(learner, dim=3, key=KEY):
    return learner.init(dim, key) if isinstance(learner, TDTable) else learner.init(dim)


def by_hand(learner, state, stream, stream_state, steps=STEPS):
    """A Python loop: the last state, and the metrics by name."""
    learn, rows = jax.jit(learner.learn), []
    for _ in range(steps):
        experience, stream_state = stream.step(stream_state, 0)
        state, metrics = learn(state, experience)
        rows.append(metrics)
    return state, {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def same_run(found, expected):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6)


def timeless(state):
    return state.replace(birth_timestamp=0.0, uptime_s=0.0) if hasattr(state, "life") else state


def test_drive(kind):
    learner, stream = DOORS[kind]
    state, start = initial(learner, stream.feature_dim), stream.init(KEY)
    (after, _), metrics, _ = af.drive(learner, stream, STEPS, state=state, stream_state=start)
    expected, rows = by_hand(learner, state, stream, start)
    assert set(metrics) == set(rows)
    same_run(metrics, rows)
    assert_leaves_close(timeless(after), timeless(expected))


def test_the_documented_loop_of_a_stream():
    state, metrics = af.run_learning_loop(NLMSLearner(), STREAM, STEPS, KEY)
    _, rows = by_hand(NLMSLearner(), initial(NLMSLearner()), STREAM, STREAM.init(KEY))
    same_run(metrics, rows)
    assert (state.step_count, state.rejected_count) == (STEPS, 0)
    assert state.uptime_s > 0.0
    lanes = af.run_learning_loop_batched(NLMSLearner(), STREAM, STEPS, jnp.stack([KEY, KEY]))
    same_run({name: values[1] for name, values in lanes.metrics.items()}, rows)


def test_experience_that_it_does_not_learn_from_is_refused():
    with pytest.raises(TypeError, match="NLMSLearner learns from a TimeStep, but RandomWalkChain"):
        af.run_learning_loop(NLMSLearner(), CHAIN, STEPS, KEY)


def test_sweep(kind):
    learner, stream = DOORS[kind]
    result = af.sweep(
        learner,
        stream,
        {"learner.step_size": [0.05, 0.1]},
        num_steps=STEPS,
        keys=jax.random.split(KEY, 2),
        record=af.EveryNth(1),
    )
    key, own_key = jax.random.split(KEY, 2)[1], None
    if learner.draws_weights:
        key, own_key = jax.random.split(key)
    state = initial(learner, stream.feature_dim, own_key)
    _, rows = by_hand(learner, state, stream, stream.init(key))
    same_run({name: result.metrics[name][1, 1] for name in rows}, rows)
    assert result.chosen_metric() == SQUARED[kind]


def test_comparison(kind):
    learner, stream = DOORS[kind]
    ours = af.Contender(learner, {"step_size": [0.05, 0.1]})
    theirs = af.LinearLearner(af.IDBD()) if kind == "nlms" else af.TDLinearLearner()
    result = af.run_comparison(
        af.Comparison("c", stream, {"Own": ours, "Theirs": theirs}, STEPS, STEPS, 10, 2)
    )
    assert result.scores("Own").shape == (2, 2)
    assert result.learners["Own"].step_sizes is None
    assert result.learners["Theirs"].step_sizes.shape[-1] == stream.feature_dim
    own_key = jax.random.split(jax.random.key(0))[1]
    state = initial(learner, stream.feature_dim, own_key)
    _, rows = by_hand(learner, state, stream, stream.init(jax.random.key(0)))
    np.testing.assert_allclose(result.scores("Own")[1, 0], rows[SQUARED[kind]].mean(), rtol=1e-4)


def test_comparison_by_the_error_of_its_values():
    comparison = af.Comparison("v", CHAIN, {"Own": TDTable()}, 400, 40, 40, 2, "value_error")
    curves = af.run_comparison(comparison).learners["Own"].curves
    assert np.all(curves[..., -1] < curves[..., 0])


def test_experiment_over_seeds(kind):
    learner, stream = DOORS[kind]
    config = af.ExperimentConfig("own", learner, stream, STEPS)
    together = af.run_multi_seed_experiment([config], 2, show_progress=False)["own"]
    alone = af.run_single_experiment(config, 1)
    assert set(together.metric_arrays) == set(alone.metrics_history)
    for name, values in alone.metrics_history.items():
        np.testing.assert_allclose(together.metric_arrays[name][1], values, rtol=1e-4, atol=1e-6)


def test_trajectory():
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(size=(STEPS, 3)))
    y = x @ np.float32([1.0, -2.0, 0.5])
    state, metrics = af.learn_from_trajectory(NLMSLearner(0.5), x, y)
    assert state.step_count == STEPS
    errors = np.asarray(metrics["squared_error"])
    assert errors[-5:].mean() < 0.1 * errors[:5].mean()
    with pytest.raises(TypeError, match="TDTable learns from a TDTimeStep"):
        af.learn_from_trajectory(TDTable(), x, y)


def test_checkpoints(kind, tmp_path):
    learner = DOORS[kind][0]
    state = initial(learner)
    af.save_agent(learner, state, tmp_path / "agent", {"of": kind})
    loaded, found, metadata = af.load_agent(tmp_path / "agent")
    assert (loaded, metadata) == (learner, {"of": kind})
    assert_same_bits(found, state)
    af.save_checkpoint(state, tmp_path / "state")
    assert_same_bits(af.load_checkpoint(state, tmp_path / "state")[0], state)


def example_rows(steps=6):
    rng = np.random.default_rng(1)
    return [(np.float32(rng.normal(size=3)), np.float32(rng.normal(size=1))) for _ in range(steps)]


def test_daemon_of_examples():
    learner = NLMSLearner()
    daemon, state = af.Daemon(learner, 3), initial(learner)
    for x, y in example_rows():
        predicted = learner.predict(state, x)
        state, _ = learner.learn(state, af.TimeStep(x, y))
        found = daemon.step(x, y)
        np.testing.assert_allclose(found.predictions, [predicted], rtol=1e-5, atol=1e-7)
        assert not found.rejected
    x, y = example_rows()[0]
    assert daemon.step(x * np.nan, y).rejected and daemon.step(x, y * np.inf).rejected
    assert (daemon.state.step_count, daemon.state.rejected_count) == (6, 2)
    np.testing.assert_allclose(daemon.state.weights, state.weights, rtol=1e-5, atol=1e-7)


def test_daemon_of_transitions_without_a_life():
    learner = TDTable()
    daemon, state, last = af.Daemon(learner, 3, gamma=0.9), initial(learner), None
    for place, (x, cumulant) in enumerate(example_rows()):
        ended = place == 3
        if last is not None:
            gamma = np.float32(0.0 if ended else 0.9)
            step = af.TDTimeStep(last, cumulant[0], x, gamma)
            state, _ = learner.learn(state, step)
        last = None if ended else x
        found = daemon.step(x, cumulant, ended)
        assert not found.rejected
        np.testing.assert_allclose(found.predictions, learner.predict(state, x), rtol=1e-5)
    before = daemon.state
    bad = daemon.step(x * np.nan, cumulant)
    assert bad.rejected
    # Undone, and the traces cut, since a transition was lost.
    assert_same_bits(daemon.state, learner.reset_traces(before))
    daemon.step(x, cumulant)
    assert not daemon.step(x, [np.nan]).rejected
    assert_same_bits(daemon.state, learner.reset_traces(before))


def test_daemon_reports_and_resumes(kind, tmp_path):
    learner, _ = DOORS[kind]
    options = DAEMON[kind] | {"checkpoint": tmp_path / "agent", "feature_names": ["a", "b", "c"]}
    with af.Daemon(learner, 3, **options) as daemon:
        for x, y in example_rows():
            daemon.step(x, y)
        report = json.loads(json.dumps(daemon.report(), allow_nan=False))
    weights, alive = daemon.state, kind == "nlms"
    assert (report["learner"], report["plasticity"]) == (type(learner).__name__, None)
    assert report["step_count"] == (6 if alive else None)
    assert (report["uptime_s"] is None) is not alive
    if alive:
        found = report["relevance"]["weight_relevance"]
        np.testing.assert_allclose(list(found.values()), np.abs(weights.weights))
        assert list(found) == ["a", "b", "c"]
    else:
        assert report["relevance"] is None
    again = af.Daemon(learner, 3, **options)
    assert again.resumed and again.steps == 6
    assert_same_bits(timeless(again.state), timeless(weights))
    again.close()


def test_a_daemon_names_what_a_learner_lacks(own_components):
    class Silent(af.AbstractLearner):
        def init(self, feature_dim):
            return jnp.zeros(feature_dim)

        def learn(self, state, experience):
            return state, {"loss": 0.0}

    with pytest.raises(TypeError, match=r"`experience` that it .* TimeStep.*Silent says nothing"):
        af.Daemon(Silent(), 3)


def test_diagnostics():
    learner, state = NLMSLearner(), initial(NLMSLearner())
    state = state.replace(weights=jnp.array([1.0, -2.0, 0.5]))
    x = np.ones(3, np.float32)
    np.testing.assert_allclose(
        af.compute_feature_sensitivity(learner, state, x), [[1.0, -2.0, 0.5]]
    )
    relevance = af.compute_feature_relevance(state, learner)
    np.testing.assert_allclose(relevance.weight_relevance, [[1.0, 2.0, 0.5]])
    assert relevance.head_mean_step_size is None and relevance.normalizer_mean is None
    np.testing.assert_array_equal(relevance.step_size_activity, np.zeros(3))
    table = TDTable()
    with pytest.raises(TypeError, match="`learner` must tell its weights, got a TDTable"):
        af.compute_feature_relevance(initial(table), table)
    for flat in (learner, table):
        with pytest.raises(TypeError, match="hidden layers, got a"):
            af.compute_plasticity(flat, initial(flat), x[None])


class Wrong(af.AbstractLearner):
    """Whose `learn` returns something else than a state like the one before and a record."""

    experience: ClassVar[type] = af.TimeStep

    how: str = eqx.field(static=True, default="")

    def init(self, feature_dim):
        return TDTableState(jnp.zeros(feature_dim), jnp.zeros(feature_dim))

    def predict(self, state, observation):
        return state.values @ observation

    def learn(self, state, experience):
        error = experience.target[0] - state.values @ experience.observation
        return {
            "state alone": state,
            "no record": (state,),
            "another shape": (state.replace(trace=state.trace[:2]), {"error": error}),
            "another dtype": (state.replace(trace=state.trace.astype(jnp.float16)), {"e": error}),
            "another structure": ((state, state), {"error": error}),
        }[self.how]


WRONG = {
    "state alone": "Wrong: `learn` must return a pair, the state after it and what a loop records",
    "no record": "Wrong: `learn` must return a pair",
    "another shape": r"Wrong: `learn` must return a state like .*: \.trace is float32\[2\], not",
    "another dtype": r"Wrong: `learn` must return a state like .*: \.trace is float16\[3\], not",
    "another structure": "Wrong: `learn` must return a state like the one",
}
DOORS_OF_A_STREAM = {
    "drive": lambda one: af.drive(one, STREAM, 5, state=one.init(3), stream_state=STREAM.init(KEY)),
    "loop": lambda one: af.run_learning_loop(one, STREAM, 5, KEY),
    "lanes": lambda one: af.run_learning_loop_batched(one, STREAM, 5, jnp.stack([KEY, KEY])),
    "sweep": lambda one: af.sweep(
        one, STREAM, {"stream.noise_std": [0.1, 0.2]}, num_steps=5, keys=KEY[None]
    ),
    "comparison": lambda one: af.run_comparison(af.Comparison("c", STREAM, {"W": one}, 5, 5, 5, 2)),
    "daemon": lambda one: af.Daemon(one, 3),
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("door", DOORS_OF_A_STREAM)
def test_what_learn_must_return_is_told(door, how):
    with pytest.raises((TypeError, ValueError), match=WRONG[how]):
        DOORS_OF_A_STREAM[door](Wrong(how=how))


class Unguarded(NLMSLearner):
    """Forgets to look whether numbers are finite, and to count."""

    def learn(self, state, experience):
        x = experience.observation
        error = experience.target[0] - self.predict(state, x)
        moved = state.weights + self.step_size * error * x / (self.epsilon + x @ x)
        return state.replace(weights=moved), {"squared_error": error**2}


def test_a_daemon_judges_and_counts_steps_that_nobody_guards(tmp_path):
    path, rng = tmp_path / "own.ckpt", np.random.default_rng(0)
    rows = [(rng.normal(size=3), rng.normal(size=1)) for _ in range(20)]
    ours = af.Daemon(Unguarded(), 3, checkpoint=path)
    sound = af.Daemon(NLMSLearner(), 3)
    for number, (x, y) in enumerate(rows):
        ours.step(x, y)
        sound.step(x, y)
        if number % 5 == 2:
            for bad in ([np.nan, 1, 2], [3e38, 3e38, 3e38]):
                assert ours.step(bad, y).rejected
    np.testing.assert_array_equal(ours.state.weights, sound.state.weights)
    assert (ours.state.step_count, ours.state.rejected_count) == (20, 8)
    assert (ours.steps, ours.report()["rejected_events"]) == (28, 8)
    ours.close()
    assert af.Daemon(Unguarded(), 3, checkpoint=path).state.rejected_count == 8


@pytest.mark.parametrize("predicts", [lambda w: None, lambda w: (w, w)])
def test_a_daemon_names_what_predict_must_return(predicts, own_components):
    class Silent(NLMSLearner):
        def predict(self, state, observation):
            return predicts(state.weights)

    with pytest.raises(TypeError, match="Silent: `predict` must return a number"):
        af.Daemon(Silent(), 3)
