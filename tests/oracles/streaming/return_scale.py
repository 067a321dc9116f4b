"""The scale of TD errors: Schaul, Ostrovski, Kemaev and Borsa (2021), arXiv:2105.05347."""

import numpy as np


class ReturnScale:
    """sigma = sqrt(max(Var r + Var gamma E[G^2], 1e-4)); 1 while no episode has finished.

    Population variances over all steps; G is the undiscounted sum of r over an episode. Where no
    episode finishes for `continuing_after` steps, sqrt(max(Var r, 1e-4)) from then on.
    """

    def __init__(self, continuing_after=100):
        self.continuing_after = continuing_after
        self.rewards, self.discounts, self.squares, self.sum = [], [], [], 0.0

    def update(self, reward, discount, boundary):
        self.rewards.append(reward)
        self.discounts.append(discount)
        self.sum += reward
        if boundary:
            self.squares.append(self.sum**2)
            self.sum = 0.0

    @property
    def sigma(self):
        if self.squares:
            spread = np.var(self.rewards) + np.var(self.discounts) * np.mean(self.squares)
        elif len(self.rewards) < self.continuing_after:
            return 1.0
        else:
            spread = np.var(self.rewards)
        return np.sqrt(max(spread, 1e-4))


class UnitScale:
    sigma = 1.0

    def update(self, reward, discount, boundary):
        del reward, discount, boundary
