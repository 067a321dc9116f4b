"""Intentional updates: Sharifnassab et al. (2026), arXiv:2604.19033."""

import numpy as np

from .clipped_error import ClippedError
from .step_rule import StepRule
from .trees import total, zeros


class Intentional(StepRule):
    """dw = alpha delta' z / d, alpha = eta / sqrt(sigma^ s), s = sum z^2/d, d = sqrt(v^) + 1e-8.

    sigma averages n = sum g^2/d at the rate gamma lamda: the constant `average_decay`, or with
    `average="variable"` the decays as they come, corrected by their product.
    """

    def __init__(
        self,
        eta=0.5,
        beta2=0.999,
        clip_mult=20.0,
        beta_clip=0.9998,
        beta_norm=0.9998,
        normalize_delta=False,
        average="constant",
        lanes=0,
    ):
        self.eta, self.beta2, self.average, self.lanes = eta, beta2, average, lanes
        self.clip = (clip_mult, beta_clip, beta_norm, normalize_delta)

    def init(self, leaves, average_decay=None):
        super().init(leaves, average_decay)
        self.v, self.t, self.sigma, self.product = zeros(leaves), 0, 0.0, 1.0
        self.clipped = ClippedError(*self.clip)

    def direction(self, gradient, decay):
        self.t += 1
        self.v = [
            self.beta2 * v + (1.0 - self.beta2) * g**2
            for v, g in zip(self.v, gradient, strict=True)
        ]
        self.d = [np.sqrt(v / (1.0 - self.beta2**self.t)) + 1e-8 for v in self.v]
        self.accumulate(gradient, decay)
        return [z / d for z, d in zip(self.trace, self.d, strict=True)]

    def step(self, gradient, direction, delta, directional, decay, reset):
        del directional
        n = total([g**2 / d for g, d in zip(gradient, self.d, strict=True)], self.lanes)
        s = total([z**2 / d for z, d in zip(self.trace, self.d, strict=True)], self.lanes)
        rate = self.average_decay if self.average == "constant" else decay
        self.product = self.product * rate
        self.sigma = self.sigma + (1.0 - rate) * (n - self.sigma)
        alpha = self.eta / np.maximum(np.sqrt(self.sigma / (1.0 - self.product) * s), 1e-8)
        delta = self.clipped(delta)
        steps = [alpha * delta * d for d in direction]
        trace_l1 = total([np.abs(z) for z in self.trace], self.lanes)
        self.info = dict(alpha=alpha, delta=delta, bound=None, curvature=None, trace_l1=trace_l1)
        self.cut(reset)
        return steps
