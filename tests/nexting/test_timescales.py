"""Discounts of time scales, and the questions made of them."""

import numpy as np
import pytest

import alberta_framework as af


def test_discounts_are_those_published():
    # Modayil, White and Sutton (2014): 0.1, 0.5, 2 and 8 seconds at 10 Hz.
    found = af.discount_from_timescale([0.1, 0.5, 2.0, 8.0], 0.1)
    np.testing.assert_allclose(found, [0.0, 0.8, 0.95, 0.9875])
    assert af.discount_from_timescale(8.0, 0.1) == 0.9875


def test_a_constant_signal_is_its_own_mean():
    gamma = af.discount_from_timescale(2.0, 0.1)
    returns = af.discounted_returns(np.full(500, 3.0), gamma, horizon=20.0)
    np.testing.assert_allclose((1 - gamma) * returns[0], 3.0)


@pytest.mark.parametrize(("tau", "dt"), [(0.05, 0.1), (np.nan, 0.1), (np.inf, 0.1), (1.0, 0.0)])
def test_other_time_scales_are_refused(tau, dt):
    with pytest.raises(ValueError, match=r"`(tau|dt)` must be"):
        af.discount_from_timescale(tau, dt)


def test_one_demon_for_each_signal_and_time_scale():
    spec = af.nexting_horde(["light", "motor"], [0.1, 8.0], 0.1, lamda=0.7)
    assert spec.names == ("light@0.1s", "light@8s", "motor@0.1s", "motor@8s")
    assert spec.cumulant_indices == (0, 0, 1, 1)
    np.testing.assert_allclose(spec.gammas, [0.0, 0.9875] * 2)
    np.testing.assert_allclose(spec.lamdas, 0.7)
    assert af.LinearHorde(spec).n_traces == 2
    for signals, scales in (([], [1]), (["a"], []), (["a", "a"], [1]), (["a"], [1, 1])):
        with pytest.raises(ValueError, match="no two alike"):
            af.nexting_horde(signals, scales, 0.1)
