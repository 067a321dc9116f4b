"""Exact traces below shared heads: one trace of the whole trunk for each head."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..components.numbers import f32
from ..networks import MLPParams, interleaved


class TrunkTraces(eqx.Module):
    r"""The traces E_i of all heads i, as a step finds them and as it leaves them.

        E_i <- d_i E_i + grad_trunk p_i

    A step needs three things of them: the sum of their new values, weighted by the errors; how
    large the step of each head is; and, once it is judged, the new values themselves. None of it
    holds a second copy of them, which are the largest thing in a state: the sum is taken of the
    old values and of one more backward pass.

    **Arguments:** `before`: for each tensor of the trunk its traces [heads, ...]; `gradients` of
    the heads' predictions, alike; `decays` d_i, 1 of a head that does not move; `seen`: which heads
    add their gradient. `backward`: from a gradient of the trunk's outputs to one of its parameters.
    """

    before: tuple[Float[Array, "heads ..."], ...]
    gradients: tuple[Float[Array, "heads ..."], ...]
    decays: Float[Array, " heads"]
    seen: Float[Array, " heads"]
    head_weights: Float[Array, "heads hidden"]
    backward: Callable[[Array], tuple[MLPParams]]

    @classmethod
    def of(cls, before: tuple, head_weights: Array, backward: Callable, how: Any) -> "TrunkTraces":
        """Those of a step in which the heads take part as `how` says."""
        gradients = jax.vmap(lambda w: interleaved(backward(w)[0]))(head_weights)
        still = jnp.asarray(how.frozen)
        return cls(
            before=before,
            gradients=gradients,
            decays=jnp.where(still, 1.0, how.trace_decays),
            seen=f32(how.seen & ~still),
            head_weights=head_weights,
            backward=backward,
        )

    def weighted(self, errors: Float[Array, " heads"]) -> tuple[Array, ...]:
        """For each tensor the sum over heads of their errors times their new traces."""
        (now,) = self.backward((errors * self.seen) @ self.head_weights)
        past = [jnp.tensordot(errors * self.decays, traces, 1) for traces in self.before]
        return tuple(p + g for p, g in zip(past, interleaved(now), strict=True))

    def sizes(self, step_sizes: tuple[Array, ...]) -> Float[Array, " heads"]:
        """For each head the 1-norm of its new trace, each number times its step size."""
        sums = f32(0.0)
        for new, of_tensor in zip(self._after(), step_sizes, strict=True):
            sizes = jnp.abs(new) * jnp.broadcast_to(of_tensor, new.shape)
            sums = sums + jnp.sum(sizes, tuple(range(1, new.ndim)))
        return jnp.broadcast_to(sums, self.seen.shape)

    def after(self, accepted: Bool[Array, ""]) -> tuple[Array, ...]:
        """The traces after a step, of which we know whether it was accepted."""
        pairs = zip(self._after(), self.before, strict=True)
        return tuple(jnp.where(accepted, new, old) for new, old in pairs)

    def _after(self) -> list[Array]:
        def by_head(numbers: Array, of: Array) -> Array:
            return jnp.reshape(numbers, (-1,) + (1,) * (of.ndim - 1))

        pairs = zip(self.before, self.gradients, strict=True)
        return [by_head(self.decays, z) * z + by_head(self.seen, z) * g for z, g in pairs]
