"""Layers keep their largest singular value near a target."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import MLPParams
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_layers


class SpectralPenaltyState(AbstractState):
    """Of each layer the right singular vector that belongs to its largest singular value, as far as
    it is known."""

    vectors: tuple[Float[Array, " inputs"], ...]


class SpectralPenalty(AbstractPlasticity):
    r"""Keeps the largest singular value of each layer near a target, and its biases small.

    With one power iteration a step, from the vector v_l of the last one, on the weights before it:

        u <- W_l v / |W_l v|,   v <- W_l^T u / |W_l^T u|,   sigma_l = u^T W_l v
        w <- w + dw - step_size strength grad sum_l [(sigma_l^power - target)^2 + |b_l|^2]

    with the optimizer's change dw, and grad sigma_l = u v^T.

    Source: Lewandowski et al. (2024), Learning Continually by Spectral Regularization,
    arXiv:2406.06811.

    **Arguments:** `step_size` >= 0, default 0.01; `strength` >= 0, default 1e-3; `target` >= 0,
    default 1; `power` >= 1, default 2.
    """

    step_size: Hyperparameter = 0.01
    strength: Hyperparameter = 1e-3
    target: Hyperparameter = 1.0
    power: Hyperparameter = 2.0

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "strength", 0.0)
        require_range(self, "target", 0.0)
        require_range(self, "power", 1.0)

    def init(self, params, key: PRNGKeyArray) -> SpectralPenaltyState:
        weights = require_layers("SpectralPenalty", params).weights
        keys = jr.split(key, len(weights))
        drawn = [
            jr.normal(own, w.shape[-1:], jnp.float32) for own, w in zip(keys, weights, strict=True)
        ]
        return SpectralPenaltyState(tuple(_unit(v) for v in drawn))

    def largest_singular_values(self, state: SpectralPenaltyState, params: MLPParams) -> Array:
        """Of each layer, as far as it is known: |W v|."""
        pairs = zip(params.weights, state.vectors, strict=True)
        return jnp.stack([jnp.linalg.norm(w @ v) for w, v in pairs])

    def apply(self, state: SpectralPenaltyState, step: NetworkStep) -> Remade:
        rate, power = f32(self.step_size) * f32(self.strength), f32(self.power)
        weights, vectors = [], []
        layers = zip(step.after.weights, step.before.weights, state.vectors, strict=True)
        for new, w, v in layers:
            u = _unit(w @ v)
            v = _unit(u @ w, v)
            sigma = u @ w @ v
            excess = sigma**power - f32(self.target)
            slope = 2.0 * excess * power * sigma ** (power - 1.0)
            weights.append(new - rate * slope * u[:, None] * v[None, :])
            vectors.append(v)
        biases = tuple(
            new - rate * 2.0 * b
            for new, b in zip(step.after.biases, step.before.biases, strict=True)
        )
        params = step.allowed(MLPParams(tuple(weights), biases))
        return Remade(step.kept(SpectralPenaltyState(tuple(vectors)), state), params)


def _unit(vector: Float[Array, " n"], otherwise: Any = 0.0) -> Float[Array, " n"]:
    """The vector with length 1; of 0, which has no direction, `otherwise`."""
    squared = jnp.sum(vector**2)
    some = squared > 0.0
    return jnp.where(some, vector * jax.lax.rsqrt(jnp.where(some, squared, 1.0)), otherwise)
