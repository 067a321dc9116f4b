"""Streams with other units: each feature multiplied by a scale of its own."""

import math
import numbers
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from ..components.numbers import is_traced
from ..components.ranges import require_count
from ..components.state import AbstractState
from ..experience import TDTimeStep, TimeStep
from .abstract import AbstractStream, ScanStream
from .float_arrays import float_array, require_array


class ScaledStreamState(AbstractState):
    """The state of the inner stream.

    `idx`, the number of its next step since `init`, is kept for an inner stream that has no
    `rollout` and may want it.
    """

    inner_state: Any
    idx: Int[Array, ""] | None = None


class ScaledStreamWrapper(AbstractStream[ScaledStreamState, Any]):
    """The inner stream with its observations multiplied feature by feature; targets stay.

    Of a transition the next observation is multiplied too.

    **Arguments:**

    - `inner_stream`: any stream of examples or of transitions, a wrapped one included; a stream of
      your own must be a PyTree.
    - `feature_scales` [d]: finite numbers, kept as float32; `make_scale_range` makes some.
    """

    inner_stream: Any
    feature_scales: Float[Array, " features"] = eqx.field(converter=float_array)

    def __check_init__(self):
        if not isinstance(self.inner_stream, ScanStream):
            raise TypeError(
                "ScaledStreamWrapper: `inner_stream` must be a stream with `feature_dim`, `init` "
                f"and `step`, got {self.inner_stream!r}."
            )
        require_array(self, "feature_scales", (self.inner_stream.feature_dim,))
        scales = self.feature_scales
        if not is_traced(scales) and not np.all(np.isfinite(scales)):
            raise ValueError(
                f"ScaledStreamWrapper: `feature_scales` must be finite, got {np.asarray(scales)}."
            )

    @property
    def feature_dim(self) -> int:
        return self.inner_stream.feature_dim

    def init(self, key: PRNGKeyArray) -> ScaledStreamState:
        """The state of the inner stream from this very key."""
        draws_chunks = isinstance(self.inner_stream, AbstractStream)
        idx = None if draws_chunks else jnp.zeros((), jnp.int32)
        return ScaledStreamState(self.inner_stream.init(key), idx)

    def step(self, state: ScaledStreamState, idx: ArrayLike = 0) -> tuple[Any, ScaledStreamState]:
        experience, inner = self.inner_stream.step(state.inner_state, idx)
        following = None if state.idx is None else state.idx + 1
        return self._scaled(experience, self.feature_scales), ScaledStreamState(inner, following)

    def rollout(self, state: ScaledStreamState, num_steps: int) -> tuple[Any, ScaledStreamState]:
        if state.idx is None:
            experience, inner = self.inner_stream.rollout(state.inner_state, num_steps)
            return self._scaled(experience, self.feature_scales[None]), ScaledStreamState(inner)
        require_count("ScaledStreamWrapper", "num_steps", num_steps, low=0, high=2**31)

        def one(state, _):
            experience, state = self.step(state, state.idx)
            return state, experience

        state, experience = jax.lax.scan(one, state, length=num_steps)
        return experience, state

    def _scaled(self, experience: TimeStep | TDTimeStep, scales: Array) -> TimeStep | TDTimeStep:
        changes = {"observation": experience.observation * scales}
        if isinstance(experience, TDTimeStep):
            changes["next_observation"] = experience.next_observation * scales
        return experience.replace(**changes)


def make_scale_range(
    feature_dim: int,
    min_scale: float = 0.001,
    max_scale: float = 1000.0,
    log_spaced: bool = True,
) -> Float[Array, " features"]:
    """Scales that rise from `min_scale` to `max_scale` in equal ratios, or else in equal steps.

    A single feature gets `min_scale`.

    **Raises:** `ValueError`, `TypeError` unless `feature_dim` >= 1 and both scales are finite,
    `min_scale` <= `max_scale`, and above 0 if `log_spaced`.
    """
    require_count("make_scale_range", "feature_dim", feature_dim)
    for name, scale in (("min_scale", min_scale), ("max_scale", max_scale)):
        if isinstance(scale, bool) or not isinstance(scale, numbers.Real | np.ndarray | jax.Array):
            raise TypeError(f"make_scale_range: `{name}` must be a real number, got {scale!r}.")
    low, high = float(min_scale), float(max_scale)
    allowed = "0 < min_scale <= max_scale" if log_spaced else "min_scale <= max_scale"
    positive = low > 0 or not log_spaced
    if not (math.isfinite(low) and math.isfinite(high) and low <= high and positive):
        raise ValueError(
            f"make_scale_range: `min_scale` and `max_scale` must be finite, {allowed}, "
            f"got {min_scale} and {max_scale}."
        )
    space = np.geomspace if log_spaced else np.linspace
    return jnp.asarray(space(low, high, feature_dim), jnp.float32)
