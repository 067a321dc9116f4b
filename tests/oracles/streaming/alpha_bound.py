"""alpha-bound: Dabney and Barto (2012), Adaptive Step-Size for Online TD Learning."""

import numpy as np

from .step_rule import StepRule
from .trees import dot, total


class AlphaBound(StepRule):
    """dw = alpha delta z, alpha <- min(alpha, 1 / |(g - gamma g').z|): it never grows."""

    needs = "directional"

    def __init__(self, initial=1.0, lanes=0):
        self.initial, self.lanes = initial, lanes

    def init(self, leaves, average_decay=None):
        super().init(leaves, average_decay)
        self.alpha = self.initial

    def step(self, gradient, direction, delta, directional, decay, reset):
        del decay
        c = dot(gradient, direction, self.lanes) - directional
        with np.errstate(divide="ignore"):  # no curvature, no bound
            self.alpha = np.minimum(self.alpha, 1.0 / np.abs(c))
        steps = [self.alpha * delta * d for d in direction]
        trace_l1 = total([np.abs(z) for z in self.trace], self.lanes)
        self.info = dict(alpha=self.alpha, delta=delta, bound=None, curvature=c, trace_l1=trace_l1)
        self.cut(reset)
        return steps
