"""The built-in experiments against Sutton (1992), Adapting Bias by Gradient Descent."""

import dataclasses

import numpy as np
import pytest

from alberta_framework.command_line.catalogue import built_in
from alberta_framework.comparisons import comparison_from_config, run_comparison


def with_seeds(name, seeds):
    comparison = comparison_from_config(built_in()[name], name)
    return run_comparison(dataclasses.replace(comparison, seeds=seeds))


@pytest.mark.slow
def test_experiment_1_gives_the_errors_of_the_paper():
    result = with_seeds("sutton1992-experiment-1", 6)
    assert (result.steps_done, result.evaluated) == (30_000, 10_000)
    lms, idbd, autostep = result.standings
    # The paper: "about 3.5" and "about 1.5", read off its figure 3, standard errors below 0.1.
    assert 3.2 < lms.score.mean < 3.7
    assert 1.4 < idbd.score.mean < 1.7
    assert lms.score.sem < 0.1 and idbd.score.sem < 0.1
    # Autostep is no part of the paper: it lies between the two.
    assert idbd.score.mean < autostep.score.mean < lms.score.mean
    # The best step size lies inside the grid, and IDBD is better over most of its own.
    assert 0.02 <= lms.point["optimizer.step_size"] <= 0.05
    better = result.scores("IDBD").mean(axis=-1) < lms.score.mean
    assert np.sum(better) >= 6
    assert idbd.step_sizes["relevant"] > 10 * idbd.step_sizes["irrelevant"]


@pytest.mark.slow
def test_experiment_2_learns_the_best_step_sizes():
    result = with_seeds("sutton1992-experiment-2", 3)
    step_sizes = result.learners["IDBD"].step_sizes[0, :, -1]
    assert result.recorded_at[-1] == 250_000
    # The paper: 0.13 +- 0.015 for relevant inputs, below 0.007 for the others, which still sink.
    np.testing.assert_allclose(step_sizes[:, :5].mean(axis=-1), 0.13, atol=0.015)
    assert step_sizes[:, 5:].mean() < 0.008
    fixed = result.standing("LMS, relevant inputs only")
    assert 0.115 <= fixed.point["optimizer.step_size"] <= 0.145
    assert fixed.score.mean < result.standing("IDBD").score.mean < 1.15 * fixed.score.mean
