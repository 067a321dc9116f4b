"""Only a number of the agent's own actions is one; the rest are errors, or rejected steps."""

import enum

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.control.test_episodes import comparable
from tests.horde import runs
from tests.trees import assert_same_bits

X, Y = runs.one_hot(2, 0, 1)
AGENT = agents.linear(3, lamda=0.8)
STATE = agents.pending(AGENT, 1, X, [[1.0, 2.0], [0.5, -1.0], [3.0, 4.0]])


def update(action):
    return AGENT.update(STATE, 0.5, Y, False, action)


@jax.jit
def inside(state, action):
    return AGENT.update(state, 0.5, Y, False, action)


Move = enum.IntEnum("Move", ["LEFT", "RIGHT"])
INTEGERS = [
    2,
    Move.RIGHT,
    np.int64(2),
    np.int8(2),
    np.uint64(2),
    np.array(2),
    jnp.int32(2),
    jnp.uint8(2),
]
NO_INTEGERS = [
    0.5,
    2.0,
    np.float32(2),
    np.array(2.0),
    jnp.float32(2),
    True,
    np.bool_(True),
    np.array(True),
    jnp.bool_(True),
    None,
    "2",
    [2],
    np.array([2]),
    jnp.array([2]),
    1j,
]


@pytest.mark.parametrize("action", INTEGERS, ids=lambda a: f"{type(a).__name__}-{a!r}")
def test_integers_of_every_kind_are_actions(action):
    expected, found = update(2), update(action)
    assert found.learned and found.action == 2
    assert_same_bits(comparable(found.state), comparable(expected.state))
    assert_same_bits(inside(STATE, jnp.asarray(action)).td_error, inside(STATE, 2).td_error)


@pytest.mark.parametrize("action", NO_INTEGERS, ids=lambda a: f"{type(a).__name__}-{a!r}")
def test_what_is_no_integer_is_no_action(action):
    message = r"SARSAAgent\.update: `next_action` must be an integer"
    with pytest.raises(TypeError, match=message) as caught:
        update(action)
    assert "\n" not in str(caught.value)
    with pytest.raises(TypeError, match="`next_action` must be an integer"):
        AGENT.update(STATE, 0.5, Y, False, next_action=action)


def test_what_is_no_integer_is_none_inside_compiled_code():
    for action in (0.5, jnp.float32(2), jnp.bool_(True), jnp.array([2])):
        with pytest.raises(TypeError, match="`next_action` must be an integer"):
            inside(STATE, action)


OUTSIDE = [-1, 3, 2**31, 2**32 + 1, -(2**70), np.int64(2**32 + 1), np.int8(-1), jnp.int32(7)]


@pytest.mark.parametrize("action", OUTSIDE, ids=repr)
def test_an_action_out_of_range_is_an_error_where_its_value_is_known(action):
    with pytest.raises(ValueError, match=rf"`next_action` must lie in 0 \.\. 2, got {int(action)}"):
        update(action)
    # Known as well while something else is traced.
    with pytest.raises(ValueError, match="`next_action` must lie in"):
        jax.jit(lambda x: AGENT.update(STATE, 0.5, x, False, action).td_error)(Y)


@pytest.mark.parametrize("action", [-1, 3, 7, -(2**31), np.uint32(2**32 - 1), np.int8(-1)])
def test_an_action_out_of_range_is_a_rejected_step_inside(action):
    result = inside(STATE, jnp.asarray(action))
    assert result.rejected and not result.learned and np.isnan(result.td_error)
    counted = STATE.learner_state.replace(rejected_count=1, rejected_in_a_row=1)
    before = STATE.replace(learner_state=counted)
    assert_same_bits(comparable(result.state), comparable(before))


def test_a_pending_action_that_is_not_there_credits_none():
    state = STATE.replace(last_action=jnp.int32(3))
    result = AGENT.update(state, 0.5, Y, False, 2)
    assert result.rejected and not result.learned
    assert result.state.rejected_count == 1 and result.state.step_count == 0


# Rows of two features, which all go on.
STEPS = 6
ROWS = np.float32(np.random.default_rng(0).normal(size=(STEPS + 1, 2)))
REWARDS, NEVER = np.ones(STEPS, np.float32), np.zeros(STEPS, bool)


def from_arrays(actions, agent=AGENT):
    state = agent.init(2, jr.key(0))
    return af.run_sarsa_from_arrays(
        agent, state, ROWS[:-1], REWARDS, NEVER, ROWS[1:], actions=actions
    )


TAKEN = np.array([0, 1, 2, 2, 1, 0])


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, jnp.int32, list])
def test_recorded_actions_are_integers_of_any_kind(kind):
    found = from_arrays(TAKEN.tolist() if kind is list else kind(TAKEN))
    expected = from_arrays(TAKEN.astype(np.int32))
    np.testing.assert_array_equal(found.td_errors, expected.td_errors)
    np.testing.assert_array_equal(found.actions[:-1], TAKEN[1:])


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.bool_, jnp.float32, str, object])
def test_recorded_actions_that_are_no_integers(kind):
    with pytest.raises(TypeError, match="`actions` must be integers, got"):
        from_arrays(kind(TAKEN) if kind is jnp.float32 else TAKEN.astype(kind))


@pytest.mark.parametrize("wrong", [-1, 3, 2**32 + 1])
def test_recorded_actions_that_the_agent_does_not_have(wrong):
    actions = TAKEN.copy()
    actions[2] = wrong
    with pytest.raises(ValueError, match=r"`actions` must lie in 0 \.\. 2, got"):
        from_arrays(actions)


@pytest.mark.parametrize("wrong", [-1, -7, 3, 100])
def test_recorded_actions_are_rejected_inside_compiled_code(wrong):
    """Neither the step that took it nor the one that bootstraps from it; nor is it bridged."""
    actions = TAKEN.astype(np.int32)
    actions[2] = wrong
    found = jax.jit(from_arrays)(actions)
    lost = [False, True, True, False, False, False]
    np.testing.assert_array_equal(np.isnan(found.td_errors), lost)
    assert found.state.rejected_count == 2 and found.state.step_count == STEPS - 2
    # As if the rows before had never been: the traces are cut.
    whole = from_arrays(TAKEN)
    assert not np.allclose(found.td_errors[3:], whole.td_errors[3:])
