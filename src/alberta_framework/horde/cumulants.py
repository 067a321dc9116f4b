"""Which number each demon predicts the sum of."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..components.numbers import f32
from .gvf import HordeSpec


def cumulants_of(
    where: str, spec: HordeSpec, cumulants: Any, signals: Any
) -> Float[Array, " demons"]:
    """The cumulant of each demon: its signal where it names one and there are signals, else its
    entry of `cumulants`.

    **Raises:** `ValueError` where a demon has neither.
    """
    indices = np.asarray(spec.cumulant_indices)
    if signals is None:
        if cumulants is None:
            raise ValueError(f"{where}: `cumulants` is None and there are no `signals`.")
        return f32(cumulants)
    if indices.max() >= signals.shape[0]:
        raise ValueError(
            f"{where}: `signals` has {signals.shape[0]} entries, but a demon has "
            f"`cumulant_index` {indices.max()}."
        )
    if cumulants is None:
        if (indices < 0).any():
            unserved = spec.names[int(np.argmax(indices < 0))]
            raise ValueError(
                f"{where}: `cumulants` is None, but the demon {unserved!r} has `cumulant_index` -1."
            )
        return f32(signals)[indices]
    return jnp.where(indices >= 0, f32(signals)[np.maximum(indices, 0)], f32(cumulants))
