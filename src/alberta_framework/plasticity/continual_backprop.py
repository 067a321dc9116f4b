"""Continual backpropagation: a few of the least useful units are made new all the time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_choice, require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import MLPParams
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_units, require_units_of
from .units import (
    by_layer,
    grown,
    hidden_sizes,
    incoming_sizes,
    lowest,
    made_new,
    of_all_units,
    outgoing_sizes,
)

UTILITIES = (
    "adaptable_contribution",
    "contribution",
    "zero_contribution",
    "weight",
    "adaptation",
)


class ContinualBackpropState(AbstractState):
    """Of all units, layer after layer: their utility and mean activation, as averages that began at
    0, the share of such an average that is made of samples, and their ages in steps; of each hidden
    layer the replacements that are due, and those made.

    `utilities`, `mean_activations` and `ages` are those of each layer.
    """

    utility: Float[Array, " all_units"]
    mean_activation: Float[Array, " all_units"]
    share: Float[Array, " all_units"]
    age: Int[Array, " all_units"]
    budgets: Float[Array, " layers"]
    replaced: Int[Array, " layers"]
    key: PRNGKeyArray
    sizes: tuple[int, ...] = eqx.field(static=True)

    @property
    def utilities(self) -> tuple[Float[Array, " units"], ...]:
        return by_layer(self.utility, self.sizes)

    @property
    def mean_activations(self) -> tuple[Float[Array, " units"], ...]:
        return by_layer(self.mean_activation, self.sizes)

    @property
    def ages(self) -> tuple[Int[Array, " units"], ...]:
        return by_layer(self.age, self.sizes)


class ContinualBackprop(AbstractPlasticity):
    r"""Replaces units of little use by new ones, a small share of those that are old enough.

    For unit i of a hidden layer with activation h_i, after each step of the optimizer:

        a_i <- a_i + 1,     k_i = 1 - eta^{a_i}
        f_i <- eta f_i + (1 - eta) h_i,     f^_i = f_i / k_i
        y_i  = |h_i - f^_i| mean_k |W_out[k, i]| / mean_j |W_in[i, j]|
        u_i <- eta u_i + (1 - eta) y_i,     u^_i = u_i / k_i

    Units with a_i > m are eligible. Each step adds rate times their number to the layer's budget;
    for each whole replacement in it the eligible unit of smallest u^_i is made new: its incoming
    weights are drawn as at first, its bias and outgoing weights are 0, what it gave to the layer
    above on average, W_out[:, i] f^_i, goes into the biases there, and u_i, f_i, a_i are 0. So is
    its trace, and what the optimizer knows of its weights is as at first.

    A unit belongs to all outputs, so its weights are 0 for a head too that has no target now; with
    the bias its predictions stay what they were on average. A head that rests for long is better
    off with methods that make no units new.

    Ranks are by u^: u itself is too small for a young unit, and would replace the new ones again. A
    unit without incoming weights has the utility 0. Of a convolution a unit is a filter, its
    activation the mean over its places.

    Source: Dohare et al. (2024), Loss of Plasticity in Deep Continual Learning, Nature 632. In the
    authors' code the mean is 0 before it could go into the biases: `compensate_bias=False`.

    **Arguments:**

    - `replacement_rate` in [0, 1], default 1e-4: of the eligible units, a step.
    - `decay_rate` eta in [0, 1), default 0.99; `maturity_threshold` m >= 0, default 100.
    - `utility`: `"adaptable_contribution"` (y above, the default), `"contribution"`
      |h| mean|W_out|, `"zero_contribution"` |h - f^| mean|W_out|, `"weight"` mean|W_out|,
      `"adaptation"` 1 / mean|W_in|.
    - `max_replacements` >= 1, default 1: of a layer in one step; what is due beyond waits.
    - `accumulate`, default True; False: one replacement with the probability that the budget grows
      by.
    - `compensate_bias`, default True.
    - `gain` > 0, default 1: what the drawn weights are multiplied by.
    """

    replacement_rate: Hyperparameter = 1e-4
    decay_rate: Hyperparameter = 0.99
    maturity_threshold: Hyperparameter = eqx.field(default=100, metadata={"counts_steps": True})
    utility: str = eqx.field(static=True, default="adaptable_contribution")
    max_replacements: int = eqx.field(static=True, default=1)
    accumulate: bool = eqx.field(static=True, default=True)
    compensate_bias: bool = eqx.field(static=True, default=True)
    gain: Hyperparameter = 1.0

    def __check_init__(self):
        owner = "ContinualBackprop"
        require_range(self, "replacement_rate", 0.0, 1.0)
        require_range(self, "decay_rate", 0.0, 1.0, open_high=True)
        require_range(self, "maturity_threshold", 0, 2**30)
        require_choice(owner, "utility", self.utility, UTILITIES)
        require_count(owner, "max_replacements", self.max_replacements)
        require_choice(owner, "accumulate", self.accumulate, (True, False))
        require_choice(owner, "compensate_bias", self.compensate_bias, (True, False))
        require_range(self, "gain", 0.0, open_low=True)

    def init(self, params, key: PRNGKeyArray) -> ContinualBackpropState:
        sizes = hidden_sizes(require_units_of("ContinualBackprop", params))
        zeros = jnp.zeros(sum(sizes), jnp.float32)
        return ContinualBackpropState(
            utility=zeros,
            mean_activation=zeros,
            share=zeros,
            age=jnp.zeros(sum(sizes), jnp.int32),
            budgets=jnp.zeros(len(sizes), jnp.float32),
            replaced=jnp.zeros(len(sizes), jnp.int32),
            key=key,
            sizes=sizes,
        )

    def apply(self, state: ContinualBackpropState, step: NetworkStep) -> Remade:
        activations, fresh = require_units("ContinualBackprop", step)
        sizes = state.sizes
        # Else XLA computes the new weights once more for each of their readers.
        step = step.followed_by(jax.lax.optimization_barrier(step.after))
        eta, age = f32(self.decay_rate), grown(state.age)
        h = of_all_units(activations, sizes)
        k = eta * state.share + (1.0 - eta)  # 1 - eta^age, without a power of each unit
        mean = eta * state.mean_activation + (1.0 - eta) * h
        told = mean / k
        utility = eta * state.utility + (1.0 - eta) * self._utility(h, told, step.after)
        mature = by_layer(f32(age) > f32(self.maturity_threshold), sizes)
        counts = f32(jnp.stack([jnp.sum(one) for one in mature]))
        grows, key = f32(self.replacement_rate) * counts, state.key
        if self.accumulate:
            budgets = state.budgets + grows
            due = jnp.minimum(jnp.floor(budgets), counts)
        else:
            key, own = jr.split(key)
            budgets = state.budgets
            due = f32(jr.uniform(own, (len(sizes),), jnp.float32) < grows)
        due = jnp.where(step.learns, due, 0.0)

        def choose():
            scores, most = by_layer(utility / k, sizes), self.max_replacements
            return tuple(
                lowest(score, old, min(most, size), lambda rank, n=n: f32(rank) < n)
                for score, old, size, n in zip(scores, mature, sizes, due, strict=True)
            )

        made = made_new(
            step,
            jnp.any(due > 0.0),
            choose,
            (utility, mean, k, age),
            key,
            fresh,
            self.gain,
            told if self.compensate_bias else None,
        )
        utility, mean, share, age = made.kept
        after = ContinualBackpropState(
            utility=utility,
            mean_activation=mean,
            share=share,
            age=age,
            budgets=budgets - f32(made.counts) if self.accumulate else budgets,
            replaced=state.replaced + made.counts,
            key=state.key,
            sizes=sizes,
        )
        after = step.kept(after, state).replace(key=made.key)
        return Remade(after, made.params, (made.renewal,))

    def _utility(
        self, h: Float[Array, " all_units"], mean: Float[Array, " all_units"], params: MLPParams
    ) -> Float[Array, " all_units"]:
        if self.utility == "weight":
            return outgoing_sizes(params)
        if self.utility == "contribution":
            return jnp.abs(h) * outgoing_sizes(params)
        if self.utility == "zero_contribution":
            return jnp.abs(h - mean) * outgoing_sizes(params)
        incoming = incoming_sizes(params)
        connected = incoming > 0.0
        adaptation = jnp.where(connected, 1.0 / jnp.where(connected, incoming, 1.0), 0.0)
        if self.utility == "adaptation":
            return adaptation
        return jnp.abs(h - mean) * outgoing_sizes(params) * adaptation

    # The rest is made of activations, which are finite where the prediction is.
    def _witnesses(self, state: ContinualBackpropState) -> Array:
        return state.utility

    def _replaced(self, state: ContinualBackpropState) -> Int[Array, " layers"]:
        return state.replaced
