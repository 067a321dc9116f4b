"""The step of Adaptive Q(lambda): Gogianu, Lutu and Pascanu (2026), arXiv:2605.06764."""

import numpy as np

from .step_rule import StepRule
from .trees import total, zeros


class Adaptive(StepRule):
    """dw = step_size clip(delta) z / (sqrt(v) + eps), v <- k v + (1 - k) g^2, k = gamma lamda."""

    def __init__(self, step_size=4.6e-4, eps=0.1, clip=1.0, lanes=0):
        self.step_size, self.eps, self.clip, self.lanes = step_size, eps, clip, lanes

    def init(self, leaves, average_decay=None):
        super().init(leaves, average_decay)
        self.v = zeros(leaves)

    def direction(self, gradient, decay):
        rate = self.average_decay
        self.v = [rate * v + (1.0 - rate) * g**2 for v, g in zip(self.v, gradient, strict=True)]
        self.accumulate(gradient, decay)
        return [z / (np.sqrt(v) + self.eps) for z, v in zip(self.trace, self.v, strict=True)]

    def step(self, gradient, direction, delta, directional, decay, reset):
        del gradient, directional, decay
        delta = np.clip(delta, -self.clip, self.clip)
        steps = [self.step_size * delta * d for d in direction]
        trace_l1 = total([np.abs(z) for z in self.trace], self.lanes)
        self.info = dict(
            alpha=self.step_size, delta=delta, bound=None, curvature=None, trace_l1=trace_l1
        )
        self.cut(reset)
        return steps
