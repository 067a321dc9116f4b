"""The driver: chunks, resuming, recording, streams of users, compilations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations

STREAM = af.SuttonExperiment1Stream(2, 3, 20)
LEARNER = af.LinearLearner(af.IDBD(0.05), af.EMANormalizer())


def begin(learner=LEARNER, key=0):
    return {
        "state": learner.init(STREAM.feature_dim),
        "stream_state": STREAM.init(jr.key(key)),
    }


def same(a, b):
    """Bit for bit, typed keys included, but for birth and uptime."""

    def plain(leaf):
        typed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jr.key_data(leaf) if typed else leaf)

    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(plain(x), plain(y)) for x, y in pairs)


def test_chunks_are_the_whole():
    start = begin()
    whole, metrics, _ = af.drive(LEARNER, STREAM, 600, chunk_size=600, **start)
    cut, pieces, _ = af.drive(LEARNER, STREAM, 600, chunk_size=200, **start)
    assert same(whole, cut)
    assert np.array_equal(metrics, pieces)


def test_an_interrupted_run_goes_on_where_it_stopped():
    class Stop(Exception):
        pass

    start, seen = begin(), []
    end, metrics, _ = af.drive(LEARNER, STREAM, 1000, chunk_size=200, **start)

    def interrupt(done, states):
        seen.append((done, states))
        if done == 600:
            raise Stop

    with pytest.raises(Stop):
        af.drive(LEARNER, STREAM, 1000, chunk_size=200, after_chunk=interrupt, **start)
    assert [done for done, _ in seen] == [200, 400, 600]
    done, (state, stream_state) = seen[-1]
    resumed, rest, _ = af.drive(
        LEARNER, STREAM, 1000 - done, chunk_size=200, state=state, stream_state=stream_state
    )
    assert same(end, resumed)
    assert np.array_equal(metrics[done:], rest)


def test_any_part_of_the_state_is_recorded():
    tracking = af.StateTracking("optimizer_state.traces", interval=7)
    start = begin()
    _, _, (history,) = af.drive(LEARNER, STREAM, 30, recorders=(tracking,), **start)
    assert history.recording_indices.tolist() == [0, 7, 14, 21, 28]
    (state, _), _, _ = af.drive(LEARNER, STREAM, 15, **start)
    np.testing.assert_allclose(
        history.values[2], state.optimizer_state.traces, rtol=1e-5, atol=1e-7
    )
    with pytest.raises(ValueError, match=r"optimizer_state\.trace'"):
        wrong = af.StateTracking("optimizer_state.trace")
        af.drive(LEARNER, STREAM, 30, recorders=(wrong,), **start)


def test_recorded_rows_and_windows_are_those_of_every_step():
    _, metrics = af.run_learning_loop(LEARNER, STREAM, 250, jr.key(1))
    _, every = af.run_learning_loop(LEARNER, STREAM, 250, jr.key(1), record_every=40)
    _, windows = af.run_learning_loop(LEARNER, STREAM, 250, jr.key(1), record_window=100)
    np.testing.assert_allclose(every, metrics[::40], rtol=1e-5, atol=1e-6)
    expected = [np.asarray(metrics[i : i + 100], np.float64).mean(0) for i in (0, 100, 200)]
    np.testing.assert_allclose(windows, expected, rtol=1e-4, atol=1e-6)


def test_rejected_steps_are_counted_and_left_out_of_windows():
    xs = np.ones((6, 2), np.float32)
    xs[[1, 2]] = np.nan
    stream, learner = af.ArrayStream(xs, np.arange(6.0)), af.LinearLearner(af.LMS(0.1))
    state, metrics = af.run_learning_loop(learner, stream, 6, jr.key(0))
    assert (state.step_count, state.rejected_count) == (4, 2)
    assert np.isnan(metrics[1:3]).all() and np.isfinite(np.asarray(metrics)[[0, 3, 4, 5]]).all()
    _, windows = af.run_learning_loop(learner, stream, 6, jr.key(0), record_window=3)
    kept = np.asarray(metrics)[[[0, 0, 0], [3, 4, 5]]].mean(1)
    np.testing.assert_allclose(windows, kept, rtol=1e-5)


def test_lanes_are_single_runs():
    keys = jr.split(jr.key(3), 3)
    batched = af.run_learning_loop_batched(
        LEARNER, STREAM, 120, keys, step_size_tracking=af.StepSizeTrackingConfig(50)
    )
    for lane, key in enumerate(keys):
        state, metrics, history = af.run_learning_loop(
            LEARNER, STREAM, 120, key, step_size_tracking=af.StepSizeTrackingConfig(50)
        )
        np.testing.assert_allclose(batched.metrics[lane], metrics, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(batched.states.weights[lane], state.weights, atol=1e-5)
        recorded = batched.step_size_history.step_sizes[lane]
        np.testing.assert_allclose(recorded, history.step_sizes, rtol=1e-5)
    assert batched.states.step_count.tolist() == [120] * 3


def test_five_runs_with_other_numbers_compile_once():
    def run(theta, interval, key, state=None):
        learner = af.LinearLearner(af.IDBD(0.05, theta))
        stream = af.SuttonExperiment1Stream(2, 3, interval)
        return af.run_learning_loop(learner, stream, 100, jr.key(key), state)[0]

    state, number = run(0.01, 20, 0), jnp.float32(0.005)
    with count_compilations() as compiled:
        run(0.02, 20, 1)
        run(1, 30, 2)
        run(np.float64(0.005), np.int64(7), 3)
        run(number, 20, 4, state)
    assert not compiled


def test_a_sweep_is_the_python_loop():
    def error(theta):
        learner = af.LinearLearner(af.IDBD(0.05, theta))
        return af.run_learning_loop(learner, STREAM, 200, jr.key(0))[1][:, 0].mean()

    values = jnp.array([0.001, 0.01, 0.05])
    expected = [error(float(v)) for v in values]
    np.testing.assert_allclose(eqx.filter_vmap(error)(values), expected, rtol=1e-4)


class Plain:
    """A user's stream: no base class, no `rollout`, no PyTree; its target tells the step number."""

    feature_dim = 2

    def init(self, key):
        return key

    def step(self, state, idx):
        observation = jnp.stack([jnp.ones(()), jnp.asarray(idx, jnp.float32)])
        return af.TimeStep(observation, jnp.reshape(jnp.asarray(idx, jnp.float32), (1,))), state


