"""A cap that comes after a bound of signed terms lifts what the bound had put right."""

import numpy as np
import pytest

import alberta_framework as af

ROOM = 1 + 1e-5


def two_updates(optimizer, x, u, gamma=1.0):
    """A first update at x = (1, 1), then one at `x` with difference `u` of the features."""
    ones = np.ones(2, np.float32)
    first = optimizer.update(optimizer.init(2), 1.0, ones, ones, gamma).new_state
    x, u = np.float32(x), np.float32(u)
    return first, optimizer.update(first, -1.0, x, x + u, gamma).new_state


def overshoot(before, after, u):
    """By the trace of the step before, as published."""
    alphas = np.exp(np.float64(after.log_step_sizes))
    return float(
        np.sum(alphas * -np.float64(np.float32(u)) * np.float64(before.eligibility_traces))
    )


@pytest.mark.parametrize("theta", [0.01, 0.1])
@pytest.mark.parametrize("first, cap", [(1.0, 0.0), (7.389, 2.0)])
def test_auto_td_idbd(theta, first, cap):
    """One step size rises beyond the cap, the other falls, and before the cap they cancel."""
    optimizer = af.AutoTDIDBD(first, theta, trace_decay=1.0, max_log_step_size=cap)
    u = (1000.0, -1000.0 * np.exp(2 * theta))
    before, after = two_updates(optimizer, (0.0, 0.0), u)
    assert overshoot(before, after, u) <= ROOM


def cancelling(theta, alpha, rise):
    """A second difference of the features such that both terms cancel before the cap."""
    second = 1000.0
    for _ in range(100):
        second = 1000.0 * np.exp(rise(1000.0) + rise(second))
    return 1000.0, -second


@pytest.mark.parametrize("kind", ["AutoTDIDBD", "TDIDBD"])
def test_the_guard_of_the_step_that_is_taken(kind):
    theta, alpha, limit = 0.1, 0.1, 1.0
    options = {
        "trace_decay": 1.0,
        "max_log_step_size": float(np.log(alpha)),
        "max_effective_step": limit,
    }
    if kind == "AutoTDIDBD":
        optimizer = af.AutoTDIDBD(alpha, theta, **options)
        u = (1000.0, -1000.0 * np.exp(2 * theta))
    else:
        theta = 1e-3
        optimizer = af.TDIDBD(alpha, theta, use_semi_gradient=False, **options)
        # The trace h of both features is alpha after the first update, the TD error -1.
        u = cancelling(theta, alpha, lambda size: theta * size * alpha)
    _, after = two_updates(optimizer, (0.0, 0.0), u)
    alphas = np.exp(np.float64(after.log_step_sizes))
    z = np.float64(after.eligibility_traces)
    # The bias has no part in it: with gamma 1 its features do not differ.
    assert float(np.sum(alphas * -np.float64(np.float32(u)) * z)) <= limit * ROOM
