"""Numbers drawn around a mean and squashed into their bounds."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...components.component import AbstractComponent
from ...interface import BoxActions
from .gaussian import GaussianPolicy

_LOG_TWO_PI = float(np.log(2.0 * np.pi))
_LOWEST, _HIGHEST = -20.0, 2.0


class TanhGaussianPolicy(AbstractComponent):
    r"""u_i = mu_i + sigma_i xi_i with noise xi ~ N(0, I), and the action tanh(u) in (-1, 1).

    mu is the first half of the outputs, log sigma the other half, clipped to [-20, 2]. The
    environment is given the action mapped to its bounds, while densities are those of tanh(u):

        log pi = sum_i [-xi_i^2 / 2 - log sigma_i - log(2 pi) / 2]
                 - sum_i 2 (log 2 - u_i - softplus(-2 u_i))

    whose last sum is -log(1 - tanh(u)^2), finite where tanh(u) rounds to 1.

    Source: Vasan et al. (2024), arXiv:2411.15370; Haarnoja et al. (2018), appendix C.

    **Arguments:** `low`, `high`: bounds of each number of an action, `low` < `high`.
    """

    low: tuple[float, ...] = eqx.field(static=True)
    high: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, low: Sequence[float] | float = -1.0, high: Sequence[float] | float = 1.0):
        checked = GaussianPolicy(low, high)
        self.low, self.high = checked.low, checked.high

    @property
    def action_space(self) -> BoxActions:
        return BoxActions((len(self.low),), self.low, self.high)

    @property
    def n_outputs(self) -> int:
        return 2 * len(self.low)

    def squashed(
        self, outputs: Float[Array, " outputs"], noise: Float[Array, " n"]
    ) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        """tanh(u) and the logarithm of its density, both functions of the outputs."""
        mean, raw = jnp.split(outputs, 2)
        log_sigma = jnp.clip(raw, _LOWEST, _HIGHEST)
        u = mean + jnp.exp(log_sigma) * noise
        density = jnp.sum(-0.5 * noise**2 - log_sigma - 0.5 * _LOG_TWO_PI)
        volume = jnp.sum(2.0 * (np.log(2.0).astype(np.float32) - u - jax.nn.softplus(-2.0 * u)))
        return jnp.tanh(u), density - volume

    def taken(self, action: Float[Array, " n"]) -> Float[Array, " n"]:
        """The action in (-1, 1) mapped to the bounds."""
        space = self.action_space
        return jnp.asarray(space.low) + 0.5 * (action + 1.0) * (space.high - space.low)
