"""Means of all that was, and of late, inside the loop."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations

STEPS, INTERVAL = 103, 10
ENDS = np.minimum(np.arange(INTERVAL, STEPS + INTERVAL, INTERVAL), STEPS) - 1


class Echo(eqx.Module):
    """Its outputs are what it is given."""

    def learn(self, state, experience):
        return state + 1, {"reward": experience.target[0], "both": experience.target}


def echoed(targets, recorders, num_steps=None, lanes=None):
    stream = af.ArrayStream(jnp.zeros((len(targets), 1)), jnp.asarray(targets, jnp.float32))
    steps = num_steps or len(targets)
    state, stream_state = jnp.zeros((), jnp.int32), stream.init(jr.key(0))
    return af.drive(
        Echo(), stream, steps, state=state, stream_state=stream_state, recorders=recorders
    )[2]


def targets(offset=0.0):
    rows = offset + np.random.default_rng(0).normal(size=(STEPS, 2))
    rows[[0, 1, 40], 0] = np.nan
    rows[:15, 1] = np.nan
    return np.float32(rows)


def averages(column):
    present = ~np.isnan(column)
    counts = np.cumsum(present)
    sums = np.cumsum(np.where(present, np.float64(column), 0.0))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def running(column, beta):
    found, weight, mean = [], 0.0, 0.0
    for value in np.float64(column):
        if not np.isnan(value):
            weight = weight + beta * (1 - weight)
            mean = mean + beta / weight * (value - mean)
        found.append(mean if weight else np.nan)
    return np.array(found)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_they_are_the_means_of_what_came(offset):
    rows = targets(offset)
    recorders = af.LifetimeAverage(INTERVAL), af.RunningMean(INTERVAL, 0.1), af.RunningMean(7)
    average, late, default = echoed(rows, recorders)
    for name, ours in (("reward", average["reward"]), ("both", average["both"][:, 0])):
        np.testing.assert_allclose(
            ours, averages(rows[:, 0])[ENDS], rtol=2e-7, atol=1e-7, err_msg=name
        )
    np.testing.assert_allclose(
        average["both"][:, 1], averages(rows[:, 1])[ENDS], rtol=2e-7, atol=1e-7
    )
    assert np.isnan(average["both"][0, 1]) and average["reward"].shape == (11,)
    expected = running(rows[:, 0], 0.1)[ENDS]
    np.testing.assert_allclose(late["reward"], expected, rtol=1e-6, atol=1e-7)
    assert default["reward"].shape == (15,)


def test_of_a_life_they_are_what_is_told_of_it_elsewhere():
    agent = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.1), sparsity=0.0)
    world = af.SwitchingBandit(2, 30)
    lived = af.interact(agent, world, 500, jr.key(0))
    rewards = lived.metrics["reward"]
    average, rate = echoed(
        np.asarray(rewards)[:, None], (af.LifetimeAverage(500), af.RunningMean(500))
    )
    # Rewards have a standard deviation of about 1, whatever their mean.
    np.testing.assert_allclose(average["reward"], [af.lifetime_average(rewards)], atol=1e-6)
    np.testing.assert_allclose(rate["reward"], [lived.reward_rate], atol=1e-6)


def test_counts_and_small_rates_do_not_stand_still():
    """A float32 stops counting at 2^24, and 1 - 1e-6 from there on at 1 - 3e-2."""
    recorder = af.LifetimeAverage(1)
    tape = recorder.init(1, None, None, {"reward": jax.ShapeDtypeStruct((), jnp.float32)})
    late = (jnp.float32(1e4), jnp.float32(0.0), jnp.float32(0.0), jnp.float32(2.0**25))
    tape = eqx.tree_at(lambda t: t.carried, tape, (late,))
    for _ in range(4):
        tape = recorder.step(tape, jnp.int32(0), None, None, {"reward": jnp.float32(1e4 + 64.0)})
    ((mean, residual, left, count),) = tape.carried
    assert float(count) + float(left) == 2**25 + 4
    change = np.float64(mean) + np.float64(residual) - 1e4
    np.testing.assert_allclose(change, 4 * 64.0 / 2**25, rtol=0.01)

    rows = np.ones((2_000_000, 1), np.float32) * 1e3
    rows[:1_000_000] = 0.0
    (late,) = echoed(rows, (af.RunningMean(1_000_000, 1e-6),))
    kept = np.exp(2e6 * np.log1p(-1e-6))
    expected = 1e3 * (1 - np.exp(1e6 * np.log1p(-1e-6))) / (1 - kept)
    np.testing.assert_allclose(late["reward"], [0.0, expected], rtol=1e-4)


def test_the_rate_is_a_number_that_is_not_compiled():
    rows = jnp.asarray(targets())
    stream = af.ArrayStream(jnp.zeros((STEPS, 1)), rows)
    begun = stream.init(jr.key(0))

    def run(beta):
        recorder = af.RunningMean(INTERVAL, beta)
        start = jnp.zeros((), jnp.int32)
        found = af.drive(
            Echo(), stream, STEPS, state=start, stream_state=begun, recorders=(recorder,)
        )
        return found[2][0]["reward"]

    run(0.5)
    with count_compilations() as compiled:
        run(0.25)
    assert not compiled
    swept = jax.vmap(run)(jnp.float32([0.5, 0.25]))
    np.testing.assert_allclose(swept, [run(0.5), run(0.25)], rtol=1e-5)


@pytest.mark.parametrize("kind", [af.LifetimeAverage, af.RunningMean])
def test_arguments(kind):
    for bad in (0, -1, True, 2.0):
        with pytest.raises((TypeError, ValueError), match=f"{kind.__name__}: `interval` must"):
            kind(bad)
    for bad in (0.0, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"`beta` must lie in \(0, 1\]"):
            af.RunningMean(1, bad)
