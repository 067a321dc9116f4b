"""ObGD's bound on the steps of any optimizer."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import require_range
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractBounder


class ObGDBounding(AbstractBounder):
    r"""One factor for all tensors, so that an update cannot overshoot its target.

    For steps s_k (before the error) and error e:

        M = kappa max(|e|, 1) sum_k |s_k|_1,   k = 1 / max(M, 1),   s_k <- k s_k

    With the steps alpha z of `LMS` this is `ObGD`. The metric is k: 1 where nothing was bounded.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606, with the 1-norm of the steps in
    place of alpha |z|_1.

    **Arguments:** `kappa` >= 0, default 2; 0 never bounds.
    """

    kappa: Hyperparameter = 2.0

    def __check_init__(self):
        require_range(self, "kappa", 0.0)

    @compiled_by_itself
    def bound(
        self, steps: tuple, error: ScalarLike, params: tuple
    ) -> tuple[tuple, Float[Array, ""]]:
        del params
        size = sum((jnp.sum(jnp.abs(f32(step))) for step in steps), f32(0.0))
        bound = f32(self.kappa) * jnp.maximum(jnp.abs(scalar(error)), 1.0) * size
        factor = 1.0 / jnp.maximum(bound, 1.0)
        return tuple(factor * f32(step) for step in steps), factor

    def _joint_factor(self, errors: Any, sizes: Any) -> Float[Array, ""]:
        bound = f32(self.kappa) * jnp.sum(jnp.maximum(jnp.abs(errors), 1.0) * sizes)
        return 1.0 / jnp.maximum(bound, 1.0)
