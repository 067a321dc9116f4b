"""What every normalizer offers."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, Real

from .._compiled import checked
from .._component import AbstractComponent
from .._numbers import f32
from .._state import AbstractState
from .._types import Hyperparameter


class AbstractNormalizerState(AbstractState):
    """Running statistics as two-float numbers: the mean is `mean + mean_residual`, likewise var."""

    mean: eqx.AbstractVar[Float[Array, " features"]]
    var: eqx.AbstractVar[Float[Array, " features"]]
    sample_count: eqx.AbstractVar[Int[Array, ""]]
    mean_residual: eqx.AbstractVar[Float[Array, " features"]]
    var_residual: eqx.AbstractVar[Float[Array, " features"]]

    @property
    def feature_dim(self) -> int:
        return self.mean.shape[-1]


State = TypeVar("State", bound=AbstractNormalizerState)


class AbstractNormalizer(AbstractComponent, Generic[State]):
    """Brings each feature to mean 0 and standard deviation 1 by its running statistics.

    The statistics take an observation in before it is normalized with them. `epsilon` is added to
    the standard deviation.
    """

    epsilon: eqx.AbstractVar[Hyperparameter]

    @abc.abstractmethod
    def init(self, feature_dim: int) -> State:
        """The state before any observation."""

    @abc.abstractmethod
    def advanced(self, state: State, observation: Float[Array, " features"]) -> State:
        """The statistics with one more observation, given as float32 and unchecked."""

    @checked
    def normalize(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> tuple[Float[Array, " features"], State]:
        """The observation normalized with the statistics that include it, and these."""
        state = self.advanced(state, f32(observation))
        return self.normalize_only(state, observation), state

    @checked
    def normalize_only(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> Float[Array, " features"]:
        """The observation normalized with the statistics as they are."""
        centred = (f32(observation) - state.mean) - state.mean_residual
        return centred / (jnp.sqrt(state.var) + f32(self.epsilon))

    @checked
    def update_only(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> State:
        """The statistics that include the observation."""
        return self.advanced(state, f32(observation))


def next_count(sample_count: Int[Array, ""]) -> Int[Array, ""]:
    """One more sample; int32, saturating at 2^31 - 1."""
    return jnp.minimum(sample_count, jnp.int32(2**31 - 2)) + jnp.int32(1)
