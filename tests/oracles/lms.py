"""LMS: Widrow and Hoff (1960), Adaptive Switching Circuits."""

import numpy as np


class LMS:
    fields = ("step_size",)

    def __init__(self, feature_dim, step_size=0.01):
        self.step_size = float(step_size)

    def update(self, error, x):
        metrics = {"step_size": self.step_size, "mean_step_size": self.step_size}
        return self.step_size * error * np.asarray(x), self.step_size * error, metrics


class LMSParam:
    fields = ("step_size",)

    def __init__(self, shape, step_size=0.01):
        self.step_size = float(step_size)

    def update_from_gradient(self, z, error=None):
        return self.step_size * np.asarray(z)
