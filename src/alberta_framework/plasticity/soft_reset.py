"""Weights move a little towards a fresh draw at every step."""

import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from ..networks import MLPParams
from .abstract import AbstractPlasticity, NetworkStep, Remade, require_layers, require_units
from .noise import KeyState


class SoftReset(AbstractPlasticity):
    r"""Moves all weights a little towards a fresh draw of the network, at every step:

        w <- (1 - rate) (w + dw) + rate w~

    with the optimizer's change dw and w~ drawn as at first. What is drawn anew at every step is
    noise around 0, as that of `ShrinkAndPerturb`, and costs as much.

    **Arguments:** `rate` in [0, 1], default 1e-4.
    """

    rate: Hyperparameter = 1e-4

    def __check_init__(self):
        require_range(self, "rate", 0.0, 1.0)

    def init(self, params, key: PRNGKeyArray) -> KeyState:
        require_layers("SoftReset", params)
        return KeyState(key)

    def apply(self, state: KeyState, step: NetworkStep) -> Remade:
        _, fresh = require_units("SoftReset", step)
        weights, biases, rate = step.after.weights, step.after.biases, f32(self.rate)
        key, *keys = jr.split(state.key, 1 + len(weights))
        drawn = [fresh(own, w.shape) for own, w in zip(keys, weights, strict=True)]
        params = MLPParams(
            tuple((1.0 - rate) * w + rate * d for w, d in zip(weights, drawn, strict=True)),
            tuple((1.0 - rate) * b for b in biases),
        )
        return Remade(step.kept(KeyState(key), state), step.allowed(params))
