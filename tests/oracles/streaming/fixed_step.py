"""Semi-gradient TD(lambda) with a constant step size: Sutton and Barto (2018), section 12.2."""

from .step_rule import StepRule
from .trees import total


class FixedStep(StepRule):
    """dw = step_size delta z"""

    def __init__(self, step_size, lanes=0):
        self.step_size, self.lanes = step_size, lanes

    def step(self, gradient, direction, delta, directional, decay, reset):
        del gradient, directional, decay
        steps = [self.step_size * delta * d for d in direction]
        length = total([abs(z) for z in self.trace], self.lanes)
        self.info = dict(
            alpha=self.step_size, delta=delta, bound=None, curvature=None, trace_l1=length
        )
        self.cut(reset)
        return steps
