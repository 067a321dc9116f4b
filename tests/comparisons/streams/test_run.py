import dataclasses

import jax
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

import alberta_framework as af
from alberta_framework.comparisons import (
    ComparisonResult,
    ComparisonRun,
    Contender,
    LearnerResult,
    run_comparison,
)
from alberta_framework.comparisons.streams.run import side_by_side
from alberta_framework.loops.entrance import stream_states
from tests.comparisons.comparisons import small


@pytest.fixture(scope="module")
def result():
    return run_comparison(small(relevant_inputs=2))


def with_curves(result, name, curves, **changes):
    """The result with other curves [points, seeds, windows] of one learner."""
    curves = np.asarray(curves, np.float32)
    other = dataclasses.replace(result.learners[name], curves=curves, rejected_at=None)
    return dataclasses.replace(result, learners={**result.learners, name: other}, **changes)


def test_segments_are_bit_for_bit_one_run():
    comparison = small()
    run = ComparisonRun(comparison)
    seen = []
    while not run.finished:
        run.advance()
        seen.append(run.steps_done)
    assert seen == list(range(10, 210, 10))
    keys = jax.vmap(jr.key)(np.arange(comparison.seeds))
    learners = side_by_side(comparison)
    _, _, (means,) = af.drive(
        learners,
        comparison.stream,
        comparison.num_steps,
        state=jax.vmap(lambda key: learners.init(3, key))(keys),
        stream_state=stream_states(comparison.stream, keys),
        recorders=(af.WindowMean(comparison.window),),
        keep_outputs=False,
        chunk_size=10,
        lanes=af.Lanes(),
    )
    for name, mean in zip(comparison.learners, means, strict=True):
        whole = np.asarray(mean).transpose(2, 0, 1)
        np.testing.assert_array_equal(run.result().learners[name].curves, whole)


def test_an_interrupted_segment_leaves_the_finished_ones():
    comparison = small()
    run = ComparisonRun(comparison)
    with pytest.raises(ValueError, match="no segment of the comparison is finished"):
        run.result()
    run.advance()
    run.advance()

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.advance(interrupt)
    stopped = run.result()
    assert (run.steps_done, stopped.steps_done, stopped.complete) == (20, 20, False)
    assert stopped.evaluated == 20
    run.advance()
    whole = run_comparison(comparison)
    for name in comparison.learners:
        np.testing.assert_array_equal(
            run.result().learners[name].curves, whole.learners[name].curves[..., :3]
        )
        first = whole.learners[name].curves[..., :2].astype(np.float64)
        np.testing.assert_array_equal(stopped.scores(name), first.mean(axis=-1))


def test_progress_counts_all_steps_once():
    told = []
    run_comparison(small(), told.append)
    assert told == list(range(10, 210, 10))


@pytest.mark.parametrize(
    "windows, segments",
    [(1, [1]), (7, [1] * 7), (60, [3] * 20), (97, [5] * 19 + [2]), (1000, [50] * 20)],
)
def test_about_twenty_segments_whatever_the_number_of_windows(windows, segments):
    learners = {"LMS": af.LinearLearner()}
    run = ComparisonRun(
        small(num_steps=windows, evaluate_last=1, window=1, seeds=1, learners=learners)
    )
    lengths = []
    while not run.finished and len(lengths) < 2:
        before = run.steps_done
        run.advance()
        lengths.append(run.steps_done - before)
    assert lengths == segments[:2]
    if windows == 97:
        while not run.finished:
            before = run.steps_done
            run.advance()
        assert run.steps_done - before == segments[-1]


def test_scores_are_means_over_the_evaluated_windows(result):
    for name, learner in result.learners.items():
        by_hand = learner.curves[:, :, 12:].astype(np.float64).mean(axis=-1)
        np.testing.assert_array_equal(result.scores(name), by_hand)


def test_the_best_point_has_the_least_mean_and_never_diverged(result):
    low, high, bad = np.full((2, 20), 1.0), np.full((2, 20), 2.0), np.full((2, 20), 1.0)
    bad[1, -1] = np.nan
    assert with_curves(result, "LMS", [high, low, bad]).best("LMS") == 1
    assert with_curves(result, "LMS", [bad, high, bad]).best("LMS") == 1
    bad[1, -1] = np.inf
    assert with_curves(result, "LMS", [bad, bad, high]).best("LMS") == 2
    standing = with_curves(result, "LMS", [bad, bad, bad]).standing("LMS")
    assert (standing.diverged, standing.score.mean) == (1, np.inf)


def test_a_standing_holds_the_interval_over_seeds(result):
    windows = np.ones((3, 2, 20))
    windows[:, 1] = 2.0
    windows[1] *= 0.5
    standing = with_curves(result, "LMS", windows).standing("LMS")
    assert standing.point == {"optimizer.step_size": 0.05}
    reach = stats.t.ppf(0.975, 1) * np.std([0.5, 1.0], ddof=1) / np.sqrt(2)
    assert standing.score.mean == 0.75
    np.testing.assert_allclose(standing.score.ci_upper, 0.75 + reach)
    np.testing.assert_allclose(
        [standing.step_sizes["relevant"], standing.step_sizes["irrelevant"]], 0.05, rtol=1e-6
    )


def test_step_sizes_are_told_by_group(result):
    sizes = result.learners["IDBD"].step_sizes
    groups = result.group_step_sizes("IDBD")
    np.testing.assert_allclose(groups["relevant"], sizes[..., :2].mean(axis=-1), rtol=1e-6)
    np.testing.assert_allclose(groups["irrelevant"], sizes[..., 2], rtol=1e-6)
    # At the first point the meta step size is 0: nothing is learned. At the second it is.
    np.testing.assert_allclose(sizes[0], 0.05, rtol=1e-6)
    assert np.ptp(sizes[1, 0, :, 0]) > 1e-4
    np.testing.assert_array_equal(result.recorded_at, np.arange(10, 210, 10))
    np.testing.assert_array_equal(result.window_ends, np.arange(10, 210, 10))


def test_without_relevant_inputs_there_is_one_group(result):
    undivided = dataclasses.replace(result, comparison=small())
    assert list(undivided.group_step_sizes("LMS")) == ["all"]
    all_relevant = dataclasses.replace(result, comparison=small(relevant_inputs=3))
    assert list(all_relevant.group_step_sizes("LMS")) == ["relevant"]


def test_divergence_is_counted_in_rejected_steps():
    learners = {"LMS": Contender(af.LinearLearner(af.LMS()), {"optimizer.step_size": [0.01, 50.0]})}
    result = run_comparison(small(learners=learners))
    rejected = result.learners["LMS"].rejected
    assert (rejected[0] == 0).all()
    for seed in range(2):
        state, _ = af.run_learning_loop(
            af.LinearLearner(af.LMS(50.0)), small().stream, 200, jr.key(seed)
        )
        assert rejected[1, seed] == state.rejected_count > 0
    assert not np.isfinite(result.scores("LMS")[1]).any()
    assert result.best("LMS") == 0


def test_results_are_plain_arrays(result):
    assert isinstance(result, ComparisonResult)
    learner = result.learners["LMS"]
    assert isinstance(learner, LearnerResult)
    assert learner.curves.shape == (3, 2, 20)
    assert learner.points == tuple({"optimizer.step_size": v} for v in (0.01, 0.05, 0.1))
    assert type(learner.curves) is np.ndarray and learner.rejected.sum() == 0
