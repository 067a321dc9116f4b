"""Gradient descent as Optax has it: `update(gradient)` of a loss gives what to add."""

import numpy as np

from .step_rule import StepRule
from .trees import total, zeros


class SGD:
    def __init__(self, step_size):
        self.step_size = step_size

    def init(self, leaves):
        del leaves

    def update(self, gradient):
        return [-self.step_size * g for g in gradient]


class Adam:
    """Kingma and Ba (2015); eps outside the root."""

    def __init__(self, step_size, beta1=0.9, beta2=0.999, eps=1e-8):
        self.step_size, self.beta1, self.beta2, self.eps = step_size, beta1, beta2, eps

    def init(self, leaves):
        self.m, self.v, self.t = zeros(leaves), zeros(leaves), 0

    def update(self, gradient):
        self.t += 1
        b1, b2 = self.beta1, self.beta2
        self.m = [b1 * m + (1.0 - b1) * g for m, g in zip(self.m, gradient, strict=True)]
        self.v = [b2 * v + (1.0 - b2) * g**2 for v, g in zip(self.v, gradient, strict=True)]
        first = [m / (1.0 - b1**self.t) for m in self.m]
        second = [np.sqrt(v / (1.0 - b2**self.t)) + self.eps for v in self.v]
        return [-self.step_size * m / s for m, s in zip(first, second, strict=True)]


class FromDescent(StepRule):
    """A trace whose -delta z goes to any descent as the gradient."""

    def __init__(self, descent):
        self.descent = descent

    def init(self, leaves, average_decay=None):
        super().init(leaves, average_decay)
        self.descent.init(leaves)

    def step(self, gradient, direction, delta, directional, decay, reset):
        del gradient, directional, decay
        steps = self.descent.update([-delta * d for d in direction])
        trace_l1 = total([np.abs(z) for z in direction])
        self.info = dict(alpha=None, delta=delta, bound=None, curvature=None, trace_l1=trace_l1)
        self.cut(reset)
        return steps
