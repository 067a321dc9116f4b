"""Target policies: what a question about another way of acting supposes."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

from ..components.component import AbstractComponent


class AbstractTargetPolicy(AbstractComponent):
    """pi(a|x): the policy that a general value function asks about."""

    @abc.abstractmethod
    def log_probability(
        self, observation: Real[Array, " features"], action: Any
    ) -> Float[Array, ""]:
        """log pi(a|x), or the log density of an action of numbers; -inf where it is never taken."""


class FixedTargetPolicy(AbstractTargetPolicy):
    """The same probabilities whatever is observed: "what if I always went straight ahead?".

    **Arguments:** `probabilities`: of each numbered action, >= 0, of sum 1.

    **Raises:** `ValueError` for others.
    """

    probabilities: tuple[float, ...] = eqx.field(static=True, converter=tuple)

    def __check_init__(self):
        sound = self.probabilities and all(p >= 0 for p in self.probabilities)
        if not sound or abs(sum(self.probabilities) - 1.0) > 1e-6:
            raise ValueError(
                "FixedTargetPolicy: `probabilities` must hold one number >= 0 for each action, of "
                f"sum 1, got {self.probabilities!r}."
            )

    def log_probability(
        self, observation: Real[Array, " features"], action: Int[Array, ""]
    ) -> Float[Array, ""]:
        """The action is from 0; one that is not there is never taken."""
        del observation
        each = jnp.arange(len(self.probabilities)) == jnp.asarray(action)
        return jnp.log(jnp.sum(jnp.where(each, np.asarray(self.probabilities, np.float32), 0.0)))
