"""The targets of heads, each in units of its own spread."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..normalizers import AbstractNormalizer
from .stacked_heads import where_heads
from .target_scale import TargetScale


class HeadScales(eqx.Module):
    """A scale, as `TargetScale` has it, for each head that is `scaled`; the targets of the others,
    and of all without a normalizer, stay as they are.

    The statistics are a field of the learner's state, with the heads as first axis; a learner
    without a normalizer needs no such field.
    """

    normalizer: AbstractNormalizer | None = None
    scaled: tuple[bool, ...] = eqx.field(static=True, default=())

    def begun(self) -> dict[str, Any]:
        """The field of a state before the first targets."""
        if self.normalizer is None:
            return {}
        n, one = len(self.scaled), self._scale.begun()
        return _field(jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (n, *leaf.shape)), one))

    def of_outputs(self, state: Any, outputs: Float[Array, " heads"]) -> Float[Array, " heads"]:
        """What the outputs of heads are as targets."""
        if self.normalizer is None:
            return outputs
        raw = jax.vmap(self._scale.of_output)(state.target_normalizer_state, outputs)
        return jnp.where(jnp.asarray(self.scaled), raw, outputs)

    def of_targets(
        self, state: Any, targets: Float[Array, " heads"], told: Bool[Array, " heads"]
    ) -> tuple[Float[Array, " heads"], dict[str, Any]]:
        """The targets in units of their spread, and the field with the statistics that hold those
        `told`; those of the others are as they were."""
        if self.normalizer is None:
            return targets, {}
        told, before = told & jnp.asarray(self.scaled), state.target_normalizer_state
        scaled, after = jax.vmap(self._scale.of_target)(before, targets)
        return jnp.where(told, scaled, targets), _field(where_heads(told, after, before))

    @property
    def _scale(self) -> TargetScale:
        return TargetScale(self.normalizer)


def _field(statistics: Any) -> dict[str, Any]:
    return {"target_normalizer_state": statistics}
