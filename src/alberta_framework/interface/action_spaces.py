"""What an agent may do: one of so many actions, or numbers in a box."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..components.ranges import require_count


class DiscreteActions(eqx.Module):
    """The actions 0 to n - 1, each an int32 number.

    **Raises:** `ValueError` unless `n` is an integer >= 1.
    """

    n: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("DiscreteActions", "n", self.n)

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    @property
    def dtype(self) -> Any:
        return jnp.int32

    def sample(self, key: PRNGKeyArray) -> Int[Array, ""]:
        """An action drawn uniformly."""
        return jr.randint(key, (), 0, self.n, jnp.int32)

    def contains(self, action: Any) -> Bool[Array, ""]:
        """Whether there is such an action."""
        action = jnp.asarray(action)
        return (action >= 0) & (action < self.n)


class BoxActions(eqx.Module):
    """Float32 actions of a shape, each number between a low and a high one, which are included.

    **Arguments:** `low`, `high`: finite numbers, or arrays of `shape`; `low` < `high`.

    **Raises:** `ValueError` for bounds that are none.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    # Bounds are what a space is, not numbers that a sweep varies; arrays cannot be static.
    _low: tuple[float, ...] = eqx.field(static=True)
    _high: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, shape: int | tuple[int, ...] = (), low: Any = -1.0, high: Any = 1.0):
        self.shape = (int(shape),) if isinstance(shape, int) else tuple(int(n) for n in shape)
        self._low, self._high = self._bound("low", low), self._bound("high", high)

    def __check_init__(self):
        if not all(a < b for a, b in zip(self._low, self._high, strict=True)):
            raise ValueError(
                f"BoxActions: `low` must lie below `high`, got {self._low} and {self._high}."
            )

    def _bound(self, name: str, value: Any) -> tuple[float, ...]:
        try:
            found = np.broadcast_to(np.asarray(value, np.float64), self.shape)
        except (TypeError, ValueError):
            found = np.asarray(np.nan)
        if not np.all(np.isfinite(found)):
            raise ValueError(
                f"BoxActions: `{name}` must be finite numbers of shape {self.shape}, got {value!r}."
            )
        return tuple(found.ravel().tolist())

    @property
    def size(self) -> int:
        """How many numbers an action has."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return jnp.float32

    @property
    def low(self) -> Float[np.ndarray, "..."]:
        return np.reshape(np.asarray(self._low, np.float32), self.shape)

    @property
    def high(self) -> Float[np.ndarray, "..."]:
        return np.reshape(np.asarray(self._high, np.float32), self.shape)

    def sample(self, key: PRNGKeyArray) -> Float[Array, "..."]:
        """An action drawn uniformly."""
        return jr.uniform(key, self.shape, jnp.float32, self.low, self.high)

    def contains(self, action: Any) -> Bool[Array, ""]:
        """Whether every number of the action lies within its bounds."""
        action = jnp.asarray(action)
        return jnp.all((action >= self.low) & (action <= self.high))


ActionSpace = DiscreteActions | BoxActions


def require_suited(owner: str, own: ActionSpace, offered: ActionSpace) -> None:
    """Check that what an agent can do is what can be done in an environment.

    Of numbered actions an agent may have fewer, and takes the first.

    **Raises:** `ValueError` that names both.
    """
    same_kind = type(own) is type(offered)
    fewer = same_kind and isinstance(own, DiscreteActions) and own.n <= getattr(offered, "n", 0)
    if not fewer and own != offered:
        raise ValueError(
            f"{owner}: the agent acts in {own}, which does not suit {offered} of the environment."
        )


def blank_action(space: ActionSpace) -> jax.Array:
    """An array that has the shape and the dtype of an action."""
    return jnp.zeros(space.shape, space.dtype)
