"""Accumulating traces."""

from typing import Any

import jax

from ..components.numbers import f32
from .abstract import AbstractTrace


class Accumulating(AbstractTrace):
    r"""z <- decay z + gradient.

    Source: Sutton and Barto (2018), eq. 12.5.
    """

    def _updated(self, trace: Any, gradient: Any, decay: Any) -> Any:
        return jax.tree.map(lambda z, g: f32(decay) * z + g, trace, gradient)
