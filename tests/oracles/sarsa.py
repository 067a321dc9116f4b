"""Linear SARSA(lambda) in float64: Sutton and Barto (2018), sections 10.1 and 12.7.

One trace over the weights of all actions, decayed by the discount of the transition into the
state; an update never bridges two episodes, nor a step that was lost.
"""

import numpy as np


class LinearSARSA:
    """The features are followed by a constant 1, the bias's."""

    def __init__(self, weights, biases, step_size, gamma, lamda):
        self.w = np.column_stack([weights, biases]).astype(np.float64)
        self.step_size, self.gamma, self.lamda = step_size, gamma, lamda
        self.learned, self.pending = 0, None
        self._cut()

    def _cut(self):
        self.trace, self.incoming = np.zeros_like(self.w), 0.0

    def values(self, x):
        return self.w @ np.append(np.asarray(x, np.float64), 1.0)

    def start(self, x, action):
        self._cut()
        self.pending = (np.asarray(x, np.float64), action)

    def lose(self):
        """A transition that taught nothing."""
        self._cut()
        self.pending = None

    def step(self, reward, x, action, terminated, truncated):
        """The TD error; `action` is the next one."""
        if self.pending is None:
            self.pending = (np.asarray(x, np.float64), action)
            return np.nan
        before, taken = self.pending
        discount = 0.0 if terminated else self.gamma
        bootstrap = 0.0 if discount == 0.0 else discount * self.values(x)[action]
        delta = reward + bootstrap - self.values(before)[taken]
        self.trace *= self.incoming * self.lamda
        self.trace[taken] += np.append(before, 1.0)
        self.w += self.step_size * delta * self.trace
        self.incoming = discount
        if truncated:
            self._cut()
        self.pending, self.learned = (np.asarray(x, np.float64), action), self.learned + 1
        return delta


def live(oracle, world, actions, steps):
    """A life in a `Tabular` world with the actions that were taken.

    `actions[t]` is that of step t. At a truncation the next action is bootstrapped but never taken:
    the greedy one. What is not finite is lost. Per step: reward, TD error, greatest value of what
    is seen before learning, and whether it was terminated, truncated, lost.
    """
    features, following = np.float64(world.features), np.asarray(world.following)
    rewards = np.float64(world.rewards)
    terminated, truncated = np.asarray(world.terminated), np.asarray(world.truncated)
    at, rows = 0, []
    oracle.start(features[0], actions[0])
    for t in range(steps):
        taken = actions[t]
        reward, after = rewards[at, taken], following[at, taken]
        ends = bool(terminated[at, taken]), bool(truncated[at, taken])
        x = features[after]
        values = oracle.values(x)
        chosen = int(np.argmax(values)) if any(ends) else actions[t + 1]
        bad = not np.isfinite(reward) or not (np.isfinite(x).all() or ends[0])
        if bad:
            oracle.lose()
            error = np.nan
        else:
            error = oracle.step(reward, x, chosen, *ends)
        rows.append((reward, error, np.max(values), *ends, bad))
        at = after
        if any(ends):
            at = 0
            oracle.start(features[0], actions[t + 1])
    return np.array(rows, np.float64).T
