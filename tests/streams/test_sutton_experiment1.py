"""Relevant inputs of changing sign among irrelevant ones."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


def signs_and_experience(stream, state, num_steps):
    signs, seen = [np.asarray(state.signs)], []
    for _ in range(num_steps):
        experience, state = cases.stepped_once(stream, state)
        signs.append(np.asarray(state.signs))
        seen.append(experience)
    return np.array(signs), seen


@pytest.mark.parametrize("interval", [1, 3, 20])
def test_one_sign_flips_before_each_multiple_of_the_interval_but_the_first(interval):
    stream = cases.with_arrays(af.SuttonExperiment1Stream(5, 2, interval))
    signs, _ = signs_and_experience(stream, cases.begun(stream, jr.key(0)), 65)
    np.testing.assert_array_equal(signs[0], np.ones(5))
    flips = np.sum(signs[1:] != signs[:-1], axis=1)
    expected = [int(t > 0 and t % interval == 0) for t in range(65)]
    np.testing.assert_array_equal(flips, expected)
    assert set(np.unique(signs)) == {-1.0, 1.0}


def test_the_target_is_the_signed_sum_of_the_relevant_inputs():
    stream = cases.with_arrays(af.SuttonExperiment1Stream(4, 6, 5))
    signs, seen = signs_and_experience(stream, cases.begun(stream, jr.key(2)), 40)
    for now, experience in zip(signs[1:], seen, strict=True):
        relevant = np.asarray(experience.observation, np.float64)[:4]
        np.testing.assert_allclose(experience.target, [now @ relevant], atol=1e-6)


def test_stable_inputs_keep_their_signs_and_change_nothing_else():
    """Between the relevant and the irrelevant ones, with signs that alternate."""
    stream = cases.with_arrays(af.SuttonExperiment1Stream(4, 3, 5, num_stable=3))
    without = cases.with_arrays(af.SuttonExperiment1Stream(4, 6, 5))
    begin = cases.begun(stream, jr.key(2))
    signs, seen = signs_and_experience(stream, begin, 40)
    other_signs, others = signs_and_experience(without, cases.begun(without, jr.key(2)), 40)
    np.testing.assert_array_equal(signs, other_signs)
    assert stream.feature_dim == 10
    for experience, other in zip(seen, others, strict=True):
        np.testing.assert_array_equal(experience.observation, other.observation)
        stable = np.asarray(experience.observation, np.float64)[4:7] @ [1.0, -1.0, 1.0]
        np.testing.assert_allclose(experience.target, other.target + stable, atol=1e-6)


def test_without_stable_inputs_the_configuration_is_as_it_was():
    config = af.SuttonExperiment1Stream().to_config()
    assert "num_stable" not in config
    stream = af.SuttonExperiment1Stream(num_stable=5)
    assert stream.to_config() == config | {"num_stable": 5}
    with pytest.raises(ValueError, match="`num_stable` must be an integer >= 0, got -1"):
        af.SuttonExperiment1Stream(num_stable=-1)


def test_a_rollout_flips_where_steps_do():
    """The signs recovered from each interval of a rollout by least squares."""
    stream = cases.with_arrays(af.SuttonExperiment1Stream(5, 15, 20))
    begin = cases.begun(stream, jr.key(0))
    experience, end = cases.rolled(stream, begin, 120)
    signs, _ = signs_and_experience(stream, begin, 120)
    for part in range(6):
        rows = slice(20 * part, 20 * (part + 1))
        x, y = np.asarray(experience.observation[rows, :5]), np.asarray(experience.target[rows])
        found = np.linalg.lstsq(x, y)[0][:, 0]
        np.testing.assert_allclose(found, signs[20 * part + 1], atol=1e-4)
    np.testing.assert_array_equal(end.signs, signs[-1])


def test_the_key_is_kept_and_every_input_gets_its_turn():
    key = jr.key(8)
    stream = cases.with_arrays(af.SuttonExperiment1Stream(5, 0, 1))
    begin = cases.begun(stream, key)
    assert begin.key == key
    signs, _ = signs_and_experience(stream, begin, 501)
    turns = np.sum(signs[1:] != signs[:-1], axis=0)
    assert np.sum(turns) == 500
    # Binomial(500, 1/5): mean 100, standard deviation 8.9, five of them.
    assert np.all(np.abs(turns - 100) < 45), turns


def test_a_state_that_went_on_flips_at_phase_zero():
    """No flip is due at the very first step; after 2^32 steps that is no first step."""
    stream = cases.with_arrays(af.SuttonExperiment1Stream(5, 2, 4))
    begin = cases.begun(stream, jr.key(0))
    old = begin.replace(step_count=2**32)
    for state, flips in ((begin, 0), (old, 1)):
        _, stepped = cases.stepped_once(stream, state)
        _, rolled = cases.rolled(stream, state, 3)
        assert np.sum(stepped.signs != state.signs) == flips
        assert np.sum(rolled.signs != state.signs) == flips


def test_features_are_counted_together():
    assert af.SuttonExperiment1Stream().feature_dim == 20
    assert af.SuttonExperiment1Stream(3, 4).feature_dim == 7
