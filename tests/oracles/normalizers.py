"""Running mean and variance of every feature in float64."""

import copy

import numpy as np


class Normalizer:
    """What follows from the statistics, `mean` and `var`, and from taking a sample in."""

    def normalize(self, x):
        self.take_in(np.asarray(x, np.float64))
        return self.normalize_only(x)

    def normalize_only(self, x):
        y = (np.asarray(x, np.float64) - self.mean) / (np.sqrt(self.var) + self.epsilon)
        return y if self.clip is None else np.clip(y, -self.clip, self.clip)

    def that_predicts(self, x):
        """The statistics that a prediction at x is made with."""
        after = copy.deepcopy(self)
        if self.predict_with == "included":
            after.normalize(x)
        return after

    def for_prediction(self, x):
        return self.that_predicts(x).normalize_only(x)


class EMANormalizer(Normalizer):
    """Exponentially weighted; the start values 0 and 1 count as one sample."""

    fields = ("mean", "var", "sample_count")

    def __init__(self, feature_dim, epsilon=1e-8, decay=0.99, predict_with="included", clip=None):
        self.epsilon, self.decay = epsilon, decay
        self.predict_with, self.clip = predict_with, clip
        self.mean, self.var, self.sample_count = np.zeros(feature_dim), np.ones(feature_dim), 0

    def take_in(self, x):
        self.sample_count += 1
        rate = max(1.0 - self.decay, 1.0 / (self.sample_count + 1))
        difference = x - self.mean
        self.mean = self.mean + rate * difference
        self.var = (1.0 - rate) * self.var + rate * difference * (x - self.mean)
        self.var = np.maximum(self.var, self.epsilon)


class WelfordNormalizer(Normalizer):
    """Welford (1962), Note on a Method for Calculating Corrected Sums of Squares and Products."""

    fields = ("mean", "var", "sample_count", "p")

    def __init__(
        self, feature_dim, epsilon=1e-8, predict_with="included", clip=None, memory=np.inf
    ):
        self.epsilon, self.predict_with, self.clip = epsilon, predict_with, clip
        self.memory = memory
        self.mean, self.var = np.zeros(feature_dim), np.ones(feature_dim)
        self.p, self.sample_count = np.zeros(feature_dim), 0

    def take_in(self, x):
        self.sample_count += 1
        # From then on each sample makes room for itself, in sums of so many.
        weight = min(self.sample_count, self.memory)
        difference = x - self.mean
        self.mean = self.mean + difference / weight
        if self.sample_count > self.memory:
            self.p = self.p * (self.memory - 2) / (self.memory - 1)
        self.p = self.p + difference * (x - self.mean)
        if self.sample_count >= 2:
            self.var = self.p / (weight - 1)
