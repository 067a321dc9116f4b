"""Running mean and variance of every feature in float64."""

import numpy as np


class EMANormalizer:
    """Exponentially weighted; the start values 0 and 1 count as one sample."""

    fields = ("mean", "var", "sample_count")

    def __init__(self, feature_dim, epsilon=1e-8, decay=0.99):
        self.epsilon, self.decay = epsilon, decay
        self.mean, self.var, self.sample_count = np.zeros(feature_dim), np.ones(feature_dim), 0

    def normalize(self, x):
        x = np.asarray(x, np.float64)
        self.sample_count += 1
        rate = max(1.0 - self.decay, 1.0 / (self.sample_count + 1))
        difference = x - self.mean
        self.mean = self.mean + rate * difference
        self.var = (1.0 - rate) * self.var + rate * difference * (x - self.mean)
        self.var = np.maximum(self.var, self.epsilon)
        return self.normalize_only(x)

    def normalize_only(self, x):
        return (np.asarray(x, np.float64) - self.mean) / (np.sqrt(self.var) + self.epsilon)


class WelfordNormalizer:
    """Welford (1962), Note on a Method for Calculating Corrected Sums of Squares and Products."""

    fields = ("mean", "var", "sample_count", "p")

    def __init__(self, feature_dim, epsilon=1e-8):
        self.epsilon = epsilon
        self.mean, self.var = np.zeros(feature_dim), np.ones(feature_dim)
        self.p, self.sample_count = np.zeros(feature_dim), 0

    def normalize(self, x):
        x = np.asarray(x, np.float64)
        self.sample_count += 1
        difference = x - self.mean
        self.mean = self.mean + difference / self.sample_count
        self.p = self.p + difference * (x - self.mean)
        if self.sample_count >= 2:
            self.var = self.p / (self.sample_count - 1)
        return self.normalize_only(x)

    def normalize_only(self, x):
        return (np.asarray(x, np.float64) - self.mean) / (np.sqrt(self.var) + self.epsilon)
