"""Adaptive gradient clipping: steps bounded relative to the size of the weights."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import require_choice, require_range, require_same_shape
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractBounder


class AGCBounding(AbstractBounder):
    r"""Clips the change of each unit to a fraction of the unit's weight norm.

    For a step s (before the error), its tensor w and error e, with one norm for each unit (a row of
    a `(fan_out, fan_in)` matrix; each element of a vector or scalar):

        G = |e| norm(s),   L = clip_factor max(norm(w), eps)
        s <- s L / max(G, 1e-6)   where G > L

    The metric is the fraction of clipped units.

    Source: Brock, De, Smith and Simonyan (2021), High-Performance Large-Scale Image Recognition
    Without Normalization, section 4.1. They clip the gradient; here it is the applied change |e| s.

    **Arguments:** `clip_factor` > 0, default 0.01; `eps` > 0, default 1e-3; `unit_axis`: the axis
    that numbers the units, 0 (default: outputs) or -1 (inputs, as the reference implementation).
    """

    clip_factor: Hyperparameter = 0.01
    eps: Hyperparameter = 1e-3
    unit_axis: int = eqx.field(static=True, default=0, metadata={"config": "omit_default"})

    def __check_init__(self):
        require_range(self, "clip_factor", 0.0, open_low=True)
        require_range(self, "eps", 0.0, open_low=True)
        require_choice("AGCBounding", "unit_axis", self.unit_axis, (0, -1))

    @compiled_by_itself
    def bound(
        self, steps: tuple, error: ScalarLike, params: tuple
    ) -> tuple[tuple, Float[Array, ""]]:
        if len(steps) != len(params):
            raise TypeError(
                f"AGCBounding.bound: `params` must have one tensor for each of the {len(steps)} "
                f"steps, got {len(params)}."
            )
        size = jnp.abs(scalar(error))
        bounded, clipped, units = [], f32(0.0), 0
        for step, tensor in zip(steps, params, strict=True):
            step, tensor = f32(step), f32(tensor)
            require_same_shape("AGCBounding.bound", "params", tensor, step)
            change = size * self._norm(step)
            limit = f32(self.clip_factor) * jnp.maximum(self._norm(tensor), f32(self.eps))
            over = change > limit
            bounded.append(jnp.where(over, step * limit / jnp.maximum(change, 1e-6), step))
            clipped += jnp.sum(over, dtype=jnp.float32)
            units += over.size
        return tuple(bounded), clipped / max(units, 1)

    def _norm(self, tensor: Float[Array, "..."]) -> Float[Array, "..."]:
        if tensor.ndim < 2:
            return jnp.abs(tensor)
        kept = self.unit_axis % tensor.ndim
        axes = tuple(axis for axis in range(tensor.ndim) if axis != kept)
        squared = jnp.sum(tensor**2, axis=axes, keepdims=True)
        # The root has no gradient at 0, where a dead unit sits.
        return jnp.where(squared > 0.0, jnp.sqrt(jnp.where(squared > 0.0, squared, 1.0)), 0.0)
