"""IDBD: Sutton (1992), Adapting Bias by Gradient Descent, figure 2."""

import math

import numpy as np

from tests.oracles.effective_step import bounded_logs, limited, overshoot


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
        max_effective_step=None,
        max_log_step_change=None,
    ):
        self.limit, self.most = max_effective_step, max_log_step_change
        self.theta = meta_step_size
        self.low, self.high = min_log_step_size, max_log_step_size
        self.log_step_sizes = np.full(feature_dim, math.log(initial_step_size))
        self.traces = np.zeros(feature_dim)
        self.bias_step_size, self.bias_trace = float(initial_step_size), 0.0

    def update(self, error, x):
        e, theta, x = float(error), self.theta, np.asarray(x, np.float64)
        alphas, delta = np.empty(len(x)), np.empty(len(x))
        betas = np.empty(len(x))
        for i, xi in enumerate(x):
            change = limited(theta * e * xi * self.traces[i], self.most)
            betas[i] = min(max(self.log_step_sizes[i] + change, self.low), self.high)
        # An exponent too large for a float is as good as infinite: the clip makes it 1.
        growth = math.exp(min(limited(theta * e * self.bias_trace, self.most), 700.0))
        alpha = min(max(self.bias_step_size * growth, 1e-6), 1.0)
        if self.limit is not None:
            # Data of an ordinary scale: the floor alone stays far below the limit.
            assert math.exp(self.low) * (np.sum(x * x) + 1.0) < self.limit
            over = overshoot(np.append(np.exp(betas), alpha), [np.append(x * x, 1.0)], self.limit)
            betas, alpha = betas - math.log(over), alpha / over
        for i, xi in enumerate(x):
            alphas[i] = math.exp(betas[i])
            delta[i] = alphas[i] * e * xi
            kept = max(0.0, 1.0 - alphas[i] * xi * xi)
            self.traces[i] = self.traces[i] * kept + delta[i]
            self.log_step_sizes[i] = betas[i]

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
        max_effective_step=None,
        max_log_step_change=None,
    ):
        self.limit, self.most = max_effective_step, max_log_step_change
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
        change = limited(theta * meta_gradient, self.most)
        betas = self.log_step_sizes + change
        beta = bounded_logs(betas, [z * z], self.low, self.high, self.limit)
        alpha = np.exp(beta)
        self.log_step_sizes = beta
        self.traces = h * np.maximum(0.0, 1.0 - alpha * curvature) + alpha * pull
        return alpha * z
