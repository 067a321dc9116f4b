"""Observations brought to one scale by all that were seen."""

import jax.numpy as jnp

from ..components.numbers import f32
from ..components.ranges import require_count, require_range
from ..components.types import Hyperparameter
from ..normalizers import WelfordNormalizerState, no_samples, with_sample
from .abstract import AbstractFeatures
from .percept import Percept


class ObservationNormalizer(AbstractFeatures[WelfordNormalizerState]):
    r"""Normalizes by the mean and the sample variance of all observations of the life.

    Each observation x, that of a reset included, enters the statistics once, and then

        y = (x - mean) / sqrt(var + epsilon)

    with var = 1 at the first one, so that its y is 0. The statistics are those of
    `WelfordNormalizer`, and stay correct after 1e9 samples; there epsilon is added to the root.
    Where nothing is learned they are used as they are, without x.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606.

    **Arguments:** `epsilon` > 0, default 1e-8, added to the variance.
    """

    epsilon: Hyperparameter = 1e-8

    def __check_init__(self):
        require_range(self, "epsilon", 0.0, open_low=True)

    def feature_dim_of(self, observation_dim: int) -> int:
        return observation_dim

    def init(self, observation_dim: int) -> WelfordNormalizerState:
        require_count("ObservationNormalizer.init", "observation_dim", observation_dim)
        return no_samples(observation_dim)

    def see(
        self, state: WelfordNormalizerState, percept: Percept
    ) -> tuple[Percept, WelfordNormalizerState]:
        x = percept.observation
        if percept.learning:
            state = with_sample(state, x)
        y = ((x - state.mean) - state.mean_residual) / jnp.sqrt(state.var + f32(self.epsilon))
        return percept.replace(observation=y), state
