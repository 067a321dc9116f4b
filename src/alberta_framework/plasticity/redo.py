"""ReDo: dormant units are made new every so many steps."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range, require_steps
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import Units
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_units, require_units_of
from .units import by_layer, hidden_sizes, made_new, of_all_units


class ReDoState(AbstractState):
    """Of all units, layer after layer, the sums of |h| since the last look; the steps since it; of
    each hidden layer the units made new."""

    sums: Float[Array, " all_units"]
    replaced: Int[Array, " layers"]
    position: Int[Array, ""]
    key: PRNGKeyArray
    sizes: tuple[int, ...] = eqx.field(static=True)


class ReDo(AbstractPlasticity):
    r"""Every `period` steps, makes all units new that were dormant since the last time.

    With m_i the mean of |h_i| over these steps, a unit of a hidden layer is dormant if

        m_i <= threshold mean_k m_k

    Its incoming weights are drawn as at first, its bias and outgoing weights are 0, as are its
    traces; what the optimizer knows of its weights is as at first.

    Source: Sokar, Agarwal, Castro and Evci (2023), The Dormant Neuron Phenomenon in Deep
    Reinforcement Learning, whose period is in batches.

    **Arguments:** `threshold` >= 0, default 0.025; `period` >= 1 steps, default 1,000;
    `compensate_bias`, default False: whether m_i W_out[:, i] goes into the biases above; `gain` >
    0, default 1, of the drawn weights.
    """

    threshold: Hyperparameter = 0.025
    period: Hyperparameter = eqx.field(default=1_000, metadata={"counts_steps": True})
    compensate_bias: bool = eqx.field(static=True, default=False)
    gain: Hyperparameter = 1.0

    def __check_init__(self):
        require_range(self, "threshold", 0.0)
        require_steps(self, "period")
        require_choice("ReDo", "compensate_bias", self.compensate_bias, (True, False))
        require_range(self, "gain", 0.0, open_low=True)

    def init(self, params, key: PRNGKeyArray) -> ReDoState:
        sizes = hidden_sizes(require_units_of("ReDo", params))
        return ReDoState(
            sums=jnp.zeros(sum(sizes), jnp.float32),
            replaced=jnp.zeros(len(sizes), jnp.int32),
            position=jnp.zeros((), jnp.int32),
            key=key,
            sizes=sizes,
        )

    def apply(self, state: ReDoState, step: NetworkStep) -> Remade:
        activations, fresh = require_units("ReDo", step)
        sizes = state.sizes
        position = state.position + 1
        due = (position >= jnp.asarray(self.period, jnp.int32)) & step.learns
        sums = state.sums + jnp.abs(of_all_units(activations, sizes))

        def choose():
            low = f32(self.threshold)
            return tuple(Units(part <= low * jnp.mean(part)) for part in by_layer(sums, sizes))

        means = sums / f32(position) if self.compensate_bias else None
        made = made_new(step, due, choose, (), state.key, fresh, self.gain, means)
        after = ReDoState(
            sums=jnp.where(due, 0.0, sums),
            replaced=state.replaced + made.counts,
            position=jnp.where(due, 0, position),
            key=state.key,
            sizes=sizes,
        )
        after = step.kept(after, state).replace(key=made.key)
        return Remade(after, made.params, (made.renewal,))

    def _replaced(self, state: ReDoState) -> Int[Array, " layers"]:
        return state.replaced
