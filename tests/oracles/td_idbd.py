"""TIDBD: Kearney, Veeriah, Travnik, Pilarski and Sutton (2019), Learning Feature Relevance Through
Step Size Adaptation in Temporal-Difference Learning, algorithms 3 and 4."""

import math

import numpy as np

from tests.oracles.effective_step import bounded_logs, limited


class TDIDBD:
    """The inputs and a constant input 1, the bias's, all under one rule.

    `trace_discount="incoming"` decays the trace by the discount of the transition into the state
    (Sutton and Barto 2018, equations 12.23 and 12.25), `"outgoing"` by the one out of it.
    """

    fields = (
        "log_step_sizes",
        "eligibility_traces",
        "h_traces",
        "bias_log_step_size",
        "bias_eligibility_trace",
        "bias_h_trace",
        "previous_gamma",
    )

    def __init__(
        self,
        feature_dim,
        initial_step_size=0.01,
        meta_step_size=0.01,
        trace_decay=0.0,
        use_semi_gradient=True,
        trace_discount="incoming",
        min_log_step_size=-10.0,
        max_log_step_size=2.0,
        max_effective_step=None,
        max_log_step_change=None,
    ):
        self.limit, self.most = max_effective_step, max_log_step_change
        self.theta, self.lamda, self.semi = meta_step_size, trace_decay, use_semi_gradient
        self.trace_discount = trace_discount
        self.low, self.high = min_log_step_size, max_log_step_size
        self.beta = np.full(feature_dim + 1, math.log(initial_step_size))
        self.z, self.h = np.zeros(feature_dim + 1), np.zeros(feature_dim + 1)
        self.previous_gamma = 1.0

    log_step_sizes = property(lambda self: self.beta[:-1])
    eligibility_traces = property(lambda self: self.z[:-1])
    h_traces = property(lambda self: self.h[:-1])
    bias_log_step_size = property(lambda self: self.beta[-1])
    bias_eligibility_trace = property(lambda self: self.z[-1])
    bias_h_trace = property(lambda self: self.h[-1])

    def update(self, td_error, x, x_next, gamma):
        d, g = float(td_error), float(gamma)
        x = [*(float(v) for v in x), 1.0]
        x_next = [*(float(v) for v in x_next), 1.0]
        decay = (self.previous_gamma if self.trace_discount == "incoming" else g) * self.lamda
        delta, alphas, direction = np.empty(len(x)), np.empty(len(x)), np.empty(len(x))
        difference = np.empty(len(x))
        for i, (xi, yi) in enumerate(zip(x, x_next, strict=True)):
            difference[i] = (g * yi if g != 0 else 0.0) - xi
            direction[i] = xi if self.semi else -difference[i]
            self.beta[i] += limited(self.theta * d * direction[i] * self.h[i], self.most)
            self.z[i] = decay * self.z[i] + xi
        features = np.array(x)
        measures = [features**2, features * self.z, -difference * self.z]
        self.beta = bounded_logs(self.beta, measures, self.low, self.high, self.limit)
        for i in range(len(x)):
            alphas[i] = math.exp(self.beta[i])
            delta[i] = alphas[i] * d * self.z[i]
            kept = max(0.0, 1.0 - alphas[i] * direction[i] * self.z[i])
            self.h[i] = self.h[i] * kept + delta[i]
        self.previous_gamma = g
        metrics = {
            "mean_step_size": alphas[:-1].mean(),
            "min_step_size": alphas[:-1].min(),
            "max_step_size": alphas[:-1].max(),
            "mean_eligibility_trace": np.abs(self.eligibility_traces).mean(),
        }
        return delta[:-1], delta[-1], metrics
