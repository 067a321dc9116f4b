"""AdaptiveObGD over a tree: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606."""

import numpy as np

from .step_rule import StepRule
from .trees import total, zeros


class AdaptiveObGD(StepRule):
    """ObGD on z / d, d = sqrt(v^ + eps), v a bias-corrected average of (delta z)^2."""

    def __init__(self, step_size=1.0, kappa=2.0, beta2=0.999, eps=1e-8, lanes=0):
        self.step_size, self.kappa, self.beta2, self.eps = step_size, kappa, beta2, eps
        self.lanes = lanes

    def init(self, leaves, average_decay=None):
        super().init(leaves, average_decay)
        self.v, self.t = zeros(leaves), 0

    def step(self, gradient, direction, delta, directional, decay, reset):
        del gradient, directional, decay
        self.t += 1
        beta2 = self.beta2
        self.v = [
            beta2 * v + (1.0 - beta2) * (delta * z) ** 2
            for v, z in zip(self.v, direction, strict=True)
        ]
        scaled = [
            z / np.sqrt(v / (1.0 - beta2**self.t) + self.eps)
            for v, z in zip(self.v, direction, strict=True)
        ]
        length = total([np.abs(d) for d in scaled], self.lanes)
        bound = self.step_size * self.kappa * np.maximum(np.abs(delta), 1.0) * length
        alpha = self.step_size / np.maximum(bound, 1.0)
        steps = [alpha * delta * d for d in scaled]
        trace_l1 = total([np.abs(z) for z in direction], self.lanes)
        self.info = dict(alpha=alpha, delta=delta, bound=bound, curvature=None, trace_l1=trace_l1)
        self.cut(reset)
        return steps
