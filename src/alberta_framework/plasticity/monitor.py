"""A look at every step's activations, from which the state of a network is told at any time."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from .abstract import AbstractPlasticity, NetworkStep, Remade, Watched, require_units_of
from .units import grown, hidden_sizes, of_units, seen


class PlasticityMonitorState(AbstractState):
    """Of each hidden layer the average of |h|, which began at 0, and the last activations, the
    oldest of which is overwritten next; the steps seen."""

    sizes: tuple[Float[Array, " units"], ...]
    activations: tuple[Float[Array, "window units"], ...]
    steps: Int[Array, ""]
    position: Int[Array, ""]


class PlasticityMonitor(AbstractPlasticity):
    r"""Looks on and changes nothing: the mean |h| of every unit, and the last `window` activations.

        m_i <- decay_rate m_i + (1 - decay_rate) |h_i|

    A step costs as much as the network has units; ranks are computed when `compute_plasticity`
    asks for them. Loops, sweeps and daemons carry it along like any other method, alone or in a
    `PlasticityChain`; a checkpoint saves it.

    **Arguments:** `window` >= 1, default 64: how many activations are kept of each layer;
    `decay_rate` in [0, 1) of the mean, default 0.999.
    """

    window: int = eqx.field(static=True, default=64)
    decay_rate: Hyperparameter = 0.999

    def __check_init__(self):
        require_count("PlasticityMonitor", "window", self.window)
        require_range(self, "decay_rate", 0.0, 1.0, open_high=True)

    def init(self, params, key: PRNGKeyArray) -> PlasticityMonitorState:
        del key
        sizes = hidden_sizes(require_units_of("PlasticityMonitor", params))
        nothing = jnp.zeros((), jnp.int32)
        return PlasticityMonitorState(
            sizes=tuple(jnp.zeros(size, jnp.float32) for size in sizes),
            activations=tuple(jnp.zeros((self.window, size), jnp.float32) for size in sizes),
            steps=nothing,
            position=nothing,
        )

    def apply(self, state: PlasticityMonitorState, step: NetworkStep) -> Remade:
        if step.activations is None:
            raise TypeError(
                "PlasticityMonitor looks at the units of hidden layers: the network must tell "
                "their `activations`."
            )
        decay = f32(self.decay_rate)
        layers = [
            of_units(numbers, size.shape[0])
            for numbers, size in zip(step.activations, state.sizes, strict=True)
        ]
        pairs = zip(state.sizes, layers, strict=True)
        recent = zip(state.activations, layers, strict=True)
        place = state.position
        after = PlasticityMonitorState(
            sizes=tuple(decay * size + (1.0 - decay) * jnp.abs(h) for size, h in pairs),
            activations=tuple(
                jax.lax.dynamic_update_index_in_dim(kept, h, place, 0) for kept, h in recent
            ),
            steps=grown(state.steps),
            position=jnp.where(place + 1 == self.window, 0, place + 1),
        )
        return Remade(after, step.after)

    # Activations of a finite prediction are finite.
    def _witnesses(self, state: PlasticityMonitorState) -> None:
        return None

    def _watched(self, state: PlasticityMonitorState) -> Watched:
        steps = state.steps
        share = jnp.where(steps > 0, seen(self.decay_rate, steps), jnp.nan)
        return Watched(tuple(size / share for size in state.sizes), state.activations)
