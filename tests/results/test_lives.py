"""Metrics of lives know the steps at which they were recorded."""

import pickle

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.loops.recorded import RecordedSteps

AGENT = af.SARSAAgent(af.SARSAConfig(2), hidden_sizes=(), optimizer=af.LMS(0.01))
STEPS = {
    "every step": ({}, np.arange(60)),
    "every 25th": ({"record_every": 25}, [0, 25, 50]),
    "windows": ({"record_window": 25}, [25, 50, 60]),
}


def on_the_host(**options):
    gymnasium = pytest.importorskip("gymnasium")
    return af.interact_gymnasium(AGENT, gymnasium.make("CartPole-v1"), 60, seed=0, **options)


def compiled(**options):
    return af.interact(AGENT, af.CartPole(), 60, jr.key(0), **options)


@pytest.mark.parametrize("lived", [compiled, on_the_host])
@pytest.mark.parametrize("case", STEPS)
def test_the_steps_of_recordings(lived, case):
    options, expected = STEPS[case]
    result = lived(**options)
    (runs,) = result.aggregated().values()
    assert list(runs.recordings) == list(expected) and list(runs.seeds) == [0]
    data = result.to_xarray()
    assert data.reward.dims == ("point", "seed", "step")
    np.testing.assert_array_equal(data.reward[0, 0], result.metrics["reward"])
    assert data.rejected.item() == 0


def test_steps_without_the_end_of_an_episode_are_left_out():
    result = compiled()
    (runs,) = result.aggregated().values()
    values = np.asarray(result.metrics["episode_return"])
    assert np.isnan(values).any() and not np.isnan(values).all()
    assert runs.summary["episode_return"].mean == pytest.approx(np.nanmean(values))
    last = af.get_final_performance(result, "episode_return", 40)["lives"][0]
    assert last == pytest.approx(np.nanmean(values[-40:]))


def test_a_life_with_rejected_steps_has_no_score_where_numbers_are_missing():
    result = compiled()._replace(rejected=np.int64(2))
    (runs,) = result.aggregated().values()
    assert np.isnan(runs.summary["episode_return"].mean)
    assert runs.summary["reward"].mean == pytest.approx(1.0)


def test_the_steps_stay_with_the_metrics():
    metrics = compiled(record_window=25).metrics
    steps = RecordedSteps(60, 25, windows=True)
    moved = jax.tree.map(lambda values: values + 1, metrics)
    for kept in (moved, pickle.loads(pickle.dumps(metrics)), jax.jit(lambda same: same)(metrics)):
        assert kept.recorded_steps == metrics.recorded_steps == steps and list(kept) == list(
            metrics
        )
