"""Continual backpropagation: a few of the least useful units are made new all the time."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_choice, require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_layers, require_units
from .units import grown, hidden_sizes, lowest, made_new, of_units, outgoing_sizes, seen

UTILITIES = (
    "adaptable_contribution",
    "contribution",
    "zero_contribution",
    "weight",
    "adaptation",
)


class ContinualBackpropState(AbstractState):
    """Of each hidden layer: the utility of its units and their mean activation, as averages that
    began at 0; their ages in steps; the replacements that are due, and those that were made."""

    utilities: tuple[Float[Array, " units"], ...]
    mean_activations: tuple[Float[Array, " units"], ...]
    ages: tuple[Int[Array, " units"], ...]
    budgets: Float[Array, " layers"]
    replaced: Int[Array, " layers"]
    key: PRNGKeyArray


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
        sizes = hidden_sizes(require_layers("ContinualBackprop", params))
        zeros = tuple(jnp.zeros(size, jnp.float32) for size in sizes)
        return ContinualBackpropState(
            utilities=zeros,
            mean_activations=zeros,
            ages=tuple(jnp.zeros(size, jnp.int32) for size in sizes),
            budgets=jnp.zeros(len(sizes), jnp.float32),
            replaced=jnp.zeros(len(sizes), jnp.int32),
            key=key,
        )

    def apply(self, state: ContinualBackpropState, step: NetworkStep) -> Remade:
        activations, fresh = require_units("ContinualBackprop", step)
        if not activations:
            return Remade(state, step.after)
        weights, eta = step.after.weights, f32(self.decay_rate)
        key, chances = state.key, None
        if not self.accumulate:
            key, own = jr.split(key)
            chances = jr.uniform(own, (len(activations),), jnp.float32)
        utilities, means, told_means, ages, budgets, units = [], [], [], [], [], []
        for layer, numbers in enumerate(activations):
            age = grown(state.ages[layer])
            h, k = of_units(numbers, age.shape[0]), seen(eta, age)
            mean = eta * state.mean_activations[layer] + (1.0 - eta) * h
            told = mean / k
            y = self._utility(h, told, weights[layer], weights[layer + 1])
            u = eta * state.utilities[layer] + (1.0 - eta) * y
            eligible = f32(age) > f32(self.maturity_threshold)
            grows = f32(self.replacement_rate) * jnp.sum(f32(eligible))
            due, budget = grows, f32(0.0)
            if chances is None:
                budget = state.budgets[layer] + grows
                due = jnp.floor(budget)
            else:
                due = f32(chances[layer] < grows)
            due = jnp.minimum(due, jnp.sum(f32(eligible)))
            due = jnp.where(step.learns, due, 0.0)
            count = min(self.max_replacements, age.shape[0])
            old = lowest(u / k, eligible, count, lambda rank, due=due: f32(rank) < due)
            budgets.append(budget - jnp.sum(f32(old.chosen)) if self.accumulate else budget)
            units.append(old)
            told_means.append(told)
            utilities.append(old.written(u, 0.0, 1))
            means.append(old.written(mean, 0.0, 1))
            ages.append(old.written(age, 0, 1))
        params, renewal, key = made_new(
            step,
            tuple(units),
            key,
            fresh,
            self.gain,
            tuple(told_means) if self.compensate_bias else None,
        )
        made = jnp.stack([jnp.sum(one.chosen) for one in units]).astype(jnp.int32)
        after = ContinualBackpropState(
            utilities=tuple(utilities),
            mean_activations=tuple(means),
            ages=tuple(ages),
            budgets=jnp.stack(budgets),
            replaced=state.replaced + made,
            key=state.key,
        )
        after = step.kept(after, state).replace(key=key)
        return Remade(after, params, (renewal,))

    def _utility(self, h: Array, mean: Array, w_in: Array, w_out: Array) -> Array:
        outgoing = outgoing_sizes(w_out, h.shape[0])
        incoming = jnp.mean(jnp.abs(w_in), -1)
        connected = incoming > 0.0
        adaptation = jnp.where(connected, 1.0 / jnp.where(connected, incoming, 1.0), 0.0)
        if self.utility == "contribution":
            return jnp.abs(h) * outgoing
        if self.utility == "zero_contribution":
            return jnp.abs(h - mean) * outgoing
        if self.utility == "weight":
            return outgoing
        if self.utility == "adaptation":
            return adaptation
        return jnp.abs(h - mean) * outgoing * adaptation

    def _replaced(self, state: ContinualBackpropState) -> Int[Array, " layers"]:
        return state.replaced
