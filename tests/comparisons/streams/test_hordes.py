"""Hordes in comparisons: a row for each demon, the same numbers as a TD learner's."""

import csv

import numpy as np
import pytest

import alberta_framework as af

RATES = [0.05, 0.2]


def demon(name, gamma=1.0, lamda=0.0, **arguments):
    return af.GVFSpec(name, af.DemonType.PREDICTION, gamma, lamda, 0, **arguments)


def horde(*demons):
    spec = af.create_horde_spec(demons)
    return af.HordeLearner(spec, (), af.LMS(), sparsity=1.0, use_bias=False)


def comparison(learners, **changes):
    arguments = {
        "name": "walk",
        "stream": af.RandomWalkChainStream(5),
        "learners": learners,
        "num_steps": 400,
        "evaluate_last": 200,
        "window": 20,
        "seeds": 3,
        "score": "value_error",
    }
    return af.Comparison(**arguments | changes)


def td(lamda):
    optimizer = af.TDIDBD(meta_step_size=0.0, trace_decay=lamda)
    learner = af.TDLinearLearner(optimizer, use_bias=False)
    return af.Contender(learner, {"optimizer.initial_step_size": RATES})


@pytest.mark.parametrize("score", ["value_error", "squared_error"])
def test_a_demon_is_scored_as_the_td_learner_of_its_question(score):
    both = horde(demon("one"), demon("two", lamda=0.8))
    learners = {
        "Horde": af.Contender(both, {"optimizer.step_size": RATES}),
        "TD(0)": td(0.0),
        "TD(0.8)": td(0.8),
    }
    result = af.run_comparison(comparison(learners, score=score))
    assert list(result.learners) == ["Horde: one", "Horde: two", "TD(0)", "TD(0.8)"]
    assert np.ptp(result.scores("TD(0)")) > 0.01
    # Two programs for the same recursion: rounding differs.
    for demons, learner in (("Horde: one", "TD(0)"), ("Horde: two", "TD(0.8)")):
        np.testing.assert_allclose(result.scores(demons), result.scores(learner), rtol=1e-4)


def test_each_demon_has_the_true_values_of_its_own_question():
    """At a small step size every demon comes near its values, which are far from each other's."""
    questions = (
        horde(demon("far"), demon("near", gamma=0.5), demon("ending", terminal_reward=2.0)),
        {"optimizer.step_size": [0.03]},
    )
    walk = comparison(
        {"Horde": af.Contender(*questions)}, num_steps=20_000, evaluate_last=1_000, window=1_000
    )
    result = af.run_comparison(walk)
    for row in result.learners:
        assert result.scores(row).max() < 0.15, row


def test_the_files_have_a_row_for_each_demon(tmp_path):
    both = horde(demon("one"), demon("two", lamda=0.8))
    walk = comparison({"Horde": af.Contender(both, {"optimizer.step_size": RATES})})
    af.save_comparison(af.run_comparison(walk), tmp_path)
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["learner"], row["seed"]) for row in rows] == [
        (f"Horde: {name}", str(seed)) for name in ("one", "two") for _ in RATES for seed in range(3)
    ]
    assert {row["optimizer.step_size"] for row in rows} == {"0.05", "0.2"}


def test_a_horde_needs_transitions_and_a_cumulant():
    with pytest.raises(ValueError, match=r"learners\.Horde: HordeLearner learns from transitions"):
        comparison(
            {"Horde": horde(demon("one"))},
            stream=af.RandomWalkStream(5),
            score="squared_error",
        )
    given = af.GVFSpec("given", af.DemonType.PREDICTION, 1.0, 0.0, -1)
    with pytest.raises(ValueError, match="`cumulant_index` -1"):
        comparison({"Horde": horde(given)})
