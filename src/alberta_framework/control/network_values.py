"""Agents whose action values are those of a network."""

from typing import Any, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.ranges import require_part
from ..components.types import Hyperparameter
from ..networks import AbstractNetwork
from .action_values import AbstractActionValueAgent, AbstractActionValueState, require_fields
from .pending import Outcome


class AbstractNetworkValueState(AbstractActionValueState):
    """The parameters of the network; `trace_decay`: by how much traces decay next, the last
    discount times lamda."""

    params: eqx.AbstractVar[Any]
    trace_decay: eqx.AbstractVar[Float[Array, ""]]


State = TypeVar("State", bound=AbstractNetworkValueState)


class AbstractNetworkValueAgent(AbstractActionValueAgent[State]):
    r"""Epsilon-greedy in the action values q(x, .; w) of a network, with traces of its gradients.

    How the values are learned is the agent's own.
    """

    network: eqx.AbstractVar[AbstractNetwork]
    lamda: eqx.AbstractVar[Hyperparameter]

    def _values(self, state: Any, x: Float[Array, " features"]) -> Float[Array, " actions"]:
        return self.network.apply(state.params, x)

    def _forgetting(self, state: Any, where: Any) -> Any:
        # A trace that decays by 0 is cut, and costs nothing to cut.
        return state.replace(trace_decay=jnp.where(where, 0.0, state.trace_decay))

    def _next_decay(self, now: Outcome) -> dict[str, Float[Array, ""]]:
        """By how much traces decay at the next step, as the field of the state."""
        decay = jnp.where(now.boundary, 0.0, now.discount * f32(self.lamda))
        return {"trace_decay": decay}


def require_network(agent: Any) -> None:
    """Validate the fields that agents with a network share."""
    require_fields(agent)
    require_part(agent, "network", AbstractNetwork)
    if agent.network.n_out != agent.n_actions:
        raise ValueError(
            f"{type(agent).__name__}: `network` must have an output for each of the "
            f"{agent.n_actions} actions, got {agent.network.n_out}."
        )
