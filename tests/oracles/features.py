"""Streaming transforms of observations and rewards in float64, from their definitions."""

import numpy as np


class Samples:
    """All samples that came, and what is known of them."""

    def __init__(self):
        self.samples = []

    def add(self, sample):
        self.samples.append(np.asarray(sample, np.float64))

    @property
    def mean(self):
        return np.mean(self.samples, axis=0)

    @property
    def var(self):
        one = len(self.samples) < 2
        return np.ones_like(self.samples[0]) if one else np.var(self.samples, axis=0, ddof=1)


class ObservationNormalizer:
    def __init__(self, epsilon=1e-8):
        self.epsilon, self.seen = epsilon, Samples()

    def reset(self, x):
        self.seen.add(x)
        return (x - self.seen.mean) / np.sqrt(self.seen.var + self.epsilon)

    def step(self, x, reward, over):
        return self.reset(x), reward


class RewardScaler:
    def __init__(self, gamma, epsilon=1e-8):
        self.gamma, self.epsilon, self.seen, self.u = gamma, epsilon, Samples(), 0.0

    def reset(self, x):
        return x

    def step(self, x, reward, over):
        self.u = self.gamma * self.u * (1 - over) + reward
        self.seen.add(self.u)
        return x, reward / np.sqrt(self.seen.var + self.epsilon)


class TimeFeature:
    def __init__(self, limit):
        self.limit = limit

    def reset(self, x):
        self.k = 0
        return np.append(x, -0.5)

    def step(self, x, reward, over):
        self.k += 1
        return np.append(x, -0.5 + self.k / self.limit), reward


class ObservationTrace:
    def __init__(self, beta=0.999):
        self.beta = beta

    def reset(self, x):
        self.m, self.k = 0.0, 0
        return self.step(x, 0.0, False)[0]

    def step(self, x, reward, over):
        self.k += 1
        self.m = self.beta * self.m + (1 - self.beta) * x
        return self.m / (1 - self.beta**self.k), reward


class Clipped:
    def __init__(self, limit=5.0):
        self.limit = limit

    def reset(self, x):
        return np.clip(x, -self.limit, self.limit)

    def step(self, x, reward, over):
        return self.reset(x), reward


class TilesOfEach:
    """One number after the other, tiling by tiling, place by place."""

    def __init__(self, low=-3.0, high=3.0, tilings=4, tiles=8):
        self.low, self.high, self.tilings, self.tiles = low, high, tilings, tiles

    def reset(self, x):
        features = []
        for number in np.clip(x, self.low, self.high):
            for i in range(self.tilings):
                along = self.tiles * (number - self.low) / (self.high - self.low)
                place = min(int(np.floor(along + i / self.tilings)), self.tiles)
                features += [float(k == place) for k in range(self.tiles + 1)]
        return np.array(features)

    def step(self, x, reward, over):
        return self.reset(x), reward


class Concatenated:
    def __init__(self, parts):
        self.parts = parts

    def reset(self, x):
        return np.concatenate([part.reset(x) for part in self.parts])

    def step(self, x, reward, over):
        return np.concatenate([part.step(x, reward, over)[0] for part in self.parts]), reward


class Pipeline:
    def __init__(self, parts):
        self.parts = parts

    def reset(self, x):
        for part in self.parts:
            x = part.reset(x)
        return x

    def step(self, x, reward, over):
        for part in self.parts:
            x, reward = part.step(x, reward, over)
        return x, reward
