"""How heads take part in a step."""

from jaxtyping import Array, Bool, Float

from ..components.state import AbstractState


class HeadUpdate(AbstractState):
    """How each head takes part in an update, given the errors of those that have a target.

    A head with `active` has a target: it enters the trunk and adds its gradient to its trace. Other
    traces decay, unless `frozen`. Every head that is active or has a live trace, and is not frozen,
    steps with its step error. A head that is `passing` adds its gradient to its trace, and does not
    step.
    """

    targets: Float[Array, " heads"]
    active: Bool[Array, " heads"]
    frozen: Bool[Array, " heads"]
    trace_decays: Float[Array, " heads"]
    passing: Bool[Array, " heads"] | None = None

    @property
    def learning(self) -> Bool[Array, " heads"]:
        """Which heads' weights may change."""
        return ~self.frozen if self.passing is None else ~self.frozen & ~self.passing

    @property
    def seen(self) -> Bool[Array, " heads"]:
        """Which heads add their gradients to their traces."""
        return self.active if self.passing is None else self.active | self.passing

    def stepping(self, live: Bool[Array, " heads"]) -> Bool[Array, " heads"]:
        """Which heads step, of which those `live` have a trace."""
        stepping = ~self.frozen & (self.active | live)
        return stepping if self.passing is None else stepping & ~self.passing
