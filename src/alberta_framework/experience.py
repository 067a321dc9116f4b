"""Units of experience: what a stream yields and a learner learns from."""

from jaxtyping import Array, Bool, Float, Int

from .components.state import AbstractState


class TimeStep(AbstractState):
    """One supervised example."""

    observation: Float[Array, " features"]
    target: Float[Array, " targets"]


class MultiHeadStep(AbstractState):
    """One example for many heads; a NaN target leaves its head inactive."""

    observation: Float[Array, " features"]
    targets: Float[Array, " heads"]


class DemonStep(AbstractState):
    """One transition for many demons; absent fields are None (see `HordeLearner.update`).

    Where `truncated`, for all demons or for each, the episode was cut after this transition: it
    bootstraps as any other, and no trace of it lives on. `rho` as of a `TDTimeStep`, for all demons
    or for each.
    """

    observation: Float[Array, " features"]
    cumulants: Float[Array, " demons"] | None
    next_observation: Float[Array, " features"]
    signals: Float[Array, " signals"] | None = None
    terminated: Float[Array, "..."] | None = None
    gammas: Float[Array, " demons"] | None = None
    truncated: Bool[Array, "..."] | None = None
    rho: Float[Array, "..."] | None = None


class ControlStep(AbstractState):
    """One transition of a controlled process.

    `action` and `next_action` are -1 where the agent's own choice stands;
    `following_observation` is where the next step starts: the next observation, or the first of the
    next episode.
    """

    observation: Float[Array, " features"]
    action: Int[Array, ""]
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    next_observation: Float[Array, " features"]
    next_action: Int[Array, ""]
    following_observation: Float[Array, " features"]
    cumulants: Float[Array, " demons"] | None = None


class TDTimeStep(AbstractState):
    """One transition; `gamma` is the discount of this very transition, 0 at a terminal one.

    Where `truncated`, the episode was cut after it: it bootstraps as any other from its next
    observation, the true last one, and no trace of it lives on. None: nowhere. `rho` is the ratio
    of the probabilities that the target policy and the behaviour give the action taken, see
    `importance_ratio`; None: the behaviour is the target policy.
    """

    observation: Float[Array, " features"]
    reward: Float[Array, ""]
    next_observation: Float[Array, " features"]
    gamma: Float[Array, ""]
    truncated: Bool[Array, ""] | None = None
    rho: Float[Array, ""] | None = None
