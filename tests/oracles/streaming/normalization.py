"""Running statistics and what is made of them: Welford (1962); Elsayed et al. (2024)."""

import numpy as np


class SampleMeanVar:
    """Mean and sample variance of everything seen; the variance of one sample is 1."""

    def __init__(self, shape=()):
        self.count, self.mean, self.p = 0, np.zeros(shape), np.zeros(shape)

    def update(self, x):
        x = np.asarray(x, np.float64)
        self.count += 1
        before = self.mean
        self.mean = before + (x - before) / self.count
        self.p = self.p + (x - before) * (x - self.mean)

    @property
    def var(self):
        if self.count < 2:
            return np.ones_like(self.mean)
        return self.p / (self.count - 1)


class ObservationNormalizer:
    """(x - mean) / sqrt(var + 1e-8), statistics with x in them; `look` leaves them alone."""

    def __init__(self, shape):
        self.statistics = SampleMeanVar(shape)

    def __call__(self, x):
        self.statistics.update(x)
        return self.look(x)

    def look(self, x):
        return (x - self.statistics.mean) / np.sqrt(self.statistics.var + 1e-8)


class RewardScaler:
    """r / sigma, sigma = sqrt(var(u) + 1e-8) of the return trace u <- gamma u (1 - done) + r."""

    def __init__(self, gamma):
        self.gamma, self.u, self.statistics = gamma, 0.0, SampleMeanVar()

    def __call__(self, reward, done):
        self.u = self.gamma * self.u * (1.0 - done) + reward
        self.statistics.update(self.u)
        return reward / self.sigma

    @property
    def sigma(self):
        return np.sqrt(self.statistics.var + 1e-8)


class TimeFeature:
    """Appends -0.5 + k / limit, k = 0 at `reset` and one more at every later observation."""

    def __init__(self, limit):
        self.limit, self.k = limit, 0

    def reset(self, x):
        self.k = 0
        return np.append(x, -0.5)

    def __call__(self, x):
        self.k += 1
        return np.append(x, -0.5 + self.k / self.limit)


class ObservationTrace:
    """m / (1 - beta^k), m <- beta m + (1 - beta) x, k observations since `reset` that began it."""

    def __init__(self, shape, beta=0.999):
        self.beta, self.m, self.k = beta, np.zeros(shape), 0

    def reset(self, x):
        self.m, self.k = np.zeros_like(self.m), 0
        return self(x)

    def __call__(self, x):
        self.k += 1
        self.m = self.beta * self.m + (1.0 - self.beta) * np.asarray(x, np.float64)
        return self.m / (1.0 - self.beta**self.k)
