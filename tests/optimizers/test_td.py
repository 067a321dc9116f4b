"""TD optimizers: when the trace decays, what a terminal transition sees, and what a reset cuts."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import cases
from tests.trees import assert_same_bits

ALPHA = 0.01


def chain(optimizer):
    """Five one-hot states in a row; the last transition is terminal and brings the reward."""
    state, update = optimizer.init(5), None
    features = np.eye(6, 5, dtype=np.float32)
    for t in range(5):
        gamma, td_error = (0.0, 1.0) if t == 4 else (1.0, 0.0)
        x, x_next = jnp.asarray(features[t]), jnp.asarray(features[t + 1])
        update = optimizer.update(state, td_error, x, x_next, gamma)
        state = update.new_state
    return update


@pytest.mark.parametrize(
    "kind, arguments",
    [
        ("TDIDBD", {"use_semi_gradient": True}),
        ("TDIDBD", {"use_semi_gradient": False}),
        ("AutoTDIDBD", {}),
    ],
)
def test_a_terminal_reward_reaches_the_whole_episode(kind, arguments):
    """TD(1) is Monte Carlo: every state of the episode is credited alike."""
    base = {"trace_decay": 1.0, "meta_step_size": 0.0, "initial_step_size": ALPHA} | arguments
    update = chain(getattr(af, kind)(**base))
    np.testing.assert_allclose(update.weight_delta, np.full(5, ALPHA), rtol=1e-5)
    outgoing = chain(getattr(af, kind)(**base, trace_discount="outgoing"))
    np.testing.assert_allclose(outgoing.weight_delta, [0, 0, 0, 0, ALPHA], rtol=1e-5)


@pytest.mark.parametrize("case", cases.TD_KINDS, ids=str)
def test_the_next_episode_starts_without_a_trace(case):
    optimizer = case.build()
    state = chain(optimizer).new_state
    x = jnp.array([0.0, 0.0, 1.0, 0.0, 0.0])
    state = optimizer.update(state, 0.5, x, x, 1.0).new_state
    np.testing.assert_array_equal(state.eligibility_traces, x)
    assert state.bias_eligibility_trace == 1


@pytest.mark.parametrize("unseen", [np.inf, -np.inf, np.nan, 1e38])
@pytest.mark.parametrize("discount", ["incoming", "outgoing"])
@pytest.mark.parametrize("case", cases.TD_KINDS, ids=str)
def test_a_terminal_transition_does_not_see_the_next_observation(case, discount, unseen):
    optimizer = case.build(trace_discount=discount)
    x, y = jnp.array([1.0, -0.5]), jnp.array([0.3, 2.0])
    state = optimizer.update(optimizer.init(2), 0.7, x, y, 0.9).new_state
    expected = optimizer.update(state, 1.5, x, jnp.zeros(2), 0.0)
    update = optimizer.update(state, 1.5, x, jnp.array([unseen, unseen], jnp.float32), 0.0)
    assert_same_bits(update, expected)


@pytest.mark.parametrize("case", cases.TD_KINDS, ids=str)
def test_the_discount_of_the_last_call_is_remembered(case):
    optimizer = case.build()
    state, x = optimizer.init(2), jnp.ones(2)
    assert state.previous_gamma == 1
    for discount in ("incoming", "outgoing"):
        optimizer = case.build(trace_discount=discount)
        assert optimizer.update(state, 1.0, x, x, 0.25).new_state.previous_gamma == 0.25


def test_with_a_constant_discount_both_trace_timings_agree():
    rng = np.random.default_rng(0)
    for case in cases.TD_KINDS:
        ours, theirs = case.build(), case.build(trace_discount="outgoing")
        a = ours.init(3).replace(previous_gamma=jnp.float32(0.9))
        b = theirs.init(3).replace(previous_gamma=jnp.float32(0.9))
        for _ in range(5):
            x, y = (jnp.asarray(np.float32(rng.normal(size=3))) for _ in range(2))
            a = ours.update(a, 0.5, x, y, 0.9).new_state
            b = theirs.update(b, 0.5, x, y, 0.9).new_state
        assert_same_bits(a, b)


@pytest.mark.parametrize("case", cases.TD_KINDS, ids=str)
def test_reset_traces_cuts_the_eligibility_and_nothing_else(case):
    optimizer = case.build()
    state = optimizer.init(3)
    for t in range(3):
        x = jnp.array([1.0, t, -0.5])
        state = optimizer.update(state, 0.3, x, x, 0.9).new_state
    assert np.any(state.eligibility_traces != 0) and state.bias_eligibility_trace != 0
    cut = optimizer.reset_traces(state)
    expected = state.replace(eligibility_traces=jnp.zeros(3), bias_eligibility_trace=jnp.zeros(()))
    assert_same_bits(cut, expected)


def test_the_semi_gradient_ignores_the_next_observation():
    optimizer = af.TDIDBD(trace_decay=0.5)
    state = optimizer.update(optimizer.init(2), 1.0, jnp.ones(2), jnp.ones(2), 0.9).new_state
    a = optimizer.update(state, 1.0, jnp.ones(2), jnp.zeros(2), 0.9)
    b = optimizer.update(state, 1.0, jnp.ones(2), jnp.array([5.0, -7.0]), 0.9)
    assert_same_bits(a, b)


def test_an_initial_step_size_outside_the_clip_is_told():
    for kind in (af.TDIDBD, af.AutoTDIDBD):
        with pytest.warns(UserWarning, match="initial_step_size"):
            kind(initial_step_size=10.0)
