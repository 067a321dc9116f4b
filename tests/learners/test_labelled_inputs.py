"""What is masked is no number, and what has names is not taken by position."""

import jax
import numpy as np
import pandas as pd
import pytest

import alberta_framework as af

ROW = np.array([1.0, -2.0, 3.0])
HEADS = np.array([0.5, 1.5])


def agents():
    key = jax.random.key(0)
    linear, td = af.LinearLearner(), af.TDLinearLearner()
    mlp = af.MLPLearner((2,), af.LMS(0.1))
    heads = af.MultiHeadMLPLearner(2, (), af.LMS(0.1))
    demons = [af.GVFSpec(name, af.DemonType.PREDICTION, 0.5, 0.0, -1) for name in "ab"]
    horde = af.HordeLearner(af.create_horde_spec(demons), (), af.LMS(0.1))
    return {
        "linear": (linear, linear.init(3), (ROW, 1.0)),
        "mlp": (mlp, mlp.init(3, key), (ROW, 1.0)),
        "heads": (heads, heads.init(3, key), (ROW, HEADS)),
        "td": (td, td.init(3), (ROW, 1.0, ROW, 0.9)),
        "horde": (horde, horde.init(3, key), (ROW, HEADS, ROW)),
    }


AGENTS = agents()
PLACES = [(name, place) for name, (_, _, given) in AGENTS.items() for place in range(len(given))]


def masked(value):
    array = np.ma.masked_array(np.atleast_1d(value), mask=False)
    array[0] = np.ma.masked
    return array if np.ndim(value) else array[0]


REFUSED = {
    "masked": (masked, "masked entries.*filled"),
    "masked float32": (lambda value: masked(np.float32(value)), "masked entries.*filled"),
    "series": (lambda value: pd.Series(np.atleast_1d(value)), "Series.*to_numpy"),
    "frame": (lambda value: pd.DataFrame([np.atleast_1d(value)]), "DataFrame.*to_numpy"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name, place", PLACES)
def test_masked_and_named_arguments_are_refused_with_what_to_pass(name, place, kind):
    learner, state, given = AGENTS[name]
    change, said = REFUSED[kind]
    arguments = list(given)
    arguments[place] = change(given[place])
    with pytest.raises(TypeError, match=said):
        learner.update(state, *arguments)
    if place == 0:
        with pytest.raises(TypeError, match=said):
            learner.predict(state, arguments[0])
        with pytest.raises(TypeError, match=said):
            learner.predict(state, observation=arguments[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_masked_array_without_masked_entries_is_its_numbers(dtype):
    learner, state, (row, target) = AGENTS["linear"]
    given = np.ma.masked_array(row.astype(dtype), mask=[False] * 3)
    expected = learner.update(state, row, target)
    np.testing.assert_array_equal(learner.update(state, given, target).prediction, 0.0)
    np.testing.assert_array_equal(
        learner.update(state, given, np.ma.masked_array(target)).state.weights,
        expected.state.weights,
    )
    np.testing.assert_array_equal(
        learner.predict(expected.state, given), learner.predict(expected.state, row)
    )
