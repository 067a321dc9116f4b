"""What a Horde carries from step to step."""

from typing import Any

from jaxtyping import Array, Float

from ..components.state import AbstractState
from ..learners import AbstractHeadsState, HeadOptimizerStates, HeadTraces, Lifecycle
from ..networks import MLPParams
from ..normalizers import AbstractNormalizerState


class HordeState(AbstractHeadsState):
    """Trunk by layer (order w0, b0, w1, ... in states and traces), a head for each demon, stacked.

    `head_params.weights[i]` is demon i's (1, hidden), `head_params.biases[i]` its (1,);
    `previous_discounts` is the discount of each demon's last transition, by which its trace decays
    next, 1 before the first.
    """

    trunk_params: MLPParams
    head_params: MLPParams
    trunk_optimizer_states: tuple[AbstractState, ...]
    trunk_traces: tuple[Float[Array, "..."], ...]
    head_optimizer_states: HeadOptimizerStates
    head_traces: HeadTraces
    previous_discounts: Float[Array, " demons"]
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle
    plasticity_state: Any = None
