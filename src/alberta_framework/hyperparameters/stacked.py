"""Many components of one structure as one."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.boundary import strong


def stacked(components: Sequence[Any]) -> Any:
    """Components of one structure as one, every number strong and with a leading axis."""
    # Converted once, and not component by component, of which there may be thousands.
    return jax.tree.map(np.asarray, strong(jax.tree.map(_stack, *components)))


def _stack(*leaves: Any) -> Any:
    arrays = any(isinstance(leaf, jax.Array) for leaf in leaves)
    return jnp.stack(leaves) if arrays else np.stack(leaves)
