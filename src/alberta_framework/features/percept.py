"""What an agent is shown at once."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float

from ..components.state import AbstractState


class Percept(AbstractState):
    """An observation, and what came with it; features make another one of it.

    - `observation`.
    - `reward`: of the step that led to the observation; None where no step did, since an episode
      begins with it, or the agent is only asked to act.
    - `terminated`, `truncated`: whether that step ended the episode, and how.
    - `first`: whether an episode begins with the observation.
    - `learning`: False where nothing is learned, as in an evaluation. What is carried along within
      an episode goes on then; statistics over the whole life stay as they are.
    """

    observation: Float[Array, " observation"]
    reward: Float[Array, ""] | None = None
    terminated: Bool[Array, ""] | Any = False
    truncated: Bool[Array, ""] | Any = False
    first: Bool[Array, ""] | Any = False
    learning: bool = eqx.field(static=True, default=True)
