"""TD(lambda) and Sarsa(lambda) with tables: Sutton and Barto (2018), sections 12.2 and 12.7.

Traces accumulate. A trace decays by lamda times the discount of the transition into the state that
it is about to include, so that it is gone one step after the end of an episode.
"""

import numpy as np


def td(states, rewards, next_states, discounts, step_size, lamda, count):
    """Values and TD errors after each step."""
    values, trace, incoming = np.zeros(count), np.zeros(count), 0.0
    rows, errors = [], []
    for s, r, after, gamma in zip(states, rewards, next_states, discounts, strict=True):
        error = r + (gamma * values[after] if gamma > 0 else 0.0) - values[s]
        trace = incoming * lamda * trace
        trace[s] += 1.0
        values = values + step_size * error * trace
        rows.append(values)
        errors.append(error)
        incoming = gamma
    return np.array(rows), np.array(errors)


def sarsa(states, actions, rewards, next_states, next_actions, ended, gamma, step_size, lamda):
    """The last table and the TD errors; `ended` is 0, or "terminated", or "truncated"."""
    table = np.zeros((max(states) + 1, max(actions) + 1))
    trace, errors = np.zeros_like(table), []
    columns = (states, actions, rewards, next_states, next_actions, ended)
    for s, a, r, after, action_after, end in zip(*columns, strict=True):
        later = 0.0 if end == "terminated" else gamma * table[after, action_after]
        error = r + later - table[s, a]
        trace[s, a] += 1.0
        table = table + step_size * error * trace
        errors.append(error)
        trace = 0.0 * trace if end else gamma * lamda * trace
    return table, np.array(errors)
