"""The scale of TD errors, by the variance of rewards and returns."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from ..components.component import AbstractComponent
from ..components.counter import advanced, as_float
from ..components.numbers import compensated_add
from ..components.state import AbstractState
from ..normalizers import WelfordNormalizerState, no_samples, with_sample

_LEAST = 1e-4
_ENOUGH = 100


class ReturnScaleState(AbstractState):
    """Statistics of rewards and discounts, the return of the episode so far, and the mean of the
    squared returns of those that ended, with their exact count."""

    statistics: WelfordNormalizerState
    episode_return: Float[Array, ""]
    squared_return: Float[Array, ""]
    squared_return_residual: Float[Array, ""]
    episodes: UInt32[Array, "2"]


class ReturnScale(AbstractComponent):
    r"""sigma = sqrt(max(Var r + Var gamma E[G^2], 1e-4)), of all rewards r and discounts gamma of
    transitions so far, and of the undiscounted returns G of the episodes that ended.

    Before an episode has ended it is sqrt(max(Var r, 1e-4)) from 100 steps on, as in a task that
    never ends, and 1 until then. Variances are those of the population.

    Source: Schaul et al. (2021), Return-based Scaling, arXiv:2105.05347, as in the code of Vasan et
    al. (2024).
    """

    def init(self) -> ReturnScaleState:
        zero = jnp.zeros((), jnp.float32)
        return ReturnScaleState(no_samples(2), zero, zero, zero, jnp.zeros(2, jnp.uint32))

    def seen(
        self,
        state: ReturnScaleState,
        reward: Float[Array, ""],
        discount: Float[Array, ""],
        boundary: Bool[Array, ""],
    ) -> ReturnScaleState:
        """The state after a transition; `boundary` where it ended an episode."""
        total = state.episode_return + reward
        episodes = advanced(state.episodes, boundary)
        count = jnp.maximum(as_float(episodes), 1.0)
        gain = ((total**2 - state.squared_return) - state.squared_return_residual) / count
        squared, residual = compensated_add(
            state.squared_return,
            state.squared_return_residual,
            jnp.where(boundary, gain, 0.0),
        )
        return ReturnScaleState(
            statistics=with_sample(state.statistics, jnp.stack([reward, discount])),
            episode_return=jnp.where(boundary, 0.0, total),
            squared_return=squared,
            squared_return_residual=residual,
            episodes=episodes,
        )

    def sigma(self, state: ReturnScaleState) -> Float[Array, ""]:
        """What errors are divided by."""
        n = state.statistics.sample_count.astype(jnp.float32)
        of_reward, of_discount = state.statistics.p / jnp.maximum(n, 1.0)
        ended = as_float(state.episodes) > 0.0
        variance = of_reward + jnp.where(ended, of_discount * state.squared_return, 0.0)
        found = jnp.sqrt(jnp.maximum(variance, _LEAST))
        return jnp.where(ended | (n >= _ENOUGH), found, 1.0)