def test_a_stream_of_a_user_is_stepped_with_its_index():
    learner, stream = af.LinearLearner(af.LMS(0.0)), Plain()
    _, metrics = af.run_learning_loop(learner, stream, 10, jr.key(0), chunk_size=4)
    assert metrics[:, 1].tolist() == list(range(10))


def test_no_steps_change_nothing():
    state, metrics = af.run_learning_loop(LEARNER, STREAM, 0, jr.key(0))
    assert metrics.shape == (0, 4)
    assert state.step_count == 0 and not np.any(state.weights)


def test_a_progress_bar_reaches_the_end(capsys):
    af.run_learning_loop(LEARNER, STREAM, 400, jr.key(0), chunk_size=100, progress=True)
    assert "100%" in capsys.readouterr().err


def test_uptime_grows_by_the_time_of_the_call():
    import time

    start = time.perf_counter()
    state, _ = af.run_learning_loop(LEARNER, STREAM, 1000, jr.key(0))
    first = state.uptime_s
    assert 0.0 < first <= time.perf_counter() - start + 1e-6
    again, _ = af.run_learning_loop(LEARNER, STREAM, 1000, jr.key(0), state)
    assert again.uptime_s > first and again.step_count == 2000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_steps": -1}, "num_steps"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"record_every": 0}, "record_every"),
        ({"record_every": 2, "record_window": 2}, "exclude"),
        ({"step_size_tracking": af.StepSizeTrackingConfig(0)}, "must be >= 1, got 0"),
        ({"step_size_tracking": af.StepSizeTrackingConfig(11)}, r"\(11\) must be <= num_steps"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    arguments = {"num_steps": 10, "key": jr.key(0)} | changes
    with pytest.raises(ValueError, match=message):
        af.run_learning_loop(LEARNER, STREAM, **arguments)


def test_tracking_a_normalizer_needs_one():
    with pytest.raises(ValueError, match="normalizer_tracking"):
        af.run_learning_loop(
            af.LinearLearner(),
            STREAM,
            10,
            jr.key(0),
            normalizer_tracking=af.NormalizerTrackingConfig(1),
        )


def test_transitions_are_carried_by_the_same_driver():
    stream, learner = af.RandomWalkChainStream(5), af.TDLinearLearner(use_bias=False)
    _, metrics = af.run_td_learning_loop(learner, stream, 300, jr.key(0))
    batched = af.run_td_learning_loop_batched(learner, stream, 300, jr.split(jr.key(0), 2)[:1])
    single = af.run_td_learning_loop(learner, stream, 300, jr.split(jr.key(0), 2)[0])[1]
    assert metrics.shape == (300, 4) and np.isfinite(metrics).all()
    np.testing.assert_allclose(batched.metrics[0], single, rtol=1e-4, atol=1e-5)


def test_metrics_as_dictionaries():
    metrics = np.array([[4.0, 2.0, 0.1, 9.0]], np.float32)
    assert af.metrics_to_dicts(metrics[:, :3]) == [
        {"squared_error": 4.0, "error": 2.0, "mean_step_size": pytest.approx(0.1)}
    ]
    assert af.metrics_to_dicts(metrics, normalized=True)[0]["normalizer_mean_var"] == 9.0
    assert "normalizer_mean_var" not in af.metrics_to_dicts(metrics)[0]


def test_windows_under_vmap_are_those_of_single_runs():
    def windows(meta_step_size):
        learner = af.LinearLearner(af.IDBD(0.05, meta_step_size))
        return af.run_learning_loop(learner, STREAM, 200, jr.key(0), record_window=50)[1]

    values = jnp.array([0.001, 0.01])
    together = eqx.filter_vmap(windows)(values)  # warnings are errors: of buffers, too
    single = jnp.stack([windows(value) for value in values])
    np.testing.assert_allclose(together, single, rtol=1e-5, atol=1e-6)


def test_how_states_are_batched_is_said_by_lanes():
    with pytest.raises(TypeError, match="`lanes` must be a Lanes or None, got True"):
        af.drive(LEARNER, STREAM, 10, lanes=True, **begin())


def test_wide_experience_still_comes_in_chunks_of_several_steps():
    wide = af.RandomWalkStream(feature_dim=2**18)
    learner, seen = af.LinearLearner(af.LMS(1e-7)), []
    af.drive(
        learner,
        wide,
        40,
        state=learner.init(2**18),
        stream_state=wide.init(jr.key(0)),
        after_chunk=lambda done, _: seen.append(done),
    )
    assert len(seen) < 40 / 8
