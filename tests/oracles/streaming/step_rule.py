"""What all step rules share: one eligibility trace over the whole tree, cut after the step."""

from .trees import add, zeros


class StepRule:
    """Turns gradients and TD errors into steps of a tree.

    `direction` advances the trace z and returns D; `step` returns what is to be ADDED to the
    parameters and sets `info`: the factor `alpha` in alpha * error * D, `delta` (the error after
    clipping and scaling), `bound` (or None), `curvature` (or None) and `trace_l1`.
    `directional` is gamma_{t+1} (gradient of the bootstrap value) . D.

    With `lanes=1` the last axis of every leaf holds independent lives, and errors, decays and
    hyperparameters may be arrays over them.
    """

    needs = "nothing"
    lanes = 0

    def init(self, leaves, average_decay=None):
        """`average_decay` is the constant gamma lamda of running averages, told by the agent."""
        self.trace, self.average_decay, self.info = zeros(leaves), average_decay, {}

    def direction(self, gradient, decay):
        self.accumulate(gradient, decay)
        return self.trace

    def accumulate(self, gradient, decay):
        self.trace = add([decay * z for z in self.trace], gradient)

    def cut(self, reset):
        """Traces that outlive the step; nothing else of the state is reset."""
        self.trace = [z * (1.0 - reset) for z in self.trace]

    def update(self, gradient, delta, decay, reset):
        if self.needs != "nothing":
            raise ValueError(f"{type(self).__name__} needs the directional derivative")
        return self.step(gradient, self.direction(gradient, decay), delta, 0.0, decay, reset)
