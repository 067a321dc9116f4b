"""ObGD: Elsayed, Vasan and Mahmood (2024), Streaming Deep Reinforcement Learning Finally Works."""

import numpy as np


class ObGD:
    """Overshooting-bounded gradient descent of a linear learner with eligibility traces."""

    fields = ("traces", "bias_trace")

    def __init__(self, feature_dim, step_size=1.0, kappa=2.0, gamma=0.0, lamda=0.0):
        self.step_size, self.kappa, self.decay = step_size, kappa, gamma * lamda
        self.z = np.zeros(feature_dim + 1)

    traces = property(lambda self: self.z[:-1])
    bias_trace = property(lambda self: self.z[-1])

    def update(self, error, x):
        gradient = np.append(np.asarray(x, np.float64), 1.0)
        self.z = self.decay * self.z + gradient
        bound = self.step_size * self.kappa * max(abs(error), 1.0) * np.sum(np.abs(self.z))
        alpha = min(self.step_size / bound, self.step_size) if bound > 0 else self.step_size
        delta = alpha * error * self.z
        metrics = {
            "step_size": self.step_size,
            "effective_step_size": alpha,
            "bounding_factor": bound,
            "mean_step_size": alpha,
        }
        return delta[:-1], delta[-1], metrics
