"""AutoTIDBD: Kearney, Veeriah, Travnik, Pilarski and Sutton (2019), algorithm 6."""

import math

import numpy as np


class AutoTDIDBD:
    """The weights share one overshoot; the bias runs the same lines on its own."""

    fields = (
        "log_step_sizes",
        "eligibility_traces",
        "h_traces",
        "normalizers",
        "bias_log_step_size",
        "bias_eligibility_trace",
        "bias_h_trace",
        "bias_normalizer",
        "previous_gamma",
    )

    def __init__(
        self,
        feature_dim,
        initial_step_size=0.01,
        meta_step_size=0.01,
        trace_decay=0.0,
        normalizer_decay=10000.0,
        trace_discount="incoming",
        min_log_step_size=-10.0,
        max_log_step_size=2.0,
    ):
        self.theta, self.lamda, self.tau = meta_step_size, trace_decay, normalizer_decay
        self.trace_discount = trace_discount
        self.low, self.high = min_log_step_size, max_log_step_size
        self.previous_gamma = 1.0
        start = math.log(initial_step_size)
        self.weights, self.bias = self._group(feature_dim, start), self._group(1, start)

    @staticmethod
    def _group(size, start):
        return {
            "beta": np.full(size, start),
            "z": np.zeros(size),
            "h": np.zeros(size),
            "n": np.ones(size),
        }

    log_step_sizes = property(lambda self: self.weights["beta"])
    eligibility_traces = property(lambda self: self.weights["z"])
    h_traces = property(lambda self: self.weights["h"])
    normalizers = property(lambda self: self.weights["n"])
    bias_log_step_size = property(lambda self: self.bias["beta"][0])
    bias_eligibility_trace = property(lambda self: self.bias["z"][0])
    bias_h_trace = property(lambda self: self.bias["h"][0])
    bias_normalizer = property(lambda self: self.bias["n"][0])

    def _advance(self, group, d, x, x_next, g, decay):
        beta, z, h, n = group["beta"], group["z"], group["h"], group["n"]
        u = (g * x_next if g != 0 else 0.0) - x
        # Both arguments of the maximum use the trace before this step; only the first one holds
        # the difference of the features.
        average = n - np.exp(beta) * u * z * (np.abs(d * x * h) - n) / self.tau
        n = np.maximum(np.maximum(np.abs(d * u * h), average), 1e-8)
        beta = beta - self.theta * d * u * h / n
        overshoot = max(-np.sum(np.exp(beta) * u * z), 1.0)
        beta = np.clip(beta - math.log(overshoot), self.low, self.high)
        alpha = np.exp(beta)
        z = decay * z + x
        delta = alpha * d * z
        h = h * np.maximum(0.0, 1.0 + alpha * u * z) + delta
        group.update(beta=beta, z=z, h=h, n=n)
        return delta, alpha

    def update(self, td_error, x, x_next, gamma):
        d, g = float(td_error), float(gamma)
        decay = (self.previous_gamma if self.trace_discount == "incoming" else g) * self.lamda
        x, x_next = np.asarray(x, np.float64), np.asarray(x_next, np.float64)
        delta, alpha = self._advance(self.weights, d, x, x_next, g, decay)
        one = np.ones(1)
        bias_delta, _ = self._advance(self.bias, d, one, one, g, decay)
        self.previous_gamma = g
        metrics = {
            "mean_step_size": alpha.mean(),
            "min_step_size": alpha.min(),
            "max_step_size": alpha.max(),
            "mean_eligibility_trace": np.abs(self.eligibility_traces).mean(),
            "mean_normalizer": self.normalizers.mean(),
        }
        return delta, bias_delta[0], metrics
