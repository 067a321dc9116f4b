"""Weights shrink a little at every step, and are perturbed."""

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..components.numbers import f32, is_traced
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from .abstract import AbstractPlasticity, NetworkStep, Remade
from .noise import KeyState, noise_like


class ShrinkAndPerturb(AbstractPlasticity):
    r"""Shrinks all weights a little and adds noise, at every step:

        w <- (1 - step_size decay) w + dw - step_size xi,     xi ~ N(0, sigma^2)

    with the optimizer's change dw; it draws as many numbers as the network has weights, which costs
    more than the step itself.

    Source: Ash and Adams (2020), On Warm-Starting Neural Network Training; in this form of every
    step Elsayed and Mahmood (2024), Addressing Loss of Plasticity and Catastrophic Forgetting in
    Continual Learning.

    **Arguments:** `step_size` >= 0, default 0.01; `decay` >= 0, default 0.01, with step_size decay
    <= 1; `sigma` >= 0, default 0.01.
    """

    step_size: Hyperparameter = 0.01
    decay: Hyperparameter = 0.01
    sigma: Hyperparameter = 0.01

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "decay", 0.0)
        require_range(self, "sigma", 0.0)
        numbers = self.step_size, self.decay
        if not any(is_traced(number) for number in numbers):
            share = np.asarray(self.step_size, np.float64) * np.asarray(self.decay, np.float64)
            if np.any(share > 1.0):
                raise ValueError(
                    "ShrinkAndPerturb: `step_size` times `decay` must be at most 1, got "
                    f"{self.step_size} and {self.decay}."
                )

    def init(self, params, key: PRNGKeyArray) -> KeyState:
        del params
        return KeyState(key)

    def apply(self, state: KeyState, step: NetworkStep) -> Remade:
        key, noise = noise_like(state.key, step.before)
        rate, sigma = f32(self.step_size), f32(self.sigma)
        params = jax.tree.map(
            lambda new, w, xi: new - rate * f32(self.decay) * w - rate * sigma * xi,
            step.after,
            step.before,
            noise,
        )
        return Remade(step.kept(KeyState(key), state), step.allowed(params))
