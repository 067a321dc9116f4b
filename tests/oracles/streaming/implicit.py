"""Implicit steps with Intentional's preconditioner and baseline, as published in streamlet."""

import numpy as np

from .clipped_error import ClippedError
from .implicit_td import curvature
from .step_rule import StepRule
from .trees import total


class Implicit(StepRule):
    """dw = alpha delta' z / d, alpha = eta / max(b + eta c, kappa b), b = sqrt(sigma^ s).

    d = sqrt(v) + eps with v from before this step's gradient; v starts at 1, uncorrected. c is a
    curvature of `ImplicitTD` along z / d; n, s, sigma^ and delta' are those of `Intentional`.
    """

    def __init__(
        self,
        eta=0.5,
        kappa=1.0,
        beta2=0.999,
        clip_mult=20.0,
        beta_clip=0.9998,
        beta_norm=0.9998,
        normalize_delta=False,
        mode="full",
        eps=1e-8,
        lanes=0,
    ):
        self.eta, self.kappa, self.beta2, self.eps = eta, kappa, beta2, eps
        self.mode, self.lanes = mode, lanes
        self.clip = (clip_mult, beta_clip, beta_norm, normalize_delta)
        self.needs = "directional" if mode == "full" else "nothing"

    def init(self, leaves, average_decay=None):
        super().init(leaves, average_decay)
        self.v, self.t, self.sigma = [np.ones(leaf.shape) for leaf in leaves], 0, 0.0
        self.clipped = ClippedError(*self.clip)

    def direction(self, gradient, decay):
        self.d = [np.sqrt(v) + self.eps for v in self.v]
        self.accumulate(gradient, decay)
        return [z / d for z, d in zip(self.trace, self.d, strict=True)]

    def step(self, gradient, direction, delta, directional, decay, reset):
        del decay
        self.t += 1
        c = curvature(self, gradient, direction, directional)
        self.v = [
            self.beta2 * v + (1.0 - self.beta2) * g**2
            for v, g in zip(self.v, gradient, strict=True)
        ]
        n = total([g**2 / d for g, d in zip(gradient, self.d, strict=True)], self.lanes)
        s = total([z**2 / d for z, d in zip(self.trace, self.d, strict=True)], self.lanes)
        rate = self.average_decay
        self.sigma = self.sigma + (1.0 - rate) * (n - self.sigma)
        b = np.sqrt(self.sigma / (1.0 - rate**self.t) * s)
        largest = np.maximum(b + self.eta * c, self.kappa * b)
        alpha = self.eta / np.maximum(largest, self.eps)
        delta = self.clipped(delta)
        steps = [alpha * delta * d for d in direction]
        trace_l1 = total([np.abs(z) for z in self.trace], self.lanes)
        self.info = dict(alpha=alpha, delta=delta, bound=None, curvature=c, trace_l1=trace_l1)
        self.cut(reset)
        return steps
