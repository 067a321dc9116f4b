"""FADE: Ramesh, Lewandowski and Schmidhuber (2026), arXiv:2604.27063, with a clip of c."""

import math

import numpy as np


class FADEParam:
    """The recursion for one array of weights, one scalar at a time; the array is not kept here."""

    fields = ("log_step_sizes", "log_decays", "traces", "decay_traces")

    def __init__(
        self,
        shape,
        initial_step_size=0.05,
        meta_step_size=0.01,
        initial_decay=0.1,
        decay_meta_step_size=0.03,
        min_decay=3e-7,
        max_decay=1.0,
    ):
        self.theta, self.decay_theta = meta_step_size, decay_meta_step_size
        self.low, self.high = math.log(min_decay), math.log(max_decay)
        self.log_step_sizes = np.full(shape, math.log(initial_step_size))
        self.log_decays = np.full(shape, math.log(initial_decay))
        self.traces, self.decay_traces = np.zeros(shape), np.zeros(shape)

    def update_from_gradient(self, z, error=None, weights=None):
        """The step, without the error and what is forgotten."""
        e = 1.0 if error is None else float(error)
        z, weights = np.asarray(z, np.float64), np.asarray(weights, np.float64)
        step = np.empty(z.shape)
        for i in np.ndindex(z.shape):
            delta = e * z[i]
            self.log_step_sizes[i] += self.theta * delta * self.traces[i]
            alpha = math.exp(self.log_step_sizes[i])
            c = self.log_decays[i] + self.decay_theta * delta * self.decay_traces[i]
            self.log_decays[i] = min(max(c, self.low), self.high)
            d = math.exp(self.log_decays[i])
            kept = max(1.0 - d - alpha * z[i] ** 2, 0.0)
            self.traces[i] = kept * self.traces[i] + alpha * delta
            self.decay_traces[i] = kept * self.decay_traces[i] - d * weights[i]
            step[i] = alpha * z[i]
        return step

    def forgotten(self, weights):
        return np.exp(self.log_decays) * weights


class FADE:
    """The same of a weight vector and a bias, which is one more weight on the input 1."""

    fields = (
        "log_step_sizes",
        "log_decays",
        "traces",
        "decay_traces",
        "bias_log_step_size",
        "bias_log_decay",
        "bias_trace",
        "bias_decay_trace",
    )

    def __init__(self, feature_dim, **arguments):
        self.of_weights = FADEParam((feature_dim,), **arguments)
        self.of_bias = FADEParam((), **arguments)

    def update(self, error, x, weights, bias):
        delta = error * self.of_weights.update_from_gradient(x, error, weights)
        bias_delta = error * self.of_bias.update_from_gradient(1.0, error, bias)
        alpha, d = np.exp(self.log_step_sizes), np.exp(self.log_decays)
        metrics = {
            f"{of}_{what}": getattr(np, of)(values)
            for what, values in (("step_size", alpha), ("decay", d))
            for of in ("mean", "min", "max")
        }
        return delta, float(bias_delta), metrics

    def forgotten(self, weights, bias):
        return self.of_weights.forgotten(weights), float(self.of_bias.forgotten(bias))

    log_step_sizes = property(lambda self: self.of_weights.log_step_sizes)
    log_decays = property(lambda self: self.of_weights.log_decays)
    traces = property(lambda self: self.of_weights.traces)
    decay_traces = property(lambda self: self.of_weights.decay_traces)
    bias_log_step_size = property(lambda self: self.of_bias.log_step_sizes)
    bias_log_decay = property(lambda self: self.of_bias.log_decays)
    bias_trace = property(lambda self: self.of_bias.traces)
    bias_decay_trace = property(lambda self: self.of_bias.decay_traces)
