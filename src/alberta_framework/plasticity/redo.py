"""ReDo: dormant units are made new every so many steps."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range, require_steps
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import Units
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_layers, require_units
from .units import hidden_sizes, made_new, of_units


class ReDoState(AbstractState):
    """Of each hidden layer the sums of |h| since the last look, and the units made new; the steps
    since the last look."""

    sums: tuple[Float[Array, " units"], ...]
    replaced: Int[Array, " layers"]
    position: Int[Array, ""]
    key: PRNGKeyArray


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
        sizes = hidden_sizes(require_layers("ReDo", params))
        return ReDoState(
            sums=tuple(jnp.zeros(size, jnp.float32) for size in sizes),
            replaced=jnp.zeros(len(sizes), jnp.int32),
            position=jnp.zeros((), jnp.int32),
            key=key,
        )

    def apply(self, state: ReDoState, step: NetworkStep) -> Remade:
        activations, fresh = require_units("ReDo", step)
        if not activations:
            return Remade(state, step.after)
        position = state.position + 1
        due = position >= jnp.asarray(self.period, jnp.int32)
        sums = [
            total + jnp.abs(of_units(h, total.shape[0]))
            for total, h in zip(state.sums, activations, strict=True)
        ]
        dormant = [total <= f32(self.threshold) * jnp.mean(total) for total in sums]
        units = tuple(Units(one & due & step.learns) for one in dormant)
        means = tuple(total / f32(position) for total in sums) if self.compensate_bias else None
        params, renewal, key = made_new(step, units, state.key, fresh, self.gain, means)
        made = jnp.stack([jnp.sum(one.chosen) for one in units]).astype(jnp.int32)
        after = ReDoState(
            sums=tuple(jnp.where(due, 0.0, total) for total in sums),
            replaced=state.replaced + made,
            position=jnp.where(due, 0, position),
            key=state.key,
        )
        return Remade(step.kept(after, state).replace(key=key), params, (renewal,))

    def _replaced(self, state: ReDoState) -> Int[Array, " layers"]:
        return state.replaced
