"""Policies as functions of a network's outputs: log pi(a), entropy, and both by the outputs."""

import numpy as np


class Softmax:
    """The outputs are preferences, one per action; an action is an integer."""

    def probabilities(self, outputs):
        e = np.exp(outputs - np.max(outputs))
        return e / np.sum(e)

    def log_probability(self, outputs, action):
        shifted = outputs - np.max(outputs)
        return shifted[action] - np.log(np.sum(np.exp(shifted)))

    def entropy(self, outputs):
        shifted = outputs - np.max(outputs)
        log_p = shifted - np.log(np.sum(np.exp(shifted)))
        return -np.sum(np.exp(log_p) * log_p)

    def log_probability_gradient(self, outputs, action):
        g = -self.probabilities(outputs)
        g[action] += 1.0
        return g

    def entropy_gradient(self, outputs):
        shifted = outputs - np.max(outputs)
        log_p = shifted - np.log(np.sum(np.exp(shifted)))
        return -np.exp(log_p) * (log_p + self.entropy(outputs))


class Gaussian:
    """The outputs are n means, then n values whose softplus are the standard deviations.

    An action is the vector as it was drawn, before any clipping.
    """

    def moments(self, outputs):
        mean, raw = np.split(outputs, 2)
        return mean, np.logaddexp(0.0, raw), raw

    def log_probability(self, outputs, action):
        mean, sigma, _ = self.moments(outputs)
        z = (action - mean) / sigma
        return np.sum(-0.5 * z**2 - np.log(sigma) - 0.5 * np.log(2.0 * np.pi))

    def entropy(self, outputs):
        _, sigma, _ = self.moments(outputs)
        return np.sum(0.5 * np.log(2.0 * np.pi * np.e) + np.log(sigma))

    def log_probability_gradient(self, outputs, action):
        mean, sigma, raw = self.moments(outputs)
        z = (action - mean) / sigma
        return np.concatenate([z / sigma, (z**2 - 1.0) / sigma * sigmoid(raw)])

    def entropy_gradient(self, outputs):
        mean, sigma, raw = self.moments(outputs)
        return np.concatenate([np.zeros(len(mean)), sigmoid(raw) / sigma])


def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))
