"""Differential Sarsa and Q-learning with tables: Sutton and Barto (2018), section 10.3; Wan, Naik
and Sutton (2021)."""

import numpy as np


def differential(
    observations,
    actions,
    next_observations,
    next_actions,
    rewards,
    terminated,
    truncated,
    cuts,
    n_actions,
    alpha,
    beta,
    lamda,
):
    """Weights [action, feature], rates and errors after every step; `next_actions` None bootstraps
    from the greatest. A reward that is no number is a step that is left out, and never bridged.
    `cuts`: where the trace ends besides."""
    w = np.zeros((n_actions, observations.shape[1]))
    z, rate = np.zeros_like(w), 0.0
    weights, rates, errors = [], [], []
    for t, reward in enumerate(rewards):
        if np.isfinite(reward):
            x, action = observations[t], actions[t]
            following = w @ next_observations[t]
            v = np.max(following) if next_actions is None else following[next_actions[t]]
            delta = reward - rate + (0.0 if terminated[t] else v) - w[action] @ x
            z = lamda * z
            z[action] += x
            w = w + alpha * delta * z
            rate = rate + beta * delta
        else:
            delta = np.nan
        if terminated[t] or truncated[t] or cuts[t] or np.isnan(delta):
            z = np.zeros_like(w)
        weights.append(w)
        rates.append(rate)
        errors.append(delta)
    return np.array(weights), np.array(rates), np.array(errors)
