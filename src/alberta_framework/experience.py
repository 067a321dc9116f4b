"""Units of experience: what a stream yields and a learner learns from."""

from jaxtyping import Array, Float

from ._state import AbstractState


class TimeStep(AbstractState):
    """One supervised example."""

    observation: Float[Array, " features"]
    target: Float[Array, " targets"]


class MultiHeadStep(AbstractState):
    """One example for many heads; a NaN target leaves its head inactive."""

    observation: Float[Array, " features"]
    targets: Float[Array, " heads"]


class TDTimeStep(AbstractState):
    """One transition; `gamma` is the discount of this very transition, 0 at a terminal one."""

    observation: Float[Array, " features"]
    reward: Float[Array, ""]
    next_observation: Float[Array, " features"]
    gamma: Float[Array, ""]
