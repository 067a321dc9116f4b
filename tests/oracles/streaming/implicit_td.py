"""Implicit TD(lambda): Kim et al. (2025), arXiv:2505.01361, and two other right-hand sides."""

import numpy as np

from .step_rule import StepRule
from .trees import dot, total


class ImplicitTD(StepRule):
    """dw = alpha delta z, alpha = step_size / (1 + step_size c).

    c is z.z ("norm"), g.z ("pred") or max((g - gamma g').z, 0) ("full").
    """

    def __init__(self, step_size, mode="norm", lanes=0):
        self.step_size, self.mode, self.lanes = step_size, mode, lanes
        self.needs = "directional" if mode == "full" else "nothing"

    def step(self, gradient, direction, delta, directional, decay, reset):
        del decay
        c = curvature(self, gradient, direction, directional)
        alpha = self.step_size / (1.0 + self.step_size * c)
        steps = [alpha * delta * d for d in direction]
        trace_l1 = total([np.abs(z) for z in self.trace], self.lanes)
        self.info = dict(alpha=alpha, delta=delta, bound=None, curvature=c, trace_l1=trace_l1)
        self.cut(reset)
        return steps


def curvature(rule, gradient, direction, directional):
    """That of `rule.mode` along `direction`."""
    match rule.mode:
        case "norm":
            return dot(rule.trace, direction, rule.lanes)
        case "pred":
            return dot(gradient, direction, rule.lanes)
        case "full":
            return np.maximum(dot(gradient, direction, rule.lanes) - directional, 0.0)
    raise ValueError(f"mode {rule.mode!r}")
