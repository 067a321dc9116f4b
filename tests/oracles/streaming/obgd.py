"""ObGD over a tree: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606, algorithm 3."""

import numpy as np

from .step_rule import StepRule
from .trees import total


class ObGD(StepRule):
    """dw = alpha delta z, alpha = step_size / max(M, 1).

    M = step_size kappa max(|delta|, 1) |z|_1, over all leaves together.
    """

    def __init__(self, step_size=1.0, kappa=2.0, lanes=0):
        self.step_size, self.kappa, self.lanes = step_size, kappa, lanes

    def step(self, gradient, direction, delta, directional, decay, reset):
        del gradient, directional, decay
        length = total([np.abs(d) for d in direction], self.lanes)
        bound = self.step_size * self.kappa * np.maximum(np.abs(delta), 1.0) * length
        alpha = self.step_size / np.maximum(bound, 1.0)
        steps = [alpha * delta * d for d in direction]
        self.info = dict(alpha=alpha, delta=delta, bound=bound, curvature=None, trace_l1=length)
        self.cut(reset)
        return steps
