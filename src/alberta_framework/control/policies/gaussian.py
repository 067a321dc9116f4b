"""Numbers drawn around a mean."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ...compilation.unrolled_keys import unrolled
from ...interface import BoxActions
from .abstract import AbstractPolicy

_LOG_TWO_PI = float(np.log(2.0 * np.pi))


class GaussianPolicy(AbstractPolicy):
    r"""a_i ~ N(mu_i, sigma_i^2), with mu the first half of the outputs and sigma = softplus of the
    other half; neither is squashed or bounded.

    The environment is given the action clipped to its bounds; its density is that of what was
    drawn.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606; Sutton and Barto (2018), section
    13.7.

    **Arguments:** `low`, `high`: bounds of each number of an action, `low` < `high`.
    """

    low: tuple[float, ...] = eqx.field(static=True)
    high: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, low: Sequence[float] | float = -1.0, high: Sequence[float] | float = 1.0):
        self.low, self.high = _numbers(low), _numbers(high)

    def __check_init__(self):
        if len(self.low) != len(self.high):
            raise ValueError(
                f"GaussianPolicy: `low` and `high` must have one bound for each number, got "
                f"{self.low} and {self.high}."
            )
        _ = self.action_space  # validates the bounds

    @property
    def action_space(self) -> BoxActions:
        return BoxActions((len(self.low),), self.low, self.high)

    @property
    def n_outputs(self) -> int:
        return 2 * len(self.low)

    def sample(self, outputs: Float[Array, " outputs"], key: PRNGKeyArray) -> Float[Array, " n"]:
        mean, spread = self._parts(outputs)
        return mean + spread * jr.normal(unrolled(key), mean.shape, jnp.float32)

    def mode(self, outputs: Float[Array, " outputs"]) -> Float[Array, " n"]:
        return self._parts(outputs)[0]

    def log_density(
        self, outputs: Float[Array, " outputs"], action: Float[Array, " n"]
    ) -> Float[Array, ""]:
        mean, spread = self._parts(outputs)
        distance = (action - mean) / spread
        return jnp.sum(-0.5 * distance**2 - jnp.log(spread) - 0.5 * _LOG_TWO_PI)

    def entropy(self, outputs: Float[Array, " outputs"]) -> Float[Array, ""]:
        _, spread = self._parts(outputs)
        return jnp.sum(0.5 * (_LOG_TWO_PI + 1.0) + jnp.log(spread))

    def taken(self, action: Float[Array, " n"]) -> Float[Array, " n"]:
        space = self.action_space
        return jnp.clip(action, space.low, space.high)

    def blank(self) -> Float[Array, " n"]:
        return jnp.zeros(len(self.low), jnp.float32)

    def _parts(self, outputs: Array) -> tuple[Array, Array]:
        mean, raw = jnp.split(outputs, 2)
        return mean, jax.nn.softplus(raw)


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in np.atleast_1d(np.asarray(value, np.float64)))
