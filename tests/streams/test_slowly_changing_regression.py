"""Bits that change rarely, and a target network that never does."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


def build(**changes):
    return cases.with_arrays(af.SlowlyChangingRegressionStream(**changes))


def target(state, x, beta):
    """The definition in float64, unit by unit."""
    w, b = np.asarray(state.weights, np.float64), np.asarray(state.biases, np.float64)
    y = np.asarray(state.output_bias, np.float64)
    m = w.shape[1]
    for i in range(len(b)):
        threshold = beta * (m + 1) - (m - np.sum(w[i]) + b[i]) / 2
        if w[i] @ x + b[i] > threshold:
            y += np.asarray(state.output_weights, np.float64)[i]
    return y


def agreeing(state, x, beta):
    """The same by counting, sample by sample: how many bits are as a unit wants them."""
    w, b = np.asarray(state.weights) > 0, np.asarray(state.biases, np.float64)
    agree = np.sum((np.asarray(x) > 0.5)[:, None, :] == w, axis=-1)
    on = agree > beta * (w.shape[1] + 1) - 1.5 * b
    return on @ np.asarray(state.output_weights, np.float64) + np.asarray(
        state.output_bias, np.float64
    )


@pytest.mark.parametrize("beta", [0.7, 0.45])
def test_the_target_is_that_of_the_network_of_threshold_units(beta):
    """Exactly: sums of halves have no rounding."""
    stream = build(change_interval=11, beta=beta)
    state = cases.begun(stream, jr.key(0))
    experience, _ = cases.rolled(stream, state, 300)
    ours, x = np.asarray(experience.target[:, 0]), np.asarray(experience.observation, np.float64)
    np.testing.assert_array_equal(ours, [target(state, row, beta) for row in x])
    np.testing.assert_array_equal(ours, agreeing(state, x, beta))
    assert len(np.unique(ours)) > 2


def test_the_target_network_is_of_signs_and_stays():
    stream = build(change_interval=3)
    state = cases.begun(stream, jr.key(5))
    _, after = cases.rolled(stream, state, 300)
    for name, shape in (
        ("weights", (100, 20)),
        ("biases", (100,)),
        ("output_weights", (100,)),
        ("output_bias", ()),
    ):
        drawn = np.asarray(getattr(state, name))
        assert drawn.shape == shape
        assert np.all(np.abs(drawn) == 1.0)
        np.testing.assert_array_equal(drawn, getattr(after, name))
        # A mean of independent signs, five standard errors.
        assert drawn.size == 1 or abs(np.mean(drawn)) < 5 / np.sqrt(drawn.size)
    other = cases.begun(stream, jr.key(6))
    assert np.any(np.asarray(other.weights) != np.asarray(state.weights))


def test_how_often_a_unit_is_on():
    """P(Binomial(20, 1/2) >= 14) = 0.0577 with the bias 1, >= 17 = 0.0013 with -1."""
    state = cases.begun(build(), jr.key(1))
    # All bits fast but one, so that they are independent samples.
    stream = build(num_slow=1, change_interval=1)
    experience, _ = cases.rolled(stream, cases.begun(stream, jr.key(2)), 20_000)
    x = np.asarray(experience.observation)
    agree = np.sum((x > 0.5)[:, None, :] == (np.asarray(state.weights) > 0), axis=-1)
    on = agree + 1.5 * np.asarray(state.biases) > 0.7 * 21
    share = {sign: np.mean(on[:, np.asarray(state.biases) == sign]) for sign in (1.0, -1.0)}
    # About 50 units of 20,000 samples each, correlated by their common inputs.
    np.testing.assert_allclose(share[1.0], 0.0577, atol=0.003)
    np.testing.assert_allclose(share[-1.0], 0.0013, atol=0.0003)


@pytest.mark.parametrize("flip", ["all", "one"])
@pytest.mark.parametrize("interval", [1, 7])
def test_slow_bits_change_before_each_multiple_of_the_interval_but_the_first(flip, interval):
    stream = build(change_interval=interval, flip=flip)
    state = cases.begun(stream, jr.key(3))
    experience, after = cases.rolled(stream, state, 70)
    x = np.asarray(experience.observation)
    assert set(np.unique(x)) == {0.0, 1.0}
    slow = np.concatenate([np.asarray(state.slow_bits)[None], x[:, :15]])
    changed = np.sum(slow[1:] != slow[:-1], axis=1)
    due = np.array([t > 0 and t % interval == 0 for t in range(70)])
    assert np.all(changed[~due] == 0)
    if flip == "one":
        assert np.all(changed[due] == 1)
    else:  # half of 15, which are hardly ever all the same
        assert 5.0 < np.mean(changed[due]) < 10.0
    np.testing.assert_array_equal(after.slow_bits, slow[-1])


def test_fast_bits_are_drawn_at_each_step():
    stream = build()
    experience, _ = cases.rolled(stream, cases.begun(stream, jr.key(4)), 4_000)
    fast = np.asarray(experience.observation)[:, 15:]
    # Bits and their changes from step to step are fair coins, five standard errors.
    np.testing.assert_allclose(np.mean(fast, axis=0), 0.5, atol=2.5 / np.sqrt(4_000))
    np.testing.assert_allclose(
        np.mean(fast[1:] != fast[:-1], axis=0), 0.5, atol=2.5 / np.sqrt(4_000)
    )


def test_the_bit_that_flips_is_any_of_the_slow_ones():
    stream = build(change_interval=1, flip="one")
    experience, _ = cases.rolled(stream, cases.begun(stream, jr.key(8)), 1_501)
    slow = np.asarray(experience.observation)[:, :15]
    turns = np.sum(slow[1:] != slow[:-1], axis=0)
    assert np.sum(turns) == 1_500
    # Binomial(1500, 1/15): mean 100, standard deviation 9.7, five of them.
    assert np.all(np.abs(turns - 100) < 48), turns


def test_a_state_that_went_on_changes_at_phase_zero():
    """No change is due at the very first step; after 2^32 steps that is no first step."""
    stream = build(change_interval=4, flip="one")
    begin = cases.begun(stream, jr.key(0))
    old = begin.replace(step_count=2**32)
    for state, changes in ((begin, 0), (old, 1)):
        _, stepped = cases.stepped_once(stream, state)
        _, rolled = cases.rolled(stream, state, 3)
        assert np.sum(stepped.slow_bits != state.slow_bits) == changes
        assert np.sum(rolled.slow_bits != state.slow_bits) == changes


def test_every_bit_may_be_slow():
    stream = build(num_inputs=4, num_slow=4, num_target_units=3, change_interval=100)
    experience, _ = cases.rolled(stream, cases.begun(stream, jr.key(0)), 50)
    assert np.all(np.asarray(experience.observation) == np.asarray(experience.observation)[0])
