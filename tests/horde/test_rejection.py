"""A bad input leaves a horde as it was, says so, and poisons nothing."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import cases, runs
from tests.horde.cases import CHUNK, DEMONS, DIM
from tests.learners.test_rejection import assert_rejected
from tests.trees import assert_finite, assert_leaves_close, assert_same_bits, lane

BAD = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
INFINITE = {"inf": np.inf, "-inf": -np.inf}


def rows():
    """Argument, index into it, and the value to put there."""
    for kind, value in BAD.items():
        yield f"observation-{kind}", "observation", 2, value
        yield f"next_observation-{kind}", "next_observation", 0, value
        yield f"gammas-{kind}", "gammas", 1, value
        yield f"terminated-{kind}", "terminated", (), value
    for kind, value in INFINITE.items():
        # Only demon 1 has a cumulant of its own; the others name the signals 1 and 0.
        yield f"cumulant-{kind}", "cumulants", 1, value
        yield f"signal0-{kind}", "signals", 0, value
        yield f"signal1-{kind}", "signals", 1, value


ROWS = [pytest.param(*row[1:], id=row[0]) for row in rows()]


def ordinary(steps=CHUNK, seed=4):
    """Without ends, so that the next observation counts."""
    columns = cases.transitions(steps, seed)
    columns["terminated"][:] = 0.0
    return columns


def spoil(columns, at, name, index, value):
    """`columns` with one element of one row exchanged."""
    changed = {key: column.copy() for key, column in columns.items()}
    where = (at,) if index == () else (at, index)
    changed[name][where] = value
    return changed


@pytest.mark.parametrize("name, index, value", ROWS)
def test_a_bad_input_is_rejected(name, index, value):
    horde, state = cases.experienced_horde()
    good = ordinary()
    result = horde.update(state, **cases.first(spoil(good, 0, name, index, value)))
    assert_rejected(result, state)
    after = horde.update(result.state, **cases.first(good))
    assert not after.rejected
    expected = horde.update(state, **cases.first(good))
    assert_same_bits(after.state.replace(rejected_count=0, rejected_in_a_row=0), expected.state)


@pytest.mark.parametrize("name, index, value", ROWS)
def test_a_bad_input_is_rejected_inside_a_scan(name, index, value):
    horde, state = cases.experienced_horde()
    good = ordinary()
    last, results = runs.run(horde, state, **spoil(good, 1, name, index, value))
    np.testing.assert_array_equal(results.rejected, np.arange(CHUNK) == 1)
    assert_rejected(lane(results, 1), lane(results.state, 0))
    assert (last.step_count - state.step_count, last.rejected_count) == (CHUNK - 1, 1)
    assert_finite(last)


@pytest.mark.parametrize("name, index, value", ROWS)
def test_each_lane_of_a_vmap_is_judged_alone(name, index, value):
    horde, state = cases.experienced_horde()
    columns = spoil(ordinary(3), 1, name, index, value)
    result = runs.update_lanes(horde, runs.repeated(state, 3), **columns)
    np.testing.assert_array_equal(result.rejected, [False, True, False])
    assert_rejected(lane(result, 1), state)
    for i in (0, 2):
        expected = horde.update(state, **lane(columns, i)).state
        assert_leaves_close(lane(result, i).state, expected, relative=2e-6, absolute=1e-7)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_the_next_observation_does_not_matter_where_every_discount_is_zero(value):
    horde, state = cases.experienced_horde()
    good = ordinary()
    bad = cases.first(spoil(good, 0, "next_observation", 1, value))
    ended = bad | {"terminated": np.float32(1.0)}
    results = [horde.update(state, **ended)]
    results.append(horde.update(state, **bad | {"gammas": np.zeros(DEMONS, np.float32)}))
    expected = horde.update(state, **cases.first(good) | {"terminated": np.float32(1.0)})
    for result in results:
        assert not result.rejected
        assert_finite(result.state)
    assert_same_bits(results[0], expected)
    one = np.float32([0.0, 0.5, 0.0])
    assert_rejected(horde.update(state, **bad | {"gammas": one}), state)


@pytest.mark.parametrize("value", INFINITE.values(), ids=INFINITE)
def test_a_signal_that_nobody_uses_does_not_matter(value):
    horde, state = cases.experienced_horde()
    good = ordinary()
    state = horde.update(state, **cases.first(good)).state
    signals = np.float32([0.1, 0.2, value])
    result = horde.update(state, **cases.first(good) | {"signals": signals})
    assert not result.rejected
    assert_finite(result.state)


def test_a_signal_that_is_missing_leaves_its_demons_inactive():
    horde, state = cases.experienced_horde()
    good = cases.first(ordinary())
    good["cumulants"] = np.float32([0.3, 0.4, 0.5])
    result = horde.update(state, **good | {"signals": np.float32([np.nan, 1.0])})
    assert not result.rejected
    np.testing.assert_array_equal(np.isnan(result.td_errors), [False, False, True])
    assert_finite(result.state)


def test_a_state_that_is_not_finite_rejects_every_step():
    horde, state = cases.experienced_horde()
    head = state.head_params
    spoiled = af.MLPParams(head.weights.at[1, 0, 0].set(np.nan), head.biases)
    state = state.replace(head_params=spoiled)
    for count in (1, 2):
        good = cases.first(ordinary())
        good["cumulants"] = np.float32([0.3, 0.4, 0.5])
        result = horde.update(state, **good)
        assert_rejected(result, state)
        state = result.state
        assert state.rejected_count == count


RANGES = [(low, high) for high in (38.5, 30.0, 19.0, 10.0) for low in (high - 3, -10.0)]
LONG_TRACES = [(1.0, 1.0, -1, 0.0), (0.9, 0.8, -1, 3.0), (0.0, 0.0, -1, 0.0)]
HORDES = {
    "all parts": cases.horde(demons=LONG_TRACES),
    "autostep": cases.horde(
        demons=LONG_TRACES,
        optimizer=af.Autostep(0.1),
        bounder=None,
        normalizer=af.WelfordNormalizer(),
    ),
    "no trunk": cases.horde(
        demons=LONG_TRACES, hidden_sizes=(), optimizer=af.LMS(1.0), bounder=None, normalizer=None
    ),
}


@pytest.mark.parametrize("name", HORDES)
def test_no_magnitude_leaves_a_state_that_is_not_finite(name):
    """Sizes log-uniform up to the largest, some missing or not finite; traces never cut."""
    horde, steps = HORDES[name], 40
    for seed, (low, high) in enumerate(RANGES):
        rng = np.random.default_rng(seed)

        def draw(*shape, rng=rng, low=low, high=high):
            size = 10 ** rng.uniform(low, high, size=shape)
            signed = size * rng.choice([-1, 1], size=shape) * (rng.random(shape) > 0.1)
            signed[rng.random(shape) < 0.02] = rng.choice([np.nan, np.inf])
            return np.float32(np.clip(signed, -3.4e38, 3.4e38))

        last, results = runs.run(
            horde,
            horde.init(DIM, jr.key(0)),
            observation=draw(steps, DIM),
            cumulants=draw(steps, DEMONS),
            next_observation=draw(steps, DIM),
        )
        assert_finite(results.state)
        assert last.step_count + last.rejected_count == steps
        assert last.rejected_count == np.sum(results.rejected)
        accepted = ~np.asarray(results.rejected)
        assert np.all(np.isfinite(np.asarray(results.predictions)[accepted]))


def test_ordinary_steps_are_not_rejected():
    horde, state = cases.experienced_horde()
    assert (state.step_count, state.rejected_count) == (CHUNK, 0)
    assert_finite(state)
    assert jnp.all(horde.update(state, **cases.first(ordinary())).predictions != 0)
