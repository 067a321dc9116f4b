"""A bad input leaves an agent as it was, says so, and poisons nothing; nor does a missing one."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.horde import cases, runs
from tests.horde.cases import CHUNK, DEMONS, DIM
from tests.horde.test_rejection import BAD, INFINITE, LONG_TRACES, RANGES, spoil
from tests.trees import (
    assert_finite,
    assert_leaves_close,
    assert_same_bits,
    lane,
    once_more_rejected,
)


def rows():
    for kind, value in BAD.items():
        yield f"observation-{kind}", "observation", 2, value
        yield f"reward-{kind}", "reward", (), value
    for kind, value in INFINITE.items():
        yield f"cumulant-{kind}", "prediction_cumulants", 1, value


ROWS = [pytest.param(*row[1:], id=row[0]) for row in rows()]


def ordinary(steps=CHUNK, seed=4):
    columns = cases.control(steps, seed)
    columns["terminated"][:] = 0.0
    return columns


def keyless(state):
    """Typed keys have no NumPy form."""
    return state.replace(rng_key=jr.key_data(state.rng_key))


def assert_rejected(result, before):
    assert bool(result.rejected) is True and bool(result.learned) is False
    assert_same_bits(keyless(result.state), keyless(once_more_rejected(before)))
    assert np.isnan(result.td_error)
    assert np.all(np.isnan(result.q_values))


@pytest.mark.parametrize("name, index, value", ROWS)
def test_a_bad_input_is_rejected(name, index, value):
    agent, state = cases.experienced_agent()
    good = ordinary()
    result = agent.update(state, **cases.first(spoil(good, 0, name, index, value)))
    assert_rejected(result, state)
    after = agent.update(result.state, **cases.first(good))
    assert not after.rejected and after.learned
    expected = agent.update(state, **cases.first(good)).state
    assert_same_bits(keyless(after.state.replace(rejected_count=0)), keyless(expected))


@pytest.mark.parametrize("name, index, value", ROWS)
def test_a_bad_input_is_rejected_inside_a_scan(name, index, value):
    agent, state = cases.experienced_agent()
    last, results = runs.run(agent, state, **spoil(ordinary(), 1, name, index, value))
    np.testing.assert_array_equal(results.rejected, np.arange(CHUNK) == 1)
    second, first = (jax.tree.map(lambda leaf, t=t: leaf[t], results) for t in (1, 0))
    assert_rejected(second, first.state)
    assert (last.step_count - state.step_count, last.rejected_count) == (CHUNK - 1, 1)


@pytest.mark.parametrize("name, index, value", ROWS)
def test_each_lane_of_a_vmap_is_judged_alone(name, index, value):
    agent, state = cases.experienced_agent()
    columns = spoil(ordinary(3), 1, name, index, value)
    result = runs.update_lanes(agent, runs.repeated(state, 3), **columns)
    np.testing.assert_array_equal(result.rejected, [False, True, False])
    assert_rejected(lane(result, 1), state)
    for i in (0, 2):
        expected = agent.update(state, **lane(columns, i)).state
        ours = keyless(lane(result, i).state)
        assert_leaves_close(ours, keyless(expected), relative=2e-6, absolute=1e-7)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_what_is_observed_at_the_end_does_not_matter(value):
    agent, state = cases.experienced_agent()
    good = cases.first(ordinary()) | {"terminated": np.float32(1.0)}
    bad = good | {"observation": np.full(DIM, value, np.float32)}
    result, expected = agent.update(state, **bad), agent.update(state, **good)
    assert not result.rejected and result.learned
    np.testing.assert_array_equal(result.td_error, expected.td_error)
    assert_same_bits(result.state.learner_state, expected.state.learner_state)


def test_a_cumulant_that_is_missing_is_no_bad_input():
    agent, state = cases.experienced_agent()
    good = cases.first(ordinary())
    good["prediction_cumulants"] = np.full(DEMONS, np.nan, np.float32)
    result = agent.update(state, **good)
    assert not result.rejected and result.learned
    assert_finite(result.state.learner_state)


def test_a_bad_input_is_rejected_while_nothing_is_pending_too():
    agent, state = cases.experienced_agent()
    state = state.replace(last_action=jnp.int32(-1))
    bad = cases.first(spoil(ordinary(), 0, "reward", (), np.nan))
    assert_rejected(agent.update(state, **bad), state)


def test_without_a_pending_action_nothing_is_learned():
    """The pair (S', A') is stored all the same, and the next step learns from it."""
    agent = agents.linear(3, lamda=0.8, prediction_demons=runs.spec(runs.demon()).demons)
    state = agents.pending(agent, -1, runs.one_hot(2, 0)[0])
    x, cumulant = runs.one_hot(2, 1)[0], np.ones(1, np.float32)
    result = agent.update(state, 1.0, x, False, 2, cumulant)
    assert (bool(result.learned), bool(result.rejected)) == (False, False)
    assert np.isnan(result.td_error)
    assert_same_bits(result.state.learner_state, state.learner_state)
    assert result.state.step_count == 0 and result.state.epsilon == state.epsilon
    assert result.state.last_action == 2
    np.testing.assert_array_equal(result.state.last_observation, x)
    np.testing.assert_array_equal(result.q_values, np.zeros(3))
    after = agent.update(result.state, 1.0, x, False, 0, cumulant)
    assert bool(after.learned)
    np.testing.assert_allclose(agents.table(after.state)[:, 1], [0, 0, 0.1, 0.1], rtol=1e-6)


AGENTS = {
    "all parts": cases.agent(demons=LONG_TRACES, lamda=1.0),
    "no trunk": cases.agent(
        demons=None,
        lamda=1.0,
        hidden_sizes=(),
        optimizer=af.LMS(1.0),
        bounder=None,
        normalizer=None,
    ),
}


@pytest.mark.parametrize("name", AGENTS)
def test_no_magnitude_leaves_a_state_that_is_not_finite(name):
    agent, steps = AGENTS[name], 40
    for seed, (low, high) in enumerate(RANGES):
        rng = np.random.default_rng(seed)

        def draw(*shape, rng=rng, low=low, high=high):
            size = 10 ** rng.uniform(low, high, size=shape)
            signed = size * rng.choice([-1, 1], size=shape) * (rng.random(shape) > 0.1)
            signed[rng.random(shape) < 0.02] = rng.choice([np.nan, np.inf])
            return np.float32(np.clip(signed, -3.4e38, 3.4e38))

        begun = agents.pending(agent, 0, np.zeros(DIM, np.float32))
        columns = {
            "reward": draw(steps),
            "observation": draw(steps, DIM),
            "terminated": np.float32(rng.random(steps) < 0.05),
            "next_action": np.int32(rng.integers(0, 2, size=steps)),
        }
        if name == "all parts":
            columns["prediction_cumulants"] = draw(steps, DEMONS)
        last, results = runs.run(agent, begun, **columns)
        # What is observed at the end is stored as it came.
        assert_finite(results.state.learner_state)
        assert last.step_count + last.rejected_count == steps
        accepted = ~np.asarray(results.rejected)
        assert np.all(np.isfinite(np.asarray(results.td_error)[accepted]))


def test_ordinary_steps_are_not_rejected():
    _, state = cases.experienced_agent()
    assert (state.step_count, state.rejected_count) == (CHUNK, 0)
    assert_finite(state.learner_state)
