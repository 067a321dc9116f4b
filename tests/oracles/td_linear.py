"""Linear TD prediction: Sutton and Barto (2018), sections 9.4 and 12.2."""

import numpy as np


class TDLinearLearner:
    def __init__(self, feature_dim, optimizer, normalizer=None, use_bias=True):
        self.optimizer, self.normalizer, self.use_bias = optimizer, normalizer, use_bias
        self.weights, self.bias = np.zeros(feature_dim), 0.0

    def predict(self, observation):
        x = np.asarray(observation, np.float64)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(x)
        return float(self.weights @ x + self.bias)

    def update(self, observation, reward, next_observation, gamma):
        x, x_next = np.asarray(observation, np.float64), np.asarray(next_observation, np.float64)
        if self.normalizer is not None:
            # Both with the statistics that include x, so that their difference is one of like
            # features.
            x = self.normalizer.normalize(x)
            x_next = self.normalizer.normalize_only(x_next)
        value = float(self.weights @ x + self.bias)
        bootstrap = gamma * float(self.weights @ x_next + self.bias) if gamma != 0 else 0.0
        td_error = float(reward) + bootstrap - value
        delta, bias_delta, seen = self.optimizer.update(td_error, x, x_next, gamma)
        self.weights = self.weights + delta
        self.bias = self.bias + (bias_delta if self.use_bias else 0.0)
        metrics = [td_error**2, td_error, seen["mean_step_size"], seen["mean_eligibility_trace"]]
        return value, td_error, metrics
