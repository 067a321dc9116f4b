"""Weights stay within a multiple of their first range."""

import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from ..networks import MLPParams
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_layers


class WeightClipping(AbstractPlasticity):
    r"""Keeps every weight within a multiple of the range that it was drawn from:

        w_l <- clip(w_l, -kappa s_l, kappa s_l),     s_l = 1 / sqrt(fan_in of layer l)

    biases as the weights of their layer. s_l bounds the weights that the sparse networks of this
    library begin with; kappa >= 1 leaves these as they are.

    Source: Elsayed, Lan, Lyle and Mahmood (2024), Weight Clipping for Deep Continual and
    Reinforcement Learning, arXiv:2407.01704; the range of biases is ours.

    **Arguments:** `kappa` > 0, default 2.
    """

    kappa: Hyperparameter = 2.0

    def __check_init__(self):
        require_range(self, "kappa", 0.0, open_low=True)

    def init(self, params, key: PRNGKeyArray) -> None:
        del key
        require_layers("WeightClipping", params)

    def apply(self, state: None, step: NetworkStep) -> Remade:
        weights, biases = step.after.weights, step.after.biases
        bounds = [f32(self.kappa) * f32(w.shape[-1] ** -0.5) for w in weights]

        def clipped(tensors):
            return tuple(jnp.clip(t, -s, s) for t, s in zip(tensors, bounds, strict=True))

        return Remade(state, step.allowed(MLPParams(clipped(weights), clipped(biases))))
