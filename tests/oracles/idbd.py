"""IDBD: Sutton (1992), Adapting Bias by Gradient Descent, figure 2."""

import math

import numpy as np


class IDBD:
    """The recursion of the paper, one scalar at a time; the bias has a rule of its own."""

    fields = ("log_step_sizes", "traces", "bias_step_size", "bias_trace")

    def __init__(
        self,
        feature_dim,
        initial_step_size=0.01,
        meta_step_size=0.01,
        h_decay_mode="prediction_grads",
        param_meta="error",
        min_log_step_size=-10.0,
        max_log_step_size=2.0,
    ):
        self.theta = meta_step_size
        self.low, self.high = min_log_step_size, max_log_step_size
        self.log_step_sizes = np.full(feature_dim, math.log(initial_step_size))
        self.traces = np.zeros(feature_dim)
        self.bias_step_size, self.bias_trace = float(initial_step_size), 0.0

    def update(self, error, x):
        e, theta = float(error), self.theta
        alphas, delta = np.empty(len(x)), np.empty(len(x))
        for i, xi in enumerate(float(v) for v in x):
            h = self.traces[i]
            beta = self.log_step_sizes[i] + theta * e * xi * h
            beta = min(max(beta, self.low), self.high)
            alpha = math.exp(beta)
            delta[i] = alpha * e * xi
            self.traces[i] = h * max(0.0, 1.0 - alpha * xi * xi) + alpha * e * xi
            self.log_step_sizes[i], alphas[i] = beta, alpha

        # An exponent too large for a float is as good as infinite: the clip makes it 1.
        growth = math.exp(min(theta * e * self.bias_trace, 700.0))
        alpha = min(max(self.bias_step_size * growth, 1e-6), 1.0)
        self.bias_trace = self.bias_trace * max(0.0, 1.0 - alpha) + alpha * e
        self.bias_step_size = alpha
        metrics = {
            "mean_step_size": alphas.mean(),
            "min_step_size": alphas.min(),
            "max_step_size": alphas.max(),
        }
        return delta, alpha * e, metrics


class IDBDParam:
    """IDBD for one tensor of a network: the gradient takes the place of the input.

    `param_meta="error"` differentiates the squared error; `"prediction"` is the rule of the
    reference implementation, which leaves the error out of the meta gradient and stores minus
    the sensitivity as trace.
    """

    fields = ("log_step_sizes", "traces")

    def __init__(
        self,
        shape,
        initial_step_size=0.01,
        meta_step_size=0.01,
        h_decay_mode="prediction_grads",
        param_meta="error",
        min_log_step_size=-10.0,
        max_log_step_size=2.0,
    ):
        self.theta, self.decay_by, self.meta = meta_step_size, h_decay_mode, param_meta
        self.low, self.high = min_log_step_size, max_log_step_size
        self.log_step_sizes = np.full(shape, math.log(initial_step_size))
        self.traces = np.zeros(shape)

    def update_from_gradient(self, z, error=None):
        z, theta, h = np.asarray(z, np.float64), self.theta, self.traces
        if error is None:
            # The gradient holds the error already.
            meta_gradient, curvature, pull = z * h, z * z, z
        elif self.meta == "error":
            meta_gradient, curvature, pull = error * z * h, z * z, error * z
        else:
            meta_gradient, curvature, pull = z * h, z * z, -error * z
        if error is not None and self.decay_by == "loss_grads":
            curvature = (error * z) ** 2
        beta = np.clip(self.log_step_sizes + theta * meta_gradient, self.low, self.high)
        alpha = np.exp(beta)
        self.log_step_sizes = beta
        self.traces = h * np.maximum(0.0, 1.0 - alpha * curvature) + alpha * pull
        return alpha * z
