"""What every normalizer offers."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, Real

from ..compilation.boundary import compiled_by_itself
from ..components.component import AbstractComponent
from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter


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
    the standard deviation. `clip`, if there is one, keeps every normalized value within +-clip:
    those of observations that the statistics hold, and those of next observations and probes that
    they do not hold, for which one far event after many alike is otherwise unbounded.

    `predict_with` says what a learner's `predict` normalizes with: `"included"`, the statistics as
    they would be with the observation in them, which are those of its `update`; `"current"`, the
    statistics as they are.
    """

    epsilon: eqx.AbstractVar[Hyperparameter]
    predict_with: eqx.AbstractVar[str]
    clip: eqx.AbstractVar[Hyperparameter | None]

    @abc.abstractmethod
    def init(self, feature_dim: int) -> State:
        """The state before any observation."""

    @abc.abstractmethod
    def advanced(self, state: State, observation: Float[Array, " features"]) -> State:
        """The statistics with one more observation, given as float32 and unchecked."""

    @compiled_by_itself
    def normalize(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> tuple[Float[Array, " features"], State]:
        """The observation normalized with the statistics that include it, and these."""
        state = self.advanced(state, f32(observation))
        return self.normalize_only(state, observation), state

    @compiled_by_itself
    def normalize_only(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> Float[Array, " features"]:
        """The observation normalized with the statistics as they are."""
        centred = (f32(observation) - state.mean) - state.mean_residual
        normalized = centred / (jnp.sqrt(state.var) + f32(self.epsilon))
        if self.clip is None:
            return normalized
        return jnp.clip(normalized, -f32(self.clip), f32(self.clip))

    @compiled_by_itself
    def denormalize(
        self, state: State, normalized: Real[ArrayLike, "{state.feature_dim}"]
    ) -> Float[Array, " features"]:
        """The numbers that `normalize_only` brings to `normalized`, were there no `clip`."""
        y = f32(normalized)
        # A selection stands between product and sum: they are rounded alike in every program.
        spread = jnp.where(y == y, y * (jnp.sqrt(state.var) + f32(self.epsilon)), y)
        return (spread + state.mean_residual) + state.mean

    @compiled_by_itself
    def for_prediction(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> Float[Array, " features"]:
        """The observation as `predict` sees it: by `predict_with`; the statistics are discarded.

        With `"included"` it is what `normalize` gives, but NaN where the observation takes the
        statistics out of the range of float32, as a learner's update is then rejected. As a
        function of the observation its derivative holds the statistics fixed.
        """
        if self.predict_with == "current":
            return self.normalize_only(state, observation)
        x = f32(observation)
        included = self.advanced(state, jax.lax.stop_gradient(x))
        # 0, or NaN. No selection: XLA would draw the products of a prediction into it, and round
        # them in another way than where an update predicts.
        unsound = (included.mean - included.mean) + (included.var - included.var)
        return self.normalize_only(included, x) - unsound

    @compiled_by_itself
    def update_only(
        self, state: State, observation: Real[ArrayLike, "{state.feature_dim}"]
    ) -> State:
        """The statistics that include the observation."""
        return self.advanced(state, f32(observation))


def require_normalizer_fields(normalizer: AbstractNormalizer) -> None:
    """Validate the fields that every normalizer has."""
    require_range(normalizer, "epsilon", 0.0, open_low=True)
    if normalizer.clip is not None:
        require_range(normalizer, "clip", 0.0, open_low=True)
    owner, choices = type(normalizer).__name__, ("included", "current")
    require_choice(owner, "predict_with", normalizer.predict_with, choices)


def next_count(sample_count: Int[Array, ""]) -> Int[Array, ""]:
    """One more sample; int32, saturating at 2^31 - 1."""
    return jnp.minimum(sample_count, jnp.int32(2**31 - 2)) + jnp.int32(1)
