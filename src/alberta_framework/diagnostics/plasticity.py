"""Whether a network can still learn: dormant units, ranks, weights and step sizes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Real

from ..compilation.boundary import checked, strong
from ..components.numbers import f32
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..learners import AbstractMeasured
from ..networks import MLPParams


@checked
def dormant_fraction(
    activations: Real[ArrayLike, "samples units"], tau: ScalarLike = 0.025
) -> Float[Array, ""]:
    """The share of units with s_i <= tau, s_i = mean|A_i| / mean_k mean|A_k|; tau 0: dead units.

    A layer that is dead altogether has fraction 1.

    Source: Sokar, Agarwal, Castro and Evci (2023), The Dormant Neuron Phenomenon in Deep
    Reinforcement Learning.
    """
    return _dormant(jnp.mean(jnp.abs(f32(activations)), 0), tau)


def _dormant(size: Float[Array, " units"], tau: ScalarLike) -> Float[Array, ""]:
    # s_i <= tau without the division, which a dead layer makes 0 / 0.
    mean = jnp.mean(size)
    share = jnp.mean(size <= tau * mean, dtype=jnp.float32)
    return jnp.where(jnp.isnan(mean), jnp.nan, share)


@checked
def effective_rank(activations: Real[ArrayLike, "samples units"]) -> Float[Array, ""]:
    """exp(-sum p ln p) with p = sigma / sum sigma, the singular values' distribution; 0 for zeros.

    Source: Roy and Vetterli (2007), The Effective Rank: A Measure of Effective Dimensionality.
    """
    sigma = _singular_values(activations)
    total = jnp.sum(sigma)
    p = sigma / jnp.where(total > 0.0, total, 1.0)
    entropy = -jnp.sum(jnp.where(p > 0.0, p * jnp.log(jnp.where(p > 0.0, p, 1.0)), 0.0))
    return jnp.where(total > 0.0, jnp.exp(entropy), 0.0)


@checked
def approximate_rank(
    activations: Real[ArrayLike, "samples units"], proportion: ScalarLike = 0.99
) -> Int[Array, ""]:
    """The smallest k whose k largest sigma^2 make at least `proportion` of their sum; 0 for zeros.

    Source: Yang, Zhang, Xu and Katabi (2020), Harnessing Structures for Value-Based Planning and
    Reinforcement Learning.
    """
    energy = _singular_values(activations) ** 2
    reached = jnp.cumsum(energy) >= proportion * jnp.sum(energy)
    k = jnp.minimum(jnp.sum(~reached) + 1, energy.shape[0]).astype(jnp.int32)
    return jnp.where(jnp.sum(energy) > 0.0, k, 0)


@checked
def stable_rank(activations: Real[ArrayLike, "samples units"]) -> Float[Array, ""]:
    """The squared Frobenius norm over the squared spectral norm; 0 for zeros."""
    energy = _singular_values(activations) ** 2
    largest = jnp.max(energy)
    return jnp.where(largest > 0.0, jnp.sum(energy) / jnp.where(largest > 0.0, largest, 1.0), 0.0)


def _singular_values(activations: Any) -> Float[Array, " rank"]:
    return jnp.linalg.svd(f32(activations), compute_uv=False)


class WeightMagnitude(AbstractState):
    """Mean absolute weights and biases of each layer."""

    weights: Float[Array, " layers"]
    biases: Float[Array, " layers"]


def weight_magnitude(params: MLPParams) -> WeightMagnitude:
    """Mean |w| per layer, biases apart; both empty without layers."""

    def means(tensors: Any) -> Float[Array, " layers"]:
        sizes = [jnp.mean(jnp.abs(tensor)) for tensor in tensors]
        return jnp.stack(sizes) if sizes else jnp.zeros(0, jnp.float32)

    return WeightMagnitude(means(params.weights), means(params.biases))


def sample_plasticity(loss_before: Any, loss_after: Any) -> Float[Array, "..."]:
    """clip(1 - after / max(before, 1e-8), 0, 1): losses of one sample around its own update.

    Source: Elsayed and Mahmood (2024), Addressing Loss of Plasticity and Catastrophic Forgetting in
    Continual Learning.
    """
    return jnp.clip(1.0 - f32(loss_after) / jnp.maximum(f32(loss_before), 1e-8), 0.0, 1.0)


class PlasticityReport(AbstractState):
    """The state of a network's trunk, layer by layer, on a batch of observations.

    `step_sizes` has a row for each tensor of the trunk (w0, b0, w1, ...): minimum, quartiles,
    maximum; `replaced` tells how many units of each layer were made new, None where nothing does.
    """

    dormant_fraction: Float[Array, " layers"]
    effective_rank: Float[Array, " layers"]
    stable_rank: Float[Array, " layers"]
    weight_magnitude: WeightMagnitude
    step_sizes: Float[Array, "tensors 5"]
    replaced: Int[Array, " layers"] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as lists and dictionaries of Python floats, ready for JSON."""

        def listed(values: Any) -> list:
            return np.asarray(values, np.float64).tolist()

        names = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")
        tensors = [f"{kind}{i // 2}" for i, kind in enumerate("wb" * (len(self.step_sizes) // 2))]
        replaced = {} if self.replaced is None else {"replaced": np.asarray(self.replaced).tolist()}
        return {
            "dormant_fraction": listed(self.dormant_fraction),
            "effective_rank": listed(self.effective_rank),
            "stable_rank": listed(self.stable_rank),
            "weight_magnitude": {
                "weights": listed(self.weight_magnitude.weights),
                "biases": listed(self.weight_magnitude.biases),
            },
            "step_sizes": {
                tensor: dict(zip(names, row, strict=True))
                for tensor, row in zip(tensors, listed(self.step_sizes), strict=True)
            },
            **replaced,
        }


def compute_plasticity(
    learner: AbstractMeasured,
    state: Any,
    observations: Any = None,
    tau: ScalarLike = 0.025,
) -> PlasticityReport:
    """Dormant units, ranks, weight magnitudes and step sizes of the hidden layers.

    Activations are those of `observations` [samples, features], normalized with the state's
    statistics; nothing is updated. Without observations they are those that the learner's
    `PlasticityMonitor` kept: ranks of the last ones, dormant units by its running mean. Safe under
    jit and vmap. See `dormant_fraction` for `tau`. Of a network that does not tell its layers, as
    `UnitFeatureMLP`, a monitor tells its part, and weights and step sizes are empty.

    **Arguments:** `learner`: or an agent; of an actor and a critic it is the critic's network.

    **Raises:** `TypeError` for a learner that has no hidden layers, or does not tell them by
    `network_of`; without observations for one that has no monitor.
    """
    return _plasticity(strong(learner), state, observations, tau)


@jax.jit
@checked
def _plasticity(
    learner: Any,
    state: Any,
    observations: Real[Array, "samples {state.feature_dim}"] | None,
    tau: Any,
) -> PlasticityReport:
    network = learner.network_of(state)
    watched_alone = observations is None and network is not None and network.watched is not None
    if network is None or (network.trunk is None and not watched_alone):
        raise TypeError(
            f"`learner` must have a network that tells its hidden layers, got a "
            f"{type(learner).__name__}."
        )
    trunk = network.trunk
    params = MLPParams((), ()) if trunk is None else trunk.params
    if observations is not None:
        layers = jax.vmap(network.activations)(observations)
        dormant = [dormant_fraction(a, tau) for a in layers]
    elif network.watched is not None:
        layers = network.watched.activations
        dormant = [_dormant(size, tau) for size in network.watched.sizes]
    else:
        raise TypeError(
            f"`observations` must be given for a {type(learner).__name__} without a "
            "PlasticityMonitor."
        )

    def stacked(numbers):
        return jnp.stack(numbers) if numbers else jnp.zeros(0, jnp.float32)

    quantiles = jnp.array([0.0, 0.25, 0.5, 0.75, 1.0], jnp.float32)
    step_sizes = () if trunk is None else trunk.step_sizes
    rows = [jnp.quantile(jnp.ravel(sizes), quantiles) for sizes in step_sizes]
    return PlasticityReport(
        dormant_fraction=stacked(dormant),
        effective_rank=stacked([effective_rank(a) for a in layers]),
        stable_rank=stacked([stable_rank(a) for a in layers]),
        weight_magnitude=weight_magnitude(params),
        step_sizes=jnp.stack(rows) if rows else jnp.zeros((0, 5), jnp.float32),
        replaced=network.replaced,
    )
