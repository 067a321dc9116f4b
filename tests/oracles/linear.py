"""A linear learner y = w.x + b, put together from the oracles of its parts."""

import numpy as np

from tests.oracles.forgetting import change, forgotten


class LinearLearner:
    """`bound` is a function of steps, error and parameters, as in `bounders`."""

    def __init__(self, feature_dim, optimizer, normalizer=None, bound=None, use_bias=True):
        self.optimizer, self.normalizer, self.bound = optimizer, normalizer, bound
        self.use_bias = use_bias
        self.weights, self.bias = np.zeros(feature_dim), 0.0

    def predict(self, observation):
        x = np.asarray(observation, np.float64)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(x)
        return float(self.weights @ x + self.bias)

    def update(self, observation, target):
        x = np.asarray(observation, np.float64)
        if self.normalizer is not None:
            x = self.normalizer.normalize(x)
        prediction = float(self.weights @ x + self.bias)
        error = float(target) - prediction
        before = self.weights, self.bias
        delta, bias_delta, seen = change(self.optimizer, error, x, *before)
        lost, bias_lost = forgotten(self.optimizer, *before)
        bias_delta = bias_delta if self.use_bias else 0.0
        if self.bound is not None:
            steps = (delta / error, bias_delta / error) if error else (0.0 * delta, 0.0)
            (step, bias_step), _ = self.bound(steps, error, (self.weights, self.bias))
            delta, bias_delta = error * step, error * float(bias_step)
        self.weights = self.weights - lost + delta
        self.bias = self.bias + (bias_delta - bias_lost if self.use_bias else 0.0)
        metrics = [error**2, error, seen["mean_step_size"]]
        if self.normalizer is not None:
            metrics.append(self.normalizer.var.mean())
        return prediction, error, metrics
