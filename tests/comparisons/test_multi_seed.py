"""Runs over many seeds: side by side equals one by one, and what is no experiment is refused."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations

STREAM = af.RandomWalkStream(4)
LEARNERS = {
    "linear": af.LinearLearner(af.IDBD(0.05), af.EMANormalizer()),
    # A small step size, with which roundings do not grow from step to step.
    "mlp": af.MLPLearner((6,), af.LMS(0.01)),
}


def config(name="linear", steps=150):
    return af.ExperimentConfig(name, lambda: LEARNERS[name], lambda: STREAM, steps)


@pytest.fixture(scope="module")
def found():
    configs = [config("linear"), config("mlp")]
    return af.run_multi_seed_experiment(configs, seeds=5, show_progress=False)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_lane_is_the_single_run_with_its_seed(found, name):
    single = af.run_single_experiment(config(name), 3)
    assert single.seed == 3
    assert single.final_state.step_count == 150
    assert set(single.metrics_history) == set(found[name].metric_arrays)
    for metric, values in single.metrics_history.items():
        np.testing.assert_allclose(
            found[name].metric_arrays[metric][3], values, rtol=2e-4, atol=1e-5
        )


def test_the_single_run_is_the_loop_with_the_seed_s_key():
    single = af.run_single_experiment(config(), 7)
    _, metrics = af.run_learning_loop(LEARNERS["linear"], STREAM, 150, jax.random.key(7))
    np.testing.assert_array_equal(single.metrics_history["squared_error"], metrics[:, 0])


def test_one_by_one_gives_the_same_numbers(found):
    one = af.run_multi_seed_experiment([config()], 5, parallel=False, show_progress=False)
    np.testing.assert_allclose(
        one["linear"].metric_arrays["squared_error"],
        found["linear"].metric_arrays["squared_error"],
        rtol=2e-4,
        atol=1e-6,
    )


def test_a_td_learner_tells_td_errors():
    learner = af.TDLinearLearner(af.TDIDBD(0.1), use_bias=False)
    experiment = af.ExperimentConfig("td", learner, af.RandomWalkChainStream(5), 60)
    runs = af.run_multi_seed_experiment([experiment], [4, 9], show_progress=False)["td"]
    assert runs.seeds == [4, 9]
    assert runs.metric_arrays["squared_td_error"].shape == (2, 60)


def test_the_summary_is_that_of_the_last_hundred_steps(found):
    last = found["linear"].metric_arrays["squared_error"][:, -100:].astype(np.float64).mean(1)
    summary = found["linear"].summary["squared_error"]
    assert summary.mean == pytest.approx(last.mean())
    assert summary.std == pytest.approx(last.std())
    assert summary.n_seeds == 5


def test_more_seeds_of_the_same_number_compile_nothing_again(found):
    with count_compilations() as seen:
        af.run_multi_seed_experiment([config()], range(5, 10), show_progress=False)
    assert not seen


def test_seeds_beyond_memory_run_in_batches(found, monkeypatch):
    multi_seed = __import__("alberta_framework.comparisons.multi_seed", fromlist=["x"])
    monkeypatch.setattr(multi_seed, "_BYTES_AT_ONCE", 2 * 16 * 150)
    few = af.run_multi_seed_experiment([config()], 5, show_progress=False)["linear"]
    np.testing.assert_allclose(
        few.metric_arrays["error"],
        found["linear"].metric_arrays["error"],
        rtol=2e-4,
        atol=1e-5,
    )


def test_an_experiment_goes_through_json():
    components = af.ExperimentConfig("a", LEARNERS["linear"], STREAM, 10)
    again = af.ExperimentConfig.from_config(components.to_config())
    assert again == components
    assert config(steps=10).to_config() == components.to_config() | {"name": "linear"}
    with pytest.raises(ValueError, match=r"learner\.optimizer: unknown key 'speed'"):
        bad = components.to_config()
        bad["learner"]["optimizer"]["speed"] = 1.0
        af.ExperimentConfig.from_config(bad)
    with pytest.raises(ValueError, match="needs the keys"):
        af.ExperimentConfig.from_config({"name": "a"})


def test_what_cannot_be_put_together_is_refused():
    one = af.run_single_experiment(config(steps=5), 0)
    with pytest.raises(ValueError, match="at least one run"):
        af.aggregate_metrics([])
    other = af.SingleRunResult("other", 1, one.metrics_history, None)
    with pytest.raises(ValueError, match="linear, other"):
        af.aggregate_metrics([one, other])
    longer = af.run_single_experiment(config(steps=6), 1)
    with pytest.raises(ValueError, match="seed 1"):
        af.aggregate_metrics([one, longer])


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="`configs` must be distinct, got 'linear'"):
        af.run_multi_seed_experiment([config(), config()])
    with pytest.raises(ValueError, match="`configs` must not be empty"):
        af.run_multi_seed_experiment([])
    with pytest.raises(ValueError, match="`seeds` must be distinct, got 3"):
        af.run_multi_seed_experiment([config()], [3, 3])
    with pytest.raises(ValueError, match="`num_steps`"):
        af.ExperimentConfig("a", LEARNERS["linear"], STREAM, 0)
    horde = af.MultiHeadMLPLearner(2, (4,))
    with pytest.raises(TypeError, match="MultiHeadMLPLearner learns from a MultiHeadStep"):
        af.run_single_experiment(af.ExperimentConfig("a", horde, STREAM, 5), 0)
    with pytest.warns(UserWarning, match="`n_jobs` is ignored"):
        af.run_multi_seed_experiment([config(steps=5)], 1, n_jobs=2, show_progress=False)


def test_hyperparameters_are_read_from_the_names():
    configs = [
        af.ExperimentConfig(f"LMS_{a}", af.LinearLearner(af.LMS(a)), STREAM, 120)
        for a in (0.001, 0.1)
    ]
    runs = af.run_multi_seed_experiment(configs, 3, show_progress=False)
    found = af.extract_hyperparameter_results(runs)
    assert list(found) == [0.001, 0.1]
    assert found[0.1] == af.get_final_performance(runs)["LMS_0.1"]
    assert list(af.extract_hyperparameter_results(runs, param_extractor=len)) == [9, 7]
    with pytest.raises(ValueError, match="tells no number"):
        af.extract_hyperparameter_results({"plain": runs["LMS_0.1"]})
    with pytest.raises(ValueError, match="two configurations"):
        af.extract_hyperparameter_results(runs, param_extractor=lambda name: 1)
