"""AutoTIDBD: Kearney, Veeriah, Travnik, Pilarski and Sutton (2019), algorithm 6.

With `max_effective_step` a bound of the step that is taken as well, in which the bias takes part.
"""

import math

import numpy as np

from tests.oracles.effective_step import bounded_logs


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
        max_effective_step=None,
    ):
        self.limit = max_effective_step
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

    def _adapt(self, group, d, x, u):
        beta, z, h, n = group["beta"], group["z"], group["h"], group["n"]
        # Both arguments of the maximum use the trace before this step; only the first one holds
        # the difference of the features.
        average = n - np.exp(beta) * u * z * (np.abs(d * x * h) - n) / self.tau
        n = np.maximum(np.maximum(np.abs(d * u * h), average), 1e-8)
        group.update(beta=beta - self.theta * d * u * h / n, n=n)

    def _bound(self, groups, measures):
        """Together: a measure holds an array for each group."""
        sizes = np.cumsum([len(group["beta"]) for group in groups])[:-1]
        betas = np.concatenate([group["beta"] for group in groups])
        joined = [np.concatenate(measure) for measure in measures]
        betas = bounded_logs(betas, joined, self.low, self.high, 1.0)
        for group, part in zip(groups, np.split(betas, sizes), strict=True):
            group["beta"] = part

    def update(self, td_error, x, x_next, gamma):
        d, g = float(td_error), float(gamma)
        incoming = self.trace_discount == "incoming"
        decay = (self.previous_gamma if incoming else g) * self.lamda
        x, x_next = np.asarray(x, np.float64), np.asarray(x_next, np.float64)
        groups, one = [self.weights, self.bias], np.ones(1)
        features, differences = [x, one], [(g * x_next if g != 0 else 0.0) - x, (g - 1.0) * one]
        published, value, error, square = [], [], [], []
        for group, f, u in zip(groups, features, differences, strict=True):
            self._adapt(group, d, f, u)
            published.append(-u * group["z"])
            group["z"] = decay * group["z"] + f
            value.append(f * group["z"])
            error.append(-u * group["z"])
            square.append(f * f)
        if self.limit is not None:
            taken = [[m / self.limit for m in measure] for measure in (value, error, square)]
            self._bound(groups, [published, *taken])
        else:
            for group, alone in zip(groups, published, strict=True):
                self._bound([group], [[alone]])
        deltas = []
        for group, u in zip(groups, differences, strict=True):
            alpha = np.exp(group["beta"])
            deltas.append(alpha * d * group["z"])
            kept = np.maximum(0.0, 1.0 + alpha * u * group["z"])
            group["h"] = group["h"] * kept + deltas[-1]
        alpha = np.exp(self.log_step_sizes)
        self.previous_gamma = g
        metrics = {
            "mean_step_size": alpha.mean(),
            "min_step_size": alpha.min(),
            "max_step_size": alpha.max(),
            "mean_eligibility_trace": np.abs(self.eligibility_traces).mean(),
            "mean_normalizer": self.normalizers.mean(),
        }
        return deltas[0], deltas[1][0], metrics
