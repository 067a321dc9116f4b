"""Returns of a record against their definition, and how far predictions are from them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import alberta_framework as af

NUMBERS = st.floats(-10, 10) | st.just(math.nan)
DISCOUNTS = st.floats(0, 1) | st.just(0.0)


def defined(c, g, cuts, t):
    """The sum from step t on, and whether it ended or was cut off; the time constants it saw."""
    total, weight, seen = 0.0, 1.0, 0.0
    for k in range(t, len(c)):
        if math.isnan(c[k]):
            return (total, seen) if k > t else (math.nan, 0.0)
        total += weight * c[k]
        if g[k] == 0.0:
            return total, math.inf
        seen += 1.0 - g[k]
        weight *= g[k]
        if cuts[k]:
            break
    return total, seen


@given(st.data())
def test_returns_are_the_sums_they_are_defined_as(data):
    steps, n = data.draw(st.integers(0, 12)), data.draw(st.integers(1, 3))
    c = data.draw(hnp.arrays(np.float64, (steps, n), elements=NUMBERS))
    g = data.draw(hnp.arrays(np.float64, (steps, n), elements=DISCOUNTS))
    cuts = data.draw(hnp.arrays(bool, steps))
    horizon = data.draw(st.sampled_from([0.0, 0.3, 2.0]))
    found = af.discounted_returns(c, g, cuts, horizon=horizon)
    assert found.shape == (steps, n) and found.dtype == np.float64
    for i in range(n):
        for t in range(steps):
            total, seen = defined(c[:, i], g[:, i], cuts, t)
            if math.isclose(seen, horizon, rel_tol=1e-6):
                continue  # by rounding
            known = seen >= horizon and not math.isnan(total)
            assert math.isnan(found[t, i]) != known
            assert not known or math.isclose(found[t, i], total, rel_tol=1e-9, abs_tol=1e-9)


def test_the_end_of_a_record_has_no_return_yet():
    ones = np.ones((100, 3))
    found = af.discounted_returns(ones, [0.0, 0.5, 0.9])
    # The last 5 / (1 - gamma) steps but for one, whose own cumulant is the first that counts.
    assert np.isnan(found).sum(0).tolist() == [0, 9, 49]
    np.testing.assert_allclose(found[0], [1, 2, 10], rtol=1e-4)
    whole = af.discounted_returns(ones[:, 0], 0.9, horizon=0.0)
    np.testing.assert_allclose(whole[-2:], [1.9, 1.0])


def test_a_termination_is_no_truncation():
    c, ends = np.ones(6), np.array([0, 0, 1, 0, 0, 0], bool)
    np.testing.assert_allclose(af.discounted_returns(c, np.where(ends, 0, 1.0))[:3], [3, 2, 1])
    assert np.isnan(af.discounted_returns(c, 1.0, ends)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 2, 2)), 0.5), "`cumulants` must have shape"),
        ((np.ones(3), 1.5), r"`gammas` must lie in \[0, 1\], got 1.5"),
        ((np.ones(3), np.nan), r"`gammas` must lie in \[0, 1\], got nan"),
        ((np.ones((3, 2)), np.ones(3)), r"`gammas` must broadcast to \(3, 2\)"),
        ((np.ones(3), 0.5, [True]), r"`boundaries` must have shape \(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        af.discounted_returns(*arguments)


def test_errors_are_in_standard_deviations_of_the_return():
    rng = np.random.default_rng(0)
    g = rng.normal(3.0, 2.0, size=(200, 2))
    np.testing.assert_allclose(af.return_error(g, g), 0.0)
    np.testing.assert_allclose(af.return_error(np.broadcast_to(g.mean(0), g.shape), g), 1.0)
    np.testing.assert_allclose(af.return_error(g + 4.0, g), 4.0 / g.std(0))
    missing = np.where(rng.random(g.shape) < 0.3, np.nan, g)
    for i in range(2):
        known = ~np.isnan(missing[:, i])
        expected = 4.0 / g[known, i].std()
        np.testing.assert_allclose(af.return_error(g + 4.0, missing)[i], expected)
        np.testing.assert_allclose(af.return_error(missing[:, i] + 4.0, g[:, i]), expected)


def test_what_does_not_vary_has_no_error_in_its_unit():
    assert math.isnan(af.return_error(np.ones(5), np.full(5, 0.1)))
    assert math.isnan(af.return_error(np.ones(5), np.full(5, np.nan)))
    assert math.isnan(af.return_error(np.ones(0), np.ones(0)))
    with pytest.raises(ValueError, match="must have one shape"):
        af.return_error(np.ones(5), np.ones((5, 1)))
