"""Autostep: Mahmood, Sutton, Degris and Pilarski (2012), Tuning-free Step-size Adaptation.

With a floor and a cap of the step sizes: the floor before the paper's bound, the cap after it.
"""

import math

import numpy as np

from tests.oracles.effective_step import floor


def _grown(alpha, mu, m, v):
    return alpha * math.exp(mu * m / v) if v > 0 else alpha


class Autostep:
    """The algorithm of the paper on the inputs and a constant input 1, the bias's."""

    fields = (
        "step_sizes",
        "traces",
        "normalizers",
        "bias_step_size",
        "bias_trace",
        "bias_normalizer",
    )

    def __init__(
        self,
        feature_dim,
        initial_step_size=0.01,
        meta_step_size=0.01,
        tau=10000.0,
        min_step_size=1e-8,
        max_step_size=1.0,
    ):
        self.mu, self.tau, self.low, self.high = meta_step_size, tau, min_step_size, max_step_size
        # Last element: the bias.
        self.alpha = np.full(feature_dim + 1, float(initial_step_size))
        self.h, self.v = np.zeros(feature_dim + 1), np.zeros(feature_dim + 1)

    step_sizes = property(lambda self: self.alpha[:-1])
    traces = property(lambda self: self.h[:-1])
    normalizers = property(lambda self: self.v[:-1])
    bias_step_size = property(lambda self: self.alpha[-1])
    bias_trace = property(lambda self: self.h[-1])
    bias_normalizer = property(lambda self: self.v[-1])

    def update(self, error, x):
        e, x = float(error), [*(float(v) for v in x), 1.0]
        for i, xi in enumerate(x):
            m = e * xi * self.h[i]
            drift = self.alpha[i] * xi * xi * (abs(m) - self.v[i]) / self.tau
            self.v[i] = max(abs(m), self.v[i] + drift)
            self.alpha[i] = _grown(self.alpha[i], self.mu, m, self.v[i])
        self.alpha = np.maximum(self.alpha, floor(self.low, [[xi * xi for xi in x]]))
        overshoot = max(sum(a * xi * xi for a, xi in zip(self.alpha, x, strict=True)), 1.0)
        delta = np.empty(len(x))
        for i, xi in enumerate(x):
            self.alpha[i] = min(self.alpha[i] / overshoot, self.high)
            delta[i] = self.alpha[i] * e * xi
            self.h[i] = self.h[i] * (1.0 - self.alpha[i] * xi * xi) + delta[i]
        metrics = {
            "mean_step_size": self.step_sizes.mean(),
            "min_step_size": self.step_sizes.min(),
            "max_step_size": self.step_sizes.max(),
            "mean_normalizer": self.normalizers.mean(),
        }
        return delta[:-1], delta[-1], metrics


class AutostepParam:
    """The same for one tensor of a network; the overshoot is that of the tensor alone."""

    fields = ("step_sizes", "traces", "normalizers")

    def __init__(
        self,
        shape,
        initial_step_size=0.01,
        meta_step_size=0.01,
        tau=10000.0,
        min_step_size=1e-8,
        max_step_size=1.0,
    ):
        self.mu, self.tau, self.low, self.high = meta_step_size, tau, min_step_size, max_step_size
        self.step_sizes = np.full(shape, float(initial_step_size))
        self.traces, self.normalizers = np.zeros(shape), np.zeros(shape)

    def update_from_gradient(self, z, error=None):
        z, d = np.asarray(z, np.float64), 1.0 if error is None else float(error)
        a, h, v = self.step_sizes, self.traces, self.normalizers
        m = d * z * h
        v = np.maximum(np.abs(m), v + a * z**2 * (np.abs(m) - v) / self.tau)
        growth = np.where(v > 0, self.mu * m / np.where(v > 0, v, 1.0), 0.0)
        a = np.maximum(a * np.exp(growth), floor(self.low, [z**2]))
        a = np.minimum(a / max(np.sum(a * z**2), 1.0), self.high)
        self.step_sizes, self.normalizers = a, v
        self.traces = h * (1.0 - a * z**2) + a * d * z
        return a * z
