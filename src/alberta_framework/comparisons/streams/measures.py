"""What a comparison measures of a learner's step."""

import abc
from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ...learners import SQUARED_ERRORS, metrics_of_step


class AbstractMeasure(eqx.Module):
    """One number per step, or one per step and demon."""

    @abc.abstractmethod
    def __call__(self, learner: Any, state: Any, outputs: Any) -> PyTree[Float[Array, "..."]]:
        """The measure of the step that led to `state` and gave `outputs`."""


class Metric(AbstractMeasure):
    """A metric of the learner, by name; NaN for a rejected step.

    **Arguments:** `name`: one of `learner.metrics`.
    """

    name: str = eqx.field(static=True)

    def __call__(self, learner, state, outputs):
        del state
        return metrics_of_step(learner, outputs)[self.name]


class EveryMetric(AbstractMeasure):
    """All metrics of the learner by name."""

    def __call__(self, learner, state, outputs):
        del state
        return metrics_of_step(learner, outputs)


class ValueDistance(AbstractMeasure):
    """How far the learned values lie from the true ones: the root of the mean square over states.

        sqrt(mean_s (v(s) - v_true(s))^2)

    after the update. **Arguments:** `features` of every state; `values`: the true ones.
    """

    features: Float[Array, "states inputs"]
    values: Float[Array, " states"]

    def __call__(self, learner, state, outputs):
        del outputs
        learned = jax.vmap(lambda x: jnp.ravel(learner.predict(state, x))[0])(self.features)
        return jnp.sqrt(jnp.mean((learned - self.values) ** 2))


class DemonValueDistances(AbstractMeasure):
    """`ValueDistance` of each demon of a Horde. **Arguments:** `values`: the true ones of each."""

    features: Float[Array, "states inputs"]
    values: Float[Array, "demons states"]

    def __call__(self, learner, state, outputs):
        del outputs
        learned = jax.vmap(lambda x: learner.predict(state, x))(self.features).T
        return jnp.sqrt(jnp.mean((learned - self.values) ** 2, axis=-1))


def scored_metric(score: str, metrics: Iterable[str]) -> str | None:
    """Which of a learner's metrics a comparison scores; None if the learner has no such one.

    `"squared_error"` is also that of values which are learned from transitions.
    """
    wanted = SQUARED_ERRORS if score == "squared_error" else (score,)
    return next((name for name in wanted if name in metrics), None)
