"""The loops of the network learners: stepping by hand, lanes, chunks, recording, tracking."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.learners.test_golden import build
from tests.learners.test_golden_networks import follow
from tests.trees import assert_leaves_close, assert_same_bits, lane

DIM, HEADS, STEPS = 3, 2, 30
STREAM = af.RandomWalkStream(DIM)
ONE = af.MLPLearner(
    (4,), af.LMS(0.1), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer(), sparsity=0.5
)
MANY = af.MultiHeadMLPLearner(HEADS, (4,), af.LMS(0.1), sparsity=0.5)
KEY = jr.key(2)
ONE_BATCHED = {"means": (2, 10, DIM), "variances": (2, 10, DIM), "recording_indices": (2, 10)}


def rows(steps=STEPS, seed=0):
    """Observations and targets of many heads; every fifth is missing."""
    rng = np.random.default_rng(seed)
    x = np.float32(rng.normal(size=(steps, DIM)))
    y = np.float32(x @ rng.normal(size=(DIM, HEADS)))
    y.flat[::5] = np.nan
    return x, y


@pytest.fixture(scope="module")
def begun():
    """A state of many heads."""
    return MANY.init(DIM, KEY)


@pytest.fixture(scope="module")
def whole(begun):
    return af.run_multi_head_learning_loop(MANY, begun, *rows())


@pytest.fixture(scope="module")
def single():
    """State and metrics of a learner of one output."""
    return af.run_mlp_learning_loop(ONE, STREAM, STEPS, KEY)


def bare(state):
    """Without times."""
    return state.replace(uptime_s=0.0, birth_timestamp=0.0)


def assert_states_close(ours, expected, **tolerance):
    assert (ours.step_count, ours.rejected_count) == (expected.step_count, expected.rejected_count)
    assert_leaves_close(bare(ours), bare(expected), **tolerance)


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in golden_files.cases("learners", "loop")
        if case.about["learner"]["type"] == "MLPLearner"
    ],
    ids=lambda case: case.name,
)
def test_golden(case):
    about = case.about
    state, metrics, history = af.run_mlp_learning_loop(
        build(case),
        af.from_config(about["stream"]),
        about["num_steps"],
        jr.key(about["seed"]),
        normalizer_tracking=af.NormalizerTrackingConfig(about["interval"]),
    )
    # 150 steps over generated data.
    tolerance = {"relative": 1e-3, "absolute": 1e-4}
    golden_files.assert_close(metrics, case["metrics"], name="metrics", **tolerance)
    compared = case.starting("final.")
    assert state.step_count == compared.pop("step_count")
    for path, golden in compared.items():
        golden_files.assert_close(follow(state, path), golden, name=path, **tolerance)
    recorded = case.starting("normalizer_history.")
    assert len(compared) >= 8 and len(recorded) >= 2
    for field, golden in recorded.items():
        golden_files.assert_close(getattr(history, field), golden, name=field, **tolerance)


def test_a_loop_over_a_stream_is_its_steps():
    """The key is split: the first half for the stream, the second for the weights."""
    x, y = rows()
    stream = af.ArrayStream(jnp.asarray(x), jnp.asarray(np.nan_to_num(y[:, :1])))
    state, metrics = af.run_mlp_learning_loop(ONE, stream, STEPS, KEY)
    by_hand = ONE.init(DIM, jr.split(KEY)[1])
    for t in range(STEPS):
        result = ONE.update(by_hand, x[t], np.nan_to_num(y[t, :1]))
        by_hand = result.state
        np.testing.assert_allclose(metrics[t], result.metrics, rtol=1e-4, atol=1e-6)
    assert_states_close(state, by_hand, relative=1e-5, absolute=1e-6)


def test_a_given_state_is_continued_over_the_stream_from_its_beginning(single):
    """The key is split as if the weights were drawn, and the stream starts anew."""
    state, metrics = single
    again, more = af.run_mlp_learning_loop(ONE, STREAM, STEPS, KEY, state)
    assert again.step_count == 2 * STEPS
    stream_key = jr.split(KEY)[0]
    timestep, _ = STREAM.step(STREAM.init(stream_key), jnp.int32(0))
    result = ONE.update(state, timestep.observation, timestep.target)
    np.testing.assert_allclose(more[0], result.metrics, rtol=1e-4, atol=1e-6)
    fresh = ONE.init(DIM, jr.split(KEY)[1])
    first = ONE.update(fresh, timestep.observation, timestep.target)
    np.testing.assert_allclose(metrics[0], first.metrics, rtol=1e-4, atol=1e-6)


def test_a_loop_over_rows_is_its_steps(begun, whole):
    x, y = rows()
    state = begun
    for t in range(STEPS):
        result = MANY.update(state, x[t], y[t])
        state = result.state
        np.testing.assert_allclose(
            whole.per_head_metrics[t], result.per_head_metrics, rtol=1e-4, atol=1e-6
        )
    assert_states_close(whole.state, state, relative=1e-5, absolute=1e-6)
    np.testing.assert_array_equal(np.isnan(whole.per_head_metrics[..., 0]), np.isnan(y))


@pytest.mark.parametrize("kind", [jnp.asarray, np.float64], ids=["jax", "float64"])
def test_rows_of_other_kinds_are_numbers_too(begun, whole, kind):
    result = af.run_multi_head_learning_loop(MANY, begun, *map(kind, rows()))
    np.testing.assert_array_equal(result.per_head_metrics, whole.per_head_metrics)


def test_lanes_are_single_loops():
    keys = jr.split(jr.key(7), 2)
    tracking = {"normalizer_tracking": af.NormalizerTrackingConfig(3)}
    result = af.run_mlp_learning_loop_batched(ONE, STREAM, STEPS, keys, **tracking)
    assert result.metrics.shape == (2, STEPS, 4)
    for index in range(2):
        key = keys[index]
        state, metrics, history = af.run_mlp_learning_loop(ONE, STREAM, STEPS, key, **tracking)
        assert_states_close(lane(result.states, index), state, relative=1e-4, absolute=1e-5)
        np.testing.assert_allclose(result.metrics[index], metrics, rtol=1e-4, atol=1e-5)
        ours = lane(result.normalizer_history, index)
        assert_leaves_close(ours, history, relative=1e-5)
    assert not np.allclose(result.metrics[0], result.metrics[1])
    shapes = {name: leaf.shape for name, leaf in vars(result.normalizer_history).items()}
    assert shapes == ONE_BATCHED


def test_lanes_may_share_a_state(single):
    keys = jr.split(jr.key(7), 2)
    result = af.run_mlp_learning_loop_batched(ONE, STREAM, STEPS, keys, single[0])
    np.testing.assert_array_equal(result.states.step_count, [2 * STEPS] * 2)
    assert result.normalizer_history is None
    state, metrics = af.run_mlp_learning_loop(ONE, STREAM, STEPS, keys[1], single[0])
    np.testing.assert_allclose(result.metrics[1], metrics, rtol=1e-4, atol=1e-5)
    assert_states_close(lane(result.states, 1), state, relative=1e-4, absolute=1e-5)


def test_lanes_of_many_heads_begin_with_their_own_weights():
    keys, (x, y) = jr.split(jr.key(7), 2), rows()
    result = af.run_multi_head_learning_loop_batched(MANY, x, y, keys)
    assert result.per_head_metrics.shape == (2, STEPS, HEADS, 3)
    for index in range(2):
        alone = af.run_multi_head_learning_loop(MANY, MANY.init(DIM, keys[index]), x, y)
        assert_states_close(lane(result.states, index), alone.state, relative=1e-4, absolute=1e-5)
        np.testing.assert_allclose(
            result.per_head_metrics[index], alone.per_head_metrics, rtol=1e-4, atol=1e-5
        )
    births, uptimes = result.states.birth_timestamp, result.states.uptime_s
    assert births[0] == births[1] > 1.6e9 and uptimes[0] == uptimes[1] > 0
    assert not np.allclose(result.per_head_metrics[0, 1:4], result.per_head_metrics[1, 1:4])


def test_no_steps_change_nothing(single):
    state, metrics = af.run_mlp_learning_loop(ONE, STREAM, 0, KEY, single[0])
    assert metrics.shape == (0, 4)
    assert_same_bits(bare(state), bare(single[0]))


def test_no_rows_are_no_steps(begun):
    x, y = rows()
    result = af.run_multi_head_learning_loop(MANY, begun, x[:0], y[:0])
    assert result.per_head_metrics.shape == (0, HEADS, 3)
    assert_same_bits(bare(result.state), bare(begun))


@pytest.mark.parametrize("chunk_size", [7])
def test_chunks_make_no_difference(begun, whole, single, chunk_size):
    state, metrics = af.run_mlp_learning_loop(ONE, STREAM, STEPS, KEY, chunk_size=chunk_size)
    np.testing.assert_allclose(metrics, single[1], rtol=1e-4, atol=1e-5)
    assert_states_close(state, single[0], relative=1e-4, absolute=1e-5)
    result = af.run_multi_head_learning_loop(MANY, begun, *rows(), chunk_size=chunk_size)
    np.testing.assert_allclose(
        result.per_head_metrics, whole.per_head_metrics, rtol=1e-4, atol=1e-6
    )


def test_rows_in_two_calls_are_the_rows_in_one(begun, whole):
    x, y = rows()
    first = af.run_multi_head_learning_loop(MANY, begun, x[:15], y[:15])
    second = af.run_multi_head_learning_loop(MANY, first.state, x[15:], y[15:])
    joined = np.concatenate([first.per_head_metrics, second.per_head_metrics])
    np.testing.assert_allclose(joined, whole.per_head_metrics, rtol=1e-4, atol=1e-6)
    assert_states_close(second.state, whole.state, relative=1e-5, absolute=1e-6)


def test_progress_makes_no_difference(begun, whole, capsys):
    result = af.run_multi_head_learning_loop(MANY, begun, *rows(), progress=True)
    np.testing.assert_array_equal(result.per_head_metrics, whole.per_head_metrics)
    assert str(STEPS) in capsys.readouterr().err


@pytest.mark.parametrize("every", [4, 50])
def test_every_nth_step_is_recorded(begun, whole, single, every):
    """Rows 0, n, 2 n and so on."""
    state, metrics = af.run_mlp_learning_loop(ONE, STREAM, STEPS, KEY, record_every=every)
    np.testing.assert_allclose(metrics, single[1][::every], rtol=1e-5, atol=1e-6)
    assert state.step_count == STEPS
    result = af.run_multi_head_learning_loop(MANY, begun, *rows(), record_every=every)
    expected = whole.per_head_metrics[::every]
    np.testing.assert_allclose(result.per_head_metrics, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("window", [4, 50])
def test_means_over_windows_are_recorded(single, window):
    """The last window is shorter if need be."""
    _, metrics = af.run_mlp_learning_loop(ONE, STREAM, STEPS, KEY, record_window=window)
    starts = range(0, STEPS, window)
    expected = [np.mean(single[1][start : start + window], axis=0) for start in starts]
    np.testing.assert_allclose(metrics, expected, rtol=1e-5, atol=1e-6)


def test_a_window_leaves_rejected_steps_and_inactive_heads_out(begun):
    x, y = rows()
    x[2] = np.inf
    plain = af.run_multi_head_learning_loop(MANY, begun, x, y)
    windows = af.run_multi_head_learning_loop(MANY, begun, x, y, record_window=5)
    parts = np.split(np.asarray(plain.per_head_metrics), 6)
    expected = [np.nanmean(part, axis=0) for part in parts]
    np.testing.assert_allclose(windows.per_head_metrics, expected, rtol=1e-5, atol=1e-6)
    assert plain.state.rejected_count == windows.state.rejected_count == 1
    assert plain.state.step_count == windows.state.step_count == STEPS - 1


def test_a_window_without_a_single_step_is_nan(begun):
    x, y = rows()
    x[5:10], y[10:15, 0] = np.nan, np.nan
    windows = af.run_multi_head_learning_loop(MANY, begun, x, y, record_window=5)
    empty = np.isnan(windows.per_head_metrics).all(axis=2)
    np.testing.assert_array_equal(empty[1], [True, True])
    np.testing.assert_array_equal(empty[2], [True, False])
    assert np.sum(empty) == 3


@pytest.mark.parametrize(
    "options, words",
    [
        ({"record_every": 0}, ["record_every", "0"]),
        ({"record_window": 0}, ["record_window", "0"]),
        ({"chunk_size": 0}, ["chunk_size", "0"]),
        ({"record_every": 2, "record_window": 3}, ["record_every", "record_window"]),
        ({"record_every": 1.5}, ["record_every", "1.5"]),
        ({"recordevery": 2}, ["recordevery"]),
    ],
    ids=str,
)
def test_options_that_make_no_sense(begun, options, words):
    calls = (
        lambda: af.run_mlp_learning_loop(ONE, STREAM, STEPS, KEY, **options),
        lambda: af.run_multi_head_learning_loop(MANY, begun, *rows(), **options),
    )
    for call in calls:
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        for word in words:
            assert word in str(caught.value)


@pytest.mark.parametrize("interval", [1, 7, 30])
def test_statistics_are_tracked_after_every_nth_step(interval):
    """Row r holds what the normalizer knew after step r n."""
    tracking = af.NormalizerTrackingConfig(interval)
    stream = af.ArrayStream(*(jnp.asarray(np.nan_to_num(a)) for a in (rows()[0], rows()[1][:, :1])))
    _, _, history = af.run_mlp_learning_loop(ONE, stream, STEPS, KEY, normalizer_tracking=tracking)
    normalizer, steps = ONE.normalizer, range(0, STEPS, interval)
    np.testing.assert_array_equal(history.recording_indices, list(steps))
    assert history.recording_indices.dtype == np.int32
    state, means, variances = normalizer.init(DIM), [], []
    for t, x in enumerate(rows()[0]):
        state = normalizer.update_only(state, x)
        if t in steps:
            means.append(state.mean)
            variances.append(state.var)
    np.testing.assert_allclose(history.means, means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(history.variances, variances, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("run", [af.run_mlp_learning_loop, af.run_mlp_learning_loop_batched])
def test_intervals_that_make_no_sense(run):
    key = KEY if run is af.run_mlp_learning_loop else jr.split(KEY)
    for interval, message in (
        (0, r"normalizer_tracking\.interval must be >= 1, got 0"),
        (31, r"normalizer_tracking\.interval \(31\) must be <= num_steps \(30\)"),
    ):
        tracking = af.NormalizerTrackingConfig(interval)
        with pytest.raises(ValueError, match=message):
            run(ONE, STREAM, STEPS, key, normalizer_tracking=tracking)
    plain = af.MLPLearner((4,), sparsity=0.5)
    with pytest.raises(ValueError, match="normalizer_tracking"):
        tracking = af.NormalizerTrackingConfig(2)
        run(plain, STREAM, STEPS, key, normalizer_tracking=tracking)


@pytest.mark.parametrize("steps", [-1, 2.0, True, "3"], ids=repr)
def test_a_number_of_steps_that_is_none(steps):
    with pytest.raises((ValueError, TypeError), match="`num_steps`"):
        af.run_mlp_learning_loop(ONE, STREAM, steps, KEY)


def test_rows_that_do_not_fit(begun):
    x, y = rows()
    for wrong in ((x, y[:-1]), (x, y[:, :1]), (x, np.hstack([y, y]))):
        with pytest.raises((TypeError, ValueError), match="targets"):
            af.run_multi_head_learning_loop(MANY, begun, *wrong)
    with pytest.raises((TypeError, ValueError), match="observation"):
        af.run_multi_head_learning_loop(MANY, begun, x[:, :2], y)


def test_a_loop_adds_its_time_and_leaves_birth_alone(begun, whole):
    assert whole.state.birth_timestamp == begun.birth_timestamp
    assert 0 < whole.state.uptime_s < 600
    later = begun.replace(uptime_s=2e6)
    again = af.run_multi_head_learning_loop(MANY, later, *rows()).state
    assert 2e6 < again.uptime_s < 2e6 + 60


def test_a_loop_inside_compiled_code_leaves_uptime_alone(begun):
    x, y = map(jnp.asarray, rows())
    run = jax.jit(lambda state: af.run_multi_head_learning_loop(MANY, state, x, y))
    result = run(begun.replace(uptime_s=7.0))
    assert (result.state.uptime_s, result.state.step_count) == (7.0, STEPS)
