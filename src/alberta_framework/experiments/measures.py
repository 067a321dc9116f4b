"""What a comparison measures of a learner's step."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractMeasure(eqx.Module):
    """One number per step, or one per step and demon; the smaller the better."""

    @abc.abstractmethod
    def __call__(self, learner: Any, state: Any, outputs: Any) -> Float[Array, "..."]:
        """The measure of the step that led to `state` and gave `outputs`."""


class SquaredError(AbstractMeasure):
    """The squared error of the prediction made before the update, a step's first metric.

    Of a TD learner it is the squared TD error. NaN for a rejected step.
    """

    def __call__(self, learner, state, outputs):
        del learner, state
        return outputs[0]


class ValueDistance(AbstractMeasure):
    """How far the learned values lie from the true ones: the root of the mean square over states.

        sqrt(mean_s (v(s) - v_true(s))^2)

    after the update. **Arguments:** `features` of every state; `values`: the true ones.
    """

    features: Float[Array, "states inputs"]
    values: Float[Array, " states"]

    def __call__(self, learner, state, outputs):
        del outputs
        learned = jax.vmap(lambda x: learner.predict(state, x)[0])(self.features)
        return jnp.sqrt(jnp.mean((learned - self.values) ** 2))


class DemonSquaredErrors(AbstractMeasure):
    """The squared TD error of each demon of a Horde."""

    def __call__(self, learner, state, outputs):
        del learner, state
        return outputs[0][:, 0]


class DemonValueDistances(AbstractMeasure):
    """`ValueDistance` of each demon of a Horde. **Arguments:** `values`: the true ones of each."""

    features: Float[Array, "states inputs"]
    values: Float[Array, "demons states"]

    def __call__(self, learner, state, outputs):
        del outputs
        learned = jax.vmap(lambda x: learner.predict(state, x))(self.features).T
        return jnp.sqrt(jnp.mean((learned - self.values) ** 2, axis=-1))
